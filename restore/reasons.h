#ifndef RESTORE_REASONS_H_
#define RESTORE_REASONS_H_

#include "base/buf.h"
#include "base/nametab.h"

/*
 * What the commands of a node have said on standard error of single names, so
 * that a proof can tell why something is not as it should be.  Looking one up
 * takes the same time whatever else was said.  All zero is a valid empty one.
 */
#define REASONS_BYTES ((size_t)1 << 20)	/* more is not kept */

struct reasons {
	struct buf said;	/* whole lines */
	size_t known;		/* bytes of it that are in the table */
	struct nametab table;
};

void reasons_add(struct reasons *r, const struct buf *said);
void reasons_clear(struct reasons *r);
void reasons_fini(struct reasons *r);

/*
 * The first thing that was said ("tar: NAME: why", whoever "tar" is) of a
 * raw name, for people; replaces out.  NULL: nothing was.
 */
const char *reasons_of(struct reasons *r, const char *name, struct buf *out);

#endif
