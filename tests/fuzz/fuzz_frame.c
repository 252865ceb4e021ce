#include "formats/frame.h"
#include "tests/fuzz/fuzz.h"

/*
 * The end of a pack: the first eight bytes are the file's length, the rest
 * is tried as a trailer and as zstd frames back to back.
 */
#define RAW_TRIED ((size_t)1 << 20)	/* decode at most so much */

static void
check_trailer(const uint8_t *data, uint64_t file_bytes)
{
	struct frame_trailer t;
	struct err e = { 0 };
	uint8_t again[FRAME_TRAILER_LEN];

	if (frame_trailer_decode(data, file_bytes, &t, &e) == -1) {
		must_explain(&e, ERR_DAMAGED);
		return;
	}
	MUST(t.index_off <= file_bytes);
	MUST(t.index_stored <= file_bytes - t.index_off);
	MUST(t.index_off + t.index_stored + FRAME_TRAILER_LEN == file_bytes);
	MUST(t.index_bytes <= FRAME_RAW_MAX);
	frame_trailer_encode(&t, again);
	MUST(memcmp(again, data, sizeof(again)) == 0);
}

/* Into memory of just the length; what comes out goes in again. */
static void
check_decode(struct frame_codec *c, const uint8_t *p, size_t len, size_t raw)
{
	uint8_t *out = malloc(raw + 1), *stored = NULL, *back = NULL;
	struct err e = { 0 };
	size_t n;

	MUST(out != NULL);
	if (frame_decode(c, p, len, out, raw, &e) == 0) {
		stored = malloc(frame_bound(raw));
		back = malloc(raw + 1);
		MUST(stored != NULL && back != NULL);
		MUST(frame_encode(c, out, raw, stored, frame_bound(raw), &n,
		    &e) == 0);
		MUST(frame_decode(c, stored, n, back, raw, &e) == 0);
		MUST(memcmp(out, back, raw) == 0);
	} else
		must_explain(&e, ERR_DAMAGED);
	free(out);
	free(stored);
	free(back);
}

static void
check_frames(const uint8_t *p, size_t len)
{
	struct frame_codec *c = frame_codec_new(1);
	struct err e = { 0 };
	uint8_t small[64];
	size_t stored, raw;

	MUST(c != NULL);
	if (frame_decode(c, p, len, small, sizeof(small), &e) == -1)
		must_explain(&e, ERR_DAMAGED);
	while (frame_measure(p, len, &stored, &raw) == 0) {
		MUST(stored > 0 && stored <= len && raw <= FRAME_RAW_MAX);
		if (raw <= RAW_TRIED)
			check_decode(c, p, stored, raw);
		p += stored;
		len -= stored;
	}
	frame_codec_free(c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t file_bytes;

	if (size < 8)
		return (0);
	memcpy(&file_bytes, data, 8);
	data += 8;
	size -= 8;
	if (size >= FRAME_TRAILER_LEN)
		check_trailer(data, file_bytes);
	check_frames(data, size);
	return (0);
}
