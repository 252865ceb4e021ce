#ifndef RESTORE_DBROWS_H_
#define RESTORE_DBROWS_H_

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "formats/scan.h"
#include "formats/xcatcsv.h"
#include "formats/xcatschema.h"

/*
 * What is different between two states of one table.  Rows belong together
 * by their keys, wherever they stand; of several rows with one key, those
 * that are the same belong together, then the first to the first.  Columns
 * belong together by their names; one that is missing is like one without
 * values.  Where a key column is missing the rows as a whole are compared.
 *
 * A table is read twice; kept are 40 bytes of each row and the rows that
 * differ, up to a limit.
 */
#define DBROWS_ROWS_MAX ((size_t)1 << 21)	/* of one state */
#define DBROWS_KEEP_MAX ((size_t)64 << 20)	/* bytes of rows that differ */

/*
 * Gives a state's bytes: xcatcsv_begin(), _feed(), ..., _end().  Called
 * twice.  The reader finds nothing wrong; that is for others to look at.
 */
typedef int dbrows_read(void *arg, struct xcatcsv *csv, struct err *e);

struct dbrows_state {
	const char *const *columns;
	size_t ncolumns;
	uint64_t rows;
};

/* A row that differs; values as in the state's columns. */
struct dbrows_item {
	const struct span *old;	/* NULL: added */
	const struct span *new;	/* NULL: removed */
	size_t old_row, new_row;	/* where they stood, from 1 */
};

struct dbrows {
	struct dbrows_state old, new;
	const char *keys[XCATSCHEMA_KEYS_MAX];
	size_t nkeys;		/* 0: rows were compared as a whole */
	struct dbrows_item *items;	/* sorted by key */
	size_t nitems;
	size_t left_out;	/* rows that differ beyond the limit */
	struct arena arena;	/* all of the above */
};

/*
 * Compare; the result is to be finished also on -1: what the readers say,
 * memory, or a table with more rows than the limit.
 */
int dbrows_compare(struct dbrows *d, const char *table, dbrows_read *read,
    void *old_arg, void *new_arg, struct err *e);
void dbrows_fini(struct dbrows *d);

/* Index of a state's column, or -1. */
int dbrows_column(const struct dbrows_state *s, const char *name);

#endif
