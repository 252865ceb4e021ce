#include <stdlib.h>

#include "backup/present.h"
#include "vault/fetch.h"
#include "vault/tree.h"

struct present {
	struct index *index;
	struct fetch *fetch;
};

struct present *
present_new(struct vault *v, struct index *ix, struct err *e)
{
	struct present *p;

	if ((p = calloc(1, sizeof(*p))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	p->index = ix;
	if ((p->fetch = fetch_new(v, ix, 4, e)) == NULL) {
		free(p);
		return (NULL);
	}
	return (p);
}

void
present_free(struct present *p)
{
	if (p == NULL)
		return;
	fetch_free(p->fetch);
	free(p);
}

static int
present_blob(struct present *p, const uint8_t id[DIGEST_LEN])
{
	struct blob_loc loc;
	struct err ignored;

	return (index_find(p->index, PACK_DATA, id, &loc, &ignored) == 1);
}

static int
present_list(struct present *p, const struct entry *ent)
{
	uint8_t id[DIGEST_LEN];
	struct tree_reader *t;
	struct err ignored;
	uint64_t bytes;
	int rc;

	t = tree_reader_new(p->fetch, TREE_LIST, ent->list, ent->list_depth,
	    &ignored);
	if (t == NULL)
		return (0);
	while ((rc = tree_reader_next(t, id, &bytes, &ignored)) == 1)
		if (!present_blob(p, id))
			break;
	tree_reader_free(t);
	return (rc == 0);
}

int
present_file(struct present *p, const struct entry *ent)
{
	struct scan s = mtree_scan(&ent->blobs);
	uint8_t id[DIGEST_LEN];

	if (ent->list_depth > 0)
		return (present_list(p, ent));
	if (ent->blobs.len == 0)
		return (ent->size == 0 || present_blob(p, ent->digest));
	while (s.p < s.end)
		if (!mtree_next_blob(&s, id) || !present_blob(p, id))
			return (0);
	return (1);
}
