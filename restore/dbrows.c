#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "restore/dbrows.h"

#define ID_LEN 16		/* of a digest: no chance of collision */

struct row {
	uint8_t key[ID_LEN];
	uint8_t all[ID_LEN];
	uint64_t at;		/* from 1 */
};

struct side {
	struct dbrows_state *state;
	void *arg;
	struct row *rows;
	size_t n, cap;
	size_t *order;		/* of the columns by their names */
	const char *keys[XCATSCHEMA_KEYS_MAX];
	size_t nkeys;
	int key_cols[XCATSCHEMA_KEYS_MAX];
};

struct work {
	struct dbrows *d;
	const char *table;
	dbrows_read *read;
	struct side old, new;
	struct side *now;	/* the side that is read */
	struct digest *digest;
	struct buf text;
	size_t item;		/* the next whose row is wanted */
	size_t cap_items;
};

int
dbrows_column(const struct dbrows_state *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->ncolumns; i++)
		if (strcmp(s->columns[i], name) == 0)
			return ((int)i);
	return (-1);
}

void
dbrows_fini(struct dbrows *d)
{
	free(d->items);
	arena_fini(&d->arena);
	memset(d, 0, sizeof(*d));
}

/* Columns. */

static int
compare_names(const void *pa, const void *pb, void *arg)
{
	const char *const *names = arg;
	size_t a = *(const size_t *)pa, b = *(const size_t *)pb;
	int c = strcmp(names[a], names[b]);

	return (c != 0 ? c : (a > b) - (a < b));
}

/* A side's own; whether they are the other's too is seen later. */
static void
find_keys(struct work *w, struct side *s)
{
	size_t i;

	s->nkeys = xcatschema_keys(w->table, 0, s->keys);
	if (s->nkeys == 0) {
		s->keys[0] = s->state->columns[0];
		s->nkeys = 1;
	}
	for (i = 0; i < s->nkeys; i++)
		if ((s->key_cols[i] = dbrows_column(s->state,
		    s->keys[i])) == -1)
			s->nkeys = 0;
}

static int
copy_header(void *arg, const struct xcatcsv *c, struct err *e)
{
	struct work *w = arg;
	struct side *s = w->now;
	size_t i, n = xcatcsv_columns(c);
	const char **names, *name;

	names = arena_alloc(&w->d->arena, (n + 1) * sizeof(*names));
	s->order = arena_alloc(&w->d->arena, (n + 1) * sizeof(*s->order));
	if (names == NULL || s->order == NULL)
		return (err_nomem(e));
	for (i = 0; i < n; i++) {
		name = xcatcsv_column(c, i);
		names[i] = arena_copy(&w->d->arena, name, strlen(name) + 1);
		if (names[i] == NULL)
			return (err_nomem(e));
		s->order[i] = i;
	}
	qsort_r(s->order, n, sizeof(*s->order), compare_names, names);
	s->state->columns = names;
	s->state->ncolumns = n;
	find_keys(w, s);
	return (0);
}

/* First reading: a digest of each row and of its key. */

static void
put_text(struct buf *b, const void *p, size_t len)
{
	buf_append(b, &len, sizeof(len));
	buf_append(b, p, len);
}

static int
get_id(struct work *w, uint8_t id[ID_LEN], struct err *e)
{
	uint8_t full[DIGEST_LEN];

	if (buf_ok(&w->text, e) == -1)
		return (-1);
	digest_bytes(w->digest, w->text.data, w->text.len, full);
	memcpy(id, full, ID_LEN);
	buf_clear(&w->text);
	return (0);
}

static int
digest_row(struct work *w, const struct xcatcsv_row *r, struct row *to,
    struct err *e)
{
	const struct side *s = w->now;
	const struct span *v;
	const char *name;
	size_t i;

	to->at = r->row;
	buf_clear(&w->text);
	for (i = 0; i < r->n; i++) {
		v = &r->values[s->order[i]];
		if (v->len == 0)
			continue;
		name = s->state->columns[s->order[i]];
		put_text(&w->text, name, strlen(name));
		put_text(&w->text, v->p, v->len);
	}
	if (get_id(w, to->all, e) == -1)
		return (-1);
	for (i = 0; i < s->nkeys; i++) {
		v = &r->values[s->key_cols[i]];
		put_text(&w->text, v->p, v->len);
	}
	return (get_id(w, to->key, e));
}

static int
take_row(void *arg, const struct xcatcsv_row *r, struct err *e)
{
	struct work *w = arg;
	struct side *s = w->now;
	struct row *more;
	size_t cap;

	if (s->n == DBROWS_ROWS_MAX)
		return (err_set(e, ERR_FAILED, "more than %zu rows",
		    DBROWS_ROWS_MAX));
	if (s->n == s->cap) {
		cap = s->cap == 0 ? 256 : s->cap * 2;
		more = reallocarray(s->rows, cap, sizeof(*more));
		if (more == NULL)
			return (err_nomem(e));
		s->rows = more;
		s->cap = cap;
	}
	return (digest_row(w, r, &s->rows[s->n++], e));
}

static int
read_side(struct work *w, struct side *s, const struct xcatcsv_user *user,
    struct err *e)
{
	struct xcatcsv *c = xcatcsv_new(user, e);
	int rc;

	if (c == NULL)
		return (-1);
	w->now = s;
	if ((rc = w->read(s->arg, c, e)) == 0)
		s->state->rows = xcatcsv_rows(c);
	xcatcsv_free(c);
	return (rc);
}

/* What belongs together. */

/* Where the sides have not the same keys, a whole row is its key. */
static void
agree_on_keys(struct work *w)
{
	struct side *o = &w->old, *n = &w->new, *s = o;
	size_t i;

	/* A table without a header has no say, and no rows. */
	if (o->state->ncolumns == 0)
		s = n;
	else if (n->state->ncolumns > 0 && (n->nkeys != o->nkeys ||
	    (o->nkeys > 0 && strcmp(o->keys[0], n->keys[0]) != 0)))
		o->nkeys = 0;
	w->d->nkeys = s->nkeys;
	memcpy(w->d->keys, s->keys, sizeof(w->d->keys));
	for (i = 0; s->nkeys == 0 && i < o->n; i++)
		memcpy(o->rows[i].key, o->rows[i].all, ID_LEN);
	for (i = 0; s->nkeys == 0 && i < n->n; i++)
		memcpy(n->rows[i].key, n->rows[i].all, ID_LEN);
}

static int
compare_rows(const void *pa, const void *pb)
{
	const struct row *a = pa, *b = pb;
	int c = memcmp(a->key, b->key, ID_LEN);

	if (c == 0)
		c = memcmp(a->all, b->all, ID_LEN);
	return (c != 0 ? c : (a->at > b->at) - (a->at < b->at));
}

/* Either may be NULL. */
static int
add_item(struct work *w, const struct row *old, const struct row *new,
    struct err *e)
{
	struct dbrows *d = w->d;
	struct dbrows_item *more;
	size_t cap = w->cap_items == 0 ? 64 : w->cap_items * 2;

	if (d->nitems == w->cap_items) {
		more = reallocarray(d->items, cap, sizeof(*more));
		if (more == NULL)
			return (err_nomem(e));
		d->items = more;
		w->cap_items = cap;
	}
	more = &d->items[d->nitems++];
	memset(more, 0, sizeof(*more));
	more->old_row = old != NULL ? old->at : 0;
	more->new_row = new != NULL ? new->at : 0;
	return (0);
}

/* Rows of one key: take out those that are the same, shift the rest. */
static void
drop_same(struct row *a, size_t *na, struct row *b, size_t *nb)
{
	size_t i = 0, k = 0, left_a = 0, left_b = 0;
	int c;

	while (i < *na || k < *nb) {
		c = i == *na ? 1 : k == *nb ? -1 :
		    memcmp(a[i].all, b[k].all, ID_LEN);
		if (c == 0) {
			i++;
			k++;
		} else if (c < 0) {
			a[left_a++] = a[i++];
		} else {
			b[left_b++] = b[k++];
		}
	}
	*na = left_a;
	*nb = left_b;
}

static size_t
group_len(const struct side *s, size_t at)
{
	size_t n = 1;

	while (at + n < s->n &&
	    memcmp(s->rows[at].key, s->rows[at + n].key, ID_LEN) == 0)
		n++;
	return (n);
}

static int
match(struct work *w, struct err *e)
{
	struct side *o = &w->old, *n = &w->new;
	size_t i = 0, k = 0, at, no, nn, left_o, left_n;
	int c;

	if (o->n > 0)
		qsort(o->rows, o->n, sizeof(*o->rows), compare_rows);
	if (n->n > 0)
		qsort(n->rows, n->n, sizeof(*n->rows), compare_rows);
	while (i < o->n || k < n->n) {
		c = i == o->n ? 1 : k == n->n ? -1 :
		    memcmp(o->rows[i].key, n->rows[k].key, ID_LEN);
		no = left_o = c <= 0 ? group_len(o, i) : 0;
		nn = left_n = c >= 0 ? group_len(n, k) : 0;
		if (c == 0)
			drop_same(o->rows + i, &left_o, n->rows + k, &left_n);
		for (at = 0; at < left_o || at < left_n; at++)
			if (add_item(w, at < left_o ? &o->rows[i + at] : NULL,
			    at < left_n ? &n->rows[k + at] : NULL, e) == -1)
				return (-1);
		i += no;
		k += nn;
	}
	return (0);
}

/* Second reading: the rows that differ. */

static int
compare_old(const void *pa, const void *pb)
{
	const struct dbrows_item *a = pa, *b = pb;

	return ((a->old_row > b->old_row) - (a->old_row < b->old_row));
}

static int
compare_new(const void *pa, const void *pb)
{
	const struct dbrows_item *a = pa, *b = pb;

	return ((a->new_row > b->new_row) - (a->new_row < b->new_row));
}

static const struct span *
keep_row(struct work *w, const struct xcatcsv_row *r, struct err *e)
{
	struct arena *a = &w->d->arena;
	struct span *values;
	size_t i;

	if ((values = arena_alloc(a, (r->n + 1) * sizeof(*values))) == NULL)
		goto nomem;
	for (i = 0; i < r->n; i++) {
		values[i].len = r->values[i].len;
		values[i].p = "";
		if (values[i].len > 0 && (values[i].p = arena_copy(a,
		    r->values[i].p, values[i].len)) == NULL)
			goto nomem;
	}
	return (values);
nomem:
	err_nomem(e);
	return (NULL);
}

static int
fetch_row(void *arg, const struct xcatcsv_row *r, struct err *e)
{
	struct work *w = arg;
	struct dbrows *d = w->d;
	struct dbrows_item *it;
	const struct span *values;
	int is_old = w->now == &w->old;

	if (w->item == d->nitems)
		return (0);
	it = &d->items[w->item];
	if ((is_old ? it->old_row : it->new_row) != r->row)
		return (0);
	w->item++;
	if (d->arena.total > DBROWS_KEEP_MAX)
		return (0);
	if ((values = keep_row(w, r, e)) == NULL)
		return (-1);
	if (is_old)
		it->old = values;
	else
		it->new = values;
	return (0);
}

static int
fetch(struct work *w, struct side *s, struct err *e)
{
	struct xcatcsv_user user = { .row = fetch_row, .arg = w };
	struct dbrows *d = w->d;
	int is_old = s == &w->old;

	qsort(d->items, d->nitems, sizeof(*d->items),
	    is_old ? compare_old : compare_new);
	for (w->item = 0; w->item < d->nitems; w->item++)
		if ((is_old ? d->items[w->item].old_row :
		    d->items[w->item].new_row) > 0)
			break;
	return (w->item == d->nitems ? 0 : read_side(w, s, &user, e));
}

static int
compare_spans(const struct span *a, const struct span *b)
{
	size_t n = a->len < b->len ? a->len : b->len;
	int c = n > 0 ? memcmp(a->p, b->p, n) : 0;

	return (c != 0 ? c : (a->len > b->len) - (a->len < b->len));
}

/* By key, then in the order of the states. */
static int
compare_items(const void *pa, const void *pb, void *arg)
{
	const struct dbrows_item *a = pa, *b = pb;
	const struct work *w = arg;
	const struct span *va, *vb;
	size_t i;
	int c = 0;

	for (i = 0; i < w->d->nkeys && c == 0; i++) {
		va = a->new != NULL ? &a->new[w->new.key_cols[i]] :
		    &a->old[w->old.key_cols[i]];
		vb = b->new != NULL ? &b->new[w->new.key_cols[i]] :
		    &b->old[w->old.key_cols[i]];
		c = compare_spans(va, vb);
	}
	/* Those that were added, with no old row, come last. */
	if (c == 0)
		c = (a->old_row - 1 > b->old_row - 1) -
		    (a->old_row - 1 < b->old_row - 1);
	return (c != 0 ? c : compare_new(a, b));
}

/* Items whose rows were not all kept go away. */
static void
arrange(struct work *w)
{
	struct dbrows *d = w->d;
	struct dbrows_item *it;
	size_t i, n = 0;

	for (i = 0; i < d->nitems; i++) {
		it = &d->items[i];
		if ((it->old_row > 0 && it->old == NULL) ||
		    (it->new_row > 0 && it->new == NULL))
			d->left_out++;
		else
			d->items[n++] = *it;
	}
	d->nitems = n;
	if (n > 0)
		qsort_r(d->items, n, sizeof(*d->items), compare_items, w);
}

int
dbrows_compare(struct dbrows *d, const char *table, dbrows_read *read,
    void *old_arg, void *new_arg, struct err *e)
{
	struct work w = { .d = d, .table = table, .read = read };
	struct xcatcsv_user user = { NULL, copy_header, take_row, &w };
	int rc = -1;

	memset(d, 0, sizeof(*d));
	w.old.state = &d->old;
	w.old.arg = old_arg;
	w.new.state = &d->new;
	w.new.arg = new_arg;
	if ((w.digest = digest_new()) == NULL)
		err_nomem(e);
	else if (read_side(&w, &w.old, &user, e) == 0 &&
	    read_side(&w, &w.new, &user, e) == 0) {
		agree_on_keys(&w);
		rc = match(&w, e);
	}
	free(w.old.rows);
	free(w.new.rows);
	if (rc == 0 && d->nitems > 0 &&
	    (fetch(&w, &w.old, e) == -1 || fetch(&w, &w.new, e) == -1))
		rc = -1;
	if (rc == 0)
		arrange(&w);
	digest_free(w.digest);
	buf_fini(&w.text);
	return (rc);
}
