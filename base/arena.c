#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

#define BLOCK 65536

struct arena_block {
	struct arena_block *next;
	size_t size;
	alignas(max_align_t) unsigned char data[];
};

void *
arena_alloc(struct arena *a, size_t len)
{
	const size_t align = alignof(max_align_t);
	struct arena_block *b = a->blocks;
	size_t size, at = (a->used + align - 1) & ~(align - 1);

	if (b == NULL || at > b->size || len > b->size - at) {
		size = len > BLOCK ? len : BLOCK;
		if ((b = malloc(sizeof(*b) + size)) == NULL)
			return (NULL);
		b->size = size;
		b->next = a->blocks;
		a->blocks = b;
		at = 0;
	}
	a->used = at + len;
	a->total += len;
	return (b->data + at);
}

void *
arena_copy(struct arena *a, const void *p, size_t len)
{
	void *to = arena_alloc(a, len);

	if (to != NULL && len > 0)
		memcpy(to, p, len);
	return (to);
}

static void
free_from(struct arena_block *b)
{
	struct arena_block *next;

	for (; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
}

void
arena_reset(struct arena *a)
{
	if (a->blocks != NULL) {
		if (a->blocks->size > BLOCK) {
			free_from(a->blocks);
			a->blocks = NULL;
		} else {
			free_from(a->blocks->next);
			a->blocks->next = NULL;
		}
	}
	a->used = a->total = 0;
}

void
arena_fini(struct arena *a)
{
	free_from(a->blocks);
	memset(a, 0, sizeof(*a));
}
