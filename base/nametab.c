#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/nametab.h"

/* The name lies behind the value. */
struct nametab_item {
	UT_hash_handle hh;
	alignas(max_align_t) unsigned char value[];
};

void *
nametab_find(const struct nametab *t, const void *name, size_t len)
{
	struct nametab_item *it = NULL;

	HASH_FIND(hh, t->items, name, len, it);
	return (it != NULL ? it->value : NULL);
}

void *
nametab_add(struct nametab *t, const void *name, size_t len, size_t size)
{
	struct nametab_item *it;
	size_t all;

	if (__builtin_add_overflow(size, len, &all) ||
	    __builtin_add_overflow(all, sizeof(*it), &all) ||
	    (it = calloc(1, all)) == NULL)
		return (NULL);
	if (len > 0)
		memcpy(it->value + size, name, len);
	HASH_ADD_KEYPTR(hh, t->items, it->value + size, len, it);
	/* Whether memory sufficed for the table shows in the item's handle. */
	if (it->hh.tbl == NULL) {
		free(it);
		return (NULL);
	}
	t->n++;
	return (it->value);
}

void
nametab_fini(struct nametab *t)
{
	struct nametab_item *it, *next;

	HASH_ITER(hh, t->items, it, next) {
		HASH_DEL(t->items, it);
		free(it);
	}
	memset(t, 0, sizeof(*t));
}
