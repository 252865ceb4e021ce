#include "imgxfer/heldsaid.h"
#include "tests/unit/unit.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* What the guard of a held directory says. */
static void
line(struct heldsaid *h, const char *text)
{
	struct err e = { 0 };

	assert_int_equal(heldsaid_line(h, text, strlen(text), &e), 0);
}

static void
bad(struct heldsaid *h, const char *text)
{
	struct err e = { 0 };

	check_failed(heldsaid_line(h, text, strlen(text), &e), &e,
	    ERR_FAILED);
}

static void
all_of_it(void **state)
{
	struct heldsaid h = { .dir = NULL };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(heldsaid_init(&h, 2, &e), 0);
	line(&h, "dir /var/tmp/x");
	assert_true(h.greeted);
	assert_string_equal(h.dir, "/var/tmp/x");
	line(&h, "said Error: \033[1mno");
	line(&h, "exported 1");
	assert_false(h.exported);
	line(&h, "bundle 77");
	assert_true(h.exported);
	assert_int_equal(h.export.status, 1);
	assert_int_equal(h.export.bytes, 77);
	assert_string_equal(h.export.said[0], "Error: ?[1mno");
	line(&h, "sum 0 " HEX " 12");
	line(&h, "nosum 1 no such file");
	line(&h, "changed 1");
	line(&h, "sums");
	assert_true(h.summed && h.sums[0].known && !h.sums[1].known);
	assert_int_equal(h.sums[0].bytes, 12);
	assert_true(h.sums[1].changed);
	assert_string_equal(h.sums[1].why, "no such file");
	line(&h, "digest " HEX);
	assert_true(h.has_digest);
	assert_int_equal(h.digest[0], 1);
	line(&h, "left /a");
	line(&h, "gone");
	assert_true(h.gone);
	heldsaid_forget(&h);
	assert_false(h.exported || h.summed || h.has_digest);
	assert_int_equal(h.export.nsaid, 0);
	assert_string_equal(h.dir, "/var/tmp/x");
	heldsaid_fini(&h);
}

static void
late(void **state)
{
	struct heldsaid h = { .dir = NULL };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(heldsaid_init(&h, 0, &e), 0);
	line(&h, "exported 124");
	line(&h, "nobundle");
	assert_true(h.exported && h.export.late && !h.export.has_bundle);
	heldsaid_fini(&h);
}

static void
refused(void **state)
{
	static const char third[] = "sum 2 " HEX " 1";
	static const char cut[] = "sum 0 " HEX;
	static const char *const lines[] = { "", "dir", "dir x", third, cut,
	    "sum 0 0123 1", "digest 12", "bundle x", "exported", "changed 2",
	    "what" };
	struct heldsaid h = { .dir = NULL };
	struct err e = { 0 };
	size_t i;

	(void)state;
	assert_int_equal(heldsaid_init(&h, 2, &e), 0);
	for (i = 0; i < COUNT(lines); i++)
		bad(&h, lines[i]);
	heldsaid_fini(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_it),
		cmocka_unit_test(late),
		cmocka_unit_test(refused),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
