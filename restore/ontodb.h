#ifndef RESTORE_ONTODB_H_
#define RESTORE_ONTODB_H_

#include "restore/dbput.h"

/* For onto.c: the database's part of a restore onto a node. */
struct ontodb {
	int wanted;
	struct rehome rehome;
	struct buf site;	/* its undo is kept under this name */
	char *names;		/* of tables, in one string */
	const char **tables;	/* NULL: all */
	size_t ntables;
	struct dbput *plan;	/* NULL: not made */
	struct dbput_undo undo;
	struct dbput_result result;
	int kept;		/* undo is set */
	int done;
};

struct onto;

/* By the arguments and the snapshot; ERR_USAGE. */
int ontodb_prepare(struct onto *o, struct err *e);
void ontodb_fini(struct ontodb *d);

/* What would change, without changing it.  tell: what is found; or NULL. */
int ontodb_plan(struct onto *o, FILE *tell, struct err *e);

/* The plan, or NULL. */
const struct dbput_plan *ontodb_planned(const struct ontodb *d);

/* Why it is not done, appended; nothing when it may be. */
void ontodb_refusal(const struct onto *o, struct buf *out, int forced);

/* The way back is kept before anything there is touched. */
int ontodb_keep_undo(struct onto *o, struct err *e);

/* Behind the volumes.  What it does is told as it is done. */
int ontodb_run(struct onto *o, FILE *tell, struct err *e);

/* The exit status that comes of it. */
int ontodb_status(const struct ontodb *d);

#endif
