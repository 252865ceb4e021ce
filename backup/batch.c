#include <stdlib.h>
#include <string.h>

#include "backup/batch.h"

#define ARENA_BYTES (1 << 20)	/* text in one batch, about */

struct batch *
batch_new(int volume, const char *root)
{
	struct batch *b;

	if ((b = calloc(1, sizeof(*b))) == NULL)
		return (NULL);
	if ((b->items = malloc(BATCH_ITEMS * sizeof(*b->items))) == NULL) {
		free(b);
		return (NULL);
	}
	b->volume = volume;
	b->root = root;
	return (b);
}

void
batch_free(struct batch *b)
{
	size_t i;

	if (b == NULL)
		return;
	for (i = 0; i < b->n; i++) {
		walk_dir_unref(b->items[i].dir);
		catalog_leaf_free(b->items[i].leaf);
		link_set_unref(b->items[i].set);
	}
	arena_fini(&b->arena);
	free(b->items);
	free(b);
}

struct item *
batch_add(struct batch *b, enum item_kind kind)
{
	struct item *it = &b->items[b->n++];

	memset(it, 0, sizeof(*it));
	it->kind = kind;
	if (kind == ITEM_READ)
		b->work++;
	return (it);
}

int
batch_full(const struct batch *b)
{
	return (b->n == BATCH_ITEMS || b->work >= BATCH_WORK ||
	    b->bytes >= BATCH_BYTES || b->arena.total + b->kept >= ARENA_BYTES);
}
