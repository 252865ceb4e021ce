#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "base/buf.h"
#include "formats/xcatschema.h"
#include "restore/scratchdb.h"

#define PIECE ((size_t)256 << 10)

struct scratchdb {
	sqlite3 *db;
	sqlite3_stmt *insert;
	size_t columns;		/* of the table that is filled */
	int open;		/* a transaction */
};

static int
trouble(struct scratchdb *s, struct err *e)
{
	return (err_set(e, ERR_FAILED, "scratch database: %s",
	    sqlite3_errmsg(s->db)));
}

/* What the table does not take is no trouble of the database. */
static int
refused(struct scratchdb *s, int rc, struct err *e)
{
	if (rc != SQLITE_CONSTRAINT && rc != SQLITE_ERROR &&
	    rc != SQLITE_TOOBIG)
		return (trouble(s, e));
	err_set(e, ERR_DAMAGED, "%s", sqlite3_errmsg(s->db));
	return (1);
}

static int
run(struct scratchdb *s, const char *sql, struct err *e)
{
	return (sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 :
	    trouble(s, e));
}

struct scratchdb *
scratchdb_new(const char *path, struct err *e)
{
	struct scratchdb *s;

	if ((s = calloc(1, sizeof(*s))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_CREATE, NULL) != SQLITE_OK) {
		if (s->db != NULL)
			trouble(s, e);
		else
			err_nomem(e);
	} else if (run(s, "PRAGMA journal_mode = MEMORY", e) == 0 &&
	    run(s, "PRAGMA synchronous = OFF", e) == 0)
		return (s);
	scratchdb_free(s);
	return (NULL);
}

void
scratchdb_free(struct scratchdb *s)
{
	if (s == NULL)
		return;
	sqlite3_finalize(s->insert);
	sqlite3_close(s->db);
	free(s);
}

static void
put_name(struct buf *b, const char *name)
{
	buf_putc(b, '"');
	for (; *name != '\0'; name++) {
		if (*name == '"')
			buf_putc(b, '"');
		buf_putc(b, *name);
	}
	buf_putc(b, '"');
}

/* A key of columns that are not there, in a dump of another xCAT, is none. */
static size_t
find_keys(const char *table, const char *const *columns, size_t n,
    const char *keys[XCATSCHEMA_KEYS_MAX])
{
	size_t i, k, nkeys = xcatschema_keys(table, 1, keys);

	for (k = 0; k < nkeys; k++) {
		for (i = 0; i < n && strcmp(columns[i], keys[k]) != 0; i++)
			;
		if (i == n)
			return (0);
	}
	return (nkeys);
}

static void
put_create(struct buf *b, const char *table, const char *const *columns,
    size_t n)
{
	const char *keys[XCATSCHEMA_KEYS_MAX];
	size_t i, nkeys;

	buf_puts(b, "CREATE TABLE ");
	put_name(b, table);
	buf_puts(b, " (");
	for (i = 0; i < n; i++) {
		if (i > 0)
			buf_puts(b, ", ");
		put_name(b, columns[i]);
		buf_puts(b, " TEXT");
		if (xcatschema_is_required(table, columns[i]))
			buf_puts(b, " NOT NULL");
	}
	nkeys = find_keys(table, columns, n, keys);
	for (i = 0; i < nkeys; i++) {
		buf_puts(b, i == 0 ? ", PRIMARY KEY (" : ", ");
		put_name(b, keys[i]);
	}
	buf_puts(b, nkeys > 0 ? "))" : ")");
}

int
scratchdb_begin(struct scratchdb *s, const char *table,
    const char *const *columns, size_t n, struct err *e)
{
	struct buf b = BUF_INIT;
	size_t i;
	int rc = -1, got;

	put_create(&b, table, columns, n);
	if (buf_ok(&b, e) == -1)
		goto out;
	got = sqlite3_exec(s->db, buf_cstr(&b), NULL, NULL, NULL);
	if (got != SQLITE_OK) {
		rc = refused(s, got, e);
		goto out;
	}
	buf_clear(&b);
	buf_puts(&b, "INSERT INTO ");
	put_name(&b, table);
	for (i = 0; i < n; i++)
		buf_puts(&b, i == 0 ? " VALUES (?" : ", ?");
	buf_putc(&b, ')');
	sqlite3_finalize(s->insert);
	s->insert = NULL;
	if (buf_ok(&b, e) == -1)
		goto out;
	if (sqlite3_prepare_v2(s->db, buf_cstr(&b), -1, &s->insert, NULL) !=
	    SQLITE_OK)
		rc = trouble(s, e);
	else
		rc = run(s, "BEGIN", e);
	s->columns = n;
	s->open = rc == 0;
out:
	buf_fini(&b);
	return (rc);
}

int
scratchdb_insert(struct scratchdb *s, const struct span *values,
    struct err *e)
{
	size_t i;
	int rc = SQLITE_OK;

	for (i = 0; i < s->columns && rc == SQLITE_OK; i++)
		rc = values[i].len == 0 ?
		    sqlite3_bind_null(s->insert, (int)i + 1) :
		    sqlite3_bind_text64(s->insert, (int)i + 1, values[i].p,
		    values[i].len, SQLITE_STATIC, SQLITE_UTF8);
	if (rc != SQLITE_OK)
		return (refused(s, rc, e));
	rc = sqlite3_step(s->insert);
	if (rc != SQLITE_DONE)
		rc = refused(s, rc & 0xff, e);
	else
		rc = 0;
	sqlite3_reset(s->insert);
	return (rc);
}

int
scratchdb_commit(struct scratchdb *s, struct err *e)
{
	if (!s->open)
		return (0);
	s->open = 0;
	return (run(s, "COMMIT", e));
}

void
scratchdb_abort(struct scratchdb *s)
{
	struct err ignored;

	if (s->open)
		(void)run(s, "ROLLBACK", &ignored);
	s->open = 0;
}

/* Dumping. */

static void
put_header(struct buf *b, sqlite3_stmt *q)
{
	int i, n = sqlite3_column_count(q);

	for (i = 0; i < n; i++) {
		buf_putc(b, i == 0 ? '#' : ',');
		buf_puts(b, sqlite3_column_name(q, i));
	}
	buf_putc(b, '\n');
}

static void
put_row(struct buf *b, sqlite3_stmt *q)
{
	const unsigned char *p;
	int i, k, len, n = sqlite3_column_count(q);

	for (i = 0; i < n; i++) {
		if (i > 0)
			buf_putc(b, ',');
		p = sqlite3_column_text(q, i);
		len = sqlite3_column_bytes(q, i);
		/* The only value of a row is never nothing. */
		if (len == 0 && n > 1)
			continue;
		buf_putc(b, '"');
		for (k = 0; k < len; k++) {
			if (p[k] == '"')
				buf_putc(b, '"');
			buf_putc(b, (char)p[k]);
		}
		buf_putc(b, '"');
	}
	buf_putc(b, '\n');
}

int
scratchdb_dump(struct scratchdb *s, const char *table,
    int (*fn)(void *arg, const void *p, size_t len, struct err *e),
    void *arg, struct err *e)
{
	struct buf b = BUF_INIT;
	sqlite3_stmt *q = NULL;
	int rc = -1, got;

	buf_puts(&b, "SELECT * FROM ");
	put_name(&b, table);
	if (buf_ok(&b, e) == -1)
		goto out;
	if (sqlite3_prepare_v2(s->db, buf_cstr(&b), -1, &q, NULL) !=
	    SQLITE_OK) {
		trouble(s, e);
		goto out;
	}
	buf_clear(&b);
	put_header(&b, q);
	while ((got = sqlite3_step(q)) == SQLITE_ROW) {
		put_row(&b, q);
		if (b.len < PIECE)
			continue;
		if (buf_ok(&b, e) == -1 || fn(arg, b.data, b.len, e) == -1)
			goto out;
		buf_clear(&b);
	}
	if (got != SQLITE_DONE)
		trouble(s, e);
	else if (buf_ok(&b, e) == 0)
		rc = fn(arg, b.data, b.len, e);
out:
	sqlite3_finalize(q);
	buf_fini(&b);
	return (rc);
}
