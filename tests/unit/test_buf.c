#include "base/buf.h"
#include "tests/unit/unit.h"

/* More than half of the address space: refused before realloc is asked. */
#define TOO_MUCH (SIZE_MAX / 2 + 2)

static void
check_text(struct buf *b, const char *want)
{
	struct err e = { 0 };

	assert_int_equal(buf_ok(b, &e), 0);
	assert_int_equal(b->len, strlen(want));
	assert_string_equal(buf_cstr(b), want);
	assert_int_equal(b->len, strlen(want));
}

static void
test_empty(void **state)
{
	struct buf b = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(buf_ok(&b, &e), 0);
	buf_append(&b, NULL, 0);
	assert_int_equal(b.len, 0);
	assert_string_equal(buf_cstr(&b), "");
	buf_fini(&b);
	buf_fini(&b);
	assert_null(b.data);
}

static void
test_appends(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	buf_puts(&b, "one");
	buf_putc(&b, ' ');
	buf_append(&b, "two three", 3);
	buf_printf(&b, " %d %s", 3, "four");
	check_text(&b, "one two 3 four");
	buf_printf(&b, "%s", "");
	check_text(&b, "one two 3 four");
	buf_clear(&b);
	check_text(&b, "");
	buf_puts(&b, "again");
	check_text(&b, "again");
	buf_fini(&b);
	buf_puts(&b, "and again");
	check_text(&b, "and again");
	buf_fini(&b);
}

static void
test_numbers(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	buf_putu(&b, 0);
	buf_putc(&b, ' ');
	buf_putu(&b, 10);
	buf_putc(&b, ' ');
	buf_putu(&b, UINT64_MAX);
	check_text(&b, "0 10 18446744073709551615");
	buf_clear(&b);
	buf_putd(&b, 0);
	buf_putc(&b, ' ');
	buf_putd(&b, -1);
	buf_putc(&b, ' ');
	buf_putd(&b, INT64_MAX);
	buf_putc(&b, ' ');
	buf_putd(&b, INT64_MIN);
	check_text(&b, "0 -1 9223372036854775807 -9223372036854775808");
	buf_fini(&b);
}

static void
test_grows(void **state)
{
	struct buf b = BUF_INIT;
	struct rng r = { 1 };
	uint8_t *want, piece[1000];
	size_t len = 0, n;

	(void)state;
	want = malloc(300000);
	assert_non_null(want);
	while (len < 299000) {
		n = rng_below(&r, sizeof(piece));
		rng_fill(&r, piece, n);
		memcpy(want + len, piece, n);
		buf_append(&b, piece, n);
		len += n;
		assert_int_equal(b.len, len);
		assert_true(b.cap >= b.len);
	}
	assert_memory_equal(b.data, want, len);
	free(want);
	buf_fini(&b);
}

static void
test_reserve(void **state)
{
	struct buf b = BUF_INIT;
	uint8_t *p;

	(void)state;
	assert_non_null(p = buf_reserve(&b, 1000));
	memset(p, 'x', 1000);
	assert_int_equal(b.len, 0);
	buf_advance(&b, 3);
	check_text(&b, "xxx");
	assert_ptr_equal(buf_reserve(&b, 5), b.data + 3);
	buf_fini(&b);
}

/* Room for nothing is no failure, in a fresh buffer neither. */
static void
test_reserve_nothing(void **state)
{
	struct buf b = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	assert_non_null(buf_reserve(&b, 0));
	assert_int_equal(buf_ok(&b, &e), 0);
	buf_fini(&b);
}

static void
test_out_of_memory_sticks(void **state)
{
	struct buf b = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	buf_puts(&b, "kept");
	assert_null(buf_reserve(&b, TOO_MUCH));
	check_failed(buf_ok(&b, &e), &e, ERR_FAILED);
	buf_puts(&b, "x");
	buf_putc(&b, 'x');
	buf_putu(&b, 1);
	buf_putd(&b, -1);
	buf_printf(&b, "%d", 1);
	assert_null(buf_reserve(&b, 0));
	assert_int_equal(b.len, 4);
	assert_memory_equal(b.data, "kept", 4);
	assert_string_equal(buf_cstr(&b), "");
	check_failed(buf_ok(&b, &e), &e, ERR_FAILED);
	buf_clear(&b);
	buf_puts(&b, "fresh");
	check_text(&b, "fresh");
	buf_fini(&b);
}

static void
test_length_overflow(void **state)
{
	struct buf b = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	buf_putc(&b, 'a');
	assert_null(buf_reserve(&b, SIZE_MAX));
	check_failed(buf_ok(&b, &e), &e, ERR_FAILED);
	buf_fini(&b);
	assert_int_equal(buf_ok(&b, &e), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_appends),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_reserve),
		cmocka_unit_test(test_reserve_nothing),
		cmocka_unit_test(test_out_of_memory_sticks),
		cmocka_unit_test(test_length_overflow),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
