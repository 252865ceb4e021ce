#ifndef VAULT_BLOBLIST_H_
#define VAULT_BLOBLIST_H_

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "formats/mtree.h"
#include "vault/tree.h"

/*
 * The ids of one file's blobs, in order: in a line of its entry while they
 * are few, in a tree when they are more.
 */
struct bloblist {
	struct buf ids;		/* "HEX HEX ..." while they are few */
	struct buf lens;	/* their lengths as uint32_t */
	size_t n;
	uint64_t bytes;		/* of all blobs listed */
	struct tree_writer tree;
	int in_tree;
	tree_put_fn *put;	/* where the tree's nodes go */
	void *arg;
};

void bloblist_init(struct bloblist *l, tree_put_fn *put, void *arg);
void bloblist_fini(struct bloblist *l);

int bloblist_add(struct bloblist *l, const uint8_t id[DIGEST_LEN],
    uint32_t len, struct err *e);

/*
 * The file is at its end: set size, and blobs or list, of its entry.  Blobs
 * are the list's own until bloblist_fini().
 */
int bloblist_finish(struct bloblist *l, struct entry *ent, struct err *e);

#endif
