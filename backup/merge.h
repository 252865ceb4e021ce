#ifndef BACKUP_MERGE_H_
#define BACKUP_MERGE_H_

#include "backup/pool.h"
#include "backup/volume.h"
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
 * v: path and source are set as in "from"; root, depth and totals are filled
 * in.  The source is a directory of this host, or of p->node.  old: the
 * same volume in an older snapshot, or NULL; doubt: its blobs may be gone.
 * Contents are with the pool and catalog blobs with its sink when this
 * returns 0; neither is durable yet.
 *
 * 1: the source was lost or the run cancelled (e says which).  What was
 * stored till then stands, and v is filled in with a catalog that tells of
 * it and, for the rest, repeats the old one: good to go on from, not to be
 * published.  The pool has ended then, as when this returns -1.
 */
int merge_volume(struct pool *p, const struct merge_options *opt,
    const struct backup_volume *from, struct snapshot_volume *v,
    const struct snapshot_volume *old, int doubt,
    struct err *e);

#endif
