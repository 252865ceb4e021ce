#include <errno.h>

#include "tests/unit/unit.h"

static void
test_set(void **state)
{
	struct err e = { 0 };

	(void)state;
	e.errnum = 5;
	assert_int_equal(err_set(&e, ERR_USAGE, "%s %d", "bad", 7), -1);
	assert_int_equal(e.kind, ERR_USAGE);
	assert_int_equal(e.errnum, 0);
	assert_string_equal(e.msg, "bad 7");
}

static void
test_sys(void **state)
{
	struct err e = { 0 };
	char want[200];

	(void)state;
	errno = ENOENT;
	assert_int_equal(err_sys(&e, "%s", "file"), -1);
	assert_int_equal(e.kind, ERR_FAILED);
	assert_int_equal(e.errnum, ENOENT);
	snprintf(want, sizeof(want), "file: %s", strerror(ENOENT));
	assert_string_equal(e.msg, want);
}

static void
test_nomem(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_int_equal(err_nomem(&e), -1);
	assert_int_equal(e.kind, ERR_FAILED);
	assert_string_equal(e.msg, "out of memory");
}

static void
test_wrap(void **state)
{
	struct err e = { 0 };

	(void)state;
	errno = EACCES;
	err_sys(&e, "x");
	err_set(&e, ERR_DAMAGED, "inner");
	e.errnum = EIO;
	assert_int_equal(err_wrap(&e, "pack %d", 3), -1);
	assert_string_equal(e.msg, "pack 3: inner");
	assert_int_equal(e.kind, ERR_DAMAGED);
	assert_int_equal(e.errnum, EIO);
	err_wrap(&e, "vault");
	assert_string_equal(e.msg, "vault: pack 3: inner");
	memset(&e, 0, sizeof(e));
	err_wrap(&e, "nothing");
	assert_int_equal(e.kind, ERR_FAILED);
}

/* A hostile name must not make two lines of one, or drive a terminal. */
static void
test_one_line(void **state)
{
	struct err e = { 0 };

	(void)state;
	err_set(&e, ERR_FAILED, "a\nb\rc\td\033e\177f\001g");
	assert_string_equal(e.msg, "a?b?c?d?e?f?g");
	errno = EIO;
	err_sys(&e, "a\nb");
	assert_memory_equal(e.msg, "a?b: ", 5);
	err_set(&e, ERR_FAILED, "in");
	err_wrap(&e, "o\nut");
	assert_string_equal(e.msg, "o?ut: in");
}

static void
test_long(void **state)
{
	struct err e = { 0 };
	char s[3 * sizeof(e.msg)];
	size_t i;

	(void)state;
	memset(s, 'a', sizeof(s) - 1);
	s[sizeof(s) - 1] = '\0';
	err_set(&e, ERR_FAILED, "%s", s);
	assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
	errno = EIO;
	err_sys(&e, "%s", s);
	assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
	for (i = 0; i < 200; i++)
		err_wrap(&e, "layer %zu", i);
	assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
	assert_memory_equal(e.msg, "layer 199: layer 198: ", 22);
	err_wrap(&e, "%s", s);
	assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
}

static void
test_status(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_int_equal(err_status(&e), 0);
	e.kind = ERR_FAILED;
	assert_int_equal(err_status(&e), 2);
	e.kind = ERR_USAGE;
	assert_int_equal(err_status(&e), 3);
	e.kind = ERR_BUSY;
	assert_int_equal(err_status(&e), 4);
	e.kind = ERR_DAMAGED;
	assert_int_equal(err_status(&e), 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_sys),
		cmocka_unit_test(test_nomem),
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_one_line),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_status),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
