#ifndef BACKUP_MERGE_H_
#define BACKUP_MERGE_H_

#include "backup/pool.h"
#include "backup/walk.h"
#include "formats/snapshot.h"

/*
 * One volume: the tree as it is, merged with the last catalog.  What is
 * unchanged is taken over as text, whole leaves by their ids; the rest is
 * read by the pool; the new catalog is written in order.
 */
struct merge_options {
	struct walk_options walk;
	int force_read;		/* read every file */
	int ignore_inode, ignore_ctime;
};

/*
 * v: path and source are set; root, depth and totals are filled in.  old:
 * the same volume in an older snapshot, or NULL.  Contents are with the
 * pool and catalog blobs with its sink when this returns 0; neither is
 * durable yet.
 */
int merge_volume(struct pool *p, const struct merge_options *opt,
    struct snapshot_volume *v, const struct snapshot_volume *old,
    struct err *e);

#endif
