#ifndef VAULT_SEGMENT_H_
#define VAULT_SEGMENT_H_

#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "formats/packindex.h"

/*
 * A piece of the index: the blobs of some packs of one kind, sorted by id.
 * It lives in the local cache as a file that proves itself by digests, or
 * in memory where there is no cache.  Derived from the packs; a piece that
 * does not prove itself is thrown away.
 */
struct segment;

struct segment_pack {
	uint8_t id[DIGEST_LEN];
	uint64_t bytes;		/* length of the pack's file when indexed */
};

struct segment_blob {
	uint32_t pack;		/* position in the segment's packs */
	uint64_t frame_off;
	uint32_t stored, raw;	/* of the frame */
	uint32_t off, len;	/* of the blob within the raw frame */
};

/* Build from one pack's INDEX; in memory. */
struct segment *segment_new(const struct segment_pack *pack,
    const struct packindex *x, struct err *e);

/* Build one out of several of the same kind; they stay as they are. */
struct segment *segment_merge(struct segment *const *segs, size_t n,
    struct err *e);

/*
 * Write into the cache folder and go on with the mapped file instead of
 * memory.  A failure leaves the segment in memory, which serves as well.
 */
void segment_save(struct segment *s, const char *folder);

/* Read the head of a file; NULL when it is not a whole segment. */
struct segment *segment_load(const char *folder, const char *file);

/* Map the rest and prove it; 0, or -1 when it is damaged. */
int segment_ready(struct segment *s);

/* Free; the file stays.  segment_discard() removes it as well. */
void segment_free(struct segment *s);
void segment_discard(struct segment *s);

enum pack_kind segment_kind(const struct segment *s);
size_t segment_blobs(const struct segment *s);
size_t segment_packs(const struct segment *s);
void segment_get_pack(const struct segment *s, size_t i,
    struct segment_pack *pack);

/*
 * Position of the first blob with the id, or of none: segment_blobs().  The
 * segment must be ready.  Copies in several packs stand side by side.
 */
size_t segment_find(const struct segment *s, const uint8_t id[DIGEST_LEN]);
void segment_get(const struct segment *s, size_t pos,
    struct segment_blob *b);
const uint8_t *segment_id(const struct segment *s, size_t pos);

#endif
