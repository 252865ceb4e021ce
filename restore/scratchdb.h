#ifndef RESTORE_SCRATCHDB_H_
#define RESTORE_SCRATCHDB_H_

#include <stddef.h>

#include "base/err.h"
#include "formats/scan.h"

/*
 * A database like xCAT's, in a file of its own, to see what it makes of a
 * dump: tables with xCAT's keys and required columns, each loaded in one
 * transaction as tabrestore does.  The only room that knows SQLite.
 */
struct scratchdb;

/* Make a new one.  The file must not be there, and is not removed. */
struct scratchdb *scratchdb_new(const char *path, struct err *e);
void scratchdb_free(struct scratchdb *db);

/*
 * Make a table and begin to fill it; put a row into it.  0; 1 when the
 * database does not take it and *e says why; -1.  "" is NULL.
 */
int scratchdb_begin(struct scratchdb *db, const char *table,
    const char *const *columns, size_t n, struct err *e);
int scratchdb_insert(struct scratchdb *db, const struct span *values,
    struct err *e);

/* End it: the rows stay; or none of them does. */
int scratchdb_commit(struct scratchdb *db, struct err *e);
void scratchdb_abort(struct scratchdb *db);

/* A table as dumpxCATdb writes it, in pieces; -1 from fn ends it. */
int scratchdb_dump(struct scratchdb *db, const char *table,
    int (*fn)(void *arg, const void *p, size_t len, struct err *e),
    void *arg, struct err *e);

#endif
