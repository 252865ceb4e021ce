#include "base/nametab.h"
#include "tests/unit/unit.h"

static void
test_values(void **state)
{
	struct nametab t = { 0 };
	uint64_t *v, *first;
	char name[24];
	size_t i, n = 20000, len;

	(void)state;
	assert_null(nametab_find(&t, "x", 1));
	assert_null(nametab_find(&t, "", 0));
	for (i = 0; i < n; i++) {
		len = (size_t)snprintf(name, sizeof(name), "name %zu", i);
		assert_null(nametab_find(&t, name, len));
		v = nametab_add(&t, name, len, sizeof(*v));
		assert_non_null(v);
		assert_int_equal((uintptr_t)v % _Alignof(max_align_t), 0);
		assert_int_equal(*v, 0);
		*v = i;
	}
	assert_int_equal(t.n, n);
	first = nametab_find(&t, "name 0", 6);
	for (i = 0; i < n; i++) {
		len = (size_t)snprintf(name, sizeof(name), "name %zu", i);
		v = nametab_find(&t, name, len);
		assert_non_null(v);
		assert_int_equal(*v, i);
		/* The beginning of a name, and one that goes on, are others. */
		assert_null(nametab_find(&t, name, len + 1));
	}
	assert_null(nametab_find(&t, "name ", 5));
	assert_ptr_equal(nametab_find(&t, "name 0", 6), first);
	nametab_fini(&t);
	assert_int_equal(t.n, 0);
	assert_null(nametab_find(&t, "name 0", 6));
	nametab_fini(&t);
}

/* Bytes of any value, none at all, and the table's own copy of them. */
static void
test_any_bytes(void **state)
{
	char name[] = { 'a', '\0', 'b', '\n' };
	struct nametab t = { 0 };

	(void)state;
	assert_non_null(nametab_add(&t, name, sizeof(name), 0));
	assert_null(nametab_find(&t, name, 1));
	assert_null(nametab_find(&t, name, 3));
	name[2] = 'c';
	assert_null(nametab_find(&t, name, sizeof(name)));
	name[2] = 'b';
	assert_non_null(nametab_find(&t, name, sizeof(name)));
	assert_null(nametab_find(&t, NULL, 0));
	assert_non_null(nametab_add(&t, NULL, 0, 3));
	assert_non_null(nametab_find(&t, name, 0));
	assert_int_equal(t.n, 2);
	assert_null(nametab_add(&t, "x", 1, SIZE_MAX));
	assert_null(nametab_add(&t, "x", 1, SIZE_MAX - 20));
	assert_int_equal(t.n, 2);
	assert_null(nametab_find(&t, "x", 1));
	nametab_fini(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_any_bytes),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
