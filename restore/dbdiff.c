#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "formats/dbtext.h"
#include "formats/xcatcsv.h"
#include "formats/xcatschema.h"
#include "restore/dbdiff.h"
#include "restore/dbrows.h"
#include "restore/dbtables.h"
#include "vault/content.h"

#define CACHE_MAX ((size_t)16 << 20)	/* bytes of a table read only once */

/* The dump in one of the snapshots. */
struct side {
	const struct snapshot *snap;
	struct dbtables tables;
};

struct dbdiff {
	struct view *view;
	struct show *show;
	struct content *content;
	struct side old, new;
	int found;
	const char *only;	/* the table asked for; NULL: all */
	int seen;		/* the table asked for is there */
	const char *table;	/* that is compared */
	int old_broken, new_broken;	/* rows of it may be lost */
	struct dbrows rows;	/* what is different in it */
};

/* A table that is read for comparison. */
struct source {
	struct dbdiff *d;
	const struct side *side;
	const struct dbtable *table;	/* NULL: has no rows, no header */
	struct xcatcsv *csv;
	struct buf cache;
	int *broken;
};

/* Reading a table. */

static int
take_piece(void *arg, const void *p, size_t len, struct err *e)
{
	struct source *s = arg;

	if (cancel_check(e) == -1)
		return (-1);
	if (s->csv == NULL) {
		buf_append(&s->cache, p, len);
		return (buf_ok(&s->cache, e));
	}
	return (xcatcsv_feed(s->csv, p, len, e));
}

static int
read_table(void *arg, struct xcatcsv *csv, struct err *e)
{
	struct source *s = arg;
	int rc = 0, small;

	xcatcsv_begin(csv);
	if (s->table == NULL)
		return (0);
	small = s->table->ent.size <= CACHE_MAX;
	s->csv = small ? NULL : csv;
	if (!small || s->cache.len < s->table->ent.size) {
		buf_clear(&s->cache);
		rc = content_read(s->d->content, &s->table->ent, take_piece,
		    s, e);
	}
	if (rc == 0 && small)
		rc = xcatcsv_feed(csv, s->cache.data, s->cache.len, e);
	if (rc == 0)
		rc = xcatcsv_end(csv, e);
	if (rc == -1)
		return (err_wrap(e, "%s.csv of snapshot %s", s->table->name,
		    s->side->snap->id));
	if (xcatcsv_worst(csv) == XCATCSV_BROKEN && !*s->broken) {
		*s->broken = s->d->found = 1;
		cli_warn("warning: %s.csv of snapshot %s is not whole; what "
		    "can be read of it is compared", s->table->name,
		    s->side->snap->id);
	}
	return (0);
}

/* Printing. */

static const struct span nothing = { "", 0 };

static const struct span *
value_of(const struct dbrows_state *s, const struct span *values,
    const char *column)
{
	int i = values != NULL ? dbrows_column(s, column) : -1;

	return (i == -1 ? &nothing : &values[i]);
}

static int
is_secret(const struct dbdiff *d, const struct dbrows_item *it,
    const char *column)
{
	const struct span *old, *new;

	old = value_of(&d->rows.old, it->old, "key");
	new = value_of(&d->rows.new, it->new, "key");
	return (xcatschema_is_secret(d->table, column, old->p, old->len) ||
	    xcatschema_is_secret(d->table, column, new->p, new->len));
}

static void
put_value(struct buf *b, const struct span *v, int secret)
{
	if (secret && v->len > 0)
		buf_puts(b, DBTEXT_MASK);
	else
		dbtext_put(b, v);
}

static json_t *
value_json(const struct span *v, int secret)
{
	return (secret && v->len > 0 ? json_string(DBTEXT_MASK) :
	    dbtext_json(v));
}

static int
is_key(const struct dbdiff *d, const char *column)
{
	size_t i;

	for (i = 0; i < d->rows.nkeys; i++)
		if (strcmp(d->rows.keys[i], column) == 0)
			return (1);
	return (0);
}

static int
same(const struct span *a, const struct span *b)
{
	return (a->len == b->len && memcmp(a->p, b->p, a->len) == 0);
}

/* The next column of either state; those of the newer one come last. */
static const char *
next_column(const struct dbdiff *d, size_t *i)
{
	const struct dbrows_state *old = &d->rows.old, *new = &d->rows.new;
	const char *name;

	while (*i < old->ncolumns + new->ncolumns) {
		if (*i < old->ncolumns)
			return (old->columns[(*i)++]);
		name = new->columns[(*i)++ - old->ncolumns];
		if (dbrows_column(old, name) == -1)
			return (name);
	}
	return (NULL);
}

static void
put_key(struct dbdiff *d, const struct dbrows_item *it, struct buf *b)
{
	const struct span *v;
	const char *key;
	size_t i;

	if (d->rows.nkeys == 0)
		buf_puts(b, "row");
	for (i = 0; i < d->rows.nkeys; i++) {
		key = d->rows.keys[i];
		v = it->new != NULL ?
		    value_of(&d->rows.new, it->new, key) :
		    value_of(&d->rows.old, it->old, key);
		if (i > 0)
			buf_putc(b, ',');
		put_value(b, v, is_secret(d, it, key));
	}
}

/* "nodelist: ~ n3 status: booted -> off; groups: a -> b" */
static int
row_line(struct dbdiff *d, const struct dbrows_item *it, struct err *e)
{
	const struct span *old, *new;
	struct buf *b = &d->show->line;
	const char *column, *sep;
	int both = it->old != NULL && it->new != NULL, secret, any = 0;
	size_t i = 0;

	buf_clear(b);
	buf_printf(b, "%s: %c ", d->table, both ? '~' :
	    it->new != NULL ? '+' : '-');
	put_key(d, it, b);
	while ((column = next_column(d, &i)) != NULL) {
		old = value_of(&d->rows.old, it->old, column);
		new = value_of(&d->rows.new, it->new, column);
		if (is_key(d, column) || same(old, new))
			continue;
		secret = is_secret(d, it, column);
		sep = any ? both ? "; " : " " : both ? " " : " (";
		any = 1;
		buf_printf(b, "%s%s%s", sep, column, both ? ": " : "=");
		put_value(b, it->old != NULL ? old : new, secret);
		if (both) {
			buf_puts(b, " -> ");
			put_value(b, new, secret);
		}
	}
	if (any && !both)
		buf_putc(b, ')');
	if (buf_ok(b, e) == -1)
		return (-1);
	return (show_line(d->show, b->data, b->len, e));
}

static int
row_json(struct dbdiff *d, const struct dbrows_item *it, struct err *e)
{
	json_t *j, *keys = json_object(), *columns = json_object(), *change;
	const struct span *old, *new;
	const char *column;
	size_t i = 0;
	int secret, bad = 0;

	while ((column = next_column(d, &i)) != NULL) {
		old = value_of(&d->rows.old, it->old, column);
		new = value_of(&d->rows.new, it->new, column);
		secret = is_secret(d, it, column);
		if (is_key(d, column)) {
			bad |= json_object_set_new(keys, column, value_json(
			    it->new != NULL ? new : old, secret));
			continue;
		}
		if (same(old, new))
			continue;
		change = json_object();
		if (it->old != NULL)
			bad |= json_object_set_new(change, "old",
			    value_json(old, secret));
		if (it->new != NULL)
			bad |= json_object_set_new(change, "new",
			    value_json(new, secret));
		bad |= json_object_set_new(columns, column, change);
	}
	j = json_pack("{s:s, s:s, s:o, s:o}", "table", d->table, "change",
	    it->old == NULL ? "added" : it->new == NULL ? "removed" :
	    "changed", "key", keys, "columns", columns);
	if (bad != 0) {
		json_decref(j);
		j = NULL;
	}
	return (show_json(d->show, j, e));
}

/* A whole table or a column; what is NULL for a table. */
static int
tell_part(struct dbdiff *d, int added, const char *column, uint64_t rows,
    struct err *e)
{
	const char *change = added ? "added" : "removed";
	struct buf *b = &d->show->line;

	d->found = 1;
	if (d->show->json && column != NULL)
		return (show_json(d->show, json_pack("{s:s, s:s, s:s}",
		    "table", d->table, "change", change, "column", column),
		    e));
	if (d->show->json)
		return (show_json(d->show, json_pack("{s:s, s:s, s:I}",
		    "table", d->table, "change", change, "rows",
		    (json_int_t)rows), e));
	buf_clear(b);
	buf_printf(b, "%s: %c ", d->table, added ? '+' : '-');
	if (column != NULL)
		buf_printf(b, "column %s", column);
	else
		buf_printf(b, "table (%llu row%s)", (unsigned long long)rows,
		    rows == 1 ? "" : "s");
	if (buf_ok(b, e) == -1)
		return (-1);
	return (show_line(d->show, b->data, b->len, e));
}

/* Columns of one state that the other has not. */
static int
tell_columns(struct dbdiff *d, int added, struct err *e)
{
	const struct dbrows_state *s = added ? &d->rows.new : &d->rows.old;
	const struct dbrows_state *o = added ? &d->rows.old : &d->rows.new;
	size_t i;

	if (o->ncolumns == 0)
		return (0);	/* no header to compare with */
	for (i = 0; i < s->ncolumns; i++)
		if (dbrows_column(o, s->columns[i]) == -1 &&
		    tell_part(d, added, s->columns[i], 0, e) == -1)
			return (-1);
	return (0);
}

static int
tell_rows(struct dbdiff *d, struct err *e)
{
	const struct dbrows_item *it;
	struct buf *b = &d->show->line;
	size_t i;
	int rc = 0;

	for (i = 0; i < d->rows.nitems && rc == 0; i++) {
		it = &d->rows.items[i];
		if ((it->old == NULL && d->old_broken) ||
		    (it->new == NULL && d->new_broken))
			continue;
		d->found = 1;
		rc = d->show->json ? row_json(d, it, e) : row_line(d, it, e);
	}
	if (rc == -1 || d->rows.left_out == 0)
		return (rc);
	d->found = 1;
	if (d->show->json)
		return (show_json(d->show, json_pack("{s:s, s:s, s:I}",
		    "table", d->table, "change", "more", "rows",
		    (json_int_t)d->rows.left_out), e));
	buf_clear(b);
	buf_printf(b, "%s: and %zu more rows that differ", d->table,
	    d->rows.left_out);
	return (show_line(d->show, b->data, b->len, e));
}

/* Comparing. */

/* Either table may be NULL. */
static int
compare_table(struct dbdiff *d, const char *name, const struct dbtable *old,
    const struct dbtable *new, struct err *e)
{
	struct source so = { .d = d, .side = &d->old, .table = old,
	    .broken = &d->old_broken };
	struct source sn = { .d = d, .side = &d->new, .table = new,
	    .broken = &d->new_broken };
	struct err lost;
	int rc = 0;

	d->table = name;
	d->old_broken = d->new_broken = 0;
	if (dbrows_compare(&d->rows, name, read_table, &so, &sn,
	    &lost) == -1) {
		if (lost.kind == ERR_DAMAGED)
			view_trouble(d->view, &lost);
		else
			*e = lost;
		rc = lost.kind == ERR_DAMAGED ? 0 : -1;
	} else if (old == NULL || new == NULL) {
		rc = tell_part(d, old == NULL, NULL, old == NULL ?
		    d->rows.new.rows : d->rows.old.rows, e);
	} else if (tell_columns(d, 0, e) == -1 ||
	    tell_columns(d, 1, e) == -1 || tell_rows(d, e) == -1) {
		rc = -1;
	}
	dbrows_fini(&d->rows);
	buf_fini(&so.cache);
	buf_fini(&sn.cache);
	return (rc);
}

static int
same_file(const struct dbtable *a, const struct dbtable *b)
{
	return (a->ent.size == b->ent.size &&
	    memcmp(a->ent.digest, b->ent.digest, DIGEST_LEN) == 0);
}

/* Either may be NULL. */
static int
take_pair(struct dbdiff *d, const char *name, const struct dbtable *old,
    const struct dbtable *new, struct err *e)
{
	if (d->only != NULL && strcmp(d->only, name) != 0)
		return (0);
	d->seen = 1;
	if (old != NULL && new != NULL && same_file(old, new))
		return (0);
	/* Where entries are lost, nothing is known to be missing. */
	if ((old == NULL && d->old.tables.gap) ||
	    (new == NULL && d->new.tables.gap))
		return (0);
	return (compare_table(d, name, old, new, e));
}

static int
compare_all(struct dbdiff *d, struct err *e)
{
	const struct dbtables *o = &d->old.tables, *n = &d->new.tables;
	size_t i = 0, k = 0;
	int c;

	while (i < o->n || k < n->n) {
		c = i == o->n ? 1 : k == n->n ? -1 :
		    strcmp(o->at[i].name, n->at[k].name);
		if (take_pair(d, c <= 0 ? o->at[i].name : n->at[k].name,
		    c <= 0 ? &o->at[i] : NULL,
		    c >= 0 ? &n->at[k] : NULL, e) == -1)
			return (-1);
		i += c <= 0;
		k += c >= 0;
	}
	if (d->only != NULL && !d->seen && d->view->troubles == 0)
		return (err_set(e, ERR_USAGE, "%s: no such table in either "
		    "snapshot", d->only));
	return (0);
}

int
dbdiff_print(struct view *older, const struct snapshot *newer,
    const char *table, struct show *show, int *found, struct err *e)
{
	struct dbdiff d = { .view = older, .show = show, .only = table };
	int rc = -1;

	d.old.snap = &older->snap;
	d.new.snap = newer;
	if ((d.content = content_new(older->vault, older->index, e)) != NULL &&
	    dbtables_list(&d.old.tables, older, d.old.snap, e) == 0 &&
	    dbtables_list(&d.new.tables, older, d.new.snap, e) == 0 &&
	    compare_all(&d, e) == 0)
		rc = show_end(show, e);
	*found = d.found;
	content_free(d.content);
	dbtables_fini(&d.old.tables);
	dbtables_fini(&d.new.tables);
	return (rc);
}
