#ifndef RESTORE_DBMERGE_H_
#define RESTORE_DBMERGE_H_

#include "base/err.h"
#include "restore/dbset.h"

/*
 * The rows of one osimage, out of a snapshot's tables and into a node's: its
 * own of osimage, linuximage and litefile, and those of osdistro and
 * osdistroupdate that it names.  Other rows of the node stay as they are.
 */

/*
 * Leave of the snapshot's tables only those rows, and of their columns only
 * those in which there is something; a table without any goes.  A damaged
 * table that could have some stays, as it is.  ERR_USAGE: no such osimage.
 */
int dbmerge_pick(struct dbset *want, const char *image, struct err *e);

/*
 * Make of a table that was picked the node's own with these rows in it, in
 * place of those with the same key (of an osimage, all that are its own).
 * Its columns are the node's; the rows have no others.
 */
int dbmerge_into(struct dbset_table *t, const struct dbset_table *there,
    struct err *e);

#endif
