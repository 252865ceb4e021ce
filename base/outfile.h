#ifndef BASE_OUTFILE_H_
#define BASE_OUTFILE_H_

#include "base/err.h"

/*
 * A large file for a user: written beside its name, mode 0600, and renamed
 * when it is whole and on disk.
 */
struct outfile;

/*
 * "-": standard output, which must not be a terminal (ERR_USAGE).  What is
 * there and no regular file (a device, a pipe) is written to as it is.
 */
struct outfile *outfile_new(const char *path, struct err *e);
int outfile_fd(const struct outfile *o);

/*
 * Several that belong together: all of it to disk, so that outfile_commit()
 * has only the name left to give.  Nothing can be written afterwards.
 */
int outfile_sync(struct outfile *o, struct err *e);

/* Remove what it is to replace, for good, if there is something. */
int outfile_clear(struct outfile *o, struct err *e);

/* Either of them frees o, also when the first one fails. */
int outfile_commit(struct outfile *o, struct err *e);
void outfile_abort(struct outfile *o);

#endif
