#ifndef IMGXFER_UNPACK_H_
#define IMGXFER_UNPACK_H_

#include <stdint.h>

#include "imgxfer/pull.h"

/*
 * Undo a compression, told by its first bytes: gzip (RFC 1952) by ISA-L,
 * xz, zstd, bzip2, lzma and lz4 by libarchive.  Bytes of no known
 * compression come out as they are.
 */
struct unpack;

/*
 * What grows by more than the ratio, once it is larger than the floor, is
 * taken for a bomb.
 */
#define UNPACK_RATIO 200
#define UNPACK_FLOOR ((uint64_t)256 << 20)
#define UNPACK_WINDOW ((uint64_t)128 << 20)	/* largest dictionary of xz */

/* Reads what is left of p, which must live as long.  NULL and e. */
struct unpack *unpack_new(struct pull *p, struct err *e);
void unpack_free(struct unpack *u);

/*
 * The bytes within.  A read fails with ERR_DAMAGED when the packed bytes are
 * cut off or garbled, and goes on failing so; with ERR_FAILED when those
 * under it failed.
 */
struct source unpack_source(struct unpack *u);

/* "gzip", "xz", "zstd", "bzip2", "lzma", "lz4", "none". */
const char *unpack_form(const struct unpack *u);

/* Known when all has been read. */
unsigned unpack_members(const struct unpack *u);	/* of gzip */
uint64_t unpack_zeros(const struct unpack *u);	/* zeros behind gzip's end */

/* Whether the last member of gzip was whole, whatever lies behind it. */
int unpack_whole(const struct unpack *u);

#endif
