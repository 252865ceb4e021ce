#ifndef IMGXFER_OUTER_H_
#define IMGXFER_OUTER_H_

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "imgxfer/source.h"

/*
 * A bundle with its outer compression undone: the tar archive in it.  gzip
 * is proved by its own check sums to the last byte; xz, zstd and others are
 * read by libarchive.
 */
struct outer;

/* from is kept.  ERR_DAMAGED when its first bytes are no bundle's. */
struct outer *outer_new(const struct source *from, struct err *e);
void outer_free(struct outer *o);

/*
 * Up to len bytes, 0 at the end, -1: ERR_DAMAGED for a stream that is cut
 * off, garbled, or has something behind its end.
 */
ssize_t outer_read(void *outer, void *p, size_t len, struct err *e);

/* "gzip", "none", "xz", "zstd", ... */
const char *outer_compression(const struct outer *o);

/* What gzip's header says of how: "best", "fast", "default"; else "". */
const char *outer_effort(const struct outer *o);

#endif
