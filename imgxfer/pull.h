#ifndef IMGXFER_PULL_H_
#define IMGXFER_PULL_H_

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "imgxfer/source.h"

/*
 * A source with a buffer before it: as many bytes as a parser wants to see
 * at once, without a copy.  One thread's.
 */
#define PULL_BYTES ((size_t)256 << 10)

struct pull {
	const struct source *from;
	uint8_t *buf;
	size_t at, len;		/* what is unread: buf[at..len) */
	uint64_t taken;		/* bytes skipped so far */
	int end;		/* the source has no more */
	void (*tap)(void *arg, const uint8_t *p, size_t n);
	void *tap_arg;
};

/* The source must live as long. */
int pull_init(struct pull *p, const struct source *from, struct err *e);
void pull_fini(struct pull *p);

/*
 * Have at least want bytes (at most PULL_BYTES) at *data, fewer only when
 * the source ends before.  Returns how many are there, 0 at the end, -1.
 */
ssize_t pull_peek(struct pull *p, size_t want, const uint8_t **data,
    struct err *e);

/* Take n of the bytes that were peeked at. */
void pull_skip(struct pull *p, size_t n);

/* Have tap called with all that is skipped from now on; NULL: no longer. */
void pull_tap(struct pull *p, void (*tap)(void *arg, const uint8_t *p,
    size_t n), void *arg);

/* What is left, as a source; p must live as long. */
struct source pull_source(struct pull *p);

#endif
