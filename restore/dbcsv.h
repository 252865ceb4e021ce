#ifndef RESTORE_DBCSV_H_
#define RESTORE_DBCSV_H_

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "formats/scan.h"

/*
 * A table of xCAT's database written anew, byte for byte as dumpxCATdb writes
 * it: what is not edited stays as it was.
 */
struct dbcsv_cell {
	uint64_t row;			/* from 1 */
	const char *column;
	const struct span *value;	/* "" for NULL */
	const struct span *values;	/* of the row */
	const char *const *columns;	/* their names */
	size_t n;
};

struct dbcsv_edit {
	/* Columns that are left out. */
	const char *const *drop;
	size_t ndrop;
	/*
	 * Append the new value to out and return 1, or return 0 and have it
	 * stay.  NULL: no value is edited.
	 */
	int (*value)(void *arg, const struct dbcsv_cell *c, struct buf *out);
	void *arg;
};

/*
 * Append the edited table to out, which is read without being judged.  -1
 * when memory runs out.
 */
int dbcsv_rewrite(const void *p, size_t len, const struct dbcsv_edit *edit,
    struct buf *out, struct err *e);

/* Append one value as dumpxCATdb writes it. */
void dbcsv_put(struct buf *out, const void *p, size_t len);

/*
 * A table with its values as no further trip through xCAT changes them
 * (xcatloss_settle()): what was restored and what was given to be restored
 * are then the same, with xcatd running or bypassed.  Appends it to out and
 * returns 1; 0 when it stays as it is, and nothing is appended; -1.
 * *changed: values that are not what they were.
 */
int dbcsv_as_restored(const void *p, size_t len, uint64_t rows,
    struct buf *out, size_t *changed, struct err *e);

#endif
