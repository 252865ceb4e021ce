#ifndef REMOTE_NODE_TABLES_H_
#define REMOTE_NODE_TABLES_H_

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "formats/xcatcsv.h"
#include "remote/session.h"

/*
 * Some tables of a node's database, as tabdump prints them: for commands
 * that want a few rows and no dump.
 */
struct tables;

/*
 * Ask for them, in one command.  bypass: past xcatd.  A table that xCAT has
 * not is no error and has no text; one that is not whole (no final newline,
 * unbalanced quotes, tabdump's status) is ERR_FAILED.
 */
#define TABLES_LIMIT_S 120
#define TABLES_BYTES_MAX ((size_t)64 << 20)	/* of a table */

struct tables *tables_read(struct remote *r, const char *const *names,
    size_t n, int bypass, struct err *e);
void tables_free(struct tables *t);

/*
 * What tables.pl prints, taken apart and proved; the names are those asked
 * for.  tables_read() does that; alone it is for tests.
 */
struct tables *tables_take(const void *answer, size_t len,
    const char *const *names, size_t n, struct err *e);

/* A table's text; NULL when there is none. */
const struct buf *tables_text(const struct tables *t, const char *name);

/*
 * Go through a table's rows that are not disabled, with the values of n
 * columns by name; one that is NULL in the database, or that the table has
 * not, has at[i].p NULL.  Values are valid during the call only.
 */
typedef int tables_row(void *arg, const struct span *at, struct err *e);
int tables_rows(const struct tables *t, const char *name,
    const char *const *columns, size_t n, tables_row *fn, void *arg,
    struct err *e);

/* The first row whose column key is value: column as a new string, or NULL. */
char *tables_value(const struct tables *t, const char *name, const char *key,
    const char *value, const char *column);

#endif
