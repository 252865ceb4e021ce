#ifndef IMGXFER_ASIDE_H_
#define IMGXFER_ASIDE_H_

#include "imgxfer/source.h"

/*
 * Work on a stream in a thread of its own, while the caller, who has the
 * bytes, goes on: what is given to aside_write() comes out of the source
 * that work() reads.
 */
struct aside;

/*
 * Start it.  work() reads src to its end and does not fail for what the
 * bytes are; its -1 with e comes out of aside_end().
 */
struct aside *aside_start(int (*work)(void *arg, const struct source *src,
    struct err *e), void *arg, struct err *e);

/* Give it bytes; waits while it has too many. */
void aside_write(struct aside *a, const void *p, size_t len);

/* No more bytes: wait for its end.  0, or -1 as work() did. */
int aside_end(struct aside *a, struct err *e);

#endif
