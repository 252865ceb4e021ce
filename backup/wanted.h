#ifndef BACKUP_WANTED_H_
#define BACKUP_WANTED_H_

#include <stddef.h>

#include "backup/places.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/report.h"
#include "remote/session.h"

/*
 * Paths of a node that are wanted besides its volumes, as it has them: where
 * symbolic links lead to them, the links and what they lead to.
 */
struct wanted {
	char **paths;		/* absolute, clean, there */
	char *kind;		/* of each: d a directory, l a link, o other */
	size_t n, cap;
};

enum wanted_kind {
	WANTED_PATTERNS,	/* one text, shell patterns one a line */
	WANTED_HOMES,		/* names in each user's home directory */
	WANTED_UNOWNED,		/* a directory: what no package has brought */
	WANTED_PATHS,		/* paths */
};

/* Of outside text there may only be paths; nothing of it is a pattern. */
struct wanted_question {
	enum wanted_kind kind;
	const char *const *args;
	size_t nargs;
	int trusted;		/* named by the configuration: report what is
				   missing, refuse nothing */
};

void wanted_fini(struct wanted *w);

/*
 * Ask the node and add what there is.  What must not be stored because a
 * whole system would come with it is noted in the report.  A node that does
 * not answer in time is reported; -1: the connection is lost, or the run is
 * cancelled.
 */
int wanted_ask(struct wanted *w, struct remote *r,
    const struct wanted_question *q, struct report *report, struct err *e);

/*
 * Why a path as a whole is never taken only because a table names it: a
 * system's own directory, or what is no storage.  NULL: it may be.
 */
const char *wanted_refusal(const char *path);

#endif
