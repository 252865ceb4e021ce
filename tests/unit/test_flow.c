#include "imgxfer/flow.h"
#include "tests/unit/unit.h"

static void
test_waits(void **state)
{
	struct flow *f;
	struct err e = { 0 };
	char text[10];

	(void)state;
	assert_non_null(f = flow_new(10, &e));
	assert_false(flow_wait_data(f, 20));
	assert_true(flow_wait_room(f, 10, 0));
	assert_int_equal(flow_write(f, "0123456", 7, &e), 0);
	assert_true(flow_wait_data(f, 0));
	assert_true(flow_wait_room(f, 3, 0));
	assert_false(flow_wait_room(f, 4, 1020));
	assert_int_equal(flow_read(f, text, sizeof(text), &e), 7);
	assert_memory_equal(text, "0123456", 7);
	assert_false(flow_wait_data(f, 0));
	assert_true(flow_wait_room(f, 4, 0));
	flow_end(f, NULL);
	assert_true(flow_wait_data(f, 0));
	assert_int_equal(flow_read(f, text, sizeof(text), &e), 0);
	flow_free(f);

	assert_non_null(f = flow_new(1, &e));
	assert_int_equal(flow_write(f, "x", 1, &e), 0);
	assert_false(flow_wait_room(f, 1, 0));
	flow_close(f, NULL);
	assert_true(flow_wait_room(f, 1, 0));
	check_failed(flow_write(f, "y", 1, &e), &e, ERR_FAILED);
	flow_free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waits),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
