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

#endif
