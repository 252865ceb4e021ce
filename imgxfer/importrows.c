#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "imgxfer/importrows.h"

struct reading {
	const char *key, *value;
	int at;			/* the key's column, or -1 */
	const struct xcatcsv *csv;
	int (*fn)(struct reading *r, const struct xcatcsv_row *row,
	    struct err *e);
	struct importrows *rows;
	const struct imgmanifest_table *want;
	const struct span *file, *options;	/* of litefile */
	size_t n;
	struct buf *why;
};

static int
take_header(void *arg, const struct xcatcsv *c, struct err *e)
{
	struct reading *r = arg;

	(void)e;
	r->csv = c;
	r->at = xcatcsv_find(c, r->key);
	return (0);
}

static int
same(const struct span *s, const char *text)
{
	return (s->len == strlen(text) && memcmp(s->p, text, s->len) == 0);
}

static int
take_row(void *arg, const struct xcatcsv_row *row, struct err *e)
{
	struct reading *r = arg;

	if (r->at == -1 || !same(row->values + r->at, r->value))
		return (0);
	r->n++;
	return (r->fn(r, row, e));
}

static int
read_table(const struct tables *t, const char *table, struct reading *r,
    struct err *e)
{
	struct xcatcsv_user user = { NULL, take_header, take_row, r };
	const struct buf *text = tables_text(t, table);
	struct xcatcsv *csv;
	int rc;

	if (text == NULL)
		return (0);
	if ((csv = xcatcsv_new(&user, e)) == NULL)
		return (-1);
	xcatcsv_begin(csv);
	if ((rc = xcatcsv_feed(csv, text->data, text->len, e)) == 0)
		rc = xcatcsv_end(csv, e);
	r->csv = NULL;
	xcatcsv_free(csv);
	return (rc);
}

/* ---------------------------------------------------------------- as CSV */

static void
put_value(struct buf *out, const struct span *v)
{
	size_t i;

	if (v->len == 0)
		return;
	buf_putc(out, '"');
	for (i = 0; i < v->len; i++) {
		if (v->p[i] == '"')
			buf_putc(out, '"');
		buf_putc(out, v->p[i]);
	}
	buf_putc(out, '"');
}

static int
keep_row(struct reading *r, const struct xcatcsv_row *row, struct err *e)
{
	struct buf *out = &r->rows->csv;
	size_t i;

	if (out->len == 0) {
		for (i = 0; i < xcatcsv_columns(r->csv); i++)
			buf_printf(out, "%s%s", i == 0 ? "#" : ",",
			    xcatcsv_column(r->csv, i));
		buf_putc(out, '\n');
	}
	for (i = 0; i < row->n; i++) {
		if (i > 0)
			buf_putc(out, ',');
		put_value(out, row->values + i);
	}
	buf_putc(out, '\n');
	r->rows->n++;
	return (buf_ok(out, e));
}

int
importrows_read(const struct tables *t, const char *table, const char *key,
    const char *value, struct importrows *out, struct err *e)
{
	struct reading r = { .key = key, .value = value, .at = -1,
	    .fn = keep_row, .rows = out };

	memset(out, 0, sizeof(*out));
	return (read_table(t, table, &r, e));
}

void
importrows_fini(struct importrows *r)
{
	buf_fini(&r->csv);
	r->n = 0;
}

int
importrows_same(const struct importrows *a, const struct importrows *b)
{
	return (a->csv.len == b->csv.len && (a->csv.len == 0 ||
	    memcmp(a->csv.data, b->csv.data, a->csv.len) == 0));
}

/* ------------------------------------------------------------- comparing */

static const char *
wanted(const struct imgmanifest_table *want, const char *column)
{
	size_t i;

	for (i = 0; i < want->n; i++)
		if (strcmp(want->columns[i].name, column) == 0)
			return (want->columns[i].value);
	return ("");
}

static size_t
without_blanks(const char *p, size_t len)
{
	while (len > 0 && isspace((unsigned char)p[len - 1]))
		len--;
	return (len);
}

static int
compare_row(struct reading *r, const struct xcatcsv_row *row, struct err *e)
{
	const char *column, *want;
	const struct span *is;
	size_t i, n;

	for (i = 0; i < row->n; i++) {
		column = xcatcsv_column(r->csv, i);
		want = wanted(r->want, column);
		is = row->values + i;
		n = without_blanks(want, strlen(want));
		if (without_blanks(is->p, is->len) == n &&
		    memcmp(is->p, want, n) == 0)
			continue;
		buf_printf(r->why, "%s.%s is ", r->want->name, column);
		if (is->len == 0)
			buf_puts(r->why, "empty");
		else {
			buf_putc(r->why, '"');
			buf_put_printable(r->why, is->p,
			    is->len < 120 ? is->len : 120);
			buf_putc(r->why, '"');
		}
		if (want[0] == '\0')
			buf_puts(r->why, ", which the manifest has not\n");
		else {
			buf_puts(r->why, " instead of \"");
			buf_put_printable(r->why, want, n < 120 ? n : 120);
			buf_puts(r->why, "\"\n");
		}
	}
	return (buf_ok(r->why, e));
}

int
importrows_compare(const struct tables *t, const char *key,
    const char *value, const struct imgmanifest_table *want,
    struct buf *why, struct err *e)
{
	struct reading r = { .key = key, .value = value, .at = -1,
	    .fn = compare_row, .want = want, .why = why };

	if (read_table(t, want->name, &r, e) == -1)
		return (-1);
	if (r.n != 1)
		buf_printf(why, "%s has %zu rows of %s\n", want->name, r.n,
		    value);
	return (buf_ok(why, e));
}

struct columns {
	const struct imgmanifest_table *want;
	struct buf *why;
};

static int
find_columns(void *arg, const struct xcatcsv *c, struct err *e)
{
	struct columns *k = arg;
	size_t i;

	for (i = 0; i < k->want->n; i++)
		if (xcatcsv_find(c, k->want->columns[i].name) == -1)
			buf_printf(k->why, "%s%s.%s", k->why->len > 0 ?
			    ", " : "", k->want->name,
			    k->want->columns[i].name);
	return (buf_ok(k->why, e));
}

int
importrows_unknown(const struct tables *t,
    const struct imgmanifest_table *want, struct buf *why, struct err *e)
{
	struct columns k = { want, why };
	struct xcatcsv_user user = { NULL, find_columns, NULL, &k };
	const struct buf *text = tables_text(t, want->name);
	struct xcatcsv *csv;
	int rc;

	if (text == NULL)
		return (err_set(e, ERR_FAILED, "there is no table %s",
		    want->name));
	if ((csv = xcatcsv_new(&user, e)) == NULL)
		return (-1);
	xcatcsv_begin(csv);
	if ((rc = xcatcsv_feed(csv, text->data, text->len, e)) == 0)
		rc = xcatcsv_end(csv, e);
	xcatcsv_free(csv);
	return (rc);
}

/* -------------------------------------------------------------- litefile */

static int
find_options(struct reading *r, const struct xcatcsv_row *row,
    struct err *e)
{
	int file = xcatcsv_find(r->csv, "file");
	int options = xcatcsv_find(r->csv, "options");
	const struct span *f, *o;

	(void)e;
	r->n--;			/* only those that are found count */
	if (file == -1 || options == -1)
		return (0);
	f = row->values + file;
	o = row->values + options;
	if (f->len == r->file->len && o->len == r->options->len &&
	    memcmp(f->p, r->file->p, f->len) == 0 &&
	    memcmp(o->p, r->options->p, o->len) == 0)
		r->n++;
	return (0);
}

/* imgimport splits each line at its quotes. */
static int
quoted(const char *line, size_t len, unsigned nth, struct span *out)
{
	const char *p = line, *end = line + len, *q = NULL;

	for (; nth > 0 && p < end; nth--) {
		if ((p = memchr(p, '"', (size_t)(end - p))) == NULL)
			return (0);
		p++;
	}
	if (p < end)
		q = memchr(p, '"', (size_t)(end - p));
	out->p = p;
	out->len = q != NULL ? (size_t)(q - p) : 0;
	return (q != NULL);
}

int
importrows_litefile(const struct tables *t, const char *image,
    const struct buf *csv, struct buf *why, struct err *e)
{
	const char *p = (const char *)csv->data, *end = p + csv->len, *nl;
	struct span file, options;
	struct reading r = { .key = "image", .fn = find_options,
	    .file = &file, .options = &options };

	for (; p < end; p = nl + 1) {
		if ((nl = memchr(p, '\n', (size_t)(end - p))) == NULL)
			nl = end;
		if (!quoted(p, (size_t)(nl - p), 3, &file) ||
		    !quoted(p, (size_t)(nl - p), 5, &options))
			continue;
		r.n = 0;
		r.value = image;
		if (read_table(t, "litefile", &r, e) == -1)
			return (-1);
		r.value = "ALL";
		if (r.n == 0 && read_table(t, "litefile", &r, e) == -1)
			return (-1);
		if (r.n > 0)
			continue;
		buf_puts(why, "litefile has no row of ");
		buf_put_printable(why, file.p, file.len);
		buf_printf(why, " for %s with those options\n", image);
	}
	return (buf_ok(why, e));
}

/* --------------------------------------------------------- other users */

struct users {
	const char *image, *path;
	struct buf *out;
};

/* One of the paths between commas, or the directory of the file. */
static int
names(const struct span *v, const char *path)
{
	const char *p = v->p, *end = v->p + v->len, *comma;
	size_t n = strlen(path), dir = (size_t)(strrchr(path, '/') - path), k;

	for (; p != NULL && p < end; p = comma + 1) {
		if ((comma = memchr(p, ',', (size_t)(end - p))) == NULL)
			comma = end;
		k = (size_t)(comma - p);
		if ((k == n || k == dir) && memcmp(p, path, k) == 0)
			return (1);
	}
	return (0);
}

static int
take_user(void *arg, const struct span *at, struct err *e)
{
	struct users *u = arg;
	size_t i;

	if (at[0].p == NULL || same(at, u->image))
		return (0);
	for (i = 1; i < 7 && !names(at + i, u->path); i++)
		;
	if (i == 7)
		return (0);
	buf_puts(u->out, u->out->len > 0 ? ", " : "");
	buf_put_printable(u->out, at[0].p, at[0].len);
	return (buf_ok(u->out, e));
}

int
importrows_users(const struct tables *t, const char *image,
    const char *path, struct buf *out, struct err *e)
{
	static const char *const columns[] = { "imagename", "rootimgdir",
	    "template", "pkglist", "otherpkglist", "exlist", "postinstall" };
	static const char *const lists[] = { "imagename", "synclists",
	    "synclists", "synclists", "synclists", "synclists", "synclists" };
	struct users u = { image, path, out };

	if (tables_rows(t, "linuximage", columns, 7, take_user, &u, e) == -1)
		return (-1);
	return (tables_rows(t, "osimage", lists, 7, take_user, &u, e));
}
