#ifndef RESTORE_SELECT_H_
#define RESTORE_SELECT_H_

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "formats/mtree.h"
#include "restore/view.h"

/*
 * Which entries of a snapshot are wanted: all, or those at and below the
 * paths that a user names, globs among them.
 */
struct selection {
	struct select_top *tops;	/* none lies below another */
	size_t n;
	int all;		/* whole volumes only, and all of them */
};

struct select_top {
	const struct snapshot_volume *volume;
	struct buf path;	/* catalog text of the top, "." for all */
};

/*
 * Look the paths up.  A path that the snapshot has is meant literally;
 * otherwise "*", "?" and "[" make it a glob, each match of which counts; and
 * otherwise it may lie behind symbolic links, which then count, too.
 * ERR_USAGE names a path that matches nothing.
 */
int select_paths(struct selection *sel, struct view *v, char **paths,
    size_t n, struct err *e);
void select_fini(struct selection *sel);

/* Whether an entry of a volume is among them. */
int select_covers(const struct selection *sel,
    const struct snapshot_volume *vol, const struct span *path);

#endif
