#ifndef RESTORE_DBJUDGE_H_
#define RESTORE_DBJUDGE_H_

#include <stddef.h>

#include "base/err.h"
#include "restore/dbset.h"

/* Two states of a table: the rows that are not the same. */
struct dbjudge {
	size_t gone, changed, added;
	size_t lossy;	/* values that xCAT itself changes */
};

struct dbjudge_options {
	/*
	 * old was given to xCAT and new is what xCAT has of it: what it loses
	 * in values of several lines is counted, but is no difference.
	 */
	int as_restored;
	/*
	 * Told of each row that differs, one printable line without any value
	 * but the row's key: "n3 is missing", "n3: groups, status".  Or NULL.
	 */
	void (*tell)(void *arg, const char *table, const char *line);
	void *arg;
	size_t most;	/* told of one table */
};

/* Either may be NULL: a table without rows. */
int dbjudge_table(const struct dbset_table *old,
    const struct dbset_table *new, const struct dbjudge_options *opt,
    struct dbjudge *out, struct err *e);

/*
 * Whether a table's rows come and go with xcatd itself, so that it says
 * nothing of whether a restore was good.
 */
int dbjudge_is_moving(const char *table);

#endif
