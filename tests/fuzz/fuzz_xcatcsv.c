#include "formats/xcatcsv.h"
#include "formats/xcatdump.h"
#include "tests/fuzz/fuzz.h"

/*
 * A table of a dump.  The first byte chooses the table and the pieces the
 * rest comes in.  What is said must not depend on the pieces; rows that were
 * read, written as xCAT writes them, read the same; all that is told prints.
 */
struct record {
	struct buf said;
	struct buf rows;	/* as dumpxCATdb writes them */
	const struct xcatcsv *csv;
	uint64_t last;
};

static void
must_print(const char *s)
{
	for (; *s != '\0'; s++)
		MUST(*s >= 0x20 && *s < 0x7f);
}

static void
take_finding(void *arg, const struct xcatcsv_finding *f)
{
	struct record *r = arg;

	MUST(f->level >= XCATCSV_NOTE && f->level <= XCATCSV_BROKEN);
	MUST(f->text[0] != '\0');
	must_print(f->text);
	must_print(f->column);
	buf_printf(&r->said, "%d %llu %llu %s %s\n", f->kind,
	    (unsigned long long)f->row, (unsigned long long)f->line,
	    f->column, f->text);
}

static int
take_header(void *arg, const struct xcatcsv *c, struct err *e)
{
	struct record *r = arg;
	size_t i, n = xcatcsv_columns(c);

	(void)e;
	MUST(n > 0 && n <= XCATCSV_COLUMNS_MAX);
	for (i = 0; i < n; i++) {
		MUST(xcatcsv_column(c, i)[0] != '\0');
		MUST(xcatcsv_find(c, xcatcsv_column(c, i)) <= (int)i);
		buf_printf(&r->rows, "%c%s", i == 0 ? '#' : ',',
		    xcatcsv_column(c, i));
	}
	buf_putc(&r->rows, '\n');
	r->csv = c;
	return (0);
}

static int
take_row(void *arg, const struct xcatcsv_row *row, struct err *e)
{
	struct record *r = arg;
	size_t i, k;

	(void)e;
	MUST(row->n == xcatcsv_columns(r->csv) && row->row > r->last);
	r->last = row->row;
	for (i = 0; i < row->n; i++) {
		if (i > 0)
			buf_putc(&r->rows, ',');
		/* The only value of a row is never NULL. */
		if (row->values[i].len == 0 && row->n > 1)
			continue;
		buf_putc(&r->rows, '"');
		for (k = 0; k < row->values[i].len; k++) {
			if (row->values[i].p[k] == '"')
				buf_putc(&r->rows, '"');
			buf_putc(&r->rows, row->values[i].p[k]);
		}
		buf_putc(&r->rows, '"');
	}
	buf_putc(&r->rows, '\n');
	return (0);
}

static enum xcatcsv_level
read_all(struct record *r, const uint8_t *data, size_t size, size_t piece)
{
	struct xcatcsv_user user = { take_finding, take_header, take_row, r };
	enum xcatcsv_level worst;
	struct err e = { 0 };
	struct xcatcsv *c = xcatcsv_new(&user, &e);
	size_t at, n;

	MUST(c != NULL);
	r->last = 0;
	for (at = 0; at < size; at += n) {
		n = size - at < piece ? size - at : piece;
		MUST(xcatcsv_feed(c, data + at, n, &e) == 0);
	}
	MUST(xcatcsv_end(c, &e) == 0);
	MUST(xcatcsv_rows(c) >= r->last);
	worst = xcatcsv_worst(c);
	xcatcsv_free(c);
	return (worst);
}

static void
check_dump(const char *name, const uint8_t *data, size_t size)
{
	struct xcatdump_expect x = { .max_loss = 50 };
	struct err e = { 0 };
	struct xcatdump *d = xcatdump_new(&e);
	struct buf b = BUF_INIT;
	size_t i;

	MUST(d != NULL && xcatdump_begin(d, name, 1, &e) == 1);
	MUST(xcatdump_feed(d, data, size, &e) == 0);
	MUST(xcatdump_end(d, &e) == 0);
	MUST(xcatdump_finish(d, &x, &e) == 0);
	MUST(xcatdump_verdict(d) == XCATDUMP_BAD);	/* only one table */
	for (i = 0; i < xcatdump_findings(d); i++) {
		buf_clear(&b);
		xcatdump_finding_text(&b, xcatdump_finding(d, i));
		must_print(buf_cstr(&b));
		MUST(i == 0 || xcatdump_finding(d, i)->level <=
		    xcatdump_finding(d, i - 1)->level);
	}
	for (i = 0; i < xcatdump_paths(d); i++) {
		MUST(xcatdump_path(d, i)[0] == '/');
		MUST(xcatdump_path(d, i)[1] != '\0');
		MUST(strstr(xcatdump_path(d, i), "/../") == NULL);
		MUST(i == 0 || strcmp(xcatdump_path(d, i - 1),
		    xcatdump_path(d, i)) < 0);
	}
	buf_fini(&b);
	xcatdump_free(d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "site.csv", "passwd.csv",
	    "linuximage.csv", "litetree.csv", "own.csv" };
	struct record one = { 0 }, two = { 0 }, again = { 0 };
	enum xcatcsv_level worst;
	uint8_t choice;

	if (size == 0)
		return (0);
	choice = data[0];
	worst = read_all(&one, ++data, --size, SIZE_MAX);
	MUST(read_all(&two, data, size, 1 + choice / 16) == worst);
	must_equal(&two.said, one.said.data, one.said.len);
	must_equal(&two.rows, one.rows.data, one.rows.len);
	if (one.rows.len > 0) {
		worst = read_all(&again, one.rows.data, one.rows.len,
		    SIZE_MAX);
		MUST(worst < XCATCSV_BROKEN);
		must_equal(&again.rows, one.rows.data, one.rows.len);
	}
	check_dump(names[choice % 5], data, size);
	buf_fini(&one.said);
	buf_fini(&one.rows);
	buf_fini(&two.said);
	buf_fini(&two.rows);
	buf_fini(&again.said);
	buf_fini(&again.rows);
	return (0);
}
