#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/queue.h"
#include "formats/pathtext.h"
#include "vault/catalog.h"
#include "vault/idset.h"
#include "vault/pack.h"
#include "vault/tree.h"

#define LEAF_MIN 2048
#define LEAF_MAX 16384
#define LEAF_CUT 12		/* entries between cuts, about, past LEAF_MIN */
#define LEAF_READ_MAX BLOB_MAX
#define FRAMES_KEPT 32		/* decoded catalog frames */
#define LEAVES_AHEAD 32

struct catalog_sink {
	struct index *index;
	struct fetch *fetch;	/* to look at what there is */
	struct pack_writer *writer;
	struct idset *stored;	/* by this run */
	struct digest *digest;
	pthread_mutex_t lock;
};

struct catalog_sink *
catalog_sink_new(struct vault *v, struct index *ix, struct committer *c,
    struct err *e)
{
	struct catalog_sink *s;

	if ((s = calloc(1, sizeof(*s))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	pthread_mutex_init(&s->lock, NULL);
	s->index = ix;
	s->stored = idset_new();
	s->digest = digest_new();
	if (s->stored == NULL || s->digest == NULL)
		err_nomem(e);
	else if ((s->fetch = fetch_new(v, ix, FRAMES_KEPT, e)) != NULL &&
	    (s->writer = pack_writer_new(v, PACK_CATALOG, c, e)) != NULL)
		return (s);
	catalog_sink_free(s);
	return (NULL);
}

/*
 * Whether the vault has the blob.  Once any damage is known, only reading
 * it tells: a bad frame takes along blobs that nobody has marked yet.
 */
static int
has(struct catalog_sink *s, const uint8_t id[DIGEST_LEN], struct err *e)
{
	struct blob_loc loc;
	struct err ignored;
	const uint8_t *p;
	size_t len;
	int rc;

	rc = index_find(s->index, PACK_CATALOG, id, &loc, e);
	if (rc == 1 && index_damaged(s->index))
		rc = fetch_blob(s->fetch, PACK_CATALOG, id, &p, &len,
		    &ignored) == 0;
	return (rc);
}

static int
store_new(struct catalog_sink *s, const void *p, size_t len,
    const uint8_t id[DIGEST_LEN], struct err *e)
{
	uint8_t *to;
	int rc;

	if ((rc = has(s, id, e)) != 0)
		return (rc == 1 ? 0 : -1);
	if ((rc = idset_add(s->stored, id)) == -1)
		return (err_nomem(e));
	if (rc == 0)
		return (0);
	if (len > BLOB_MAX)
		return (err_set(e, ERR_FAILED, "catalog entry is longer than "
		    "%zu bytes", BLOB_MAX));
	if ((to = pack_writer_reserve(s->writer, len, e)) == NULL)
		return (-1);
	memcpy(to, p, len);
	return (pack_writer_add(s->writer, id, len, e));
}

int
catalog_sink_put(void *sink, const void *p, size_t len,
    uint8_t id[DIGEST_LEN], struct err *e)
{
	struct catalog_sink *s = sink;
	int rc;

	pthread_mutex_lock(&s->lock);
	digest_bytes(s->digest, p, len, id);
	rc = store_new(s, p, len, id, e);
	pthread_mutex_unlock(&s->lock);
	return (rc);
}

int
catalog_sink_commit(struct catalog_sink *s, struct err *e)
{
	/*
	 * Marks of bad copies go down first: a pack committed now may replace
	 * the damaged one of the same name, marks and all.
	 */
	fetch_free(s->fetch);
	s->fetch = NULL;
	return (pack_writer_commit(s->writer, e));
}

void
catalog_sink_free(struct catalog_sink *s)
{
	if (s == NULL)
		return;
	pack_writer_free(s->writer);
	fetch_free(s->fetch);
	idset_free(s->stored);
	digest_free(s->digest);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

struct catalog_writer {
	struct catalog_sink *sink;
	struct tree_writer tree;
	struct buf leaf;
	struct buf first;	/* path of the leaf's first entry */
};

struct catalog_writer *
catalog_writer_new(struct catalog_sink *s, struct err *e)
{
	struct catalog_writer *w;

	if ((w = calloc(1, sizeof(*w))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	w->sink = s;
	tree_writer_init(&w->tree, TREE_CATALOG, catalog_sink_put, s);
	return (w);
}

void
catalog_writer_free(struct catalog_writer *w)
{
	if (w == NULL)
		return;
	tree_writer_fini(&w->tree);
	buf_fini(&w->leaf);
	buf_fini(&w->first);
	free(w);
}

static int
leaf_ends(size_t len, const struct span *last)
{
	if (len < LEAF_MIN)
		return (0);
	return (len >= LEAF_MAX ||
	    (pathtext_hash(last->p, last->len) >> 32) % LEAF_CUT == 0);
}

static int
close_leaf(struct catalog_writer *w, struct err *e)
{
	uint8_t id[DIGEST_LEN];

	if (buf_ok(&w->leaf, e) == -1 || buf_ok(&w->first, e) == -1 ||
	    catalog_sink_put(w->sink, w->leaf.data, w->leaf.len, id,
	    e) == -1 ||
	    tree_writer_add(&w->tree, id, (const char *)w->first.data,
	    w->first.len, e) == -1)
		return (-1);
	buf_clear(&w->leaf);
	buf_clear(&w->first);
	return (0);
}

int
catalog_writer_add(struct catalog_writer *w, const struct span *text,
    const struct span *path, struct err *e)
{
	if (w->leaf.len == 0)
		buf_append(&w->first, path->p, path->len);
	buf_append(&w->leaf, text->p, text->len);
	return (leaf_ends(w->leaf.len, path) ? close_leaf(w, e) : 0);
}

int
catalog_writer_add_leaf(struct catalog_writer *w,
    const uint8_t id[DIGEST_LEN], size_t len, const struct span *first,
    const struct span *last, struct err *e)
{
	if (w->leaf.len > 0 || !leaf_ends(len, last))
		return (0);
	if (tree_writer_add(&w->tree, id, first->p, first->len, e) == -1)
		return (-1);
	return (1);
}

int
catalog_writer_finish(struct catalog_writer *w, uint8_t root[DIGEST_LEN],
    uint32_t *depth, struct err *e)
{
	if (w->leaf.len > 0 && close_leaf(w, e) == -1)
		return (-1);
	return (tree_writer_finish(&w->tree, 0, root, depth, e));
}

struct catalog_reader {
	struct fetch *fetch;
	struct tree_reader *tree;
	struct queue *queue;	/* leaves read ahead, or NULL */
	pthread_t thread;
	struct catalog_leaf *leaf;	/* of catalog_reader_next() */
	struct scan scan;
	struct buf last;	/* path of the entry before */
};

/* Read the next leaf; NULL at the end or when memory runs out. */
static struct catalog_leaf *
read_leaf(struct catalog_reader *r)
{
	struct catalog_leaf *leaf;
	const uint8_t *p;
	uint64_t bytes;
	size_t len;
	int rc;

	if ((leaf = calloc(1, sizeof(*leaf))) == NULL)
		return (NULL);
	rc = tree_reader_next(r->tree, leaf->id, &bytes, &leaf->err);
	if (rc == 0) {
		free(leaf);
		return (NULL);
	}
	if (rc == 1 && fetch_blob(r->fetch, PACK_CATALOG, leaf->id, &p, &len,
	    &leaf->err) == 0) {
		buf_append(&leaf->text, p, len);
		if (buf_ok(&leaf->text, &leaf->err) == 0)
			leaf->err.kind = ERR_NONE;
	}
	return (leaf);
}

static void *
read_ahead(void *arg)
{
	struct catalog_reader *r = arg;
	struct catalog_leaf *leaf;

	while ((leaf = read_leaf(r)) != NULL)
		if (queue_push(r->queue, leaf) == -1) {
			catalog_leaf_free(leaf);
			return (NULL);
		}
	queue_close(r->queue);
	return (NULL);
}

struct catalog_reader *
catalog_reader_new(struct vault *v, struct index *ix,
    const uint8_t root[DIGEST_LEN], uint32_t depth, const struct span *seek,
    int flags, struct err *e)
{
	struct catalog_reader *r;

	if ((r = calloc(1, sizeof(*r))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	if ((r->fetch = fetch_new(v, ix, FRAMES_KEPT, e)) == NULL ||
	    (r->tree = tree_reader_new(r->fetch, TREE_CATALOG, root, depth,
	    e)) == NULL)
		goto fail;
	if (seek != NULL &&
	    tree_reader_seek(r->tree, seek->p, seek->len, e) == -1)
		goto fail;
	if ((flags & CATALOG_PREFETCH) == 0)
		return (r);
	if ((r->queue = queue_new(LEAVES_AHEAD)) == NULL) {
		err_nomem(e);
		goto fail;
	}
	if (pthread_create(&r->thread, NULL, read_ahead, r) != 0) {
		queue_free(r->queue);
		r->queue = NULL;
		err_set(e, ERR_FAILED, "cannot start a thread");
		goto fail;
	}
	return (r);
fail:
	catalog_reader_free(r);
	return (NULL);
}

void
catalog_reader_free(struct catalog_reader *r)
{
	struct catalog_leaf *leaf;

	if (r == NULL)
		return;
	if (r->queue != NULL) {
		queue_close(r->queue);
		pthread_join(r->thread, NULL);
		while ((leaf = queue_try_pop(r->queue)) != NULL)
			catalog_leaf_free(leaf);
		queue_free(r->queue);
	}
	catalog_leaf_free(r->leaf);
	tree_reader_free(r->tree);
	fetch_free(r->fetch);
	buf_fini(&r->last);
	free(r);
}

struct catalog_leaf *
catalog_reader_leaf(struct catalog_reader *r)
{
	if (r->queue != NULL)
		return (queue_pop(r->queue));
	return (read_leaf(r));
}

void
catalog_leaf_free(struct catalog_leaf *leaf)
{
	if (leaf == NULL)
		return;
	buf_fini(&leaf->text);
	free(leaf);
}

/* Entries ascend: nothing comes twice, nothing outside its directory. */
static int
check_order(struct catalog_reader *r, const struct entry *ent, struct err *e)
{
	if (r->last.len > 0 && pathtext_compare((const char *)r->last.data,
	    r->last.len, ent->path.p, ent->path.len) >= 0)
		return (err_set(e, ERR_DAMAGED, "catalog: %.*s: out of order",
		    (int)(ent->path.len < 200 ? ent->path.len : 200),
		    ent->path.p));
	buf_clear(&r->last);
	buf_append(&r->last, ent->path.p, ent->path.len);
	return (buf_ok(&r->last, e));
}

int
catalog_reader_next(struct catalog_reader *r, struct entry *ent,
    struct err *e)
{
	int rc;

	for (;;) {
		if (r->leaf != NULL && r->scan.p < r->scan.end) {
			rc = mtree_decode(&r->scan, ent, e);
			if (rc == 1)
				rc = check_order(r, ent, e) == 0 ? 1 : -1;
			if (rc == -1)
				r->scan.p = r->scan.end;
			return (rc);
		}
		catalog_leaf_free(r->leaf);
		if ((r->leaf = catalog_reader_leaf(r)) == NULL)
			return (0);
		if (r->leaf->err.kind != ERR_NONE) {
			*e = r->leaf->err;
			r->scan.p = r->scan.end = NULL;
			return (-1);
		}
		r->scan.p = (const char *)r->leaf->text.data;
		r->scan.end = r->scan.p + r->leaf->text.len;
	}
}

int
catalog_find(struct catalog_reader *r, const struct span *path,
    struct entry *ent, struct err *e)
{
	int c, rc;

	while ((rc = catalog_reader_next(r, ent, e)) == 1) {
		c = pathtext_compare(ent->path.p, ent->path.len, path->p,
		    path->len);
		if (c == 0)
			return (1);
		if (c > 0)
			return (0);
	}
	return (rc);
}
