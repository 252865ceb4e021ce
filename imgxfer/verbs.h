#ifndef IMGXFER_VERBS_H_
#define IMGXFER_VERBS_H_

#include "base/cli.h"
#include "imgxfer/imgxfer.h"

/*
 * What "image" does, by its first word; as image_main(), argv[0] being
 * "xcatvault" and the word taken out.
 */
int imglist_main(struct cli *cli, int argc, char **argv);
int imgexport_main(struct cli *cli, int argc, char **argv);
int imginspect_main(struct cli *cli, int argc, char **argv);
int imgimport_main(struct cli *cli, int argc, char **argv);
int imgcopy_main(struct cli *cli, int argc, char **argv);
int imgready_main(struct cli *cli, int argc, char **argv);
int imgkeep_main(struct cli *cli, int argc, char **argv);

#endif
