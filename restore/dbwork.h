#ifndef RESTORE_DBWORK_H_
#define RESTORE_DBWORK_H_

#include "restore/dbput.h"
#include "restore/dbset.h"

/*
 * What dbput_new() and dbput_run() have in common: the snapshot's tables as
 * they are to be, the target's as they are, and what follows from both.
 */
struct dbwork {
	const struct dbput_options *opt;
	struct dbput_plan *plan;
	struct probe probe;	/* a copy that shares its strings */
	struct rehome rehome;	/* opt's, and names only looked for */
	struct dbset want, there;
	struct dump *dump;	/* of the target; NULL: not to be had */
	struct buf addresses;	/* the target's own, as words */
	size_t seen;		/* values of a table with an old name */
	double own_s, xcat_s;
};

int dbwork_init(struct dbwork *w, const struct dbput_options *opt,
    struct dbput_plan *plan, struct err *e);
void dbwork_fini(struct dbwork *w);

/* Of all that is known of the target only the plan stays. */
void dbwork_drop(struct dbwork *w);

/*
 * Work out the plan.  may_restart: an xcatd that is stuck is restarted, else
 * only told.
 */
int dbwork_prepare(struct dbwork *w, int may_restart, struct err *e);

/* A line for opt->out. */
void dbwork_say(const struct dbwork *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* What is said of a target whose database stays as it is. */
const char *dbwork_untouched(const struct dbwork *w);

/* Restart xcatd or start it, and know whether it answers; say so. */
int dbwork_restart(struct dbwork *w, struct err *e);

#endif
