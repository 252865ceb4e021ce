#ifndef IMGXFER_EXPORTVAULT_H_
#define IMGXFER_EXPORTVAULT_H_

#include "imgxfer/exportargs.h"
#include "imgxfer/exportrun.h"

/*
 * image export without a file: an image that has been planned and checked,
 * made and carried into the vault, proved, and kept (imgxfer/imgkeep.h).
 * Says so, and returns the exit status; -1 when nothing was kept.
 */
int exportvault_run(struct exportrun *run, const struct exportargs *args,
    struct cli *cli, struct err *e);

#endif
