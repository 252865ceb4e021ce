#ifndef BASE_ARENA_H_
#define BASE_ARENA_H_

#include <stddef.h>

/*
 * Memory given out in pieces and freed all at once.  Pieces do not move.
 * All zero is a valid empty arena; one thread at a time.
 */
struct arena {
	struct arena_block *blocks;
	size_t used;		/* of the newest block */
	size_t total;		/* bytes given out */
};

/* Aligned for any type; NULL when memory runs out. */
void *arena_alloc(struct arena *a, size_t len);

/* A copy of len bytes, not NUL-terminated. */
void *arena_copy(struct arena *a, const void *p, size_t len);

/* Forget all pieces; one block is kept for the next. */
void arena_reset(struct arena *a);
void arena_fini(struct arena *a);

#endif
