#ifndef IMGXFER_EXPORTEXTRA_H_
#define IMGXFER_EXPORTEXTRA_H_

#include "imgxfer/exportrun.h"

/*
 * What imgexport leaves out, as one archive of GNU tar, compressed with
 * zstd: image export --complete.
 */

/*
 * All that is left out is to be carried: directories get the files in them
 * listed behind them.  pkgdir, the copy of the distribution, is not carried.
 */
int exportextra_list(struct exportplan *p, struct remote *r, struct err *e);

/*
 * Fetch what s->left tells is carried into a file, as the archive beside a
 * bundle of that base name, and read it back: each file has the digest that
 * the node has told.  Sets s->extra.  ERR_DAMAGED when one has not.
 */
int exportextra_fetch(const struct exportnode *n, struct sidecar *s,
    const char *bundle, int fd, struct err *e);

/*
 * A file without a name for it, in $TMPDIR or /var/tmp: on disk, as large as
 * what is carried, and gone with the descriptor that is returned.
 */
int exportextra_temp(struct err *e);

#endif
