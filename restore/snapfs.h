#ifndef RESTORE_SNAPFS_H_
#define RESTORE_SNAPFS_H_

#include <stddef.h>

#include "base/err.h"
#include "formats/mtree.h"
#include "restore/view.h"

/*
 * Paths of the management node looked up in a snapshot, as the node itself
 * would: symbolic links are followed from volume to volume, a bounded number
 * of times.  Meant for hundreds of lookups; each path is looked up in the
 * catalog once.  One thread.
 */
struct snapfs;

enum snapfs_what {
	SNAPFS_FILE,
	SNAPFS_DIR,
	SNAPFS_OTHER,		/* device, fifo */
	SNAPFS_MISSING,
	SNAPFS_OUTSIDE,		/* no volume holds that path */
	SNAPFS_LOOP,		/* too many symbolic links */
	SNAPFS_LOST,		/* that part of the catalog cannot be read */
};

struct snapfs_found {
	enum snapfs_what what;
	const char *path;	/* resolved as far as possible; raw */
	const struct snapshot_volume *vol;
	const struct entry *ent;	/* NULL: the catalog has none */
};

struct snapfs *snapfs_new(struct view *v, struct err *e);
void snapfs_free(struct snapfs *fs);

/*
 * Look up an absolute path; "." and ".." are as in a file system.  What is
 * found is the snapfs's and stays valid.  -1: memory, or the store is lost.
 */
int snapfs_look(struct snapfs *fs, const char *path, struct snapfs_found *f,
    struct err *e);

/*
 * Give the path of each symbolic link that has been followed so far; no part
 * of it but its last is a link itself.  Ends with what fn returns, if not 0.
 */
int snapfs_links(struct snapfs *fs, int (*fn)(void *arg, const char *path,
    struct err *e), void *arg, struct err *e);

/* Append a file's contents.  -1 also when it is longer than max. */
int snapfs_read(struct snapfs *fs, const struct snapfs_found *f, size_t max,
    struct buf *out, struct err *e);

/*
 * Whether all of a file's contents have a place in the vault: 1, 0, -1.
 * They are not read.
 */
int snapfs_whole(struct snapfs *fs, const struct snapfs_found *f,
    struct err *e);

/* Whether a directory has something in it: 1, 0, -1. */
int snapfs_has_entries(struct snapfs *fs, const struct snapfs_found *f,
    struct err *e);

/*
 * Whether something matches an absolute path with "*", "?" or "[": 1, 0,
 * -1.  Names that begin with "." match only such patterns.
 */
int snapfs_glob(struct snapfs *fs, const char *pattern, struct err *e);

#endif
