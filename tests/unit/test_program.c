#include <errno.h>
#include <time.h>

#include "backup/program.h"
#include "tests/unit/unit.h"

static int
run(const char *script, struct buf *out, size_t max, unsigned limit_s,
    struct err *e)
{
	const char *argv[] = { "sh", "-c", script, "sh", "a b", "*", NULL };

	buf_clear(out);
	return (program_run(argv, out, max, limit_s, e));
}

static void
test_output(void **state)
{
	struct buf out = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(run("echo \"$1|$2\"; echo x >&2; cat", &out, 100, 20,
	    &e), 0);
	assert_string_equal(buf_cstr(&out), "a b|*\n");
	/* Either stream may be more than a pipe holds. */
	assert_int_equal(run("head -c 300000 /dev/zero >&2; "
	    "head -c 300000 /dev/zero", &out, 300000, 20, &e), 0);
	assert_int_equal(out.len, 300000);
	buf_fini(&out);
}

static void
test_failures(void **state)
{
	static const char *const nothing[] = { "xcatvault-no-such", NULL };
	struct buf out = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(program_run(nothing, &out, 10, 20, &e), -1);
	assert_int_equal(e.errnum, ENOENT);
	check_failed(-1, &e, ERR_FAILED);
	assert_int_equal(run("echo why >&2; echo more >&2; exit 3", &out, 10,
	    20, &e), -1);
	assert_non_null(strstr(e.msg, "status 3: why"));
	assert_null(strstr(e.msg, "more"));
	check_failed(-1, &e, ERR_FAILED);
	assert_int_equal(run("kill -9 $$", &out, 10, 20, &e), -1);
	assert_non_null(strstr(e.msg, "status 137"));
	check_failed(-1, &e, ERR_FAILED);
	check_failed(run("head -c 11 /dev/zero", &out, 10, 20, &e), &e,
	    ERR_FAILED);
	buf_fini(&out);
}

/* It is killed with what it has started. */
static void
test_limit(void **state)
{
	struct buf out = BUF_INIT;
	struct err e = { 0 };
	time_t begun = time(NULL);

	(void)state;
	check_failed(run("sleep 60 & sleep 60", &out, 10, 1, &e), &e,
	    ERR_FAILED);
	assert_true(time(NULL) - begun < 30);
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_output),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_limit),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
