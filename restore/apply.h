#ifndef RESTORE_APPLY_H_
#define RESTORE_APPLY_H_

#include <stdint.h>
#include <sys/stat.h>

#include "base/err.h"
#include "formats/mtree.h"

/*
 * Metadata of one restored entry.  What a user other than root may not set
 * (owners, trusted attributes) is left out for such a user.
 */
struct attributes {
	uint32_t mode;		/* 07777 */
	uint32_t uid, gid;
	int64_t mtime;
	uint32_t mtime_ns;
	struct span xattrs;	/* "#x" lines */
};

/* Who restores; fixed at the start. */
struct applier {
	uint32_t euid, egid;
};

void applier_init(struct applier *a);

/*
 * Everything on an open regular file or directory, the time last.  0; 1
 * when an attribute was refused (e says which) and the rest is set; -1.
 * fresh:
 * it was just made by this process with this mode (without set-id bits) and
 * inherited nothing, so that what is right already is not set again.
 */
int apply_fd(const struct applier *a, int fd, const struct attributes *at,
    int fresh, struct err *e);

/* Everything on an entry by name that must not be opened; likewise. */
int apply_at(const struct applier *a, int dirfd, const char *name,
    enum entry_type type, const struct attributes *at, struct err *e);

/*
 * Whether an existing entry needs no metadata set, as far as stat tells;
 * time: compare the modification time too.
 */
int apply_same(const struct applier *a, const struct stat *st,
    const struct attributes *at, int time);

#endif
