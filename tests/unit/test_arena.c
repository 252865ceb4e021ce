#include <stdalign.h>

#include "base/arena.h"
#include "tests/unit/unit.h"

/* Pieces do not overlap, do not move and are aligned. */
static void
test_pieces(void **state)
{
	struct arena a = { 0 };
	struct rng r = { 61 };
	uint8_t *p[2000];
	size_t len[2000], i, k, total = 0;

	(void)state;
	for (i = 0; i < COUNT(p); i++) {
		len[i] = rng_below(&r, i % 100 == 0 ? 200000 : 300);
		assert_non_null(p[i] = arena_alloc(&a, len[i]));
		assert_int_equal((uintptr_t)p[i] % alignof(max_align_t), 0);
		memset(p[i], (int)(i & 0xff), len[i]);
		total += len[i];
		assert_int_equal(a.total, total);
	}
	for (i = 0; i < COUNT(p); i++)
		for (k = 0; k < len[i]; k++)
			assert_int_equal(p[i][k], i & 0xff);
	arena_fini(&a);
	assert_int_equal(a.total, 0);
	arena_fini(&a);
}

static void
test_copy(void **state)
{
	struct arena a = { 0 };
	const char text[] = "some bytes";
	char *p;

	(void)state;
	assert_non_null(p = arena_copy(&a, text, sizeof(text)));
	assert_ptr_not_equal(p, text);
	assert_string_equal(p, text);
	assert_non_null(arena_copy(&a, NULL, 0));
	arena_fini(&a);
}

static void
test_reset(void **state)
{
	struct arena a = { 0 };
	size_t round, i;
	char *p;

	(void)state;
	arena_reset(&a);
	for (round = 0; round < 20; round++) {
		for (i = 0; i < 100; i++) {
			assert_non_null(p = arena_alloc(&a, 5000));
			memset(p, 'x', 5000);
		}
		assert_non_null(p = arena_alloc(&a,
		    round % 2 == 0 ? 1000000 : 1));
		*p = 'y';
		arena_reset(&a);
		assert_int_equal(a.total, 0);
	}
	arena_fini(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_reset),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
