#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "formats/xcatcsv.h"
#include "restore/dbcsv.h"
#include "restore/dbmerge.h"

/* The osimage's table comes first: it names the rest. */
static const struct part {
	const char *table, *key;
	const char *from;	/* column of osimage with names in it; NULL:
				   the osimage's own name */
} parts[] = {
	{ "osimage", "imagename", NULL },
	{ "linuximage", "imagename", NULL },
	{ "litefile", "image", NULL },
	{ "osdistro", "osdistroname", "osdistroname" },
	{ "osdistroupdate", "osupdatename", "osupdatename" },
};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

static const struct part *
part_of(const char *table)
{
	size_t i;

	for (i = 0; i < PARTS; i++)
		if (strcmp(parts[i].table, table) == 0)
			return (&parts[i]);
	return (NULL);
}

/* ------------------------------------------------------------------- rows */

struct rows {
	struct arena arena;	/* all of the following */
	char **columns;
	size_t ncolumns;
	struct span **at;	/* each of ncolumns values */
	size_t n, cap;
	const char *key;	/* only rows whose value of it ... */
	int index;		/* the key's, or -1 */
	int (*wanted)(const void *arg, const struct span *key);
	const void *arg;
};

static int
take_header(void *arg, const struct xcatcsv *c, struct err *e)
{
	struct rows *r = arg;
	size_t i;

	r->ncolumns = xcatcsv_columns(c);
	r->columns = arena_alloc(&r->arena, r->ncolumns *
	    sizeof(*r->columns));
	if (r->columns == NULL)
		return (err_nomem(e));
	r->index = -1;
	for (i = 0; i < r->ncolumns; i++) {
		r->columns[i] = arena_copy(&r->arena, xcatcsv_column(c, i),
		    strlen(xcatcsv_column(c, i)) + 1);
		if (r->columns[i] == NULL)
			return (err_nomem(e));
		if (strcmp(r->columns[i], r->key) == 0)
			r->index = (int)i;
	}
	return (0);
}

static int
take_row(void *arg, const struct xcatcsv_row *row, struct err *e)
{
	struct rows *r = arg;
	struct span *copy, **more;
	size_t i, cap = r->cap == 0 ? 64 : 2 * r->cap;

	if (r->index == -1 || (size_t)r->index >= row->n ||
	    !r->wanted(r->arg, &row->values[r->index]))
		return (0);
	if (r->n == r->cap) {
		more = reallocarray(r->at, cap, sizeof(struct span *));
		if (more == NULL)
			return (err_nomem(e));
		r->at = more;
		r->cap = cap;
	}
	copy = arena_alloc(&r->arena, r->ncolumns * sizeof(*copy));
	if (copy == NULL)
		return (err_nomem(e));
	memset(copy, 0, r->ncolumns * sizeof(*copy));
	for (i = 0; i < r->ncolumns && i < row->n; i++) {
		copy[i].len = row->values[i].len;
		copy[i].p = arena_copy(&r->arena, row->values[i].p,
		    copy[i].len);
		if (copy[i].p == NULL)
			return (err_nomem(e));
	}
	r->at[r->n++] = copy;
	return (0);
}

static int
read_rows(struct rows *r, const struct dbset_table *t, struct err *e)
{
	struct xcatcsv_user user = { NULL, take_header, take_row, r };
	struct xcatcsv *csv;
	int rc = -1;

	if ((csv = xcatcsv_new(&user, e)) == NULL)
		return (-1);
	xcatcsv_begin(csv);
	if (t->text.len == 0)
		rc = 0;
	else if (xcatcsv_feed(csv, t->text.data, t->text.len, e) == 0)
		rc = xcatcsv_end(csv, e);
	xcatcsv_free(csv);
	return (rc);
}

static void
rows_fini(struct rows *r)
{
	free(r->at);
	arena_fini(&r->arena);
}

static const struct span *
value_of(const struct rows *r, size_t row, const char *column)
{
	size_t i;

	for (i = 0; i < r->ncolumns; i++)
		if (strcmp(r->columns[i], column) == 0)
			return (&r->at[row][i]);
	return (NULL);
}

/* ---------------------------------------------------------------- picking */

/* Whether a value is one of the names in a list with commas between them. */
static int
is_among(const void *arg, const struct span *value)
{
	const char *p = arg;
	size_t n;

	for (; *p != '\0'; p += n + (p[n] == ',')) {
		n = strcspn(p, ",");
		if (n > 0 && n == value->len && memcmp(p, value->p, n) == 0)
			return (1);
	}
	return (0);
}

/* An osimage's name may have a comma in it. */
static int
is_it(const void *arg, const struct span *value)
{
	return (strlen(arg) == value->len &&
	    memcmp(arg, value->p, value->len) == 0);
}

/* What the osimage's row has in a column; "" when nothing. */
static int
names_in(const struct dbset *want, const char *image, const char *column,
    struct buf *out, struct err *e)
{
	const struct dbset_table *t = dbset_find(want, "osimage");
	struct rows r = { .key = "imagename", .wanted = is_it };
	struct buf name = BUF_INIT;
	const struct span *v;
	int rc = -1;

	buf_puts(&name, image);
	r.arg = buf_cstr(&name);
	if (t == NULL || read_rows(&r, t, e) == 0) {
		if (r.n > 0 && (v = value_of(&r, 0, column)) != NULL)
			buf_append(out, v->p, v->len);
		(void)buf_cstr(out);
		rc = buf_ok(out, e);
	}
	rows_fini(&r);
	buf_fini(&name);
	return (rc);
}

/* The columns with something in them; the key always. */
static void
put_picked(const struct rows *r, struct buf *out)
{
	size_t i, k;
	char sep = '#';
	int *used = calloc(r->ncolumns + 1, sizeof(*used));

	if (used == NULL) {
		out->nomem = 1;
		return;
	}
	for (i = 0; i < r->ncolumns; i++) {
		used[i] = (int)i == r->index;
		for (k = 0; k < r->n; k++)
			used[i] |= r->at[k][i].len > 0;
		if (!used[i])
			continue;
		buf_putc(out, sep);
		buf_puts(out, r->columns[i]);
		sep = ',';
	}
	for (k = 0; k < r->n; k++) {
		sep = '\n';
		for (i = 0; i < r->ncolumns; i++) {
			if (!used[i])
				continue;
			buf_putc(out, sep);
			dbcsv_put(out, r->at[k][i].p, r->at[k][i].len);
			sep = ',';
		}
	}
	buf_putc(out, '\n');
	free(used);
}

/* 1: there are some; 0, -1. */
static int
pick(struct dbset *want, struct dbset_table *t, const struct part *part,
    const char *image, struct err *e)
{
	struct rows r = { .key = part->key };
	struct buf names = BUF_INIT, text = BUF_INIT;
	int rc;

	if (t->damaged)
		return (1);
	if (part->from == NULL)
		buf_puts(&names, image);
	rc = part->from != NULL ?
	    names_in(want, image, part->from, &names, e) : 0;
	r.wanted = part->from != NULL ? is_among : is_it;
	r.arg = buf_cstr(&names);
	if (rc == 0 && (rc = read_rows(&r, t, e)) == 0 && r.n > 0) {
		put_picked(&r, &text);
		rc = dbset_replace(t, &text, e) == 0 ? 1 : -1;
	}
	rows_fini(&r);
	buf_fini(&names);
	buf_fini(&text);
	return (rc);
}

int
dbmerge_pick(struct dbset *want, const char *image, struct err *e)
{
	int found[PARTS] = { 0 };
	struct dbset_table *t;
	size_t i, k = 0;

	/* What is named is looked up before the row is cut down. */
	for (i = PARTS; i-- > 0;)
		if ((t = dbset_find(want, parts[i].table)) != NULL &&
		    (found[i] = pick(want, t, &parts[i], image, e)) == -1)
			return (-1);
	if (!found[0])
		return (err_set(e, ERR_USAGE, "%s: no such osimage in the "
		    "snapshot's database", image));
	for (i = 0; i < want->n; i++) {
		t = &want->tables[i];
		if (part_of(t->name) != NULL &&
		    found[part_of(t->name) - parts]) {
			if (k != i)
				want->tables[k] = *t;
			k++;
			continue;
		}
		buf_fini(&t->text);
		free(t->why);
	}
	want->n = k;
	return (0);
}

/* ---------------------------------------------------------------- merging */

static int
has_key(const void *arg, const struct span *key)
{
	const struct rows *r = arg;
	size_t i;

	for (i = 0; i < r->n; i++)
		if (r->at[i][r->index].len == key->len &&
		    memcmp(r->at[i][r->index].p, key->p, key->len) == 0)
			return (1);
	return (0);
}

static int
has_another(const void *arg, const struct span *key)
{
	return (!has_key(arg, key));
}

static int
any(const void *arg, const struct span *key)
{
	(void)arg;
	(void)key;
	return (1);
}

static void
put_rows(const struct rows *r, char *const *columns, size_t n,
    struct buf *out)
{
	const struct span *v;
	size_t i, k;

	for (k = 0; k < r->n; k++) {
		for (i = 0; i < n; i++) {
			if (i > 0)
				buf_putc(out, ',');
			if ((v = value_of(r, k, columns[i])) != NULL)
				dbcsv_put(out, v->p, v->len);
		}
		buf_putc(out, '\n');
	}
}

int
dbmerge_into(struct dbset_table *t, const struct dbset_table *there,
    struct err *e)
{
	const char *key = part_of(t->name)->key;
	struct rows new = { .key = key, .wanted = any };
	struct rows old = { .key = key, .wanted = has_another, .arg = &new };
	struct buf text = BUF_INIT;
	size_t i;
	int rc = -1;

	if (read_rows(&new, t, e) == -1 || read_rows(&old, there, e) == -1)
		goto out;
	for (i = 0; i < old.ncolumns; i++) {
		buf_putc(&text, i == 0 ? '#' : ',');
		buf_puts(&text, old.columns[i]);
	}
	buf_putc(&text, '\n');
	put_rows(&old, old.columns, old.ncolumns, &text);
	put_rows(&new, old.columns, old.ncolumns, &text);
	rc = dbset_replace(t, &text, e);
out:
	rows_fini(&new);
	rows_fini(&old);
	buf_fini(&text);
	return (rc);
}
