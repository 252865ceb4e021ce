#include "imgxfer/noderange.h"
#include "tests/unit/unit.h"

/* Names with blanks between; put into order and as a noderange. */
static void
range_is(const char *text, const char *want)
{
	const char *names[32];
	char copy[512], *p, *save;
	struct buf b = BUF_INIT;
	size_t n = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	for (p = strtok_r(copy, " ", &save); p != NULL;
	    p = strtok_r(NULL, " ", &save))
		names[n++] = p;
	noderange_put(&b, names, n);
	assert_string_equal(buf_cstr(&b), want);
	buf_fini(&b);
}

static void
test_runs(void **state)
{
	(void)state;
	range_is("", "");
	range_is("cn001", "cn001");
	range_is("cn002 cn001", "cn001,cn002");
	range_is("cn003 cn001 cn002", "cn001-cn003");
	range_is("cn001 cn002 cn003 cn005 cn006 cn008 cn009 cn010",
	    "cn001-cn003,cn005,cn006,cn008-cn010");
	range_is("a1 b2 a2 b1 a3 b3", "a1-a3,b1-b3");
	range_is("login cn1 cn2 cn3", "cn1-cn3,login");
}

/* xCAT counts in names of one length only, and "-" is its own. */
static void
test_no_runs(void **state)
{
	(void)state;
	range_is("cn8 cn9 cn10 cn11", "cn8,cn9,cn10,cn11");
	range_is("cn-1 cn-2 cn-3", "cn-1,cn-2,cn-3");
	range_is("cn1a cn2a cn3a", "cn1a,cn2a,cn3a");
	range_is("cn01 cn1 cn02 cn2", "cn01,cn02,cn1,cn2");
	range_is("cn999999999999999999998 cn999999999999999999999",
	    "cn999999999999999999998,cn999999999999999999999");
	range_is("cn1 cn1 cn1", "cn1,cn1,cn1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_no_runs),
	};

	return (cmocka_run_group_tests_name("noderange", tests, NULL, NULL));
}
