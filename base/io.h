#ifndef BASE_IO_H_
#define BASE_IO_H_

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * System calls that finish what they started.  All retry on EINTR; "name"
 * is only for the message.
 */

/* Read up to len bytes, short only at end of file.  Bytes read, or -1. */
ssize_t io_read(int fd, void *p, size_t len);
ssize_t io_pread(int fd, void *p, size_t len, off_t off);

/* Write all of it.  0, or -1 with errno set. */
int io_write(int fd, const void *p, size_t len);
int io_pwrite(int fd, const void *p, size_t len, off_t off);

/* Read a whole file of at most max bytes, appending to out. */
int io_load(int dirfd, const char *name, size_t max, struct buf *out,
    struct err *e);

/*
 * Create or replace a file of mode 0600: written beside it, fsynced,
 * renamed over it, directory fsynced.  After a crash the old or the new
 * contents are there, never a mixture.
 */
int io_save(int dirfd, const char *name, const void *data, size_t len,
    struct err *e);

/* fsync(2), again when a signal came between. */
int io_fsync(int fd);

/* fsync a directory given by descriptor and relative name. */
int io_fsync_dir(int dirfd, const char *name, struct err *e);

/* mkdir(2) mode 0700 that is content with a directory already there. */
int io_mkdir(int dirfd, const char *name, struct err *e);

/* mkdir -p of an absolute or relative path, mode 0700. */
int io_mkdir_path(const char *path, struct err *e);

/* Raise the soft limit of open files to the hard one; returns the limit. */
size_t io_max_files(void);

#endif
