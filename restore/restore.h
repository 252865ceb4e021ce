#ifndef RESTORE_RESTORE_H_
#define RESTORE_RESTORE_H_

#include "base/cli.h"

/*
 * The commands that read a vault.  argv[0] is the command's name; each
 * returns the program's exit status, having printed what there is to say.
 */
int list_main(struct cli *cli, int argc, char **argv);
int ls_main(struct cli *cli, int argc, char **argv);
int find_main(struct cli *cli, int argc, char **argv);
int cat_main(struct cli *cli, int argc, char **argv);
int diff_main(struct cli *cli, int argc, char **argv);
int verify_main(struct cli *cli, int argc, char **argv);
int restore_main(struct cli *cli, int argc, char **argv);
int undo_main(struct cli *cli, int argc, char **argv);
int drill_main(struct cli *cli, int argc, char **argv);
int export_main(struct cli *cli, int argc, char **argv);

/* How they are called, for cli_usage(). */
#define LIST_USAGE "list [--site SITE]"
#define LS_USAGE "ls SNAP [PATH] [-l | --long] [-R | --recursive] [--mtree]"
#define FIND_USAGE "find SNAP PATTERN [-l | --long]"
#define CAT_USAGE "cat SNAP PATH"
#define DIFF_USAGE "diff SNAP SNAP [PATH | --db [TABLE]]"
#define VERIFY_USAGE \
	"verify [SNAP] [--read-data[=PERCENT]]\n" \
	"verify --osimages SNAP"
#define RESTORE_USAGE \
	"restore SNAP [PATH...] --to DIR\n" \
	" [--dry-run] [--exact] [--checksum]\n" \
	"restore SNAP [PATH...] --site SITE\n" \
	" [--dry-run] [--exact] [--checksum] [--keep-old] [--force]\n" \
	" [--without-database | --image NAME | [--table NAME,...]\n" \
	" [--rehome OLD=NEW]... [--on-start]]\n" \
	"restore SNAP --site SITE --database-only\n" \
	" [--table NAME,...]... [--rehome OLD=NEW]... [--on-start]\n" \
	" [--force] [--dry-run]\n" \
	"restore SNAP --compose [-o FILE | --output FILE]"
#define UNDO_USAGE "undo SITE [SNAP] [--force] [--dry-run]"
#define DRILL_USAGE "drill SNAP [--to DIR] [--keep] [--without-database]"
#define EXPORT_USAGE "export SNAP PATH [-o FILE | --output FILE]"

#endif
