#include <string.h>

#include "formats/dbtext.h"
#include "restore/dbcsv.h"
#include "restore/dbjudge.h"
#include "restore/dbrows.h"


static const struct span nothing = { "", 0 };

struct judge {
	const struct dbjudge_options *opt;
	const char *table;
	struct dbrows rows;
	struct dbjudge *out;
};

struct source {
	const uint8_t *p;
	size_t len;
};

int
dbjudge_is_moving(const char *table)
{
	return (strcmp(table, "notification") == 0);
}

static int
read_text(void *arg, struct xcatcsv *csv, struct err *e)
{
	const struct source *s = arg;

	xcatcsv_begin(csv);
	if (s->len == 0)
		return (0);
	if (xcatcsv_feed(csv, s->p, s->len, e) == -1)
		return (-1);
	return (xcatcsv_end(csv, e));
}

static const struct span *
value_of(const struct dbrows_state *s, const struct span *values,
    const char *column)
{
	int i = values != NULL ? dbrows_column(s, column) : -1;

	return (i == -1 ? &nothing : &values[i]);
}

static void
put_key(const struct judge *j, const struct dbrows_item *it, struct buf *b)
{
	const struct dbrows_state *s = it->new != NULL ? &j->rows.new :
	    &j->rows.old;
	const struct span *values = it->new != NULL ? it->new : it->old;
	const struct span *v, *key = value_of(s, values, "key");
	size_t i;

	if (j->rows.nkeys == 0)
		buf_printf(b, "row %zu", it->new != NULL ? it->new_row :
		    it->old_row);
	for (i = 0; i < j->rows.nkeys; i++) {
		v = value_of(s, values, j->rows.keys[i]);
		if (i > 0)
			buf_putc(b, ',');
		if (v->len > 0 && xcatschema_is_secret(j->table,
		    j->rows.keys[i], key->p, key->len))
			buf_puts(b, DBTEXT_MASK);
		else
			dbtext_put(b, v);
	}
}

static void
put_columns(const struct judge *j, const struct dbrows_item *it,
    struct buf *b)
{
	const struct dbrows_state *o = &j->rows.old, *n = &j->rows.new;
	const struct span *a, *c;
	const char *sep = ": ", *name;
	size_t i;

	for (i = 0; i < o->ncolumns + n->ncolumns; i++) {
		name = i < o->ncolumns ? o->columns[i] :
		    n->columns[i - o->ncolumns];
		if (i >= o->ncolumns && dbrows_column(o, name) != -1)
			continue;
		a = value_of(o, it->old, name);
		c = value_of(n, it->new, name);
		if (a->len == c->len && memcmp(a->p, c->p, a->len) == 0)
			continue;
		buf_puts(b, sep);
		buf_puts(b, name);
		sep = ", ";
	}
}

static int
tell(const struct judge *j, const struct dbrows_item *it, struct err *e)
{
	struct buf b = BUF_INIT;
	int rc;

	put_key(j, it, &b);
	if (it->new == NULL)
		buf_puts(&b, " is missing");
	else if (it->old == NULL)
		buf_puts(&b, " is new");
	else
		put_columns(j, it, &b);
	if ((rc = buf_ok(&b, e)) == 0)
		j->opt->tell(j->opt->arg, j->table, buf_cstr(&b));
	buf_fini(&b);
	return (rc);
}

static int
count(struct judge *j, struct err *e)
{
	const struct dbrows_item *it;
	size_t i, told = 0;

	for (i = 0; i < j->rows.nitems; i++) {
		it = &j->rows.items[i];
		if (it->new == NULL)
			j->out->gone++;
		else if (it->old == NULL)
			j->out->added++;
		else
			j->out->changed++;
		if (j->opt->tell != NULL && told++ < j->opt->most &&
		    tell(j, it, e) == -1)
			return (-1);
	}
	j->out->changed += j->rows.left_out;
	return (0);
}

/* A state's text, or what xCAT makes of it, which is put into kept. */
static int
prepare(const struct dbset_table *t, int as_restored, struct source *s,
    struct buf *kept, size_t *lossy, struct err *e)
{
	int rc = 0;

	*lossy = 0;
	memset(s, 0, sizeof(*s));
	if (t == NULL)
		return (0);
	s->p = t->text.data;
	s->len = t->text.len;
	if (as_restored && s->len > 0)
		rc = dbcsv_as_restored(s->p, s->len, t->rows, kept, lossy, e);
	if (rc == 1) {
		s->p = kept->data;
		s->len = kept->len;
	}
	return (rc == -1 ? -1 : 0);
}

int
dbjudge_table(const struct dbset_table *old, const struct dbset_table *new,
    const struct dbjudge_options *opt, struct dbjudge *out, struct err *e)
{
	struct judge j = { .opt = opt, .out = out };
	struct buf a = BUF_INIT, b = BUF_INIT;
	struct source so, sn;
	size_t ignored;
	int rc = -1;

	memset(out, 0, sizeof(*out));
	j.table = old != NULL ? old->name : new->name;
	if (prepare(old, opt->as_restored, &so, &a, &out->lossy, e) == 0 &&
	    prepare(new, opt->as_restored, &sn, &b, &ignored, e) == 0) {
		rc = 0;
		if (so.len != sn.len || (so.len > 0 &&
		    memcmp(so.p, sn.p, so.len) != 0)) {
			rc = dbrows_compare(&j.rows, j.table, read_text, &so,
			    &sn, e);
			if (rc == 0)
				rc = count(&j, e);
			dbrows_fini(&j.rows);
		}
	}
	buf_fini(&a);
	buf_fini(&b);
	return (rc);
}
