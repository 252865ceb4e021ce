#include <fcntl.h>
#include <unistd.h>

#include "base/io.h"
#include "formats/frame.h"
#include "tests/unit/unit.h"

/* A frame and what is in it. */
struct sample {
	struct frame_codec *codec;
	uint8_t *raw, *stored;
	size_t rawlen, storedlen;
};

/* Bytes that compress about to a half. */
static void
begin(struct sample *s, size_t rawlen)
{
	struct rng r = { rawlen };
	struct err e = { 0 };
	size_t i, cap = frame_bound(rawlen);

	s->rawlen = rawlen;
	s->raw = malloc(rawlen + 1);
	s->stored = malloc(cap + 64);
	s->codec = frame_codec_new(3);
	assert_non_null(s->raw);
	assert_non_null(s->stored);
	assert_non_null(s->codec);
	for (i = 0; i < rawlen; i++)
		s->raw[i] = (uint8_t)(rng_next(&r) & 0x0f);
	assert_int_equal(frame_encode(s->codec, s->raw, rawlen, s->stored,
	    cap, &s->storedlen, &e), 0);
	assert_true(s->storedlen > 0 && s->storedlen <= cap);
}

static void
end(struct sample *s)
{
	frame_codec_free(s->codec);
	free(s->raw);
	free(s->stored);
}

/* Decode into memory of exactly the length, so that a stray byte is seen. */
static int
decode(struct sample *s, const uint8_t *stored, size_t len, size_t rawlen,
    struct err *e)
{
	uint8_t *out = malloc(rawlen > 0 ? rawlen : 1);
	int rc;

	assert_non_null(out);
	rc = frame_decode(s->codec, stored, len, out, rawlen, e);
	if (rc == 0 && rawlen == s->rawlen)
		assert_memory_equal(out, s->raw, rawlen);
	free(out);
	return (rc);
}

static void
test_round_trip(void **state)
{
	static const size_t lengths[] = {
		0, 1, 511, 512, 100000, 1 << 20, 5 << 20
	};
	struct sample s;
	struct err e = { 0 };
	size_t i, stored, raw;

	(void)state;
	for (i = 0; i < COUNT(lengths); i++) {
		begin(&s, lengths[i]);
		assert_int_equal(decode(&s, s.stored, s.storedlen,
		    s.rawlen, &e), 0);
		assert_int_equal(frame_measure(s.stored, s.storedlen,
		    &stored, &raw), 0);
		assert_int_equal(stored, s.storedlen);
		assert_int_equal(raw, s.rawlen);
		end(&s);
	}
	frame_codec_free(NULL);
}

/* One codec for many frames, both ways in turn. */
static void
test_reuse(void **state)
{
	struct sample s;
	struct err e = { 0 };
	uint8_t out[300];
	size_t n, len;

	(void)state;
	begin(&s, 1000);
	for (n = 0; n < 200; n++) {
		assert_int_equal(frame_encode(s.codec, s.raw, n, out,
		    sizeof(out), &len, &e), 0);
		assert_int_equal(decode(&s, out, len, n, &e), 0);
	}
	assert_int_equal(decode(&s, s.stored, s.storedlen, 1000, &e), 0);
	end(&s);
}

static void
test_encode_refuses(void **state)
{
	struct sample s;
	struct err e = { 0 };
	uint8_t out[10];
	size_t len;

	(void)state;
	begin(&s, 1000);
	check_failed(frame_encode(s.codec, s.raw, 1000, out, sizeof(out),
	    &len, &e), &e, ERR_FAILED);
	assert_int_equal(decode(&s, s.stored, s.storedlen, 1000, &e), 0);
	end(&s);
}

static void
test_wrong_lengths(void **state)
{
	struct sample s;
	struct err e = { 0 };
	size_t n, stored, raw;

	(void)state;
	begin(&s, 3000);
	check_failed(decode(&s, s.stored, s.storedlen, 2999, &e), &e,
	    ERR_DAMAGED);
	check_failed(decode(&s, s.stored, s.storedlen, 3001, &e), &e,
	    ERR_DAMAGED);
	check_failed(decode(&s, s.stored, s.storedlen, 0, &e), &e,
	    ERR_DAMAGED);
	for (n = 0; n < s.storedlen; n++) {
		check_failed(decode(&s, s.stored, n, 3000, &e), &e,
		    ERR_DAMAGED);
		assert_int_equal(frame_measure(s.stored, n, &stored, &raw),
		    -1);
	}
	s.stored[s.storedlen] = 0;
	check_failed(decode(&s, s.stored, s.storedlen + 1, 3000, &e), &e,
	    ERR_DAMAGED);
	end(&s);
}

/* Measuring looks at the first frame only; decoding wants one alone. */
static void
test_two_frames(void **state)
{
	struct sample s;
	struct err e = { 0 };
	uint8_t two[2000];
	size_t stored, raw;

	(void)state;
	begin(&s, 1000);
	memcpy(two, s.stored, s.storedlen);
	memcpy(two + s.storedlen, s.stored, s.storedlen);
	assert_int_equal(frame_measure(two, 2 * s.storedlen, &stored, &raw),
	    0);
	assert_int_equal(stored, s.storedlen);
	assert_int_equal(raw, 1000);
	check_failed(decode(&s, two, 2 * s.storedlen, 2000, &e), &e,
	    ERR_DAMAGED);
	check_failed(decode(&s, two, 2 * s.storedlen, 1000, &e), &e,
	    ERR_DAMAGED);
	end(&s);
}

/*
 * A flipped bit is noticed, or was one that does not matter: decode() checks
 * that what comes out is what went in.
 */
static void
test_flipped_bits(void **state)
{
	struct sample s;
	struct err e = { 0 };
	size_t i, silent = 0;
	int bit;

	(void)state;
	begin(&s, 700);
	for (i = 0; i < s.storedlen; i++)
		for (bit = 0; bit < 8; bit++) {
			s.stored[i] ^= (uint8_t)(1 << bit);
			if (decode(&s, s.stored, s.storedlen, 700, &e) == 0)
				silent++;
			else
				check_failed(-1, &e, ERR_DAMAGED);
			s.stored[i] ^= (uint8_t)(1 << bit);
		}
	assert_true(silent < 20);
	assert_int_equal(decode(&s, s.stored, s.storedlen, 700, &e), 0);
	end(&s);
}

/* Frames by hand, RFC 8878 section 3.1.1: one raw block "hello". */
static const uint8_t unsized[] = {
	0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x00,
	0x29, 0x00, 0x00, 'h', 'e', 'l', 'l', 'o',
};
static const uint8_t sized[] = {
	0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x05,
	0x29, 0x00, 0x00, 'h', 'e', 'l', 'l', 'o',
};
static const uint8_t liar[] = {		/* claims six bytes */
	0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x06,
	0x29, 0x00, 0x00, 'h', 'e', 'l', 'l', 'o',
};
static const uint8_t huge[] = {		/* claims 80 MiB and one byte */
	0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0x01, 0x00, 0x00, 0x05, 0, 0, 0, 0,
	0x29, 0x00, 0x00, 'h', 'e', 'l', 'l', 'o',
};
static const uint8_t endless[] = {	/* claims 2^64 - 3 bytes */
	0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0xfd, 255, 255, 255, 255, 255, 255, 255,
	0x29, 0x00, 0x00, 'h', 'e', 'l', 'l', 'o',
};

static void
test_frames_by_hand(void **state)
{
	struct frame_codec *c = frame_codec_new(1);
	struct err e = { 0 };
	uint8_t out[16];
	size_t stored, raw;

	(void)state;
	assert_non_null(c);
	assert_int_equal(frame_measure(unsized, sizeof(unsized), &stored,
	    &raw), -1);
	check_failed(frame_decode(c, unsized, sizeof(unsized), out, 5, &e),
	    &e, ERR_DAMAGED);
	assert_int_equal(frame_measure(sized, sizeof(sized), &stored, &raw),
	    0);
	assert_int_equal(stored, sizeof(sized));
	assert_int_equal(raw, 5);
	assert_int_equal(frame_decode(c, sized, sizeof(sized), out, 5, &e),
	    0);
	assert_memory_equal(out, "hello", 5);
	check_failed(frame_decode(c, liar, sizeof(liar), out, 6, &e), &e,
	    ERR_DAMAGED);
	check_failed(frame_decode(c, liar, sizeof(liar), out, 5, &e), &e,
	    ERR_DAMAGED);
	assert_int_equal(frame_measure(huge, sizeof(huge), &stored, &raw),
	    -1);
	assert_int_equal(frame_measure(endless, sizeof(endless), &stored,
	    &raw), -1);
	frame_codec_free(c);
}

static void
test_garbage(void **state)
{
	struct sample s;
	struct rng r = { 21 };
	struct err e = { 0 };
	uint8_t junk[200];
	size_t i, n, stored, raw;

	(void)state;
	begin(&s, 100);
	for (i = 0; i < 20000; i++) {
		n = rng_below(&r, sizeof(junk));
		rng_fill(&r, junk, sizeof(junk));
		if (n > 6 && i % 2 == 0)
			memcpy(junk, s.stored, 6);
		if (frame_measure(junk, n, &stored, &raw) == 0) {
			assert_true(stored <= n);
			assert_true(raw <= FRAME_RAW_MAX);
		}
		(void)decode(&s, junk, n, rng_below(&r, 200), &e);
	}
	end(&s);
}

static void
encode_trailer(uint8_t out[FRAME_TRAILER_LEN], uint64_t off,
    uint64_t stored, uint64_t bytes)
{
	struct frame_trailer t = { off, stored, bytes };

	memset(out, 0xee, FRAME_TRAILER_LEN);
	frame_trailer_encode(&t, out);
}

static int
try_trailer(uint64_t off, uint64_t stored, uint64_t bytes, uint64_t file,
    struct err *e)
{
	uint8_t in[FRAME_TRAILER_LEN];
	struct frame_trailer t;

	encode_trailer(in, off, stored, bytes);
	if (frame_trailer_decode(in, file, &t, e) == -1)
		return (-1);
	assert_true(t.index_off == off && t.index_stored == stored &&
	    t.index_bytes == bytes);
	return (0);
}

static void
test_trailer(void **state)
{
	static const uint8_t want[FRAME_TRAILER_LEN] = {
		0x5e, 0x2a, 0x4d, 0x18, 0x20, 0, 0, 0,
		'x', 'c', 'v', 'p', 'a', 'c', 'k', '1',
		8, 7, 6, 5, 4, 3, 2, 1, 0x10, 0x20, 0, 0, 0, 0, 0, 0,
		0x56, 0x34, 0x12, 0, 0, 0, 0, 0,
	};
	uint8_t in[FRAME_TRAILER_LEN];

	(void)state;
	encode_trailer(in, 0x0102030405060708, 0x2010, 0x123456);
	assert_memory_equal(in, want, sizeof(want));
}

static void
test_trailer_bounds(void **state)
{
	uint64_t most = FRAME_RAW_MAX - 4 * 512, top = UINT64_MAX;
	uint64_t stored = frame_bound(FRAME_RAW_MAX);
	struct err e = { 0 };

	(void)state;
	assert_int_equal(try_trailer(1000, 50, 70, 1090, &e), 0);
	assert_int_equal(try_trailer(0, 50, most, 90, &e), 0);
	assert_int_equal(try_trailer(top - 90, 50, 70, top, &e), 0);
	check_failed(try_trailer(1000, 50, 70, 1089, &e), &e, ERR_DAMAGED);
	check_failed(try_trailer(1000, 50, 70, 1091, &e), &e, ERR_DAMAGED);
	check_failed(try_trailer(1000, 50, 70, 0, &e), &e, ERR_DAMAGED);
	check_failed(try_trailer(1000, 50, most + 1, 1090, &e), &e,
	    ERR_DAMAGED);
	check_failed(try_trailer(1000, 50, top, 1090, &e), &e, ERR_DAMAGED);
	/* No more is read for an INDEX than one can be. */
	assert_int_equal(try_trailer(0, stored, 70, stored + 40, &e), 0);
	check_failed(try_trailer(0, stored + 1, 70, stored + 41, &e), &e,
	    ERR_DAMAGED);
	/* Sums that come round to the length of the file. */
	check_failed(try_trailer(top, 1051, 70, 1090, &e), &e, ERR_DAMAGED);
	check_failed(try_trailer(1051, top, 70, 1090, &e), &e, ERR_DAMAGED);
	check_failed(try_trailer(top - 49, 50, 70, 40, &e), &e, ERR_DAMAGED);
	check_failed(try_trailer(top - 50, 50, 70, 39, &e), &e, ERR_DAMAGED);
}

static void
test_trailer_magic(void **state)
{
	uint8_t in[FRAME_TRAILER_LEN];
	struct frame_trailer t;
	struct err e = { 0 };
	size_t i;

	(void)state;
	encode_trailer(in, 1000, 50, 70);
	for (i = 0; i < 16; i++) {
		in[i] ^= 0x10;
		check_failed(frame_trailer_decode(in, 1090, &t, &e), &e,
		    ERR_DAMAGED);
		in[i] ^= 0x10;
	}
	assert_int_equal(frame_trailer_decode(in, 1090, &t, &e), 0);
}

/* zstd(1) takes frames and trailer as one stream. */
static void
test_zstd_reads_it(void **state)
{
	uint8_t trailer[FRAME_TRAILER_LEN];
	const char *dir;
	char path[300], cmd[700];
	struct sample s;
	int fd, i;

	(void)state;
	need("zstd");
	dir = scratch_begin();
	begin(&s, 100000);
	snprintf(path, sizeof(path), "%s/p", dir);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(io_write(fd, s.stored, s.storedlen), 0);
	encode_trailer(trailer, 2 * s.storedlen, s.storedlen, 1);
	assert_int_equal(io_write(fd, trailer, sizeof(trailer)), 0);
	close(fd);
	snprintf(cmd, sizeof(cmd), "zstd -q -t <'%s' && "
	    "test $(zstd -dc <'%s' | wc -c) = 300000", path, path);
	assert_int_equal(shell(cmd), 0);
	end(&s);
	scratch_end(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_reuse),
		cmocka_unit_test(test_encode_refuses),
		cmocka_unit_test(test_wrong_lengths),
		cmocka_unit_test(test_two_frames),
		cmocka_unit_test(test_flipped_bits),
		cmocka_unit_test(test_frames_by_hand),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_trailer),
		cmocka_unit_test(test_trailer_bounds),
		cmocka_unit_test(test_trailer_magic),
		cmocka_unit_test(test_zstd_reads_it),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
