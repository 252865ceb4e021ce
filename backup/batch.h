#ifndef BACKUP_BATCH_H_
#define BACKUP_BATCH_H_

#include <stdint.h>
#include <sys/queue.h>

#include "backup/links.h"
#include "backup/walk.h"
#include "base/arena.h"
#include "formats/mtree.h"
#include "vault/catalog.h"

/*
 * A run of consecutive catalog entries on their way from the merge to the
 * catalog: the merge's thread fills it, a worker reads the contents that
 * are wanted, the merge's thread writes the entries down in order.
 */
#define BATCH_ITEMS 1024	/* in one batch, at most */
#define BATCH_WORK 512		/* of them to be read */
#define BATCH_BYTES (4 << 20)	/* of contents to be read, about */
#define BATCH_LARGE (8 << 20)	/* a file of this size ends its batch */

enum item_kind {
	ITEM_LEAF,	/* a whole old leaf, unchanged */
	ITEM_TEXT,	/* unchanged entries of an old leaf */
	ITEM_READY,	/* an entry that needs no reading */
	ITEM_READ,	/* an entry whose contents or attributes are wanted */
};

enum item_change { ITEM_SAME, ITEM_NEW, ITEM_CHANGED };

struct item {
	enum item_kind kind;
	enum item_change change;
	int failed;		/* not to be written down */
	struct span text;	/* ITEM_TEXT, ITEM_LEAF: the entries */
	struct span last;	/* ITEM_LEAF: path of the last entry */
	struct span first;	/* ITEM_LEAF: and of the first */
	struct catalog_leaf *leaf;	/* ITEM_LEAF */
	struct entry ent;	/* ITEM_READY, ITEM_READ; spans in the arena */
	const char *name;	/* ITEM_READ: raw, within dir; of a node:
				   within the volume */
	struct walk_dir *dir;	/* ITEM_READ: counted; NULL: the volume */
	struct walk_stat st;
	int probe;		/* ITEM_READ: ask for its digest first */
	int read;		/* ITEM_READ: done, failed or not */
	struct link_set *set;	/* counted, or NULL */
	int leads;		/* first of its set */
};

struct batch {
	TAILQ_ENTRY(batch) link;	/* pool's list, in order */
	struct item *items;
	size_t n;
	size_t work;		/* items of kind ITEM_READ */
	uint64_t bytes;		/* they hold */
	size_t kept;		/* text of whole leaves */
	struct arena arena;	/* the merge's until submitted, then the
				   worker's, then the merge's again */
	int volume;		/* descriptor of the volume's root */
	const char *root;	/* of a node: the volume there; else NULL */
	int done;		/* under the pool's lock */
	size_t ahead;		/* next item to prefetch; pool's lock */
	unsigned prefetching;	/* threads at it; pool's lock */
	int pending;		/* parts of the work not yet done; atomic */
};

/* volume: -1 for one of a node, which root names; kept by reference. */
struct batch *batch_new(int volume, const char *root);

/* Lets go of directories, leaves and link sets: the merge's thread. */
void batch_free(struct batch *b);

/* The next item, all zero. */
struct item *batch_add(struct batch *b, enum item_kind kind);

/* Whether no further item should go in. */
int batch_full(const struct batch *b);

#endif
