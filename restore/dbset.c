#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "restore/dbset.h"
#include "restore/dbtables.h"
#include "vault/content.h"

void
dbset_fini(struct dbset *s)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		buf_fini(&s->tables[i].text);
		free(s->tables[i].why);
	}
	free(s->tables);
	memset(s, 0, sizeof(*s));
}

struct dbset_table *
dbset_find(const struct dbset *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (strcmp(s->tables[i].name, name) == 0)
			return (&s->tables[i]);
	return (NULL);
}

static struct dbset_table *
add_table(struct dbset *s, const char *name, size_t len, struct err *e)
{
	struct dbset_table *t;

	if (s->n == XCATDUMP_TABLES_MAX) {
		err_set(e, ERR_FAILED, "more than %d tables",
		    XCATDUMP_TABLES_MAX);
		return (NULL);
	}
	t = reallocarray(s->tables, s->n + 1, sizeof(*t));
	if (t == NULL) {
		err_nomem(e);
		return (NULL);
	}
	s->tables = t;
	t += s->n++;
	memset(t, 0, sizeof(*t));
	memcpy(t->name, name, len);
	return (t);
}

static int
compare_tables(const void *pa, const void *pb)
{
	const struct dbset_table *a = pa, *b = pb;

	return (strcmp(a->name, b->name));
}

static void
sort(struct dbset *s)
{
	if (s->n > 0)
		qsort(s->tables, s->n, sizeof(*s->tables), compare_tables);
}

static int
set_why(struct dbset_table *t, const char *why, struct err *e)
{
	free(t->why);
	t->why = strdup(why);
	return (t->why != NULL ? 0 : err_nomem(e));
}

/* Length of the table's name in a file's name "TABLE.csv", or 0. */
static size_t
stem(const char *name, size_t len)
{
	if (len <= 4 || memcmp(name + len - 4, ".csv", 4) != 0 ||
	    !xcatschema_valid_table(name, len - 4))
		return (0);
	return (len - 4);
}

static int
more(struct dbset *s, struct dbset_table *t, const void *p, size_t len,
    struct err *e)
{
	if (len > DBSET_BYTES_MAX - s->bytes)
		return (err_set(e, ERR_FAILED, "the database is larger than "
		    "%zu MiB", DBSET_BYTES_MAX >> 20));
	s->bytes += len;
	buf_append(&t->text, p, len);
	return (buf_ok(&t->text, e));
}

/* ------------------------------------------------------------ from a dump */

static int
take(void *arg, const char *name, const void *p, size_t len, struct err *e)
{
	struct dbset *s = arg;
	size_t n = stem(name, strlen(name));
	struct dbset_table *t;

	if (n == 0)
		return (0);
	t = s->n > 0 ? &s->tables[s->n - 1] : NULL;
	if ((t == NULL || strlen(t->name) != n ||
	    memcmp(t->name, name, n) != 0) &&
	    (t = add_table(s, name, n, e)) == NULL)
		return (-1);
	return (more(s, t, p, len, e));
}

void
dbset_take(struct dbset *s, struct dump_options *opt)
{
	opt->take = take;
	opt->arg = s;
}

/* The first finding of its worst kind about a table. */
static int
explain(struct dbset_table *t, const struct xcatdump *proof, struct err *e)
{
	const struct xcatdump_finding *f;
	struct buf text = BUF_INIT;
	size_t i;
	int rc = 0;

	for (i = 0; i < xcatdump_findings(proof); i++) {
		f = xcatdump_finding(proof, i);
		if (f->level != t->worst || strcmp(f->table, t->name) != 0)
			continue;
		xcatdump_finding_text(&text, f);
		rc = buf_ok(&text, e);
		if (rc == 0)
			rc = set_why(t, buf_cstr(&text), e);
		break;
	}
	buf_fini(&text);
	return (rc);
}

int
dbset_taken(struct dbset *s, const struct xcatdump *proof, struct err *e)
{
	const struct xcatdump_table *p;
	struct dbset_table *t;
	size_t i;

	for (i = 0; i < s->n; i++) {
		t = &s->tables[i];
		if ((p = xcatdump_table_named(proof, t->name)) == NULL) {
			t->worst = XCATCSV_BROKEN;
			continue;
		}
		t->rows = p->rows;
		t->worst = p->worst;
		memcpy(t->digest, p->digest, DIGEST_LEN);
		if (t->worst > XCATCSV_NOTE && explain(t, proof, e) == -1)
			return (-1);
	}
	sort(s);
	return (0);
}

/* ------------------------------------------------------------- the proof */

int
dbset_prove(struct dbset_table *t, struct err *e)
{
	const char *names[] = { t->name };
	struct xcatdump_expect x = { .tables = names, .ntables = 1,
	    .all = 1, .max_loss = 100 };
	const struct xcatdump_table *p;
	struct xcatdump *d;
	struct buf file = BUF_INIT;
	int rc = -1;

	buf_printf(&file, "%s.csv", t->name);
	if ((d = xcatdump_new(e)) == NULL || buf_ok(&file, e) == -1)
		goto out;
	if (xcatdump_begin(d, buf_cstr(&file), 1, e) == -1 ||
	    xcatdump_feed(d, t->text.data, t->text.len, e) == -1 ||
	    xcatdump_end(d, e) == -1 || xcatdump_finish(d, &x, e) == -1)
		goto out;
	rc = 0;
	if ((p = xcatdump_table_named(d, t->name)) != NULL) {
		t->rows = p->rows;
		t->worst = p->worst;
		memcpy(t->digest, p->digest, DIGEST_LEN);
		if (t->worst > XCATCSV_NOTE)
			rc = explain(t, d, e);
	}
out:
	xcatdump_free(d);
	buf_fini(&file);
	return (rc);
}

int
dbset_replace(struct dbset_table *t, struct buf *text, struct err *e)
{
	if (buf_ok(text, e) == -1)
		return (-1);
	buf_fini(&t->text);
	t->text = *text;
	memset(text, 0, sizeof(*text));
	free(t->why);
	t->why = NULL;
	return (dbset_prove(t, e));
}

/* Against what the snapshot says of its own dump. */
static int
check_proof(struct dbset *s, const struct snapshot *snap, struct err *e)
{
	const struct snapshot_table *p;
	struct dbset_table *t;
	size_t i, n = s->n;

	for (i = 0; i < n && snap->database.ntables > 0; i++) {
		t = &s->tables[i];
		p = snapshot_table_named(snap, t->name);
		if (p != NULL && memcmp(p->digest, t->digest,
		    DIGEST_LEN) == 0)
			continue;
		t->damaged = 1;
		if (set_why(t, p == NULL ? "not among the tables that were "
		    "proved when it was stored" : "not the file that was "
		    "proved when it was stored", e) == -1)
			return (-1);
	}
	for (i = 0; i < snap->database.ntables; i++) {
		p = &snap->database.tables[i];
		if (dbset_find(s, p->name) != NULL ||
		    !xcatschema_valid_table(p->name, strlen(p->name)))
			continue;
		t = add_table(s, p->name, strlen(p->name), e);
		if (t == NULL || set_why(t, "cannot be read from the vault",
		    e) == -1)
			return (-1);
		t->damaged = 1;
		t->rows = p->rows;
	}
	return (0);
}

/* -------------------------------------------------------- from a snapshot */

struct load {
	struct dbset *set;
	struct dbset_table *table;
};

static int
take_piece(void *arg, const void *p, size_t len, struct err *e)
{
	struct load *l = arg;

	if (cancel_check(e) == -1)
		return (-1);
	return (more(l->set, l->table, p, len, e));
}

static int
load_file(struct dbset *s, struct view *v, struct content *c,
    const struct dbtable *from, struct err *e)
{
	struct load l = { .set = s };
	struct err lost;

	l.table = add_table(s, from->name, strlen(from->name), e);
	if (l.table == NULL)
		return (-1);
	if (content_read(c, &from->ent, take_piece, &l, &lost) == 0)
		return (dbset_prove(l.table, e));
	if (lost.kind != ERR_DAMAGED) {
		*e = lost;
		return (-1);
	}
	(void)err_wrap(&lost, "%s.csv of snapshot %s", from->name,
	    v->snap.id);
	view_trouble(v, &lost);
	l.table->damaged = 1;
	return (set_why(l.table, "cannot be read from the vault", e));
}

static int
load_all(struct dbset *s, struct view *v, const struct dbtables *from,
    struct err *e)
{
	struct content *c = content_new(v->vault, v->index, e);
	size_t i;
	int rc = c != NULL ? 0 : -1;

	for (i = 0; i < from->n && rc == 0; i++)
		rc = load_file(s, v, c, &from->at[i], e);
	content_free(c);
	return (rc);
}

int
dbset_load(struct dbset *s, struct view *v, struct err *e)
{
	const struct snapshot_database *d = &v->snap.database;
	struct dbtables from;
	int rc;

	if (d->dump == SNAPSHOT_DUMP_FAILED)
		return (err_set(e, ERR_USAGE, "snapshot %s has no dump of "
		    "the database: %s", v->snap.id, d->reason != NULL ?
		    d->reason : "it failed"));
	memset(&from, 0, sizeof(from));
	if ((rc = dbtables_list(&from, v, &v->snap, e)) == 0 &&
	    (rc = load_all(s, v, &from, e)) == 0)
		rc = check_proof(s, &v->snap, e);
	dbtables_fini(&from);
	if (rc == 0 && s->n == 0)
		rc = err_set(e, ERR_USAGE, "snapshot %s has no dump of the "
		    "database (%s is empty)", v->snap.id, DBTABLES_DIR);
	sort(s);
	return (rc);
}

/* ---------------------------------------------------------------- columns */

size_t
dbset_columns(const struct dbset_table *t, char (*names)[
    XCATCSV_NAME_MAX + 1], size_t max)
{
	static const struct xcatcsv_user nobody;
	const char *nl = t->text.len == 0 ? NULL :
	    memchr(t->text.data, '\n', t->text.len);
	struct xcatcsv *c;
	struct err ignored;
	size_t i, n = 0;

	if (nl == NULL || (c = xcatcsv_new(&nobody, &ignored)) == NULL)
		return (0);
	xcatcsv_begin(c);
	if (xcatcsv_feed(c, t->text.data, (size_t)(nl + 1 -
	    (const char *)t->text.data), &ignored) == 0 &&
	    xcatcsv_end(c, &ignored) == 0 &&
	    xcatcsv_worst(c) < XCATCSV_BROKEN)
		for (n = xcatcsv_columns(c), i = 0; i < n && i < max; i++)
			snprintf(names[i], sizeof(names[i]), "%s",
			    xcatcsv_column(c, i));
	xcatcsv_free(c);
	return (n < max ? n : max);
}
