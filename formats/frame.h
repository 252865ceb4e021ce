#ifndef FORMATS_FRAME_H_
#define FORMATS_FRAME_H_

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * zstd frames (RFC 8878 section 3.1.1), with content size and checksum, and
 * the skippable frame that ends a pack (section 3.1.2).
 */
#define FRAME_RAW_MAX ((size_t)80 << 20)	/* what a decoder accepts */
#define FRAME_TRAILER_LEN 40

struct frame_codec;	/* compression state; belongs to one thread */

/* Either side of the state is made at first use.  NULL: out of memory. */
struct frame_codec *frame_codec_new(int level);
void frame_codec_free(struct frame_codec *c);

/* Largest stored length of rawlen bytes. */
size_t frame_bound(size_t rawlen);

/* Compress raw into out (frame_bound() bytes); *outlen is the length. */
int frame_encode(struct frame_codec *c, const void *raw, size_t rawlen,
    void *out, size_t outcap, size_t *outlen, struct err *e);

/*
 * Decompress exactly one frame that must fill stored and give exactly
 * rawlen bytes.  ERR_DAMAGED otherwise.
 */
int frame_decode(struct frame_codec *c, const void *stored, size_t storedlen,
    void *raw, size_t rawlen, struct err *e);

/*
 * Length of the frame at the start of p and of its contents, without
 * decompressing; for packs whose INDEX is lost.  0, or -1 when there is no
 * whole frame with a known content size of at most FRAME_RAW_MAX.
 */
int frame_measure(const void *p, size_t len, size_t *stored, size_t *raw);

/* Where a pack's INDEX lies. */
struct frame_trailer {
	uint64_t index_off;	/* file offset of its frame */
	uint64_t index_stored;	/* compressed length of its frame */
	uint64_t index_bytes;	/* length of the INDEX text */
};

void frame_trailer_encode(const struct frame_trailer *t,
    uint8_t out[FRAME_TRAILER_LEN]);

/* file_bytes: length of the whole pack, which the fields must fit. */
int frame_trailer_decode(const uint8_t in[FRAME_TRAILER_LEN],
    uint64_t file_bytes, struct frame_trailer *t, struct err *e);

#endif
