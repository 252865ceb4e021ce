#ifndef FORMATS_XCATCSV_H_
#define FORMATS_XCATCSV_H_

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "formats/scan.h"

/*
 * One table of xCAT's database as dumpxCATdb writes it: a line
 * "#column,column,...", then the rows.  A value is "..." with "" for a quote
 * and any other byte as it is, newlines too; NULL and '' are nothing between
 * two commas.  What tabrestore takes besides, because people edit such files
 * (values without quotes, CR before the newline), is taken here too.
 *
 * The reader streams: bytes come in pieces of any size, memory is bounded by
 * the longest row.  It tells what is wrong and goes on as far as it can.
 */
#define XCATCSV_ROW_MAX ((size_t)16 << 20)	/* bytes of a row */
#define XCATCSV_HEADER_MAX ((size_t)64 << 10)	/* bytes of the header */
#define XCATCSV_COLUMNS_MAX 1024
#define XCATCSV_NAME_MAX 128			/* bytes of a column's name */

/* The worse, the larger. */
enum xcatcsv_level {
	XCATCSV_NOTE = 1,	/* xCAT changes it silently when restoring */
	XCATCSV_WARNING,	/* worth a look, but all is there */
	XCATCSV_UNRESTORABLE,	/* whole, but xCAT could not restore it */
	XCATCSV_BROKEN,		/* not what the database held */
};

enum xcatcsv_kind {
	XCATCSV_EMPTY = 1,	/* no byte at all */
	XCATCSV_NO_HEADER,	/* does not begin with "#" */
	XCATCSV_BAD_HEADER,	/* not a list of names, or too long */
	XCATCSV_TWICE,		/* a column twice in the header */
	XCATCSV_CUT,		/* ends within a value or without newline */
	XCATCSV_COUNT,		/* another number of columns in a row */
	XCATCSV_BLANK,		/* blank line between rows */
	XCATCSV_QUOTE,		/* a quote where none may be */
	XCATCSV_TOO_LONG,	/* a row longer than XCATCSV_ROW_MAX */
	XCATCSV_CONTROL,	/* byte that XML 1.0 cannot carry */
	XCATCSV_UTF8,		/* not UTF-8, or not a character of XML 1.0 */
	XCATCSV_NOTE_CR,	/* a value with CR */
	XCATCSV_NOTE_BLANKS,	/* blanks at the end of a value's line */
	XCATCSV_NOTE_EMPTY_LINE,	/* blank line within a value */
};

struct xcatcsv_finding {
	enum xcatcsv_kind kind;
	enum xcatcsv_level level;
	uint64_t row;		/* of the data, from 1; 0: the header, or all */
	uint64_t line;		/* of the file, from 1; 0: all */
	const char *column;	/* printable name; "": of none */
	const char *text;	/* the reason, one printable line */
};

/* A row; valid during the call only. */
struct xcatcsv_row {
	uint64_t row;		/* from 1 */
	uint64_t line;		/* where it begins */
	const struct span *values;	/* as many as columns; "" for NULL */
	size_t n;
};

struct xcatcsv;

/* Either may be NULL.  -1 from a row (with e set) stops the reading. */
struct xcatcsv_user {
	void (*finding)(void *arg, const struct xcatcsv_finding *f);
	int (*header)(void *arg, const struct xcatcsv *c, struct err *e);
	int (*row)(void *arg, const struct xcatcsv_row *r, struct err *e);
	void *arg;
};

/*
 * A reader for one table after the other.  NULL when memory runs out.
 * The user's functions are copied.
 */
struct xcatcsv *xcatcsv_new(const struct xcatcsv_user *user, struct err *e);
void xcatcsv_free(struct xcatcsv *c);

/* Begin a table; also drops one that was begun. */
void xcatcsv_begin(struct xcatcsv *c);

/*
 * The next bytes, and the end of the file.  -1 only when memory runs out or
 * one of the user's functions says so; what is wrong with the table is told
 * as findings.  Of bad bytes only the first of each value is told, of notes
 * only the first of each kind.
 *
 * Behind a quote that cannot be, a header that is none or a row that is too
 * long, the rest is looked at for bad bytes only: no more rows are given.
 */
int xcatcsv_feed(struct xcatcsv *c, const void *p, size_t len,
    struct err *e);
int xcatcsv_end(struct xcatcsv *c, struct err *e);

/*
 * Of the table that is read, or was read last.  A row with another number of
 * columns counts but is not given to the user.
 */
uint64_t xcatcsv_rows(const struct xcatcsv *c);
size_t xcatcsv_columns(const struct xcatcsv *c);
const char *xcatcsv_column(const struct xcatcsv *c, size_t i);

/* Whether a value of the column "disable" has xCAT pass over the row. */
int xcatcsv_disabled(const struct span *value);

/* Index of a column, or -1. */
int xcatcsv_find(const struct xcatcsv *c, const char *name);

/* The worst finding of it so far; 0: none. */
enum xcatcsv_level xcatcsv_worst(const struct xcatcsv *c);

#endif
