#ifndef IMGXFER_EXPORTRUN_H_
#define IMGXFER_EXPORTRUN_H_

#include "base/cli.h"
#include "base/progress.h"
#include "imgxfer/exportplan.h"
#include "imgxfer/held.h"
#include "imgxfer/inspect.h"
#include "imgxfer/native.h"
#include "imgxfer/sidecar.h"
#include "imgxfer/source.h"
#include "remote/node/nodefs.h"
#include "remote/node/probe.h"
#include "remote/node/reach.h"

/* A node that bundles come from. */
struct exportnode {
	const char *site;	/* as the user named it */
	struct reach reach;
	struct remote *r;
	struct probe probe;
	struct nodefs *fs;
};

/* Reach it and ask what it is.  To be closed also on -1. */
int exportnode_open(struct exportnode *n, const struct cli *cli,
    const char *site, struct err *e);
void exportnode_close(struct exportnode *n);

/*
 * Have its sessions live behind a time in which nobody used them: a firewall
 * may have forgotten them, and that is noticed only by asking.
 */
int exportnode_wake(struct exportnode *n, struct err *e);

/* The same for any session, which may be another one then. */
int exportnode_rouse(struct remote **r, struct err *e);

/*
 * One osimage's way out of it: looked at, exported, handed to a sink while
 * it is inspected, and proved: the bundle's digest at both ends, each member
 * against the file that it was made of, the manifest against the database.
 */
struct exportrun {
	struct exportnode *node;
	struct exportplan plan;
	struct held *held;
	struct inspect in;
	uint64_t bytes;		/* of the bundle, as the node tells */
	struct native *native;	/* instead of held */
	const struct held_sum *sums;
	int proved;
	unsigned reconnected;	/* while it was fetched */
};

struct exportrun_options {
	const char *work;	/* --work, or NULL */
	unsigned limit_s, grace_s;
	int quick;		/* as inspect_options.quick */
	int native;		/* made here: imgxfer/native.h */
	const char *const *roots;	/* --root; none: the default ones */
	size_t nroots;
};

/* Look only; run->plan.problems tell what is in the way. */
int exportrun_plan(struct exportrun *run, struct exportnode *n,
    const char *image, const struct exportrun_options *opt, struct err *e);

/* ERR_FAILED with the first of the plan's problems, if there are any. */
int exportrun_check(const struct exportrun *run, struct err *e);

/* Have imgexport make it, on the node.  ERR_FAILED: it did not. */
int exportrun_make(struct exportrun *run,
    const struct exportrun_options *opt, struct err *e);

/*
 * Hand all of it to the sink, inspected on the way.  What the sink has got is
 * worth nothing before it is proved.
 */
int exportrun_carry(struct exportrun *run,
    const struct exportrun_options *opt, const struct sink *to,
    struct progress *progress, struct err *e);

/*
 * ERR_DAMAGED when it is not what it should be.  run->plan.warnings has what
 * is to be told.
 */
int exportrun_prove(struct exportrun *run, struct err *e);

/* The bundle on the node is not needed any more. */
int exportrun_end(struct exportrun *run, struct err *e);

/* Whatever it came to. */
void exportrun_fini(struct exportrun *run);

/*
 * The sidecar of what was proved, for a bundle of that base name; strings
 * are the run's.  To be finished.
 */
int exportrun_sidecar(const struct exportrun *run, const char *name,
    struct sidecar *out, struct err *e);

/* STATUS_DONE or STATUS_REPORTED. */
int exportrun_status(const struct exportrun *run);

/* exportproof.c: 0; -1 with ERR_DAMAGED. */
int exportproof_check(struct exportrun *run, struct err *e);

#endif
