#ifndef IMGXFER_IMGXFER_H_
#define IMGXFER_IMGXFER_H_

#include "base/cli.h"

/*
 * The command that moves osimages.  argv[0] is the command's name; returns
 * the program's exit status, having printed what there is to say.
 */
int image_main(struct cli *cli, int argc, char **argv);

#endif
