#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "formats/pathtext.h"
#include "formats/xcatdump.h"
#include "formats/xcatpaths.h"
#include "formats/xcatschema.h"
#include "formats/xcatset.h"

#define KEYS_MAX ((size_t)1 << 20)	/* of a table, kept for comparison */
#define KEY_LEN 16			/* of a digest */
#define STRAYS_MAX 1000
#define FACT_MAX 4096			/* bytes of a value worth keeping */
#define NLEVELS (XCATCSV_BROKEN + 1)

struct key {
	uint8_t id[KEY_LEN];
	uint64_t row;
};

struct xcatdump {
	struct arena arena;	/* all strings */
	struct xcatcsv *csv;
	struct digest *file, *digest;
	int nomem;

	struct xcatdump_finding *findings;
	size_t nfindings, cap_findings;
	uint64_t found[NLEVELS];
	size_t kept[NLEVELS];
	size_t table_found[NLEVELS];	/* about the table that is read */

	struct xcatdump_table *tables;
	size_t ntables, cap_tables;
	struct xcatdump_table *now;	/* the table that is read */

	struct key *keys;
	size_t nkeys, cap_keys;
	int key_cols[XCATSCHEMA_KEYS_MAX];
	size_t nkey_cols;
	unsigned char *is_path, *is_required;	/* of each column */
	int any_path;
	int site_key, site_value, site_disable;	/* -1: not table site */

	char **strays;
	size_t nstrays;
	char *facts[XCATDUMP_NFACTS];
	char **paths;		/* sorted */
	size_t npaths, cap_paths;
	int paths_full;
};

static void add_csv_finding(void *, const struct xcatcsv_finding *);
static int take_header(void *, const struct xcatcsv *, struct err *);
static int take_row(void *, const struct xcatcsv_row *, struct err *);

struct xcatdump *
xcatdump_new(struct err *e)
{
	struct xcatdump *d = calloc(1, sizeof(*d));
	struct xcatcsv_user user = { add_csv_finding, take_header, take_row,
	    d };

	if (d == NULL || (d->csv = xcatcsv_new(&user, e)) == NULL ||
	    (d->file = digest_new()) == NULL ||
	    (d->digest = digest_new()) == NULL ||
	    (d->is_path = calloc(2, XCATCSV_COLUMNS_MAX)) == NULL ||
	    (d->strays = calloc(STRAYS_MAX, sizeof(*d->strays))) == NULL) {
		err_nomem(e);
		xcatdump_free(d);
		return (NULL);
	}
	d->is_required = d->is_path + XCATCSV_COLUMNS_MAX;
	return (d);
}

void
xcatdump_free(struct xcatdump *d)
{
	if (d == NULL)
		return;
	arena_fini(&d->arena);
	xcatcsv_free(d->csv);
	digest_free(d->file);
	digest_free(d->digest);
	free(d->findings);
	free(d->tables);
	free(d->keys);
	free(d->is_path);
	free(d->strays);
	free(d->paths);
	free(d);
}

/* Room for one more; 0, or -1 and the dump remembers. */
static int
grow(struct xcatdump *d, void *array, size_t n, size_t *cap, size_t size)
{
	void **at = array, *p;
	size_t want = *cap == 0 ? 64 : *cap * 2;

	if (n < *cap)
		return (0);
	if ((p = reallocarray(*at, want, size)) == NULL) {
		d->nomem = 1;
		return (-1);
	}
	*at = p;
	*cap = want;
	return (0);
}

static char *
keep(struct xcatdump *d, const void *p, size_t len)
{
	char *s = arena_alloc(&d->arena, len + 1);

	if (s == NULL) {
		d->nomem = 1;
		return (NULL);
	}
	if (len > 0)
		memcpy(s, p, len);
	s[len] = '\0';
	return (s);
}

/* As catalog text: printable, on one line. */
static char *
keep_name(struct xcatdump *d, const char *name)
{
	struct buf b = BUF_INIT;
	char *s;

	pathtext_encode(&b, name, strlen(name));
	if (b.nomem)
		d->nomem = 1;
	s = keep(d, b.data, b.len);
	buf_fini(&b);
	return (s);
}

static int
check_memory(const struct xcatdump *d, struct err *e)
{
	return (d->nomem ? err_nomem(e) : 0);
}

/* Findings. */

/* f's strings are copied, its table aside. */
static void
add(struct xcatdump *d, const struct xcatdump_finding *f)
{
	struct xcatdump_finding *to;

	d->found[f->level]++;
	if (d->now != NULL && f->table == d->now->name) {
		if (f->level > d->now->worst)
			d->now->worst = f->level;
		if (++d->table_found[f->level] > XCATDUMP_TABLE_FINDINGS_MAX)
			return;
	}
	if (d->kept[f->level] == XCATDUMP_FINDINGS_MAX ||
	    grow(d, &d->findings, d->nfindings, &d->cap_findings,
	    sizeof(*d->findings)) == -1)
		return;
	to = &d->findings[d->nfindings];
	*to = *f;
	to->column = keep(d, f->column, strlen(f->column));
	to->text = keep(d, f->text, strlen(f->text));
	if (to->column == NULL || to->text == NULL)
		return;
	d->nfindings++;
	d->kept[f->level]++;
}

static void
make_printable(char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || (unsigned char)*s >= 0x7f)
			*s = '?';
}

static void
__attribute__((format(printf, 6, 7)))
add_at(struct xcatdump *d, enum xcatcsv_level level, const char *table,
    const struct xcatcsv_row *r, const char *column, const char *fmt, ...)
{
	struct xcatdump_finding f = { level, table, 0, 0, column, NULL };
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	make_printable(text);
	if (r != NULL) {
		f.row = r->row;
		f.line = r->line;
	}
	f.text = text;
	add(d, &f);
}

void
xcatdump_add(struct xcatdump *d, enum xcatcsv_level level, const char *table,
    const char *fmt, ...)
{
	struct xcatdump_table *t = NULL;
	char text[1024];
	const char *name;
	va_list ap;
	size_t i;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (i = d->ntables; i > 0 && t == NULL; i--)
		if (strcmp(d->tables[i - 1].name, table) == 0)
			t = &d->tables[i - 1];
	if (t != NULL && level > t->worst)
		t->worst = level;
	name = t != NULL ? t->name : keep_name(d, table);
	if (name == NULL)
		return;
	add_at(d, level, name, NULL, "", "%s", text);
}

static const char *
restore_effect(enum xcatcsv_kind kind)
{
	switch (kind) {
	case XCATCSV_CONTROL:
	case XCATCSV_UTF8:
	case XCATCSV_TWICE:
		return ("; xCAT cannot restore this table");
	default:
		return ("");
	}
}

static void
add_csv_finding(void *arg, const struct xcatcsv_finding *c)
{
	struct xcatdump *d = arg;
	struct xcatdump_finding f = { c->level, d->now->name, c->row,
	    c->line, c->column, NULL };
	char text[512];

	snprintf(text, sizeof(text), "%s%s", c->text,
	    restore_effect(c->kind));
	f.text = text;
	add(d, &f);
}

/* Rows. */

static void
find_key_columns(struct xcatdump *d, const struct xcatcsv *c)
{
	const char *keys[XCATSCHEMA_KEYS_MAX];
	size_t i, n = xcatschema_keys(d->now->name, 1, keys);

	d->nkey_cols = 0;
	d->nkeys = 0;
	for (i = 0; i < n; i++)
		if ((d->key_cols[i] = xcatcsv_find(c, keys[i])) == -1)
			return;
	d->nkey_cols = n;
}

static int
take_header(void *arg, const struct xcatcsv *c, struct err *e)
{
	struct xcatdump *d = arg;
	const char *column;
	size_t i;

	find_key_columns(d, c);
	d->any_path = 0;
	for (i = 0; i < xcatcsv_columns(c); i++) {
		column = xcatcsv_column(c, i);
		d->is_required[i] = xcatschema_is_required(d->now->name,
		    column) != 0;
		/* A script's arguments may follow its name. */
		d->is_path[i] = xcatschema_has_paths(d->now->name, column) ?
		    strcmp(column, "postinstall") == 0 ? 2 : 1 : 0;
		d->any_path |= d->is_path[i];
	}
	d->site_key = d->site_value = d->site_disable = -1;
	if (strcmp(d->now->name, "site") == 0) {
		d->site_key = xcatcsv_find(c, "key");
		d->site_value = xcatcsv_find(c, "value");
		d->site_disable = xcatcsv_find(c, "disable");
	}
	return (check_memory(d, e));
}

static void
note_key(struct xcatdump *d, const struct xcatcsv_row *r)
{
	uint8_t id[DIGEST_LEN], len[8];
	const struct span *v;
	size_t i, k;

	if (d->nkeys == KEYS_MAX) {
		add_at(d, XCATCSV_NOTE, d->now->name, r, "", "keys are "
		    "compared up to here only");
		d->nkeys++;
	}
	if (d->nkeys > KEYS_MAX || grow(d, &d->keys, d->nkeys,
	    &d->cap_keys, sizeof(*d->keys)) == -1)
		return;
	digest_reset(d->digest);
	for (i = 0; i < d->nkey_cols; i++) {
		v = &r->values[d->key_cols[i]];
		for (k = 0; k < sizeof(len); k++)
			len[k] = (uint8_t)(v->len >> 8 * k);
		digest_update(d->digest, len, sizeof(len));
		digest_update(d->digest, v->p, v->len);
	}
	digest_final(d->digest, id);
	memcpy(d->keys[d->nkeys].id, id, KEY_LEN);
	d->keys[d->nkeys++].row = r->row;
}

static int
compare_keys(const void *pa, const void *pb)
{
	const struct key *a = pa, *b = pb;
	int c = memcmp(a->id, b->id, KEY_LEN);

	return (c != 0 ? c : (a->row > b->row) - (a->row < b->row));
}

/* tabrestore inserts; a second row of a key ends in a rollback. */
static void
check_keys(struct xcatdump *d)
{
	struct xcatcsv_row at = { 0 };
	size_t i;

	if (d->nkeys > KEYS_MAX)
		d->nkeys = KEYS_MAX;
	if (d->nkeys == 0)
		return;
	qsort(d->keys, d->nkeys, sizeof(*d->keys), compare_keys);
	for (i = 1; i < d->nkeys; i++) {
		if (memcmp(d->keys[i].id, d->keys[i - 1].id, KEY_LEN) != 0)
			continue;
		at.row = d->keys[i].row;
		add_at(d, XCATCSV_UNRESTORABLE, d->now->name, &at,
		    xcatcsv_column(d->csv, (size_t)d->key_cols[0]),
		    "same key as in row %llu; xCAT cannot restore this table",
		    (unsigned long long)d->keys[i - 1].row);
	}
}

static void
check_values(struct xcatdump *d, const struct xcatcsv_row *r)
{
	size_t i, empty = 0;

	for (i = 0; i < r->n; i++) {
		if (r->values[i].len > 0)
			continue;
		empty++;
		if (d->is_required[i])
			add_at(d, XCATCSV_UNRESTORABLE, d->now->name, r,
			    xcatcsv_column(d->csv, i), "no value where the "
			    "database wants one; xCAT cannot restore this "
			    "table");
	}
	if (empty == r->n)
		add_at(d, XCATCSV_UNRESTORABLE, d->now->name, r, "",
		    "a row without any value; xCAT cannot restore this table");
}

static int
is(const struct span *s, const char *text)
{
	return (s->len == strlen(text) && memcmp(s->p, text, s->len) == 0);
}

/* As xCAT's queries: anything but these disables a row. */
static int
disabled(const struct span *s)
{
	return (s->len > 0 && !is(s, "0") && !(s->len == 2 &&
	    (s->p[0] | 0x20) == 'n' && (s->p[1] | 0x20) == 'o'));
}

static void
note_fact(struct xcatdump *d, const struct xcatcsv_row *r)
{
	static const char *const names[XCATDUMP_NFACTS] = {
		[XCATDUMP_INSTALLDIR] = "installdir",
		[XCATDUMP_MASTER] = "master",
		[XCATDUMP_SKIPTABLES] = "skiptables",
		[XCATDUMP_TMPDIR] = "tmpdir",
		[XCATDUMP_TFTPDIR] = "tftpdir",
		[XCATDUMP_DOMAIN] = "domain",
	};
	const struct span *v = &r->values[d->site_value];
	size_t i;

	if ((d->site_disable != -1 && disabled(&r->values[d->site_disable])) ||
	    v->len == 0 || v->len > FACT_MAX ||
	    memchr(v->p, '\0', v->len) != NULL)
		return;
	for (i = 0; i < XCATDUMP_NFACTS; i++)
		if (d->facts[i] == NULL &&
		    is(&r->values[d->site_key], names[i]))
			d->facts[i] = keep(d, v->p, v->len);
}

static int
note_path(void *arg, const char *path)
{
	struct xcatdump *d = arg;
	size_t low = 0, high = d->npaths, mid;
	char *s;
	int c;

	while (low < high) {
		mid = (low + high) / 2;
		if ((c = strcmp(path, d->paths[mid])) == 0)
			return (0);
		if (c < 0)
			high = mid;
		else
			low = mid + 1;
	}
	if (d->npaths == XCATDUMP_PATHS_MAX) {
		if (!d->paths_full)
			add_at(d, XCATCSV_WARNING, "", NULL, "", "tables name "
			    "more than %d paths; only the first are known",
			    XCATDUMP_PATHS_MAX);
		d->paths_full = 1;
		return (1);
	}
	if (grow(d, &d->paths, d->npaths, &d->cap_paths,
	    sizeof(*d->paths)) == -1 ||
	    (s = keep(d, path, strlen(path))) == NULL)
		return (1);
	memmove(d->paths + low + 1, d->paths + low,
	    (d->npaths - low) * sizeof(*d->paths));
	d->paths[low] = s;
	d->npaths++;
	return (0);
}

static int
take_row(void *arg, const struct xcatcsv_row *r, struct err *e)
{
	struct xcatdump *d = arg;
	size_t i;

	check_values(d, r);
	if (d->nkey_cols > 0)
		note_key(d, r);
	if (d->site_key != -1 && d->site_value != -1)
		note_fact(d, r);
	for (i = 0; d->any_path && i < r->n; i++)
		if (d->is_path[i])
			xcatpaths_each(r->values[i].p, r->values[i].len,
			    d->is_path[i] == 2, note_path, d);
	return (check_memory(d, e));
}

/* Files. */

/* Length of the table's name in "<table>.csv"; 0: another name. */
static size_t
table_name_len(const char *name)
{
	size_t len = strlen(name);

	if (len <= 4 || strcmp(name + len - 4, ".csv") != 0 ||
	    !xcatschema_valid_table(name, len - 4))
		return (0);
	return (len - 4);
}

static void
note_stray(struct xcatdump *d, const char *name)
{
	if (d->nstrays == STRAYS_MAX) {
		d->found[XCATCSV_BROKEN]++;
		return;
	}
	if ((d->strays[d->nstrays] = keep(d, name, strlen(name))) != NULL)
		d->nstrays++;
}

int
xcatdump_begin(struct xcatdump *d, const char *name, int regular,
    struct err *e)
{
	struct xcatdump_table *t;
	size_t len = table_name_len(name);
	char *copy;

	if (len == 0 || !regular || d->ntables == XCATDUMP_TABLES_MAX) {
		note_stray(d, name);
		return (check_memory(d, e));
	}
	if ((copy = keep(d, name, len)) == NULL ||
	    grow(d, &d->tables, d->ntables, &d->cap_tables,
	    sizeof(*d->tables)) == -1)
		return (check_memory(d, e));
	if (xcatdump_table_named(d, copy) != NULL)
		add_at(d, XCATCSV_BROKEN, copy, NULL, "",
		    "there are two files of this table");
	t = &d->tables[d->ntables++];
	memset(t, 0, sizeof(*t));
	t->name = copy;
	d->now = t;
	d->nkeys = d->nkey_cols = 0;
	memset(d->table_found, 0, sizeof(d->table_found));
	digest_reset(d->file);
	xcatcsv_begin(d->csv);
	return (check_memory(d, e) == -1 ? -1 : 1);
}

int
xcatdump_feed(struct xcatdump *d, const void *p, size_t len, struct err *e)
{
	digest_update(d->file, p, len);
	d->now->bytes += len;
	return (xcatcsv_feed(d->csv, p, len, e));
}

int
xcatdump_end(struct xcatdump *d, struct err *e)
{
	struct xcatdump_table *t = d->now;
	size_t level, more;

	if (xcatcsv_end(d->csv, e) == -1)
		return (-1);
	check_keys(d);
	t->rows = xcatcsv_rows(d->csv);
	t->columns = xcatcsv_columns(d->csv);
	digest_final(d->file, t->digest);
	d->now = NULL;
	for (level = 1; level < NLEVELS; level++) {
		if (d->table_found[level] <= XCATDUMP_TABLE_FINDINGS_MAX)
			continue;
		more = d->table_found[level] - XCATDUMP_TABLE_FINDINGS_MAX;
		add_at(d, (enum xcatcsv_level)level, t->name, NULL, "",
		    "%zu more like that", more);
		d->found[level]--;
	}
	return (check_memory(d, e));
}

size_t
xcatdump_tables(const struct xcatdump *d)
{
	return (d->ntables);
}

const struct xcatdump_table *
xcatdump_table(const struct xcatdump *d, size_t i)
{
	return (&d->tables[i]);
}

const struct xcatdump_table *
xcatdump_table_named(const struct xcatdump *d, const char *name)
{
	size_t i;

	for (i = 0; i < d->ntables; i++)
		if (strcmp(d->tables[i].name, name) == 0)
			return (&d->tables[i]);
	return (NULL);
}

static int
compare_findings(const void *pa, const void *pb)
{
	const struct xcatdump_finding *a = pa, *b = pb;
	int c;

	if (a->level != b->level)
		return (a->level > b->level ? -1 : 1);
	if ((c = strcmp(a->table, b->table)) != 0)
		return (c);
	/* "N more like that", which has no row, is the last of a table. */
	if (a->row != b->row)
		return (a->row - 1 < b->row - 1 ? -1 : 1);
	if (a->line != b->line)
		return (a->line - 1 < b->line - 1 ? -1 : 1);
	return (strcmp(a->text, b->text));
}

static int
compare_tables(const void *pa, const void *pb)
{
	const struct xcatdump_table *a = pa, *b = pb;

	return (strcmp(a->name, b->name));
}

int
xcatdump_finish(struct xcatdump *d, const struct xcatdump_expect *x,
    struct err *e)
{
	if (xcatset_judge(d, x, e) == -1)
		return (-1);
	if (d->nfindings > 0)
		qsort(d->findings, d->nfindings, sizeof(*d->findings),
		    compare_findings);
	if (d->ntables > 0)
		qsort(d->tables, d->ntables, sizeof(*d->tables),
		    compare_tables);
	return (check_memory(d, e));
}

/* What was found. */

enum xcatcsv_level
xcatdump_worst(const struct xcatdump *d)
{
	int level = XCATCSV_BROKEN;

	while (level > 0 && d->found[level] == 0)
		level--;
	return ((enum xcatcsv_level)level);
}

enum xcatdump_verdict
xcatdump_verdict(const struct xcatdump *d)
{
	enum xcatcsv_level worst = xcatdump_worst(d);

	return (worst >= XCATCSV_BROKEN ? XCATDUMP_BAD :
	    worst >= XCATCSV_WARNING ? XCATDUMP_WARNED : XCATDUMP_WHOLE);
}

size_t
xcatdump_findings(const struct xcatdump *d)
{
	return (d->nfindings);
}

const struct xcatdump_finding *
xcatdump_finding(const struct xcatdump *d, size_t i)
{
	return (&d->findings[i]);
}

uint64_t
xcatdump_found(const struct xcatdump *d, enum xcatcsv_level level)
{
	return (d->found[level]);
}

void
xcatdump_finding_text(struct buf *out, const struct xcatdump_finding *f)
{
	const char *sep = f->table[0] != '\0' ? ": " : "";

	buf_puts(out, f->table);
	if (f->row > 0) {
		buf_printf(out, "%srow %llu", sep, (unsigned long long)f->row);
		sep = ", ";
	}
	if (f->line > 0) {
		if (f->row > 0)
			buf_printf(out, " (line %llu)",
			    (unsigned long long)f->line);
		else
			buf_printf(out, "%sline %llu", sep,
			    (unsigned long long)f->line);
		sep = ", ";
	}
	if (f->column[0] != '\0') {
		buf_printf(out, "%scolumn %s", sep, f->column);
		sep = ", ";
	}
	buf_puts(out, sep[0] == ',' ? ": " : sep);
	buf_puts(out, f->text);
}

const char *
xcatdump_level_name(enum xcatcsv_level level)
{
	switch (level) {
	case XCATCSV_NOTE:
		return ("note");
	case XCATCSV_WARNING:
		return ("warning");
	case XCATCSV_UNRESTORABLE:
		return ("unrestorable");
	default:
		return ("broken");
	}
}

size_t
xcatdump_strays(const struct xcatdump *d)
{
	return (d->nstrays);
}

const char *
xcatdump_stray(const struct xcatdump *d, size_t i)
{
	return (d->strays[i]);
}

uint64_t
xcatdump_rows(const struct xcatdump *d)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < d->ntables; i++)
		n += d->tables[i].rows;
	return (n);
}

uint64_t
xcatdump_bytes(const struct xcatdump *d)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < d->ntables; i++)
		n += d->tables[i].bytes;
	return (n);
}

const char *
xcatdump_fact(const struct xcatdump *d, enum xcatdump_fact fact)
{
	return (d->facts[fact]);
}

size_t
xcatdump_paths(const struct xcatdump *d)
{
	return (d->npaths);
}

const char *
xcatdump_path(const struct xcatdump *d, size_t i)
{
	return (d->paths[i]);
}
