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

#endif
