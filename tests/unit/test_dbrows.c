#include "base/buf.h"
#include "formats/dbtext.h"
#include "restore/dbrows.h"
#include "tests/unit/unit.h"

static int
read_text(void *arg, struct xcatcsv *csv, struct err *e)
{
	const char *text = arg != NULL ? *(const char **)arg : NULL;

	xcatcsv_begin(csv);
	if (text == NULL)
		return (0);
	if (xcatcsv_feed(csv, text, strlen(text), e) == -1)
		return (-1);
	return (xcatcsv_end(csv, e));
}

static void
put_values(struct buf *b, const struct span *v, size_t n)
{
	size_t i;

	for (i = 0; v != NULL && i < n; i++) {
		buf_puts(b, i > 0 ? "," : "");
		buf_append(b, v[i].p, v[i].len);
	}
}

/* What differs, as "[old|new]" each. */
static void
expect(const char *table, char *old, char *new, const char *want)
{
	struct dbrows d;
	struct buf b = BUF_INIT;
	struct err e = { 0 };
	size_t i;

	assert_int_equal(dbrows_compare(&d, table, read_text,
	    old != NULL ? &old : NULL, new != NULL ? &new : NULL, &e), 0);
	for (i = 0; i < d.nitems; i++) {
		assert_int_equal(d.items[i].old != NULL,
		    d.items[i].old_row > 0);
		assert_int_equal(d.items[i].new != NULL,
		    d.items[i].new_row > 0);
		buf_puts(&b, "[");
		put_values(&b, d.items[i].old, d.old.ncolumns);
		buf_puts(&b, "|");
		put_values(&b, d.items[i].new, d.new.ncolumns);
		buf_puts(&b, "]");
	}
	assert_string_equal(buf_cstr(&b), want);
	assert_int_equal(d.left_out, 0);
	buf_fini(&b);
	dbrows_fini(&d);
}

static void
test_keys(void **state)
{
	char a[] = "#node,groups\nn1,a\nn2,b\nn3,c\n";
	char b[] = "#node,groups\nn4,d\nn3,c\nn1,x\n";
	char p[] = "#key,username,password\nk,u,1\nk,v,2\n";
	char q[] = "#key,username,password\nk,v,3\nk,u,1\n";

	(void)state;
	expect("nodelist", a, a, "");
	expect("nodelist", a, b, "[n1,a|n1,x][n2,b|][|n4,d]");
	expect("nodelist", b, a, "[n1,x|n1,a][|n2,b][n4,d|]");
	/* An unknown table: by its first column. */
	expect("own", a, b, "[n1,a|n1,x][n2,b|][|n4,d]");
	expect("passwd", p, q, "[k,v,2|k,v,3]");
}

static void
test_columns(void **state)
{
	char a[] = "#node,groups,old\nn1,a,\nn2,b,z\n";
	char b[] = "#new,groups,node\n,a,n1\n,b,n2\n";
	char c[] = "#new,groups,node\ny,a,n1\n,b,n2\n";
	char no_key[] = "#groups\na\n";

	(void)state;
	/* Another order, and columns without values, are no difference. */
	expect("nodelist", a, b, "[n2,b,z|,b,n2]");
	expect("nodelist", a, c, "[n1,a,|y,a,n1][n2,b,z|,b,n2]");
	expect("nodelist", a, no_key, "[n1,a,|][n2,b,z|][|a]");
}

/* Rows of one key, as tables without a real one have them. */
static void
test_same_key(void **state)
{
	char a[] = "#node,c\nn,1\nn,2\nn,3\n";
	char b[] = "#node,c\nn,3\nn,9\nn,1\nn,1\n";

	(void)state;
	expect("nodelist", a, b, "[n,2|n,9][|n,1]");
	expect("nodelist", a, a, "");
}

static void
test_nothing(void **state)
{
	char a[] = "#node,c\nn,1\n";
	char empty[] = "#node,c\n";
	char bad[] = "n,1\n";

	(void)state;
	expect("nodelist", a, NULL, "[n,1|]");
	expect("nodelist", NULL, a, "[|n,1]");
	expect("nodelist", empty, a, "[|n,1]");
	expect("nodelist", bad, a, "[|n,1]");
	expect("nodelist", bad, bad, "");
}

/* Many rows in another order, some changed. */
static void
test_many(void **state)
{
	struct buf a = BUF_INIT, b = BUF_INIT;
	struct dbrows d;
	struct err e = { 0 };
	const char *texts[2];
	size_t i, n = 5000;

	(void)state;
	buf_puts(&a, "#node,c\n");
	buf_puts(&b, "#node,c\n");
	for (i = 0; i < n; i++) {
		buf_printf(&a, "n%04zu,%zu\n", i, i);
		buf_printf(&b, "n%04zu,%zu\n", n - 1 - i,
		    n - 1 - i + (i % 10 == 0));
	}
	texts[0] = buf_cstr(&a);
	texts[1] = buf_cstr(&b);
	assert_int_equal(dbrows_compare(&d, "nodelist", read_text,
	    &texts[0], &texts[1], &e), 0);
	assert_int_equal(d.nitems, n / 10);
	for (i = 0; i < d.nitems; i++) {
		assert_non_null(d.items[i].old);
		assert_non_null(d.items[i].new);
		assert_int_equal(d.items[i].old_row + d.items[i].new_row,
		    n + 1);
	}
	assert_memory_equal(d.items[0].old[0].p, "n0009", 5);
	dbrows_fini(&d);
	buf_fini(&a);
	buf_fini(&b);
}

/* More that differs than is kept is counted. */
static void
test_limit(void **state)
{
	struct buf a = BUF_INIT;
	struct dbrows d;
	struct err e = { 0 };
	const char *text;
	char *pad = malloc(1 << 20);
	size_t i, n = 80;

	(void)state;
	memset(pad, 'x', 1 << 20);
	buf_puts(&a, "#node,c\n");
	for (i = 0; i < n; i++) {
		buf_printf(&a, "n%zu,", i);
		buf_append(&a, pad, 1 << 20);
		buf_puts(&a, "\n");
	}
	text = buf_cstr(&a);
	assert_int_equal(dbrows_compare(&d, "nodelist", read_text, NULL,
	    &text, &e), 0);
	assert_true(d.nitems >= 60 && d.nitems <= 66);
	assert_int_equal(d.nitems + d.left_out, n);
	dbrows_fini(&d);
	buf_fini(&a);
	free(pad);
}

static void
expect_text(const char *value, size_t len, const char *want)
{
	struct span v = { value, len };
	struct buf b = BUF_INIT;

	dbtext_put(&b, &v);
	assert_string_equal(buf_cstr(&b), want);
	buf_fini(&b);
}

static void
expect_json(const char *value, size_t len, const char *want)
{
	struct span v = { value, len };
	json_t *j = dbtext_json(&v);

	assert_non_null(j);
	assert_string_equal(json_string_value(j), want);
	json_decref(j);
}

static void
test_text(void **state)
{
	(void)state;
	expect_text("a,b:c=/d", 8, "a,b:c=/d");
	expect_text("", 0, "\"\"");
	expect_text("a b", 3, "\"a b\"");
	expect_text("a\"\\b", 4, "\"a\\\"\\\\b\"");
	expect_text("a\n\t\r\0", 5, "\"a\\n\\t\\r\\x00\"");
	expect_text("\x1b[1m", 4, "\"\\x1b[1m\"");
	expect_text("\xc3\xbc", 2, "\xc3\xbc");
	expect_text("\xe9", 1, "\"\\xe9\"");
	expect_text("\xc2\x9b", 2, "\"\\xc2\\x9b\"");	/* C1 */
	expect_text("\xe2\x80\xae", 3, "\"\\xe2\\x80\\xae\"");
	expect_text("\xed\xa0\x80", 3, "\"\\xed\\xa0\\x80\"");
	expect_text("\xf0\x9f\x98\x80", 4, "\xf0\x9f\x98\x80");
	expect_text("\xf0\x9f\x98", 3, "\"\\xf0\\x9f\\x98\"");
	expect_json("a\nb", 3, "a\nb");
	expect_json("", 0, "");
	expect_json("a\xe9\n", 3, "a\\xe9\\n");
	expect_json("a\0", 2, "a\\x00");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_same_key),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_text),
	};

	return (cmocka_run_group_tests_name("dbrows", tests, NULL, NULL));
}
