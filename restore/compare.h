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

/*
 * Extended attributes: those of the lines and no others.  all: 0 for who
 * may not see those of root.  A label that the host gives to every file is
 * no difference when the snapshot has none.
 */
int compare_xattrs(int dirfd, const char *name, const struct span *lines,
    int all);

#endif
