#ifndef IMGXFER_KEPTCMD_H_
#define IMGXFER_KEPTCMD_H_

#include "base/cli.h"
#include "imgxfer/imgkeep.h"

/*
 * What the image commands do with the vault where no node takes part.  All
 * print what there is to say and return the program's exit status.
 */

/* "image list" without a site: the images in the vault. */
int keptcmd_list(struct cli *cli);

/*
 * "image export" without a site: image, as kept_open() takes it, out of the
 * vault into a file; "-" is standard output.
 */
int keptcmd_export(struct cli *cli, const char *image, const char *output);

/*
 * What is said of an image that has been kept: a line, or an object, by way of
 * cli_tell().
 */
int keptcmd_tell_kept(const struct cli *cli, const char *image,
    const struct imgkeep_result *r, struct err *e);

#endif
