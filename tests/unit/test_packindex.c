#include "formats/frame.h"
#include "formats/packindex.h"
#include "formats/ustar.h"
#include "tests/unit/unit.h"

/* Sixty-four digits, by what they end in. */
#define HEX16 "00112233445566778899aabbccddeeff"
#define ID_A "aa" HEX16 "0123456789abcdef0123456789abcd"
#define ID_B "bb" HEX16 "0123456789abcdef0123456789abcd"
#define ID_C "cc" HEX16 "0123456789abcdef0123456789abcd"
#define HEAD "# xcatvault pack 1 data\n"
#define GOOD HEAD \
    "# frame 0 300 2048 5 512\n" ID_A "  0\n" ID_B "  1\n" \
    "# frame 300 77 1024 1\n" ID_C "  2\n"

static int
decode(struct packindex *x, const char *text, uint64_t bytes, struct err *e)
{
	return (packindex_decode(x, text, strlen(text), bytes, e));
}

/* What every accepted INDEX promises its readers. */
static void
check_invariants(const struct packindex *x, uint64_t data_bytes)
{
	const struct packindex_frame *f;
	const struct packindex_blob *b;
	uint64_t off = 0;
	size_t i, k, n = 0, raw;

	assert_true(x->nframes > 0);
	for (i = 0; i < x->nframes; i++, off += f->stored) {
		f = &x->frames[i];
		assert_true(f->off == off && f->stored > 0 && f->count > 0);
		assert_true(f->raw <= FRAME_RAW_MAX);
		assert_int_equal(f->first, n);
		for (raw = 0, k = 0; k < f->count; k++, n++) {
			assert_true(n < x->nblobs);
			b = &x->blobs[n];
			assert_int_equal(b->frame, i);
			assert_int_equal(b->off, raw + USTAR_BLOCK);
			assert_true(b->len > 0 && b->len <= BLOB_MAX);
			assert_true((uint64_t)b->off + b->len <= f->raw);
			raw = b->off + USTAR_PADDED(b->len);
		}
		assert_int_equal(raw, f->raw);
	}
	assert_int_equal(n, x->nblobs);
	assert_true(off == data_bytes);
}

static void
check_text(const struct packindex *x, const char *want, size_t len)
{
	struct buf b = BUF_INIT;

	packindex_encode(&b, x);
	assert_int_equal(b.nomem, 0);
	assert_int_equal(b.len, len);
	assert_memory_equal(b.data, want, len);
	buf_fini(&b);
}

static void
test_decode(void **state)
{
	struct packindex x;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(decode(&x, GOOD, 377, &e), 0);
	check_invariants(&x, 377);
	assert_int_equal(x.kind, PACK_DATA);
	assert_int_equal(x.nframes, 2);
	assert_int_equal(x.nblobs, 3);
	assert_int_equal(x.blobs[0].len, 5);
	assert_int_equal(x.blobs[0].off, 512);
	assert_int_equal(x.blobs[1].off, 1536);
	assert_int_equal(x.blobs[1].id[0], 0xbb);
	assert_int_equal(x.blobs[2].frame, 1);
	assert_int_equal(x.frames[1].off, 300);
	assert_int_equal(x.frames[1].stored, 77);
	assert_int_equal(x.frames[1].raw, 1024);
	check_text(&x, GOOD, strlen(GOOD));
	packindex_fini(&x);
	packindex_fini(&x);
	assert_int_equal(decode(&x, "# xcatvault pack 1 catalog\n"
	    "# frame 0 9 1024 1\n" ID_A "  0\n", 9, &e), 0);
	assert_int_equal(x.kind, PACK_CATALOG);
	packindex_fini(&x);
}

struct wrong {
	const char *text;
	uint64_t bytes;
};

static const struct wrong wrongs[] = {
	/* the head */
	{ "", 0 }, { HEAD, 0 }, { "# xcatvault pack 2 data\n", 0 },
	{ "# xcatvault pack 1 data", 0 }, { "# xcatvault pack 1 other\n", 0 },
	{ "\n" GOOD, 377 }, { "# xcatvault pack 1 data \n", 0 },
	/* the length of the file */
	{ GOOD, 376 }, { GOOD, 378 }, { GOOD, 0 }, { GOOD, UINT64_MAX },
	/* the frame's line */
	{ HEAD "# frame 0 9 1024\n", 9 },
	{ HEAD "# frame 0 9 1024 1\n", 9 },
	{ HEAD "# frame 0 9 1024 1", 9 },
	{ HEAD "# frame 0 9 1024", 9 },
	{ HEAD "# frame 0 9 ", 9 }, { HEAD "# frame 0 9", 9 },
	{ HEAD "# frame 0 ", 9 }, { HEAD "# frame 0", 9 },
	{ HEAD "# frame ", 9 }, { HEAD "# fram", 9 },
	{ HEAD "#frame 0 9 1024 1\n" ID_A "  0\n", 9 },
	{ HEAD "# frame 1 9 1024 1\n" ID_A "  0\n", 10 },
	{ HEAD "# frame 00 9 1024 1\n" ID_A "  0\n", 9 },
	{ HEAD "# frame 0 09 1024 1\n" ID_A "  0\n", 9 },
	{ HEAD "# frame 0 9 01024 1\n" ID_A "  0\n", 9 },
	{ HEAD "# frame 0 0 1024 1\n" ID_A "  0\n", 0 },
	{ HEAD "# frame 0 4294967296 1024 1\n" ID_A "  0\n", 4294967296 },
	{ HEAD "# frame 0 4294967295 1024 1\n" ID_A "  0\n", 4294967295 },
	{ HEAD "# frame 0 9 83886592 1\n" ID_A "  0\n", 9 },
	{ HEAD "# frame 0 9 1024 1 \n" ID_A "  0\n", 9 },
	{ HEAD "# frame 0 9 1024  1\n" ID_A "  0\n", 9 },
	{ HEAD "# frame 0 9 1024 1x\n" ID_A "  0\n", 9 },
	{ HEAD "# frame 0 9 1024 1\r\n" ID_A "  0\n", 9 },
	/* lengths */
	{ HEAD "# frame 0 9 512 0\n" ID_A "  0\n", 9 },
	{ HEAD "# frame 0 9 1024 01\n" ID_A "  0\n", 9 },
	{ HEAD "# frame 0 9 1536 1\n" ID_A "  0\n", 9 },
	{ HEAD "# frame 0 9 1023 1\n" ID_A "  0\n", 9 },
	{ HEAD "# frame 0 9 512 1\n" ID_A "  0\n", 9 },
	{ HEAD "# frame 0 9 1024 513\n" ID_A "  0\n", 9 },
	{ HEAD "# frame 0 9 8389632 8388609\n" ID_A "  0\n", 9 },
	{ HEAD "# frame 0 9 1024 1 1\n" ID_A "  0\n", 9 },
	{ HEAD "# frame 0 9 2048 1 1\n" ID_A "  0\n", 9 },
	{ HEAD "# frame 0 9 1024 1\n" ID_A "  0\n" ID_B "  1\n", 9 },
	/* blobs */
	{ HEAD "# frame 0 9 1024 1\n" ID_A "  1\n", 9 },
	{ HEAD "# frame 0 9 1024 1\n" ID_A "  00\n", 9 },
	{ HEAD "# frame 0 9 1024 1\n" ID_A " 0\n", 9 },
	{ HEAD "# frame 0 9 1024 1\n" ID_A "   0\n", 9 },
	{ HEAD "# frame 0 9 1024 1\n" ID_A "  0", 9 },
	{ HEAD "# frame 0 9 1024 1\n" ID_A "  0\n\n", 9 },
	{ HEAD "# frame 0 9 1024 1\n" ID_A "  ./0\n", 9 },
	{ HEAD "# frame 0 9 1024 1\n" "A" ID_A "  0\n", 9 },
	{ HEAD "# frame 0 9 2048 1 1\n" ID_A "  0\n" ID_B "  2\n", 9 },
	/* the second frame */
	{ GOOD "# frame 376 9 1024 1\n" ID_A "  3\n", 385 },
	{ GOOD "# frame 378 9 1024 1\n" ID_A "  3\n", 387 },
	{ GOOD "# frame 0 9 1024 1\n" ID_A "  3\n", 9 },
	{ GOOD "# frame 377 9 1024 1\n" ID_A "  0\n", 386 },
	{ GOOD "# frame 377 9 0\n", 386 },
	{ GOOD HEAD, 377 }, { GOOD "x", 377 }, { GOOD "# note\n", 377 },
};

static void
test_refuses(void **state)
{
	struct packindex x;
	struct err e = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(wrongs); i++) {
		memset(&x, 0xee, sizeof(x));
		check_failed(decode(&x, wrongs[i].text, wrongs[i].bytes, &e),
		    &e, ERR_DAMAGED);
		assert_null(x.frames);
		assert_null(x.blobs);
		assert_int_equal(x.nframes + x.nblobs, 0);
	}
}

/* No proper beginning of an INDEX fills the pack. */
static void
test_truncated(void **state)
{
	struct packindex x;
	struct err e = { 0 };
	size_t n;
	char *copy;

	(void)state;
	for (n = 0; n < strlen(GOOD); n++) {
		/* Of exactly this size, so that a byte too far is seen. */
		copy = malloc(n > 0 ? n : 1);
		assert_non_null(copy);
		memcpy(copy, GOOD, n);
		check_failed(packindex_decode(&x, copy, n, 377, &e), &e,
		    ERR_DAMAGED);
		free(copy);
	}
}

/* Random frames and blobs; returns the length of the frames. */
static uint64_t
make_index(struct packindex *x, struct rng *r)
{
	static const uint32_t lengths[] = { 1, 511, 512, 513, 65536, BLOB_MAX };
	uint32_t lens[9], raw, stored;
	uint8_t id[DIGEST_LEN];
	struct err e = { 0 };
	uint64_t off = 0;
	size_t i, k, n, frames = 1 + rng_below(r, 200);

	memset(x, 0, sizeof(*x));
	x->kind = rng_below(r, 2) ? PACK_CATALOG : PACK_DATA;
	for (i = 0; i < frames; i++, off += stored) {
		n = 1 + rng_below(r, COUNT(lens));
		for (raw = 0, k = 0; k < n; k++) {
			lens[k] = rng_below(r, 2) ?
			    lengths[rng_below(r, COUNT(lengths))] :
			    1 + (uint32_t)rng_below(r, 100000);
			raw += USTAR_BLOCK + (uint32_t)USTAR_PADDED(lens[k]);
		}
		stored = 1 + (uint32_t)rng_below(r, frame_bound(raw));
		assert_int_equal(packindex_add_frame(x, off, stored, raw,
		    &e), 0);
		for (k = 0; k < n; k++) {
			rng_fill(r, id, sizeof(id));
			assert_int_equal(packindex_add_blob(x, id, lens[k],
			    &e), 0);
		}
	}
	return (off);
}

static void
test_round_trip(void **state)
{
	struct packindex x, y;
	struct buf b = BUF_INIT;
	struct rng r = { 31 };
	struct err e = { 0 };
	uint64_t bytes;
	size_t i;

	(void)state;
	for (i = 0; i < 100; i++) {
		bytes = make_index(&x, &r);
		check_invariants(&x, bytes);
		buf_clear(&b);
		packindex_encode(&b, &x);
		assert_int_equal(packindex_decode(&y, b.data, b.len, bytes,
		    &e), 0);
		check_invariants(&y, bytes);
		assert_int_equal(x.kind, y.kind);
		assert_int_equal(x.nframes, y.nframes);
		assert_int_equal(x.nblobs, y.nblobs);
		assert_memory_equal(x.frames, y.frames,
		    x.nframes * sizeof(*x.frames));
		assert_memory_equal(x.blobs, y.blobs,
		    x.nblobs * sizeof(*x.blobs));
		check_text(&y, (char *)b.data, b.len);
		packindex_fini(&x);
		packindex_fini(&y);
	}
	buf_fini(&b);
}

/* One byte replaced by one that an INDEX might have there. */
static void
damage(struct rng *r, uint8_t *p, size_t len)
{
	static const char likely[] = "0123456789abcdef #\n\0x9";
	char c = likely[rng_below(r, sizeof(likely) - 1)];

	p[rng_below(r, len)] = (uint8_t)c;
}

/*
 * Damage never crashes, and what is still accepted is canonical and within
 * bounds.
 */
static void
test_corruption(void **state)
{
	struct packindex x;
	struct buf b = BUF_INIT;
	struct rng r = { 32 };
	struct err e = { 0 };
	uint64_t bytes;
	uint8_t *copy;
	size_t i, k, accepted = 0;

	(void)state;
	bytes = make_index(&x, &r);
	packindex_encode(&b, &x);
	packindex_fini(&x);
	copy = malloc(b.len);
	assert_non_null(copy);
	for (i = 0; i < 3000; i++) {
		memcpy(copy, b.data, b.len);
		for (k = 1 + rng_below(&r, 3); k > 0; k--)
			damage(&r, copy, b.len);
		if (packindex_decode(&x, copy, b.len, bytes, &e) == -1) {
			check_failed(-1, &e, ERR_DAMAGED);
			continue;
		}
		accepted++;	/* digits of an id */
		check_invariants(&x, bytes);
		check_text(&x, (char *)copy, b.len);
		packindex_fini(&x);
	}
	assert_true(accepted > 10 && accepted < 2900);
	free(copy);
	buf_fini(&b);
}

/* A frame holds at most what its reader accepts. */
static void
test_add_too_much(void **state)
{
	struct packindex x = { 0 };
	uint8_t id[DIGEST_LEN] = { 0 };
	struct err e = { 0 };
	size_t n = 0;

	(void)state;
	assert_int_equal(packindex_add_frame(&x, 0, 1, 0, &e), 0);
	while (packindex_add_blob(&x, id, BLOB_MAX, &e) == 0)
		n++;
	assert_int_equal(n, FRAME_RAW_MAX / (BLOB_MAX + USTAR_BLOCK));
	assert_true(e.msg[0] != '\0');
	assert_int_equal(x.nblobs, n);
	assert_int_equal(x.frames[0].count, n);
	check_failed(packindex_add_blob(&x, id, UINT32_MAX, &e), &e,
	    ERR_DAMAGED);
	assert_int_equal(packindex_add_frame(&x, 1, 1, 0, &e), 0);
	assert_int_equal(packindex_add_blob(&x, id, 1, &e), 0);
	assert_int_equal(x.frames[1].first, n);
	packindex_fini(&x);
}

/* Many blobs: the arrays grow, and offsets within a frame stay right. */
static void
test_many(void **state)
{
	struct packindex x = { 0 }, y;
	struct buf b = BUF_INIT;
	uint8_t id[DIGEST_LEN] = { 0 };
	struct err e = { 0 };
	size_t i;

	(void)state;
	assert_int_equal(packindex_add_frame(&x, 0, 7, 70000 * 1024, &e), 0);
	for (i = 0; i < 70000; i++) {
		id[0] = (uint8_t)i;
		id[1] = (uint8_t)(i >> 8);
		assert_int_equal(packindex_add_blob(&x, id, 3, &e), 0);
	}
	packindex_encode(&b, &x);
	assert_int_equal(packindex_decode(&y, b.data, b.len, 7, &e), 0);
	check_invariants(&y, 7);
	assert_int_equal(y.nblobs, 70000);
	packindex_fini(&x);
	packindex_fini(&y);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_corruption),
		cmocka_unit_test(test_add_too_much),
		cmocka_unit_test(test_many),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
