#ifndef VAULT_CATALOG_H_
#define VAULT_CATALOG_H_

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "formats/mtree.h"
#include "vault/commit.h"
#include "vault/fetch.h"
#include "vault/index.h"
#include "vault/vault.h"

/*
 * Catalogs: a volume's entries as a tree of leaf blobs of mtree text;
 * xcatvault-vault(5), "Catalog".
 */

/*
 * Where a run stores catalog blobs (leaves, nodes, lists of blobs): those
 * that the vault has are not stored again.  Any thread may put.
 */
struct catalog_sink;

struct catalog_sink *catalog_sink_new(struct vault *v, struct index *ix,
    struct committer *c, struct err *e);
int catalog_sink_put(void *sink, const void *p, size_t len,
    uint8_t id[DIGEST_LEN], struct err *e);
int catalog_sink_commit(struct catalog_sink *s, struct err *e);
void catalog_sink_free(struct catalog_sink *s);

/* Writing one catalog, in order.  One thread. */
struct catalog_writer;

struct catalog_writer *catalog_writer_new(struct catalog_sink *s,
    struct err *e);
void catalog_writer_free(struct catalog_writer *w);

/* Add one entry's text, whose path is given. */
int catalog_writer_add(struct catalog_writer *w, const struct span *text,
    const struct span *path, struct err *e);

/*
 * Add a whole leaf of an older catalog without storing it again.  1; 0 when
 * it would not be cut so here: then its entries must be added one by one.
 */
int catalog_writer_add_leaf(struct catalog_writer *w,
    const uint8_t id[DIGEST_LEN], size_t len, const struct span *first,
    const struct span *last, struct err *e);

int catalog_writer_finish(struct catalog_writer *w, uint8_t root[DIGEST_LEN],
    uint32_t *depth, struct err *e);

/* Reading. */
struct catalog_reader;

struct catalog_leaf {
	uint8_t id[DIGEST_LEN];
	struct buf text;
	struct err err;		/* kind ERR_NONE, or why the leaf is lost */
};

enum catalog_flags {
	CATALOG_PREFETCH = 1,	/* a thread of its own reads ahead */
};

/* seek: start at the leaf that would hold this path; NULL: at the first. */
struct catalog_reader *catalog_reader_new(struct vault *v, struct index *ix,
    const uint8_t root[DIGEST_LEN], uint32_t depth, const struct span *seek,
    int flags, struct err *e);
void catalog_reader_free(struct catalog_reader *r);

/*
 * Next leaf, the caller's to free with catalog_leaf_free(); NULL at the end.
 * A leaf that could not be read comes with its err set and no text.
 */
struct catalog_leaf *catalog_reader_leaf(struct catalog_reader *r);
void catalog_leaf_free(struct catalog_leaf *leaf);

/*
 * Next entry; its spans are valid until the next call.  1, 0 at the end, or
 * -1: some entries are lost or malformed, and the next call goes on behind
 * them.  Not to be mixed with catalog_reader_leaf().
 */
int catalog_reader_next(struct catalog_reader *r, struct entry *ent,
    struct err *e);

/*
 * Find one entry.  1 (spans valid as above), 0 when it is not there, -1.
 */
int catalog_find(struct catalog_reader *r, const struct span *path,
    struct entry *ent, struct err *e);

#endif
