#ifndef RESTORE_ZOUT_H_
#define RESTORE_ZOUT_H_

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * A stream compressed on all cores as one zstd frame (RFC 8878) with a
 * checksum, written to a descriptor as it comes.  The caller's thread does
 * the writing; the descriptor stays the caller's.
 */
struct zout;

struct zout *zout_new(int fd, int level, struct err *e);
void zout_free(struct zout *z);

int zout_write(struct zout *z, const void *p, size_t len, struct err *e);

/* Bytes written so far. */
uint64_t zout_bytes(const struct zout *z);

/* End the frame; without it, a reader finds the stream cut off. */
int zout_commit(struct zout *z, struct err *e);

#endif
