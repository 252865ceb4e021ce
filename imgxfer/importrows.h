#ifndef IMGXFER_IMPORTROWS_H_
#define IMGXFER_IMPORTROWS_H_

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "formats/imgmanifest.h"
#include "remote/node/tables.h"

/*
 * Rows of an osimage in a table of the node's database, whole, as CSV that
 * tabrestore takes.
 */
struct importrows {
	size_t n;
	struct buf csv;		/* header and rows; empty when there are none */
};

/* Those whose column key is value; disabled ones are rows, too. */
int importrows_read(const struct tables *t, const char *table,
    const char *key, const char *value, struct importrows *out,
    struct err *e);
void importrows_fini(struct importrows *r);
int importrows_same(const struct importrows *a, const struct importrows *b);

/*
 * Whether there is just one row, and all its columns are want's, those that
 * want has not being empty.  Differences are appended to why, a line each.
 * A column's trailing blanks are not compared: xCAT cuts some.
 */
int importrows_compare(const struct tables *t, const char *key,
    const char *value, const struct imgmanifest_table *want,
    struct buf *why, struct err *e);

/* Columns of want that the node's table has not, appended to why. */
int importrows_unknown(const struct tables *t,
    const struct imgmanifest_table *want, struct buf *why, struct err *e);

/*
 * Whether what a litefile.csv of a bundle says is in the table litefile: each
 * file with its options for the image, or for ALL.
 */
int importrows_litefile(const struct tables *t, const char *image,
    const struct buf *csv, struct buf *why, struct err *e);

/* The other osimages that a file belongs to, appended to out, with commas. */
int importrows_users(const struct tables *t, const char *image,
    const char *path, struct buf *out, struct err *e);

#endif
