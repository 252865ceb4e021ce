#ifndef BACKUP_BACKUP_H_
#define BACKUP_BACKUP_H_

#include "base/cli.h"

/*
 * The commands that write a vault, and those that look after sites.  argv[0]
 * is the command's name; each returns the program's exit status, having
 * printed what there is to say.
 */
int init_main(struct cli *cli, int argc, char **argv);
int backup_main(struct cli *cli, int argc, char **argv);
int site_main(struct cli *cli, int argc, char **argv);
int dump_main(struct cli *cli, int argc, char **argv);
int serve_main(struct cli *cli, int argc, char **argv);

/* How they are called, for cli_usage(). */
#define INIT_USAGE "init [DIR]"
#define BACKUP_USAGE \
	"backup SITE... | --all [--accept-row-loss]" BACKUP_USAGE_BOTH "\n" \
	"backup --volume DIR[=PATH]... [--site NAME]" BACKUP_USAGE_BOTH
#define BACKUP_USAGE_BOTH \
	"\n [--exclude GLOB]... [--one-file-system] [--force-read]\n" \
	" [--ignore-inode] [--ignore-ctime] [--threads N]"
#define SITE_USAGE \
	"site list\n" \
	"site trust SITE [--yes | --fingerprint FINGERPRINT]\n" \
	"site probe SITE [--sizes]"
#define DUMP_USAGE "dump check DIR"
#define SERVE_USAGE "serve [--append-only] DIR"

#endif
