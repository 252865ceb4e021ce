#include "formats/cutter.h"
#include "tests/unit/unit.h"

#define DATA_BYTES ((size_t)4 << 20)

/* Bytes that every implementation can make: a 64-bit LCG's top byte. */
static uint8_t *
make_data(size_t len, uint64_t seed)
{
	uint8_t *p = malloc(len);
	uint64_t x = seed;
	size_t i;

	assert_non_null(p);
	for (i = 0; i < len; i++) {
		x = x * 6364136223846793005 + 1442695040888963407;
		p[i] = (uint8_t)(x >> 56);
	}
	return (p);
}

/* All cuts of len bytes; how many. */
static size_t
cut_all(const struct cutter *c, const uint8_t *p, size_t len, size_t *cuts,
    size_t max)
{
	size_t off, n = 0, cut;

	for (off = 0; off < len; off += cut) {
		cut = cutter_next(c, p + off, len - off, 1);
		assert_true(cut > 0 && cut <= len - off && n < max);
		cuts[n++] = cut;
	}
	return (n);
}

/* The table and the masks of xcatvault-vault(5); worked out elsewhere. */
static void
test_table(void **state)
{
	struct cutter c;

	(void)state;
	cutter_init(&c, 65536, 262144, 1048576);
	assert_true(c.mask_small == 0xFFFFF00000000000);
	assert_true(c.mask_large == 0xFFFF000000000000);
	assert_true(c.gear[0] == 0x94df89b2aa4f532a);
	assert_true(c.gear[1] == 0x9516269474815d31);
	assert_true(c.gear[255] == 0x0fc0c828afd3705b);
	cutter_init(&c, 64, 1024, 8192);
	assert_true(c.mask_small == 0xFFF0000000000000);
	assert_true(c.mask_large == 0xFF00000000000000);
	assert_true(c.gear[255] == 0x0fc0c828afd3705b);
}

/* Cuts must never change: a vault's savings hang on them. */
static void
test_pinned(void **state)
{
	static const size_t whole[] = {
		311807, 353072, 289343, 313381, 296530, 363192, 277851,
		228521, 341810, 300781, 303309, 340891, 164526, 309290,
	};
	static const size_t small[] = {
		6312, 4555, 4399, 2700, 3244, 4613, 4517, 661, 4118, 6736,
		5431, 2535, 3351, 4346, 6997, 1021,
	};
	uint8_t *p = make_data(DATA_BYTES, 1);
	size_t cuts[200], n;
	struct cutter c;

	(void)state;
	cutter_init(&c, 65536, 262144, 1048576);
	n = cut_all(&c, p, DATA_BYTES, cuts, COUNT(cuts));
	assert_int_equal(n, COUNT(whole));
	assert_memory_equal(cuts, whole, sizeof(whole));
	cutter_init(&c, 512, 4096, 16384);
	n = cut_all(&c, p, 65536, cuts, COUNT(cuts));
	assert_int_equal(n, COUNT(small));
	assert_memory_equal(cuts, small, sizeof(small));
	free(p);
}

static void
test_bounds(void **state)
{
	uint8_t *p = make_data(DATA_BYTES, 2);
	static size_t cuts[20000];
	size_t n, i, min = SIZE_MAX, max = 0, at_max = 0;
	struct cutter c;

	(void)state;
	cutter_init(&c, 200, 1024, 3000);
	n = cut_all(&c, p, DATA_BYTES, cuts, COUNT(cuts));
	for (i = 0; i + 1 < n; i++) {
		min = cuts[i] < min ? cuts[i] : min;
		max = cuts[i] > max ? cuts[i] : max;
		at_max += cuts[i] == 3000;
	}
	assert_true(min > 200);
	assert_int_equal(max, 3000);
	assert_true(at_max > 0 && at_max < n / 10);
	assert_true(DATA_BYTES / n > 700 && DATA_BYTES / n < 1500);
	free(p);
}

/* A run of equal bytes never matches: cut at the maximum throughout. */
static void
test_zeros(void **state)
{
	uint8_t *p = calloc(1, 100000);
	struct cutter c;

	(void)state;
	assert_non_null(p);
	cutter_init(&c, 200, 1024, 3000);
	assert_int_equal(cutter_next(&c, p, 100000, 1), 3000);
	assert_int_equal(cutter_next(&c, p, 3000, 0), 3000);
	assert_int_equal(cutter_next(&c, p, 2999, 0), 0);
	assert_int_equal(cutter_next(&c, p, 2999, 1), 2999);
	free(p);
}

static void
test_short(void **state)
{
	uint8_t *p = make_data(4096, 3);
	struct cutter c;
	size_t len;

	(void)state;
	cutter_init(&c, 1000, 1024, 3000);
	assert_int_equal(cutter_next(&c, p, 0, 1), 0);
	assert_int_equal(cutter_next(&c, p, 0, 0), 0);
	for (len = 1; len <= 1000; len++) {
		assert_int_equal(cutter_next(&c, p, len, 1), len);
		assert_int_equal(cutter_next(&c, p, len, 0), 0);
	}
	free(p);
}

/* "len >= max_bytes always gives a cut", even when all three are equal. */
static void
test_equal_bounds(void **state)
{
	uint8_t *p = make_data(9000, 4);
	struct cutter c;

	(void)state;
	cutter_init(&c, 4096, 4096, 4096);
	assert_int_equal(cutter_next(&c, p, 9000, 0), 4096);
	assert_int_equal(cutter_next(&c, p, 4097, 0), 4096);
	assert_int_equal(cutter_next(&c, p, 4095, 0), 0);
	assert_int_equal(cutter_next(&c, p, 4095, 1), 4095);
	assert_int_equal(cutter_next(&c, p, 4096, 1), 4096);
	assert_int_equal(cutter_next(&c, p, 4096, 0), 4096);
	free(p);
}

/* However little is there at first, the cut is that of the whole. */
static void
test_pieces(void **state)
{
	uint8_t *p = make_data(DATA_BYTES, 5);
	struct rng r = { 12 };
	size_t off, len, cut, whole;
	struct cutter c;

	(void)state;
	cutter_init(&c, 256, 2048, 8192);
	for (off = 0; off < DATA_BYTES - 16384; off += whole) {
		whole = cutter_next(&c, p + off, DATA_BYTES - off, 1);
		assert_true(whole > 0);
		len = 0;
		do {
			len += 1 + rng_below(&r, 1000);
			cut = cutter_next(&c, p + off, len, 0);
			if (cut == 0)
				assert_true(len < 8192);
		} while (cut == 0);
		assert_int_equal(cut, whole);
	}
	free(p);
}

/* Count the ends, measured from the end of the data, that both have. */
static size_t
common_ends(const size_t *a, size_t na, const size_t *b, size_t nb)
{
	size_t n = 0;

	while (na > 0 && nb > 0 && a[na - 1] == b[nb - 1]) {
		n++;
		na--;
		nb--;
	}
	return (n);
}

/* Bytes put in near the front change few cuts; the rest come out the same. */
static void
test_resync(void **state)
{
	size_t len = 1 << 20, na, nb, extra;
	uint8_t *p = make_data(len + 100, 6), *q = malloc(len + 100);
	size_t a[2000], b[2000];
	struct cutter c;

	(void)state;
	assert_non_null(q);
	cutter_init(&c, 256, 2048, 8192);
	na = cut_all(&c, p, len, a, COUNT(a));
	for (extra = 1; extra <= 100; extra += 33) {
		memcpy(q, p, 5000);
		memset(q + 5000, 'i', extra);
		memcpy(q + 5000 + extra, p + 5000, len - 5000);
		nb = cut_all(&c, q, len + extra, b, COUNT(b));
		assert_true(common_ends(a, na, b, nb) + 40 > na);
	}
	free(p);
	free(q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_pinned),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_zeros),
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_equal_bounds),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_resync),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
