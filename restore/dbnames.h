#ifndef RESTORE_DBNAMES_H_
#define RESTORE_DBNAMES_H_

#include "restore/dbwork.h"

/*
 * Add to the names that are looked for in the tables those under which the
 * snapshot's node went (host name, address, master of table site) and the
 * target does not: its own addresses are asked for.
 */
int dbnames_look(struct dbwork *w, struct err *e);

#endif
