#ifndef REMOTE_NODE_LISTING_H_
#define REMOTE_NODE_LISTING_H_

#include <stddef.h>

#include "base/err.h"
#include "formats/walkent.h"

/*
 * A node's tree as GNU find lists it, brought into catalog order.  What does
 * not fit into LISTING_BYTES of memory is sorted in runs that rest in an
 * unlinked temporary file.
 */
#define LISTING_BYTES ((size_t)24 << 20)

/*
 * What find, begun at "." or "./...", is to print for each entry; records
 * end in a NUL.
 */
#define LISTING_FORMAT \
	"%y %m %U %G %i %n %s %D %T@ %C@ %p\\0"

struct listing;

/* opt: excludes are applied; the rest is find's affair.  Kept by reference. */
struct listing *listing_new(const struct walk_options *opt, struct err *e);
void listing_free(struct listing *l);

/* Take what find printed, in pieces of any size. */
int listing_feed(struct listing *l, const void *p, size_t len,
    struct err *e);

/* find has ended: bring the entries into order. */
int listing_finish(struct listing *l, struct err *e);

/* Entries taken so far; none means that find did not even list the root. */
size_t listing_count(const struct listing *l);

/*
 * Next entry: 1, 0 at the end, -1.  ent->name is the raw path ("./a/b"),
 * ent->dir NULL; st: blocks, major and minor are not known.
 */
int listing_next(struct listing *l, struct walk_entry *ent, struct err *e);

#endif
