#ifndef RESTORE_COMPARE_H_
#define RESTORE_COMPARE_H_

#include <sys/stat.h>

#include "base/digest.h"
#include "formats/mtree.h"

/* Whether what the target has is what the snapshot says; 1 or 0. */

/* A file, by its size and modification time. */
int compare_quick(const struct entry *ent, const struct stat *st);

/* A file, by its bytes. */
int compare_contents(struct digest *d, int dirfd, const char *name,
    const struct entry *ent);

/* A symbolic link (target: raw), device or fifo, all but its metadata. */
int compare_other(const struct entry *ent, int dirfd, const char *name,
    const struct stat *st, const char *target);

/* Extended attributes: those of the lines, and no user's or ACL besides. */
int compare_xattrs(int dirfd, const char *name, const struct span *lines);

#endif
