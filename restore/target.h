#ifndef RESTORE_TARGET_H_
#define RESTORE_TARGET_H_

#include <stddef.h>

#include "base/err.h"

/*
 * A directory that nothing restored may leave.  Paths below it are raw,
 * relative, without "." and ".." (catalog paths are checked when decoded);
 * no symbolic link in them is ever followed.
 */

/* Make (mkdir -p) and open it; the path itself may go through links. */
int target_open_root(const char *path, int create, struct err *e);

/*
 * Open a directory below root, "" for root itself, as an O_PATH descriptor.
 * -1 with errno set: ELOOP or ENOTDIR when a link or a file stands in the
 * way.  Any thread may call.
 */
int target_open_dir(int root, const char *path);

#endif
