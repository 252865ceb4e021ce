#ifndef RESTORE_DBSET_H_
#define RESTORE_DBSET_H_

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "formats/xcatcsv.h"
#include "formats/xcatdump.h"
#include "formats/xcatschema.h"
#include "remote/node/dump.h"
#include "restore/view.h"

/* The tables of a dump of xCAT's database, in memory. */
#define DBSET_BYTES_MAX ((size_t)1 << 30)	/* of all tables */

struct dbset_table {
	char name[XCATSCHEMA_TABLE_MAX + 1];
	struct buf text;	/* of NAME.csv */
	uint8_t digest[DIGEST_LEN];
	uint64_t rows;
	enum xcatcsv_level worst;	/* what is wrong with it; 0: nothing */
	int damaged;		/* it is not what was once proved */
	char *why;		/* the worst finding; or NULL */
};

struct dbset {
	struct dbset_table *tables;	/* sorted by name */
	size_t n;
	size_t bytes;
};

/* All zero is a valid empty set. */
void dbset_fini(struct dbset *s);
struct dbset_table *dbset_find(const struct dbset *s, const char *name);

/*
 * The dump in a view's snapshot, each table proved again: that it can be
 * read, that it is the one that was proved when it was stored, that xCAT can
 * restore it.  What cannot be read is told (view_trouble) and stays out; a
 * table that the snapshot's proof names and that is not there comes without
 * text, damaged.  ERR_USAGE when the snapshot has no dump.
 */
int dbset_load(struct dbset *s, struct view *v, struct err *e);

/* Prove one table again, whose text has changed; its name and text are set. */
int dbset_prove(struct dbset_table *t, struct err *e);

/* Put another text in its place, which is taken, and prove that. */
int dbset_replace(struct dbset_table *t, struct buf *text, struct err *e);

/*
 * Takes the tables of a dump on a node: opt->take and opt->arg are set, then
 * dbset_taken() says how they were found.
 */
void dbset_take(struct dbset *s, struct dump_options *opt);
int dbset_taken(struct dbset *s, const struct xcatdump *proof,
    struct err *e);

/* Names of the columns of a table, into names[max]; how many. */
size_t dbset_columns(const struct dbset_table *t, char (*names)[
    XCATCSV_NAME_MAX + 1], size_t max);

#endif
