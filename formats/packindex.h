#ifndef FORMATS_PACKINDEX_H_
#define FORMATS_PACKINDEX_H_

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"

/*
 * The INDEX of a pack; xcatvault-vault(5), "INDEX".  sha256sum -c form, with
 * comment lines for where each frame lies and how long its blobs are.
 */
#define BLOB_MAX ((size_t)8 << 20)	/* longest blob a reader accepts */

enum pack_kind { PACK_DATA, PACK_CATALOG };

struct packindex_frame {
	uint64_t off;		/* in the pack file */
	uint32_t stored;	/* compressed bytes */
	uint32_t raw;		/* bytes after decompression */
	uint32_t first;		/* number of its first blob */
	uint32_t count;		/* blobs in it */
};

struct packindex_blob {
	uint8_t id[DIGEST_LEN];
	uint32_t frame;		/* position in frames */
	uint32_t off;		/* of its bytes in the raw frame */
	uint32_t len;
};

struct packindex {
	enum pack_kind kind;
	struct packindex_frame *frames;
	size_t nframes;
	struct packindex_blob *blobs;	/* by number */
	size_t nblobs;
};

void packindex_fini(struct packindex *x);

/*
 * Append a frame and a blob of the last frame; offsets within the frame are
 * worked out from the lengths.  -1: out of memory, or more than a pack holds.
 */
int packindex_add_frame(struct packindex *x, uint64_t off, uint32_t stored,
    uint32_t raw, struct err *e);
int packindex_add_blob(struct packindex *x, const uint8_t id[DIGEST_LEN],
    uint32_t len, struct err *e);

/* Append the INDEX text. */
void packindex_encode(struct buf *out, const struct packindex *x);

/*
 * Parse a whole INDEX text.  data_bytes: length of the pack's blob frames,
 * which the frames must fill from 0 without gaps.  x is filled in (free it
 * with packindex_fini) or, on ERR_DAMAGED, empty.
 */
int packindex_decode(struct packindex *x, const void *text, size_t len,
    uint64_t data_bytes, struct err *e);

#endif
