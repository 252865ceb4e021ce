#ifndef RESTORE_DBSTAGE_H_
#define RESTORE_DBSTAGE_H_

#include <stddef.h>

#include "base/err.h"
#include "remote/session.h"
#include "restore/dbset.h"

/*
 * Proved tables in a private directory on a node, and what is then done with
 * them.  The directory is removed in every case.
 */
struct dbstage_done {
	int status;		/* of restorexCATdb; -1: out of time */
	size_t restored;	/* tables that it says it restored */
	char *said;		/* its first line with "Error", or NULL */
};

/*
 * Have xCAT restore n tables (file NAME.csv each).  bypass: xcatd is down.
 * -1: nothing has been changed (no room, digests differ there), or the
 * connection is lost, which e tells; then *begun says whether xCAT may have
 * begun.  0: restorexCATdb has run or been ended; out is to be finished.
 */
int dbstage_restore(struct remote *r, const struct dbset_table *const *tables,
    size_t n, int bypass, unsigned limit_s, struct dbstage_done *out,
    int *begun, struct err *e);
void dbstage_done_fini(struct dbstage_done *d);

/* Put them into DUMP_TARGET instead: all of them or none, nothing else. */
int dbstage_publish(struct remote *r, const struct dbset_table *const *tables,
    size_t n, struct err *e);

/*
 * Restart xcatd, or start it.  It answers or it does not; ALIVE: it does, but
 * no command would restart it, so that it may be the one from before.  -1.
 */
enum { DBSTAGE_DOWN, DBSTAGE_UP, DBSTAGE_ALIVE };

int dbstage_restart(struct remote *r, struct err *e);

/* What is staged, as a tar archive. */
int dbstage_archive(struct buf *out, const struct dbset_table *const *tables,
    size_t n, struct err *e);

#endif
