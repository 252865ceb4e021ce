#ifndef VAULT_TREE_H_
#define VAULT_TREE_H_

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "formats/treenode.h"
#include "vault/fetch.h"

/*
 * Lists of blob ids too long for one place: nodes of id lines, themselves
 * cut by content into blobs, up to one root; xcatvault-vault(5), "Trees".
 */
enum tree_kind {
	TREE_CATALOG,	/* labels are paths of first entries */
	TREE_LIST,	/* labels are numbers of content bytes */
};

/* Stores a node; fills in its id. */
typedef int tree_put_fn(void *arg, const void *p, size_t len,
    uint8_t id[DIGEST_LEN], struct err *e);

struct tree_level {
	struct buf text;	/* the node being filled */
	struct buf label;	/* of its first line (TREE_CATALOG) */
	uint64_t sum;		/* of its lines (TREE_LIST) */
	uint64_t lines;		/* since the level was begun */
	uint8_t last[DIGEST_LEN];	/* child added last */
};

struct tree_writer {
	enum tree_kind kind;
	tree_put_fn *put;
	void *arg;
	struct tree_level levels[TREENODE_DEPTH_MAX];
};

void tree_writer_init(struct tree_writer *t, enum tree_kind kind,
    tree_put_fn *put, void *arg);
void tree_writer_fini(struct tree_writer *t);

/* Add a leaf: its id and its label (catalog text, or decimal bytes). */
int tree_writer_add(struct tree_writer *t, const uint8_t id[DIGEST_LEN],
    const char *label, size_t len, struct err *e);

/*
 * Store what is left and give the root.  depth 0: there was one leaf, which
 * is its own root; with at_least 1, that leaf still gets a node above it.
 */
int tree_writer_finish(struct tree_writer *t, uint32_t at_least,
    uint8_t root[DIGEST_LEN], uint32_t *depth, struct err *e);

/* Reading: leaf ids in order. */
struct tree_reader;

struct tree_reader *tree_reader_new(struct fetch *f, enum tree_kind kind,
    const uint8_t root[DIGEST_LEN], uint32_t depth, struct err *e);
void tree_reader_free(struct tree_reader *r);

/*
 * TREE_CATALOG, before the first tree_reader_next(): start with the leaf
 * that would hold the path.
 */
int tree_reader_seek(struct tree_reader *r, const char *path, size_t len,
    struct err *e);

/*
 * Next leaf.  1 with its id and, for TREE_LIST, its length in *bytes (0 for
 * a leaf that is its own root); 0 at the end; -1: a node could not be read:
 * its leaves are lost, and the next call goes on behind them.
 */
int tree_reader_next(struct tree_reader *r, uint8_t id[DIGEST_LEN],
    uint64_t *bytes, struct err *e);

#endif
