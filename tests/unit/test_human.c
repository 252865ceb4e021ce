#include "base/human.h"
#include "tests/unit/unit.h"

static void
check_bytes(uint64_t bytes, const char *want)
{
	char out[HUMAN_LEN];

	human_bytes(bytes, out);
	assert_string_equal(out, want);
}

static void
test_bytes(void **state)
{
	(void)state;
	check_bytes(0, "0 B");
	check_bytes(1, "1 B");
	check_bytes(999, "999 B");
	check_bytes(1000, "1.0 KB");
	check_bytes(1499, "1.5 KB");
	check_bytes(99900, "99.9 KB");
	check_bytes(99990, "100 KB");
	check_bytes(100000, "100 KB");
	check_bytes(999499, "999 KB");
	check_bytes(999500, "1.0 MB");
	check_bytes(1500000000, "1.5 GB");
	check_bytes(12000000000000, "12.0 TB");
	check_bytes(UINT64_MAX, "18.4 EB");
}

static void
check_seconds(uint64_t seconds, const char *want)
{
	char out[HUMAN_LEN];

	human_seconds(seconds, out);
	assert_string_equal(out, want);
}

static void
test_seconds(void **state)
{
	(void)state;
	check_seconds(0, "0:00");
	check_seconds(59, "0:59");
	check_seconds(60, "1:00");
	check_seconds(3599, "59:59");
	check_seconds(3600, "1:00:00");
	check_seconds(3723, "1:02:03");
	check_seconds(360000, "100:00:00");
	check_seconds(UINT64_MAX, "5124095576030431:00:15");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_seconds),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
