#include "base/buf.h"
#include "formats/xcatcsv.h"
#include "tests/unit/unit.h"

/* What a reader said, as text: one line a finding, one a row. */
struct record {
	struct buf said;
	struct buf rows;
	int stop_at;		/* row that ends the reading; 0: none */
};

static void
record_finding(void *arg, const struct xcatcsv_finding *f)
{
	struct record *r = arg;

	buf_printf(&r->said, "%d/%d row %llu line %llu [%s] %s\n", f->kind,
	    f->level, (unsigned long long)f->row,
	    (unsigned long long)f->line, f->column, f->text);
}

static int
record_row(void *arg, const struct xcatcsv_row *row, struct err *e)
{
	struct record *r = arg;
	size_t i;

	buf_printf(&r->rows, "%llu@%llu", (unsigned long long)row->row,
	    (unsigned long long)row->line);
	for (i = 0; i < row->n; i++) {
		buf_puts(&r->rows, "<");
		buf_append(&r->rows, row->values[i].p, row->values[i].len);
		buf_puts(&r->rows, ">");
	}
	buf_puts(&r->rows, "\n");
	if (r->stop_at != 0 && row->row == (uint64_t)r->stop_at)
		return (err_set(e, ERR_FAILED, "enough"));
	return (0);
}

static struct xcatcsv *
reader(struct record *r)
{
	struct xcatcsv_user user = { record_finding, NULL, record_row, r };
	struct err e = { 0 };
	struct xcatcsv *c = xcatcsv_new(&user, &e);

	assert_non_null(c);
	return (c);
}

/* Read a table in pieces; the record's texts are replaced. */
static struct xcatcsv *
read_pieces(struct record *r, const char *text, size_t len, size_t piece)
{
	struct xcatcsv *c = reader(r);
	struct err e = { 0 };
	size_t at, n;

	buf_clear(&r->said);
	buf_clear(&r->rows);
	for (at = 0; at < len; at += n) {
		n = len - at < piece ? len - at : piece;
		assert_int_equal(xcatcsv_feed(c, text + at, n, &e), 0);
	}
	assert_int_equal(xcatcsv_end(c, &e), 0);
	return (c);
}

static void
record_fini(struct record *r)
{
	buf_fini(&r->said);
	buf_fini(&r->rows);
}

/*
 * A table and what is said of it, whatever the pieces: rows, the worst
 * finding, and the findings.
 */
static void
expect_len(const char *text, size_t len, const char *rows, int worst,
    const char *said)
{
	static const size_t pieces[] = { 1, 2, 3, 7, 1000000 };
	struct record r = { 0 };
	struct xcatcsv *c;
	size_t i;

	for (i = 0; i < COUNT(pieces); i++) {
		c = read_pieces(&r, text, len, pieces[i]);
		assert_string_equal(buf_cstr(&r.said), said);
		assert_string_equal(buf_cstr(&r.rows), rows);
		assert_int_equal(xcatcsv_worst(c), worst);
		xcatcsv_free(c);
	}
	record_fini(&r);
}

static void
expect(const char *text, const char *rows, int worst, const char *said)
{
	expect_len(text, strlen(text), rows, worst, said);
}

static void
test_plain(void **state)
{
	struct record r = { 0 };
	struct xcatcsv *c;

	(void)state;
	expect("#a,b\n", "", 0, "");
	expect("#a,b\n\"1\",\"2\"\n,\n\"\",\"x\"\n",
	    "1@2<1><2>\n2@3<><>\n3@4<><x>\n", 0, "");
	expect("#a\n\"1\"\n", "1@2<1>\n", 0, "");
	c = read_pieces(&r, "#node,groups\n,\n", 15, 4);
	assert_int_equal(xcatcsv_columns(c), 2);
	assert_string_equal(xcatcsv_column(c, 1), "groups");
	assert_int_equal(xcatcsv_find(c, "node"), 0);
	assert_int_equal(xcatcsv_find(c, "nod"), -1);
	assert_int_equal(xcatcsv_rows(c), 1);
	xcatcsv_free(c);
	record_fini(&r);
}

static void
test_quotes(void **state)
{
	(void)state;
	expect("#a,b\n\"he said \"\"hi\"\"\",\"\"\"lead\"\n\"\"\"\",\n",
	    "1@2<he said \"hi\"><\"lead>\n2@3<\"><>\n", 0, "");
	expect("#a,b\n\"x,y\",\"#\"\n", "1@2<x,y><#>\n", 0, "");
	expect("#a,b\n\"l1\nl2\",\n\"m\",\n", "1@2<l1\nl2><>\n2@4<m><>\n", 0,
	    "");
	expect("#a,b\n\"tail\n\",\n", "1@2<tail\n><>\n", 0, "");
	expect("#a,b\n\"say \"\"x\ny\"\", z\",\n", "1@2<say \"x\ny\", z><>\n",
	    0, "");
}

/* What people's editors make of it, and tabrestore takes. */
static void
test_edited(void **state)
{
	(void)state;
	expect("#a,b\nx,y z\n", "1@2<x><y z>\n", 0, "");
	expect("#\"a\",\"b\" \nx,\n", "1@2<x><>\n", 0, "");
	expect("#a,b\r\n\"1\",\"2\"\r\nx,y\r\n\"1\",\r\n",
	    "1@2<1><2>\n2@3<x><y>\n3@4<1><>\n", 0, "");
	expect("#a,b\n\"1\",\"2\"  \t\n", "1@2<1><2>\n", 0, "");
	expect("#a,b\nx,y  \n", "1@2<x><y>\n", 0, "");
}

static void
test_header(void **state)
{
	char *long_one = malloc(XCATCSV_HEADER_MAX + 10);
	struct buf many = BUF_INIT;
	int i;

	(void)state;
	expect("", "", XCATCSV_BROKEN,
	    "1/4 row 0 line 0 [] empty: not even a header\n");
	expect("\"1\",\"2\"\n", "", XCATCSV_BROKEN, "2/4 row 0 line 1 [] "
	    "does not begin with a header (#column,...)\n");
	expect("\n#a,b\n", "", XCATCSV_BROKEN, "2/4 row 0 line 1 [] "
	    "does not begin with a header (#column,...)\n");
	expect("\xef\xbb\xbf#a,b\n", "", XCATCSV_BROKEN, "2/4 row 0 line 1 "
	    "[] does not begin with a header (#column,...)\n");
	expect("#a,,b\n1,2,3\n", "", XCATCSV_BROKEN, "3/4 row 0 line 1 [] "
	    "the header is not a list of column names\n");
	expect("#\n", "", XCATCSV_BROKEN, "3/4 row 0 line 1 [] "
	    "the header is not a list of column names\n");
	expect("#a b\n", "", XCATCSV_BROKEN, "3/4 row 0 line 1 [] "
	    "the header is not a list of column names\n");
	expect_len("#a\0b\n", 5, "", XCATCSV_BROKEN,
	    "10/3 row 0 line 1 [] control byte 0x00\n"
	    "3/4 row 0 line 1 [] the header is not a list of column names\n");
	expect("#a,b,a\n1,2,3\n", "1@2<1><2><3>\n", XCATCSV_UNRESTORABLE,
	    "4/3 row 0 line 1 [] column a twice in the header\n");
	expect("#a,b", "", XCATCSV_BROKEN,
	    "5/4 row 0 line 1 [] ends within the header\n");
	memset(long_one, 'a', XCATCSV_HEADER_MAX + 10);
	long_one[0] = '#';
	long_one[XCATCSV_HEADER_MAX + 9] = '\n';
	expect_len(long_one, XCATCSV_HEADER_MAX + 10, "", XCATCSV_BROKEN,
	    "3/4 row 0 line 1 [] a header longer than 65536 bytes\n");
	free(long_one);
	buf_puts(&many, "#c0");
	for (i = 1; i <= XCATCSV_COLUMNS_MAX; i++)
		buf_printf(&many, ",c%d", i);
	buf_puts(&many, "\n");
	expect(buf_cstr(&many), "", XCATCSV_BROKEN,
	    "3/4 row 0 line 1 [] more than 1024 columns\n");
	buf_fini(&many);
}

static void
test_cut(void **state)
{
	(void)state;
	expect("#a,b\n\"1\",\"2\"", "1@2<1><2>\n", XCATCSV_BROKEN,
	    "5/4 row 1 line 2 [b] no newline at the end\n");
	expect("#a,b\n\"1\"", "", XCATCSV_BROKEN,
	    "5/4 row 1 line 2 [a] no newline at the end\n");
	expect("#a,b\n\"1\",", "1@2<1><>\n", XCATCSV_BROKEN,
	    "5/4 row 1 line 2 [b] no newline at the end\n");
	expect("#a,b\n\"1\",\"2\n", "", XCATCSV_BROKEN,
	    "5/4 row 1 line 3 [b] ends within a value\n");
	expect("#a,b\n\"1\xc3", "", XCATCSV_BROKEN,
	    "11/3 row 1 line 2 [a] byte 0xc3 is not UTF-8\n"
	    "5/4 row 1 line 2 [a] ends within a value\n");
}

static void
test_rows(void **state)
{
	(void)state;
	expect("#a,b\n\"1\"\n\"1\",\"2\",\n\"x\",\n", "3@4<x><>\n",
	    XCATCSV_BROKEN,
	    "6/4 row 1 line 2 [] 1 values for 2 columns\n"
	    "6/4 row 2 line 3 [] 3 values for 2 columns\n");
	expect("#a,b\n\n\"x\",\n  \n\"y\",\n", "1@3<x><>\n2@5<y><>\n",
	    XCATCSV_BROKEN,
	    "7/4 row 0 line 2 [] blank line between rows\n"
	    "7/4 row 0 line 4 [] blank line between rows\n");
	expect("#a,b\n\"x\"y\",\n\"2\",\n", "", XCATCSV_BROKEN,
	    "8/4 row 1 line 2 [a] a quote that is not doubled within a "
	    "value\n");
	expect("#a,b\nz,x\"y\n\"2\",\n", "", XCATCSV_BROKEN,
	    "8/4 row 1 line 2 [b] a quote within a value without quotes\n");
	/* Behind that only bad bytes count, and the end. */
	expect("#a,b\nz,\"y\"q\n\"\x01\",\n\x02", "", XCATCSV_BROKEN,
	    "8/4 row 1 line 2 [b] a quote that is not doubled within a "
	    "value\n10/3 row 0 line 3 [] control byte 0x01\n"
	    "5/4 row 0 line 4 [] no newline at the end\n");
}

static void
test_control(void **state)
{
	char text[64], said[128];
	int b;

	(void)state;
	for (b = 0; b < 0x20; b++) {
		snprintf(text, sizeof(text), "#a,b\n\"k\",\"xQy\"\n");
		*strchr(text, 'Q') = (char)b;
		snprintf(said, sizeof(said),
		    "10/3 row 1 line 2 [b] control byte 0x%02x\n", b);
		if (b == '\t' || b == '\n')
			said[0] = '\0';
		if (b == '\r')
			snprintf(said, sizeof(said), "12/1 row 1 line 2 [b] "
			    "carriage returns in values: a restore drops "
			    "them\n");
		{
			struct record r = { 0 };
			struct xcatcsv *c = read_pieces(&r, text, 15, 1);

			assert_string_equal(buf_cstr(&r.said), said);
			assert_int_equal(xcatcsv_rows(c), 1);
			xcatcsv_free(c);
			record_fini(&r);
		}
	}
	/* DEL and C1 are characters of XML 1.0; one finding a value. */
	expect("#a,b\n\"\x7f\xc2\x80\",\n", "1@2<\x7f\xc2\x80><>\n", 0, "");
	expect("#a,b\n\"\x01\x02\",\"\x03\"\n\x04,\n",
	    "1@2<\x01\x02><\x03>\n2@3<\x04><>\n", XCATCSV_UNRESTORABLE,
	    "10/3 row 1 line 2 [a] control byte 0x01\n"
	    "10/3 row 1 line 2 [b] control byte 0x03\n"
	    "10/3 row 2 line 3 [a] control byte 0x04\n");
	/* The line is that of the byte. */
	expect("#a,b\n\"1\",\"p\nq\x01\"\n", "1@2<1><p\nq\x01>\n",
	    XCATCSV_UNRESTORABLE,
	    "10/3 row 1 line 3 [b] control byte 0x01\n");
}

/* Level and first byte told for a value of these bytes; NULL: it is fine. */
static void
expect_utf8(const char *value, const char *reason)
{
	struct record r = { 0 };
	struct xcatcsv *c;
	char text[64], said[128] = "";

	snprintf(text, sizeof(text), "#a,b\n\"%s\",\"ok\"\n", value);
	if (reason != NULL)
		snprintf(said, sizeof(said), "11/3 row 1 line 2 [a] %s\n",
		    reason);
	c = read_pieces(&r, text, strlen(text), 1);
	assert_string_equal(buf_cstr(&r.said), said);
	assert_int_equal(xcatcsv_rows(c), 1);
	xcatcsv_free(c);
	record_fini(&r);
}

static void
test_utf8(void **state)
{
	(void)state;
	expect_utf8("\xc2\xa0\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf", NULL);
	expect_utf8("\xee\x80\x80\xef\xbf\xbd\xf0\x90\x80\x80", NULL);
	expect_utf8("\xf4\x8f\xbf\xbf\xf0\x9f\xbf\xbe", NULL);
	expect_utf8("\xe9", "byte 0xe9 is not UTF-8");
	expect_utf8("\xe9t\xe9", "byte 0xe9 is not UTF-8");
	expect_utf8("\x80", "byte 0x80 is not UTF-8");
	expect_utf8("\xbf\xbf", "byte 0xbf is not UTF-8");
	expect_utf8("\xc0\x80", "byte 0xc0 is not UTF-8");	/* overlong */
	expect_utf8("\xc1\xbf", "byte 0xc1 is not UTF-8");
	expect_utf8("\xe0\x9f\xbf", "byte 0xe0 is not UTF-8");
	expect_utf8("\xf0\x8f\xbf\xbf", "byte 0xf0 is not UTF-8");
	expect_utf8("\xed\xa0\x80", "byte 0xed is not UTF-8");	/* surrogate */
	expect_utf8("\xed\xbf\xbf", "byte 0xed is not UTF-8");
	expect_utf8("\xf4\x90\x80\x80", "byte 0xf4 is not UTF-8");
	expect_utf8("\xf5\x80\x80\x80", "byte 0xf5 is not UTF-8");
	expect_utf8("\xff", "byte 0xff is not UTF-8");
	expect_utf8("\xc3\xc3\xa9", "byte 0xc3 is not UTF-8");
	expect_utf8("\xef\xbf\xbe", "U+FFFE is no character");
	expect_utf8("\xef\xbf\xbf", "U+FFFF is no character");
}

static void
test_notes(void **state)
{
	(void)state;
	/* One of each kind a table. */
	expect("#a,b\n\"x\r\ny\",\"p  \nq\"\n\"x\r\ny\",\"p\t\nq\"\n"
	    "\"1\n\n2\",\"3\n\n4\"\n",
	    "1@2<x\r\ny><p  \nq>\n2@5<x\r\ny><p\t\nq>\n"
	    "3@8<1\n\n2><3\n\n4>\n", XCATCSV_NOTE,
	    "12/1 row 1 line 2 [a] carriage returns in values: a restore "
	    "drops them\n"
	    "13/1 row 1 line 3 [b] blanks at the end of a line within a "
	    "value: a restore drops them\n"
	    "14/1 row 3 line 9 [a] blank lines within a value: a restore "
	    "drops them\n");
	/* Blanks at the end of a value of one line stay. */
	expect("#a,b\n\"  x  \",\" \"\n", "1@2<  x  >< >\n", 0, "");
}

static void
test_long_row(void **state)
{
	struct xcatcsv_user user = { NULL, NULL, NULL, NULL };
	struct record r = { 0 };
	struct xcatcsv *c = reader(&r);
	struct err e = { 0 };
	size_t half = XCATCSV_ROW_MAX / 2 - 8;
	char *text = malloc(half);
	int round;

	(void)state;
	memset(text, 'x', half);
	/* Just fits; one more half does not, and the next table is read. */
	for (round = 0; round < 2; round++) {
		xcatcsv_begin(c);
		buf_clear(&r.rows);
		assert_int_equal(xcatcsv_feed(c, "#a,b\n\"", 6, &e), 0);
		assert_int_equal(xcatcsv_feed(c, text, half, &e), 0);
		assert_int_equal(xcatcsv_feed(c, text, half, &e), 0);
		if (round == 1)
			assert_int_equal(xcatcsv_feed(c, text, half, &e), 0);
		assert_int_equal(xcatcsv_feed(c, "\",\n", 3, &e), 0);
		assert_int_equal(xcatcsv_end(c, &e), 0);
		if (round == 0)
			assert_int_equal(xcatcsv_worst(c), 0);
	}
	assert_string_equal(buf_cstr(&r.said),
	    "9/4 row 1 line 2 [] a row longer than 16777216 bytes\n");
	assert_int_equal(r.rows.len, 0);
	xcatcsv_begin(c);
	assert_int_equal(xcatcsv_feed(c, "#a\nz\n", 5, &e), 0);
	assert_int_equal(xcatcsv_end(c, &e), 0);
	assert_string_equal(buf_cstr(&r.rows), "1@2<z>\n");
	xcatcsv_free(c);
	/* Without anybody who listens. */
	c = xcatcsv_new(&user, &e);
	assert_int_equal(xcatcsv_feed(c, "#a\n\x01\nz\n", 7, &e), 0);
	assert_int_equal(xcatcsv_end(c, &e), 0);
	assert_int_equal(xcatcsv_rows(c), 2);
	assert_int_equal(xcatcsv_worst(c), XCATCSV_UNRESTORABLE);
	xcatcsv_free(c);
	record_fini(&r);
	free(text);
}

static void
test_stop(void **state)
{
	struct record r = { .stop_at = 2 };
	struct xcatcsv *c = reader(&r);
	struct err e = { 0 };

	(void)state;
	check_failed(xcatcsv_feed(c, "#a\n1\n2\n3\n", 9, &e), &e, ERR_FAILED);
	assert_string_equal(buf_cstr(&r.rows), "1@2<1>\n2@3<2>\n");
	xcatcsv_free(c);
	record_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_edited),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_control),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_notes),
		cmocka_unit_test(test_long_row),
		cmocka_unit_test(test_stop),
	};

	return (cmocka_run_group_tests_name("xcatcsv", tests, NULL, NULL));
}
