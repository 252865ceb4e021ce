#include <unistd.h>

#include "restore/reasons.h"
#include "tests/unit/unit.h"

static void
test_names(void **state)
{
	struct buf said = BUF_INIT, out = BUF_INIT;
	struct reasons r = { .known = 0 };

	(void)state;
	assert_null(reasons_of(&r, "./a", &out));
	buf_puts(&said, "tar: ./ab: one\nno colon\ntar: ./a\\nb: two\n"
	    "attrs: ./a: three: of it\nattrs: ./a: four\ntar: ./last");
	reasons_add(&r, &said);
	assert_string_equal(reasons_of(&r, "./ab", &out), "one");
	assert_string_equal(reasons_of(&r, "./a\nb", &out), "two");
	assert_string_equal(reasons_of(&r, "./a", &out), "three: of it");
	assert_null(reasons_of(&r, "./last", &out));
	assert_null(reasons_of(&r, "./", &out));
	assert_null(reasons_of(&r, "", &out));
	/* Another command's words begin a line of their own. */
	reasons_add(&r, &said);
	assert_string_equal(reasons_of(&r, "./ab", &out), "one");
	assert_null(reasons_of(&r, "./last", &out));
	reasons_clear(&r);
	assert_null(reasons_of(&r, "./ab", &out));
	buf_clear(&said);
	buf_puts(&said, "tar: ./ab: five\n");
	reasons_add(&r, &said);
	assert_string_equal(reasons_of(&r, "./ab", &out), "five");
	reasons_fini(&r);
	buf_fini(&said);
	buf_fini(&out);
}

/*
 * As many as fit, and a look-up for each of many more: line by line, that
 * would be more than a thousand million lines.
 */
static void
test_many(void **state)
{
	struct buf said = BUF_INIT, out = BUF_INIT;
	struct reasons r = { .known = 0 };
	char name[32];
	size_t i, n = 0;

	(void)state;
	alarm(20);
	for (i = 0; i < 100000; i++)
		buf_printf(&said, "tar: ./file%zu: no\n", i);
	assert_true(said.len > REASONS_BYTES);
	reasons_add(&r, &said);
	reasons_add(&r, &said);
	assert_true(r.said.len <= REASONS_BYTES);
	for (i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "./file%zu", i);
		n += reasons_of(&r, name, &out) != NULL;
	}
	assert_in_range(n, 40000, 99999);
	assert_non_null(reasons_of(&r, "./file0", &out));
	alarm(0);
	reasons_fini(&r);
	buf_fini(&said);
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_many),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
