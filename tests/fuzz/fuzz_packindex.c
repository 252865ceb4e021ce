#include "formats/frame.h"
#include "formats/packindex.h"
#include "formats/scan.h"
#include "formats/ustar.h"
#include "tests/fuzz/fuzz.h"

/*
 * An INDEX.  The first eight bytes are the length of the pack's frames, or
 * zero for the length that the text itself asks for.  What is accepted has
 * its blobs within its frames and encodes to the same bytes.
 */
static size_t
check_frame(const struct packindex *x, size_t i, size_t first)
{
	const struct packindex_frame *f = &x->frames[i];
	const struct packindex_blob *b;
	size_t n, end = 0;

	MUST(f->first == first && f->count > 0 && f->stored > 0);
	MUST(f->raw <= FRAME_RAW_MAX && f->count <= x->nblobs - first);
	for (n = first; n < first + f->count; n++) {
		b = &x->blobs[n];
		MUST(b->frame == i && b->len > 0 && b->len <= BLOB_MAX);
		MUST(b->off == end + USTAR_BLOCK);
		end = b->off + USTAR_PADDED(b->len);
		MUST(end <= f->raw);
	}
	MUST(end == f->raw);
	return (n);
}

static void
check_index(const struct packindex *x, uint64_t data_bytes)
{
	uint64_t off = 0;
	size_t i, n = 0;

	MUST(x->nframes > 0);
	for (i = 0; i < x->nframes; i++) {
		MUST(x->frames[i].off == off);
		off += x->frames[i].stored;
		n = check_frame(x, i, n);
	}
	MUST(n == x->nblobs && off == data_bytes);
}

/* Where the last "# frame OFFSET STORED" of a text says that frames end. */
static uint64_t
guess_bytes(const uint8_t *text, size_t len)
{
	static const char label[] = "\n# frame ";
	struct scan s = { NULL, (const char *)text + len };
	uint64_t off, stored, end = 0;
	size_t i, n = sizeof(label) - 1;

	for (i = 0; i + n <= len; i++) {
		if (memcmp(text + i, label, n) != 0)
			continue;
		s.p = (const char *)text + i + n;
		if (scan_u64(&s, &off) && scan_char(&s, ' ') &&
		    scan_u64(&s, &stored))
			end = off + stored;
	}
	return (end);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packindex x;
	struct buf again = BUF_INIT;
	struct err e = { 0 };
	uint64_t bytes;

	if (size < 8)
		return (0);
	memcpy(&bytes, data, 8);
	data += 8;
	size -= 8;
	if (bytes == 0)
		bytes = guess_bytes(data, size);
	if (packindex_decode(&x, data, size, bytes, &e) == -1) {
		must_explain(&e, ERR_DAMAGED);
		MUST(x.frames == NULL && x.blobs == NULL);
		MUST(x.nframes == 0 && x.nblobs == 0);
		return (0);
	}
	check_index(&x, bytes);
	packindex_encode(&again, &x);
	must_equal(&again, data, size);
	buf_fini(&again);
	packindex_fini(&x);
	return (0);
}
