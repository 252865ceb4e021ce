#include "restore/dbcsv.h"
#include "tests/unit/unit.h"

static const char awkward[] =
    "#key,value,comments,disable\n"
    "\"a\",\"1,2\"\"x\"\"\",,\n"
    "\"b\",\"two\nlines\",\" # \",\"1\"\n"
    "\"c\",,,\n"
    "\"\"\"\",\"\xc3\xbc\ttab\\\",,\n";

static void
expect(const char *in, const struct dbcsv_edit *ed, const char *want)
{
	struct buf out = BUF_INIT;
	struct err e = { 0 };

	assert_int_equal(dbcsv_rewrite(in, strlen(in), ed, &out, &e), 0);
	assert_string_equal(buf_cstr(&out), want);
	buf_fini(&out);
}

static int
star(void *arg, const struct dbcsv_cell *c, struct buf *out)
{
	(void)arg;
	if (strcmp(c->column, "value") != 0)
		return (0);
	buf_puts(out, "\"");
	return (1);
}

static void
test_bytes(void **state)
{
	static const char *const drop[] = { "value", "disable" };
	static const char *const first[] = { "key" };
	struct dbcsv_edit ed = { .ndrop = 0 };

	(void)state;
	expect(awkward, &ed, awkward);
	expect("#a\n", &ed, "#a\n");
	/* What people write: values without quotes, CR. */
	expect("#a,b\r\nx,y\r\n", &ed, "#a,b\n\"x\",\"y\"\n");
	ed.drop = drop;
	ed.ndrop = 2;
	expect(awkward, &ed, "#key,comments\n\"a\",\n\"b\",\" # \"\n\"c\",\n"
	    "\"\"\"\",\n");
	ed.drop = first;
	ed.ndrop = 1;
	ed.value = star;
	expect("#key,value\n\"a\",\"b\"\n\"c\",\n", &ed,
	    "#value\n\"\"\"\"\n\n");
}

static void
restored(const char *in, uint64_t rows, int want_rc, size_t want_changed,
    const char *want)
{
	struct buf out = BUF_INIT;
	struct err e = { 0 };
	size_t changed;

	assert_int_equal(dbcsv_as_restored(in, strlen(in), rows, &out,
	    &changed, &e), want_rc);
	assert_int_equal(changed, want_changed);
	assert_string_equal(buf_cstr(&out), want);
	buf_fini(&out);
}

static void
test_as_restored(void **state)
{
	(void)state;
	restored("#a\n\"x \"\n", 1, 0, 0, "");
	/* several lines, none of which xCAT changes */
	restored("#a\n\"x\ny \"\n", 1, 1, 0, "#a\n\"x\ny \"\n");
	restored("#a\n\"x  \n\t\ny\r\nz\"\n", 1, 1, 1, "#a\n\"x\ny\nz\"\n");
	restored("#a\n\"x\n\n\n\"\n\"y\r\"\n", 2, 1, 2,
	    "#a\n\"x\n\"\n\"y\n\"\n");
	restored("#a\n\"\n\nx\"\n", 1, 1, 1, "#a\n\"\nx\"\n");
	/* a lone CR is a newline, as in any XML */
	restored("#a\n\"x \ry\"\n\"z\r\n\"\n", 2, 1, 2,
	    "#a\n\"x\ny\"\n\"z\n\"\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_as_restored),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
