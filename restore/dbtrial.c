#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/io.h"
#include "formats/xcatdump.h"
#include "formats/xcatloss.h"
#include "formats/xcatschema.h"
#include "restore/dbrows.h"
#include "restore/dbtrial.h"
#include "restore/scratchdb.h"

#define PIECE ((size_t)256 << 10)
#define ROWS_TOLD 5		/* of one table */
#define PAIRS_MAX 2000		/* rows whose keys may have changed */

struct trial {
	const struct dbtrial_options *opt;
	struct dbtrial_totals *t;
	struct xcatdump *dump;
	struct scratchdb *db;
	const char *table;	/* at hand */
	uint8_t *piece;
	/* while it is loaded */
	struct span *values;
	struct buf text;	/* of a row's values that change */
	int refused;		/* 1: by the database */
	uint64_t refused_row;
	/* while it is compared */
	struct dbrows rows;
	unsigned losses;
	uint64_t changed;
	size_t differ;
};

static void
__attribute__((format(printf, 4, 5)))
tell(struct trial *tr, enum dbtrial_level level, const char *table,
    const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	tr->opt->tell(tr->opt->arg, level, table, text);
}

/* Files of the directory. */

/* Give a file's bytes to fn.  0; -1. */
static int
read_file(struct trial *tr, const char *name,
    int (*fn)(void *arg, const void *p, size_t len, struct err *e),
    void *arg, struct err *e)
{
	ssize_t n;
	int fd, rc = 0;

	fd = openat(tr->opt->dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return (err_sys(e, "%s", name));
	while (rc == 0 && (n = io_read(fd, tr->piece, PIECE)) != 0) {
		if (n == -1)
			rc = err_sys(e, "%s", name);
		else if ((rc = cancel_check(e)) == 0)
			rc = fn(arg, tr->piece, (size_t)n, e);
	}
	close(fd);
	return (rc);
}

static int
feed_dump(void *arg, const void *p, size_t len, struct err *e)
{
	struct trial *tr = arg;

	return (xcatdump_feed(tr->dump, p, len, e));
}

static int
prove_entry(struct trial *tr, const char *name, struct err *e)
{
	struct stat st;
	int rc;

	if (fstatat(tr->opt->dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return (err_sys(e, "%s", name));
	rc = xcatdump_begin(tr->dump, name, S_ISREG(st.st_mode), e);
	if (rc != 1)
		return (rc);
	if (read_file(tr, name, feed_dump, tr, e) == -1)
		return (-1);
	return (xcatdump_end(tr->dump, e));
}

static int
prove_entries(struct trial *tr, struct err *e)
{
	struct dirent *d;
	DIR *dir;
	int fd, rc = 0;

	fd = openat(tr->opt->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || (dir = fdopendir(fd)) == NULL) {
		err_sys(e, "dump of the database");
		if (fd != -1)
			close(fd);
		return (-1);
	}
	while (rc == 0 && (errno = 0, d = readdir(dir)) != NULL)
		if (strcmp(d->d_name, ".") != 0 &&
		    strcmp(d->d_name, "..") != 0)
			rc = prove_entry(tr, d->d_name, e);
	if (rc == 0 && errno != 0)
		rc = err_sys(e, "dump of the database");
	closedir(dir);
	return (rc);
}

static void
tell_findings(struct trial *tr)
{
	const struct xcatdump_finding *f;
	struct buf b = BUF_INIT;
	size_t i;

	for (i = 0; i < xcatdump_findings(tr->dump); i++) {
		f = xcatdump_finding(tr->dump, i);
		/* What a restore changes is counted when it is compared. */
		if (f->level == XCATCSV_NOTE && f->row > 0)
			continue;
		buf_clear(&b);
		if (f->row > 0)
			buf_printf(&b, "row %llu: ",
			    (unsigned long long)f->row);
		if (f->column[0] != '\0')
			buf_printf(&b, "column %s: ", f->column);
		buf_puts(&b, f->text);
		tell(tr, f->level >= XCATCSV_UNRESTORABLE ? DBTRIAL_FAILED :
		    f->level == XCATCSV_WARNING ? DBTRIAL_WARNING :
		    DBTRIAL_NOTE, f->table, "%s", buf_cstr(&b));
	}
	buf_fini(&b);
}

static void
compare_proof(struct trial *tr)
{
	const struct snapshot_database *p = tr->opt->proof;
	const struct xcatdump_table *t;
	size_t i;

	if (p->ntables == 0)
		tell(tr, DBTRIAL_NOTE, "", "the snapshot has no proof of its "
		    "dump (\"backup SITE\" makes one); it was judged by "
		    "itself");
	for (i = 0; i < p->ntables; i++) {
		t = xcatdump_table_named(tr->dump, p->tables[i].name);
		if (t == NULL)
			continue;	/* is a finding already */
		if (t->rows != p->tables[i].rows)
			tell(tr, DBTRIAL_FAILED, t->name, "%llu rows; %llu "
			    "were proved when it was backed up",
			    (unsigned long long)t->rows,
			    (unsigned long long)p->tables[i].rows);
		else if (memcmp(t->digest, p->tables[i].digest,
		    DIGEST_LEN) != 0)
			tell(tr, DBTRIAL_FAILED, t->name, "not the bytes "
			    "that were proved when it was backed up");
	}
}

static int
prove(struct trial *tr, struct err *e)
{
	const struct snapshot_database *p = tr->opt->proof;
	struct xcatdump_expect x = { .all = 1, .max_loss = 100 };
	const char **names;
	size_t i;
	int rc;

	if ((names = calloc(p->ntables + 1, sizeof(*names))) == NULL)
		return (err_nomem(e));
	for (i = 0; i < p->ntables; i++)
		names[i] = p->tables[i].name;
	x.tables = p->ntables > 0 ? names : NULL;
	x.ntables = p->ntables;
	if ((rc = prove_entries(tr, e)) == 0)
		rc = xcatdump_finish(tr->dump, &x, e);
	free(names);
	if (rc == -1)
		return (-1);
	tell_findings(tr);
	compare_proof(tr);
	tr->t->tables = xcatdump_tables(tr->dump);
	tr->t->rows = xcatdump_rows(tr->dump);
	tr->t->bytes = xcatdump_bytes(tr->dump);
	return (0);
}

/* Loading. */

static int
load_header(void *arg, const struct xcatcsv *c, struct err *e)
{
	struct trial *tr = arg;
	size_t i, n = xcatcsv_columns(c);
	const char **names;
	int rc;

	free(tr->values);
	names = calloc(n + 1, sizeof(*names));
	tr->values = calloc(n + 1, sizeof(*tr->values));
	if (names == NULL || tr->values == NULL) {
		free(names);
		return (err_nomem(e));
	}
	for (i = 0; i < n; i++)
		names[i] = xcatcsv_column(c, i);
	rc = scratchdb_begin(tr->db, tr->table, names, n, e);
	free(names);
	tr->refused = rc == 1;
	return (rc == 0 ? 0 : -1);
}

/* A row as tabrestore reads it. */
static int
load_row(void *arg, const struct xcatcsv_row *row, struct err *e)
{
	struct trial *tr = arg;
	size_t i, room = 0;
	int rc;

	/* Room for all, so that nothing moves. */
	for (i = 0; i < row->n; i++)
		room += row->values[i].len;
	buf_clear(&tr->text);
	if (room > 0 && buf_reserve(&tr->text, room) == NULL)
		return (err_nomem(e));
	for (i = 0; i < row->n; i++) {
		tr->values[i].p = (const char *)tr->text.data +
		    tr->text.len;
		(void)xcatloss_apply(&tr->text, &row->values[i]);
		tr->values[i].len = (size_t)((const char *)tr->text.data +
		    tr->text.len - tr->values[i].p);
	}
	rc = scratchdb_insert(tr->db, tr->values, e);
	if (rc == 1) {
		tr->refused = 1;
		tr->refused_row = row->row;
	}
	return (rc == 0 ? 0 : -1);
}

static int
feed_csv(void *arg, const void *p, size_t len, struct err *e)
{
	return (xcatcsv_feed(arg, p, len, e));
}

static int
read_table(struct trial *tr, struct xcatcsv *csv, struct err *e)
{
	char name[XCATSCHEMA_TABLE_MAX + 8];

	snprintf(name, sizeof(name), "%s.csv", tr->table);
	xcatcsv_begin(csv);
	if (read_file(tr, name, feed_csv, csv, e) == -1)
		return (-1);
	return (xcatcsv_end(csv, e));
}

/* 1 when it is in the scratch database, 0 when that refused it, -1. */
static int
load(struct trial *tr, struct err *e)
{
	struct xcatcsv_user user = { NULL, load_header, load_row, tr };
	struct xcatcsv *csv;
	struct err why;
	int rc;

	tr->refused = 0;
	tr->refused_row = 0;
	if ((csv = xcatcsv_new(&user, e)) == NULL)
		return (-1);
	rc = read_table(tr, csv, &why);
	xcatcsv_free(csv);
	if (rc == 0)
		return (scratchdb_commit(tr->db, e) == -1 ? -1 : 1);
	scratchdb_abort(tr->db);
	if (!tr->refused) {
		*e = why;
		return (-1);
	}
	if (tr->refused_row > 0)
		tell(tr, DBTRIAL_FAILED, tr->table, "row %llu: the database "
		    "does not take it (%s); xCAT could not restore the table",
		    (unsigned long long)tr->refused_row, why.msg);
	else
		tell(tr, DBTRIAL_FAILED, tr->table, "the database does not "
		    "take such a table (%s)", why.msg);
	return (0);
}

/* Comparing. */

/* An argument of dbrows: the file, or with db set the scratch database. */
struct state {
	struct trial *tr;
	int db;
};

static int
read_state(void *arg, struct xcatcsv *csv, struct err *e)
{
	struct state *s = arg;

	if (!s->db)
		return (read_table(s->tr, csv, e));
	xcatcsv_begin(csv);
	if (scratchdb_dump(s->tr->db, s->tr->table, feed_csv, csv, e) == -1)
		return (-1);
	return (xcatcsv_end(csv, e));
}

/* Whether a row is what becomes of the other; counts what changed. */
static int
explains(struct trial *tr, const struct span *old, const struct span *new,
    const char **column)
{
	const struct dbrows_state *s = &tr->rows.old;
	unsigned loss, losses = 0;
	uint64_t changed = 0;
	size_t i;
	int at;

	for (i = 0; i < s->ncolumns; i++) {
		*column = s->columns[i];
		if ((at = dbrows_column(&tr->rows.new, *column)) == -1 ||
		    !xcatloss_explains(&old[i], &new[at], &loss))
			return (0);
		losses |= loss;
		changed += loss != 0;
	}
	tr->losses |= losses;
	tr->changed += changed;
	return (1);
}

static void
tell_row(struct trial *tr, uint64_t row, const char *fmt, const char *column)
{
	if (tr->differ++ >= ROWS_TOLD)
		return;
	tell(tr, DBTRIAL_FAILED, tr->table, "row %llu %s%s",
	    (unsigned long long)row, fmt, column);
}

/* A row that came back with no old one, and is what becomes of this one. */
static struct dbrows_item *
find_single(struct trial *tr, const struct span *old)
{
	struct dbrows_item *it = tr->rows.items;
	size_t i, n = tr->rows.nitems;
	const char *column;

	for (i = 0; i < n && n <= PAIRS_MAX; i++) {
		if (it[i].old != NULL || it[i].new == NULL)
			continue;
		if (explains(tr, old, it[i].new, &column))
			return (&it[i]);
	}
	return (NULL);
}

/* Rows whose keys changed stand alone: find what became of them. */
static void
match_single(struct trial *tr)
{
	struct dbrows_item *it = tr->rows.items, *now;
	size_t i, n = tr->rows.nitems;

	for (i = 0; i < n; i++) {
		if (it[i].new != NULL || it[i].old == NULL)
			continue;
		if ((now = find_single(tr, it[i].old)) != NULL)
			now->new = NULL;	/* is accounted for */
		else
			tell_row(tr, it[i].old_row, "does not come back", "");
	}
	for (i = 0; i < n; i++)
		if (it[i].old == NULL && it[i].new != NULL)
			tell_row(tr, it[i].new_row, "comes back, but is not "
			    "in the dump", "");
}

static void
tell_losses(struct trial *tr)
{
	struct buf b = BUF_INIT;
	unsigned bit;

	for (bit = XCATLOSS_CR; bit <= XCATLOSS_LINES; bit <<= 1)
		if (tr->losses & bit)
			buf_printf(&b, "%s%s", b.len > 0 ? ", " : "",
			    xcatloss_name((enum xcatloss)bit));
	tell(tr, DBTRIAL_NOTE, tr->table, "%llu value%s come%s back without "
	    "%s", (unsigned long long)tr->changed,
	    tr->changed == 1 ? "" : "s", tr->changed == 1 ? "s" : "",
	    buf_cstr(&b));
	buf_fini(&b);
}

static int
compare(struct trial *tr, struct err *e)
{
	struct state file = { tr, 0 }, db = { tr, 1 };
	const struct dbrows_item *it;
	const char *column;
	size_t i;
	int rc;

	tr->losses = 0;
	tr->changed = 0;
	tr->differ = 0;
	rc = dbrows_compare(&tr->rows, tr->table, read_state, &file, &db, e);
	for (i = 0; rc == 0 && i < tr->rows.nitems; i++) {
		it = &tr->rows.items[i];
		if (it->old != NULL && it->new != NULL &&
		    !explains(tr, it->old, it->new, &column))
			tell_row(tr, it->old_row, "comes back with another "
			    "value of ", column);
	}
	if (rc == 0) {
		match_single(tr);
		tr->differ += tr->rows.left_out;
		if (tr->differ > ROWS_TOLD)
			tell(tr, DBTRIAL_FAILED, tr->table, "%zu rows come "
			    "back different in all", tr->differ);
		if (tr->changed > 0)
			tell_losses(tr);
		tr->t->changed += tr->changed;
		tr->t->restored += tr->differ == 0;
	}
	dbrows_fini(&tr->rows);
	return (rc);
}

static int
try_table(struct trial *tr, const struct xcatdump_table *t, struct err *e)
{
	int rc;

	tr->table = t->name;
	if (xcatschema_is_skipped(t->name)) {
		tr->t->skipped++;
		return (0);
	}
	/* What is wrong with it has been told. */
	if (t->worst >= XCATCSV_UNRESTORABLE)
		return (0);
	if ((rc = load(tr, e)) == 1)
		rc = compare(tr, e);
	if (rc == -1)
		err_wrap(e, "%s", t->name);
	return (rc);
}

int
dbtrial_run(const struct dbtrial_options *opt, struct dbtrial_totals *t,
    struct err *e)
{
	struct trial tr = { .opt = opt, .t = t };
	size_t i;
	int rc = -1;

	memset(t, 0, sizeof(*t));
	if ((tr.piece = malloc(PIECE)) == NULL)
		err_nomem(e);
	else if ((tr.dump = xcatdump_new(e)) != NULL &&
	    (tr.db = scratchdb_new(opt->database, e)) != NULL)
		rc = prove(&tr, e);
	for (i = 0; rc == 0 && i < xcatdump_tables(tr.dump); i++)
		rc = try_table(&tr, xcatdump_table(tr.dump, i), e);
	scratchdb_free(tr.db);
	xcatdump_free(tr.dump);
	buf_fini(&tr.text);
	free(tr.values);
	free(tr.piece);
	return (rc);
}
