#ifndef IMGXFER_GZOUT_H_
#define IMGXFER_GZOUT_H_

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "imgxfer/source.h"

/*
 * A stream compressed on all cores as one gzip member (RFC 1952), which
 * gunzip and tar read as any other: its deflate blocks (RFC 1951) are made
 * in pieces of their own that end on whole bytes.  Pieces that are
 * compressed data already, as those of most root images, are stored as they
 * are; a trial on each decides.  The same bytes always give the same stream.
 * One thread calls; the sink is written to from its calls only.
 */
struct gzout;

/* level: 1 to 9, of what is worth it. */
struct gzout *gzout_new(const struct sink *to, int level, struct err *e);
void gzout_free(struct gzout *z);

int gzout_write(void *gzout, const void *p, size_t len, struct err *e);

/*
 * The same without a copy: where the next bytes go, and how many at most,
 * never none; then how many were put there.  NULL as gzout_write() fails.
 */
uint8_t *gzout_room(struct gzout *z, size_t *len, struct err *e);
void gzout_filled(struct gzout *z, size_t len);

struct sink gzout_sink(struct gzout *z);

/* End the member; without it, a reader finds the stream cut off. */
int gzout_commit(struct gzout *z, struct err *e);

/* Bytes written to the sink so far. */
uint64_t gzout_bytes(const struct gzout *z);

#endif
