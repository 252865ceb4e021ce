#include <stdlib.h>
#include <string.h>

#include "vault/content.h"
#include "vault/fetch.h"
#include "vault/tree.h"

/*
 * Pieces of a large file lie in the frames of the threads that stored it, by
 * turns.  With more threads than this, frames are decoded twice.
 */
#define FRAMES_KEPT 8

struct content {
	struct fetch *fetch;
	struct digest *digest;	/* of a file of more than one blob */
};

/* One file being given out. */
struct giving {
	const struct entry *ent;
	uint64_t done;		/* bytes given */
	content_fn *fn;
	void *arg;
};

struct content *
content_new(struct vault *v, struct index *ix, struct err *e)
{
	struct content *c;

	if ((c = calloc(1, sizeof(*c))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	if ((c->digest = digest_new()) == NULL)
		err_nomem(e);
	else if ((c->fetch = fetch_new(v, ix, FRAMES_KEPT, e)) != NULL)
		return (c);
	content_free(c);
	return (NULL);
}

void
content_limit(struct content *c, size_t frames)
{
	fetch_limit(c->fetch, frames);
}

void
content_free(struct content *c)
{
	if (c == NULL)
		return;
	fetch_free(c->fetch);
	digest_free(c->digest);
	free(c);
}

static int
wrong_length(struct err *e)
{
	return (err_set(e, ERR_DAMAGED, "its blobs do not have the length "
	    "in the catalog"));
}

/* Give one blob, of want bytes if want is not 0. */
static int
give_blob(struct content *c, struct giving *g, const uint8_t id[DIGEST_LEN],
    uint64_t want, struct err *e)
{
	const uint8_t *p;
	size_t len;

	if (fetch_blob(c->fetch, PACK_DATA, id, &p, &len, e) == -1)
		return (-1);
	if (len > g->ent->size - g->done || (want != 0 && len != want))
		return (wrong_length(e));
	if (g->ent->blobs.len > 0 || g->ent->list_depth > 0)
		digest_update(c->digest, p, len);
	g->done += len;
	return (g->fn(g->arg, p, len, e));
}

static int
give_list(struct content *c, struct giving *g, struct err *e)
{
	uint8_t id[DIGEST_LEN];
	struct tree_reader *r;
	uint64_t bytes;
	int rc;

	r = tree_reader_new(c->fetch, TREE_LIST, g->ent->list,
	    g->ent->list_depth, e);
	if (r == NULL)
		return (-1);
	while ((rc = tree_reader_next(r, id, &bytes, e)) == 1)
		if (give_blob(c, g, id, bytes, e) == -1) {
			rc = -1;
			break;
		}
	tree_reader_free(r);
	return (rc);
}

static int
give_blobs(struct content *c, struct giving *g, struct err *e)
{
	struct scan s = mtree_scan(&g->ent->blobs);
	uint8_t id[DIGEST_LEN];

	while (s.p < s.end) {
		if (!mtree_next_blob(&s, id))
			return (err_set(e, ERR_DAMAGED, "bad list of blobs"));
		if (give_blob(c, g, id, 0, e) == -1)
			return (-1);
	}
	return (0);
}

int
content_read(struct content *c, const struct entry *ent, content_fn *fn,
    void *arg, struct err *e)
{
	struct giving g = { ent, 0, fn, arg };
	uint8_t got[DIGEST_LEN];

	/* A file of one blob has its id for digest. */
	if (ent->blobs.len == 0 && ent->list_depth == 0) {
		if (ent->size == 0)
			return (0);
		return (give_blob(c, &g, ent->digest, ent->size, e));
	}
	digest_reset(c->digest);
	if ((ent->list_depth > 0 ? give_list(c, &g, e) :
	    give_blobs(c, &g, e)) == -1)
		return (-1);
	if (g.done != ent->size)
		return (wrong_length(e));
	digest_final(c->digest, got);
	if (memcmp(got, ent->digest, DIGEST_LEN) != 0)
		return (err_set(e, ERR_DAMAGED, "its blobs together do not "
		    "have the digest in the catalog"));
	return (0);
}
