#ifndef RESTORE_DBPUT_H_
#define RESTORE_DBPUT_H_

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "base/err.h"
#include "base/report.h"
#include "formats/snapshot.h"
#include "remote/node/probe.h"
#include "remote/session.h"
#include "restore/rehome.h"
#include "restore/view.h"

/*
 * A snapshot's database onto a management node.  None of xCAT's exit statuses
 * is believed: what counts is a second dump, compared row by row.
 */
#define DBPUT_LIMIT_S 1800

/* The way back: where the target's tables are kept. */
struct dbput_undo {
	char id[SNAPSHOT_ID_LEN + 1];	/* of the snapshot; "": none */
	int anew;	/* 0: it was there already */
};

struct dbput_options {
	struct remote *remote;		/* the target's session */
	const struct probe *probe;	/* of the target */
	struct view *view;		/* the vault and the snapshot */
	const char *const *tables;	/* only these; none: all */
	size_t ntables;
	const char *image;	/* only the rows of this osimage, among
				   those that are there; or NULL */
	const struct rehome *rehome;	/* edits, or NULL */
	int on_start;	/* only publish it to /.dbbackup */
	int force;	/* over newer data, without columns that are unknown
			   there, and without an undo if none can be had */
	int replace;	/* over newer data only, as undo does */
	int finish;		/* with that: only if an undo to this snapshot
				   was cut short */
	int dry_run;	/* plan only; nothing is restarted there */
	const struct dbput_undo *undo;	/* kept in this run; NULL: not yet */
	int planned;	/* names have been told */
	int late;	/* files have been restored before it */
	int verbose;	/* all of them */
	unsigned limit_s;	/* of a command of xCAT's; 0: DBPUT_LIMIT_S */
	FILE *out;		/* what is done, as it is done; or NULL */
	struct report *report;	/* tables left out, differences */
	const char *site;	/* the undo is kept as "SITE.undo" */
};

struct dbput_table {
	char *name;
	uint64_t rows;		/* in the snapshot */
	uint64_t there;		/* on the target now */
	size_t lost;		/* of those, rows that go or change */
	size_t edits;		/* values that re-homing changes */
	int merged;		/* "rows" of them go among those there */
	int put;		/* 0: left out, why says it */
	char *why;		/* or what is dropped; else NULL */
	size_t differ;		/* rows: now, and after the restore */
};

struct dbput_plan {
	struct dbput_table *tables;	/* sorted by name */
	size_t ntables;
	size_t put, left_out;	/* tables */
	uint64_t rows;		/* in tables that are put */
	size_t lost;		/* rows of the target that go or change */
	size_t edits;		/* values that re-homing changes */
	size_t same;		/* tables that are there just so already */
	int in_use;		/* the target has nodes, and rows of it would
				   be lost: force is needed */
	int unsure;		/* no proved dump of the target: no undo */
	char *trouble;		/* why not; or NULL */
	struct dbput_undo resumed;	/* what is there comes of a restore
				   that was cut short, and this is what was
				   there before; "": no such thing */
	enum probe_xcatd xcatd;	/* as it is now */
	int status;		/* STATUS_*: of tables that are damaged, ... */
};

struct dbput_result {
	struct dbput_plan plan;
	int other;		/* not done: see dbput_options.finish */
	struct dbput_undo undo;
	int published;		/* only that: the container is to load it */
	int bypass;		/* xcatd was not up: XCATBYPASS=1 */
	int started;		/* and it is now */
	int compared;		/* a second dump has all the tables ... */
	int agrees;		/* ... and it agrees */
	size_t unproved;	/* tables that it has not, or not whole */
	size_t differ;		/* rows that do not agree */
	size_t lossy;		/* values that xCAT itself changes */
	double xcat_s;		/* seconds in restorexCATdb, dumpxCATdb */
	double own_s;		/* in our checks and comparisons */
	int status;		/* STATUS_DONE, _REPORTED, _DAMAGED */
};

/*
 * A plan: what dbput_run() would do, for which xCAT on the target dumps its
 * database into a private directory that is removed again.  Unless dry_run is
 * set an xcatd that is stuck is restarted for it.  NULL: ERR_USAGE (no dump in
 * the snapshot, no such table), ERR_DAMAGED (the dump is not what was proved),
 * ERR_FAILED (the node).
 */
struct dbput *dbput_new(const struct dbput_options *opt, struct err *e);
void dbput_free(struct dbput *d);
const struct dbput_plan *dbput_planned(const struct dbput *d);

/*
 * Keep what the plan has found on the target, before anything there is
 * touched.  out->id stays empty when no undo can be had, which is told, or
 * when none is needed, as no table will change.  Behind it only the plan is
 * left.
 */
int dbput_keep_undo(struct dbput *d, struct dbput_undo *out, struct err *e);

/*
 * What is left to be done by hand there, as its name is another; nothing
 * when no table comes in which a node says who it is.
 */
void dbput_steps(const struct dbput *d, FILE *f);

/*
 * Do it.  ERR_FAILED also when it is refused without force, and says what
 * would be lost; nothing has been changed then.  0 when restorexCATdb has
 * run, whatever came of it: out->status tells, and out->agrees.
 */
int dbput_run(const struct dbput_options *opt, struct dbput_result *out,
    struct err *e);
void dbput_plan_fini(struct dbput_plan *p);
void dbput_result_fini(struct dbput_result *r);

/* For people, a few lines on f; for programs, a new object or NULL. */
void dbput_plan_print(const struct dbput_plan *p, int verbose, FILE *f);
json_t *dbput_plan_json(const struct dbput_plan *p);
void dbput_result_print(const struct dbput_result *r, const char *site,
    FILE *f);
json_t *dbput_result_json(const struct dbput_result *r);

#endif
