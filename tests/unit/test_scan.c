#include "formats/scan.h"
#include "tests/unit/unit.h"

/* A scan of a string's exact bytes, without the NUL. */
static struct scan
over(const char *text)
{
	struct scan s = { text, text + strlen(text) };

	return (s);
}

/* How many bytes a scan has taken since p. */
static size_t
taken(const struct scan *s, const char *p)
{
	return ((size_t)(s->p - p));
}

static void
test_text(void **state)
{
	const char *t = "abcab";
	struct scan s = over(t);

	(void)state;
	assert_int_equal(scan_text(&s, "abd"), 0);
	assert_int_equal(taken(&s, t), 0);
	assert_int_equal(scan_text(&s, "abcabc"), 0);
	assert_int_equal(scan_text(&s, ""), 1);
	assert_int_equal(scan_text(&s, "abc"), 1);
	assert_int_equal(scan_char(&s, 'b'), 0);
	assert_int_equal(scan_char(&s, 'a'), 1);
	assert_int_equal(scan_text(&s, "bc"), 0);
	assert_int_equal(scan_text(&s, "b"), 1);
	assert_int_equal(scan_text(&s, "b"), 0);
	assert_int_equal(scan_char(&s, '\0'), 0);
	assert_int_equal(taken(&s, t), 5);
}

struct number {
	const char *text;
	int ok;
	uint64_t value;
	size_t used;
};

static const struct number numbers[] = {
	{ "0", 1, 0, 1 }, { "7 ", 1, 7, 1 }, { "10x", 1, 10, 2 },
	{ "4294967295", 1, UINT32_MAX, 10 },
	{ "4294967296", 1, (uint64_t)UINT32_MAX + 1, 10 },
	{ "9223372036854775807", 1, INT64_MAX, 19 },
	{ "9223372036854775808", 1, (uint64_t)INT64_MAX + 1, 19 },
	{ "18446744073709551615", 1, UINT64_MAX, 20 },
	{ "18446744073709551616", 0, 0, 0 },
	{ "18446744073709551620", 0, 0, 0 },
	{ "99999999999999999999", 0, 0, 0 },
	{ "184467440737095516150", 0, 0, 0 },
	{ "", 0, 0, 0 }, { "00", 0, 0, 0 }, { "01", 0, 0, 0 },
	{ "+1", 0, 0, 0 }, { " 1", 0, 0, 0 }, { "a", 0, 0, 0 },
	{ "-1", 0, 0, 0 }, { "/", 0, 0, 0 }, { ":", 0, 0, 0 },
};

static void
test_unsigned(void **state)
{
	const struct number *n;
	struct scan s;
	uint64_t v;
	uint32_t w;
	size_t i;
	int small;

	(void)state;
	for (i = 0; i < COUNT(numbers); i++) {
		n = &numbers[i];
		s = over(n->text);
		assert_int_equal(scan_u64(&s, &v), n->ok);
		assert_int_equal(taken(&s, n->text), n->used);
		if (n->ok)
			assert_true(v == n->value);
		s = over(n->text);
		small = n->ok && n->value <= UINT32_MAX;
		assert_int_equal(scan_u32(&s, &w), small);
		assert_int_equal(taken(&s, n->text), small ? n->used : 0);
		if (small)
			assert_int_equal(w, n->value);
	}
}

static void
check_signed(const char *text, int ok, int64_t value)
{
	struct scan s = over(text);
	int64_t v = 0;

	assert_int_equal(scan_i64(&s, &v), ok);
	assert_int_equal(taken(&s, text), ok ? strlen(text) : 0);
	assert_true(v == value);
}

static void
test_signed(void **state)
{
	(void)state;
	check_signed("0", 1, 0);
	check_signed("12", 1, 12);
	check_signed("-12", 1, -12);
	check_signed("9223372036854775807", 1, INT64_MAX);
	check_signed("-9223372036854775807", 1, -INT64_MAX);
	check_signed("-9223372036854775808", 1, INT64_MIN);
	check_signed("9223372036854775808", 0, 0);
	check_signed("-9223372036854775809", 0, 0);
	check_signed("18446744073709551615", 0, 0);
	check_signed("-0", 0, 0);
	check_signed("-01", 0, 0);
	check_signed("--1", 0, 0);
	check_signed("-", 0, 0);
	check_signed("", 0, 0);
}

static void
test_octal(void **state)
{
	const char *t = "0644 ";
	struct scan s = over(t);
	uint32_t v;

	(void)state;
	assert_int_equal(scan_octal(&s, &v), 1);
	assert_int_equal(v, 0644);
	assert_int_equal(taken(&s, t), 4);
	s = over("7777");
	assert_int_equal(scan_octal(&s, &v), 1);
	assert_int_equal(v, 07777);
	s = over("");
	assert_int_equal(scan_octal(&s, &v), 0);
	s = over("8000");
	assert_int_equal(scan_octal(&s, &v), 0);
	s = over("-644");
	assert_int_equal(scan_octal(&s, &v), 0);
}

static void
check_time(const char *text, int ok, int64_t sec, uint32_t ns)
{
	struct scan s = over(text);
	int64_t got_sec = 0;
	uint32_t got_ns = 0;

	assert_int_equal(scan_time(&s, &got_sec, &got_ns), ok);
	assert_int_equal(taken(&s, text), ok ? strlen(text) : 0);
	if (ok) {
		assert_true(got_sec == sec);
		assert_int_equal(got_ns, ns);
	}
}

static void
test_time(void **state)
{
	(void)state;
	check_time("0.000000000", 1, 0, 0);
	check_time("1.000000001", 1, 1, 1);
	check_time("-1.999999999", 1, -1, 999999999);
	check_time("253402300800.123456789", 1, 253402300800, 123456789);
	check_time("-9223372036854775808.000000000", 1, INT64_MIN, 0);
	check_time("9223372036854775807.999999999", 1, INT64_MAX, 999999999);
	check_time("1", 0, 0, 0);
	check_time("1.", 0, 0, 0);
	check_time("1.00000000", 0, 0, 0);
	check_time("1.00000000x", 0, 0, 0);
	check_time("1.0000 0000", 0, 0, 0);
	check_time("1,000000000", 0, 0, 0);
	check_time(".000000000", 0, 0, 0);
	check_time("01.000000000", 0, 0, 0);
	check_time("-0.500000000", 0, 0, 0);
	check_time("9223372036854775808.000000000", 0, 0, 0);
}

static void
test_digest(void **state)
{
	char hex[DIGEST_HEX + 1];
	uint8_t id[DIGEST_LEN];
	struct scan s;

	(void)state;
	memset(hex, 'b', DIGEST_HEX);
	hex[DIGEST_HEX] = '\0';
	s = over(hex);
	assert_int_equal(scan_digest(&s, id), 1);
	assert_int_equal(id[31], 0xbb);
	assert_int_equal(taken(&s, hex), DIGEST_HEX);
	s = over(hex + 1);
	assert_int_equal(scan_digest(&s, id), 0);
	hex[40] = 'B';
	s = over(hex);
	assert_int_equal(scan_digest(&s, id), 0);
	assert_int_equal(taken(&s, hex), 0);
}

static void
test_word(void **state)
{
	const char *t = "word two\nthree";
	struct scan s = over(t);
	struct span w;

	(void)state;
	assert_int_equal(scan_word(&s, ' ', '\n', &w), 1);
	assert_int_equal(w.len, 4);
	assert_ptr_equal(w.p, t);
	assert_int_equal(scan_word(&s, ' ', '\n', &w), 0);
	assert_int_equal(scan_char(&s, ' '), 1);
	assert_int_equal(scan_word(&s, ' ', '\n', &w), 1);
	assert_int_equal(w.len, 3);
	assert_int_equal(scan_word(&s, 'x', '\n', &w), 0);
	assert_int_equal(scan_char(&s, '\n'), 1);
	assert_int_equal(scan_word(&s, '\n', '\n', &w), 1);
	assert_int_equal(w.len, 5);
	assert_int_equal(scan_word(&s, '\n', '\n', &w), 0);
}

static void
test_line(void **state)
{
	const char *t = "one\n\ntwo";
	struct scan s = over(t);

	(void)state;
	assert_int_equal(scan_line(&s), 1);
	assert_int_equal(taken(&s, t), 4);
	assert_int_equal(scan_line(&s), 1);
	assert_int_equal(taken(&s, t), 5);
	assert_int_equal(scan_line(&s), 0);
	assert_int_equal(taken(&s, t), 5);
	s = over("");
	assert_int_equal(scan_line(&s), 0);
}

/* The bound holds even where the memory goes on. */
static void
test_bounded(void **state)
{
	const char *t = "1234567890123456789012345678901234567890"
	    "1234567890123456789012345678901234567890";
	uint8_t id[DIGEST_LEN];
	struct span w;
	struct scan s;
	uint64_t v;
	size_t n;

	(void)state;
	for (n = 0; n < DIGEST_HEX; n++) {
		s.p = t;
		s.end = t + n;
		assert_int_equal(scan_digest(&s, id), 0);
		assert_int_equal(scan_word(&s, ' ', ' ', &w), n > 0);
		assert_int_equal(taken(&s, t), n);
		s.p = t;
		if (scan_u64(&s, &v))
			assert_int_equal(taken(&s, t), n);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_unsigned),
		cmocka_unit_test(test_signed),
		cmocka_unit_test(test_octal),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_word),
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_bounded),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
