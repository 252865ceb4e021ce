#include <stdio.h>
#include <string.h>

#include "vault/bloblist.h"

void
bloblist_init(struct bloblist *l, tree_put_fn *put, void *arg)
{
	memset(l, 0, sizeof(*l));
	l->put = put;
	l->arg = arg;
}

void
bloblist_fini(struct bloblist *l)
{
	if (l->in_tree)
		tree_writer_fini(&l->tree);
	l->in_tree = 0;
	buf_fini(&l->ids);
	buf_fini(&l->lens);
}

static int
add_to_tree(struct bloblist *l, const uint8_t id[DIGEST_LEN], uint32_t len,
    struct err *e)
{
	char label[16];
	int n;

	n = snprintf(label, sizeof(label), "%u", len);
	return (tree_writer_add(&l->tree, id, label, (size_t)n, e));
}

/* Too many for one line of the catalog. */
static int
move_to_tree(struct bloblist *l, struct err *e)
{
	struct scan s = { (const char *)l->ids.data,
	    (const char *)l->ids.data + l->ids.len };
	uint8_t id[DIGEST_LEN];
	uint32_t len;
	size_t i;

	tree_writer_init(&l->tree, TREE_LIST, l->put, l->arg);
	l->in_tree = 1;
	for (i = 0; mtree_next_blob(&s, id); i++) {
		memcpy(&len, l->lens.data + i * sizeof(len), sizeof(len));
		if (add_to_tree(l, id, len, e) == -1)
			return (-1);
	}
	return (0);
}

int
bloblist_add(struct bloblist *l, const uint8_t id[DIGEST_LEN], uint32_t len,
    struct err *e)
{
	l->bytes += len;
	if (!l->in_tree && l->n == ENTRY_INLINE_BLOBS &&
	    move_to_tree(l, e) == -1)
		return (-1);
	l->n++;
	if (l->in_tree)
		return (add_to_tree(l, id, len, e));
	if (l->n > 1)
		buf_putc(&l->ids, ' ');
	digest_put(&l->ids, id);
	buf_append(&l->lens, &len, sizeof(len));
	if (buf_ok(&l->ids, e) == -1)
		return (-1);
	return (buf_ok(&l->lens, e));
}

int
bloblist_finish(struct bloblist *l, struct entry *ent, struct err *e)
{
	ent->size = l->bytes;
	if (l->in_tree)
		return (tree_writer_finish(&l->tree, 1, ent->list,
		    &ent->list_depth, e));
	if (l->n < 2)
		return (0);
	ent->blobs.p = (const char *)l->ids.data;
	ent->blobs.len = l->ids.len;
	return (0);
}
