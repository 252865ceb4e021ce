#ifndef RESTORE_DBDIFF_H_
#define RESTORE_DBDIFF_H_

#include "base/err.h"
#include "formats/snapshot.h"
#include "restore/show.h"
#include "restore/view.h"

/*
 * Print what is different between the dumps of the database in two
 * snapshots: tables, columns and rows.  Values of secret columns are never
 * printed.
 *
 * older: an open view, which also serves the newer snapshot and takes note
 * of tables that cannot be read.  table: that one only; NULL: all.  found
 * becomes 1 when something is different.  ERR_USAGE when a snapshot has no
 * dump, or neither has the table.
 */
int dbdiff_print(struct view *older, const struct snapshot *newer,
    const char *table, struct show *show, int *found, struct err *e);

#endif
