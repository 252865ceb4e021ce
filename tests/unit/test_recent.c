#include "imgxfer/recent.h"
#include "tests/unit/unit.h"

#define SIZE 1000
#define ALL 20000

/* Pieces of all lengths go by, and any part of the last SIZE bytes is there. */
static void
test_pieces(void **state)
{
	struct recent r;
	struct rng random = { 7 };
	struct err e = { 0 };
	uint8_t data[ALL], got[SIZE];
	size_t len, off, n, oldest;

	(void)state;
	rng_fill(&random, data, sizeof(data));
	assert_int_equal(recent_init(&r, SIZE, &e), 0);
	assert_int_equal(recent_get(&r, 0, got, 0, &e), 0);
	for (len = 0; r.end + len <= ALL; len += 37) {
		recent_put(&r, data + r.end, len);
		oldest = r.end > SIZE ? (size_t)r.end - SIZE : 0;
		for (off = oldest; off <= r.end; off += 91) {
			n = (size_t)r.end - off;
			assert_int_equal(recent_get(&r, off, got, n, &e), 0);
			assert_memory_equal(got, data + off, n);
			n /= 3;
			assert_int_equal(recent_get(&r, off, got, n, &e), 0);
			assert_memory_equal(got, data + off, n);
		}
		if (oldest > 0)
			check_failed(recent_get(&r, oldest - 1, got, 1, &e),
			    &e, ERR_FAILED);
		check_failed(recent_get(&r, r.end, got, 1, &e), &e,
		    ERR_FAILED);
		check_failed(recent_get(&r, r.end + 1, got, 0, &e), &e,
		    ERR_FAILED);
	}
	assert_true(len > SIZE);
	recent_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
