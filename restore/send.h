#ifndef RESTORE_SEND_H_
#define RESTORE_SEND_H_

#include "base/progress.h"
#include "remote/node/probe.h"
#include "restore/survey.h"

/*
 * Volumes of a snapshot onto a management node over ssh: with GNU find it is
 * listed what is there, GNU tar gets what differs, and then both find and
 * sha256sum are asked whether it has come about.  What is not proved is not
 * said to be restored.
 */
struct send_options {
	struct survey_options survey;
	const struct probe *probe;
	struct progress *progress;
	unsigned lanes;		/* ssh sessions at once; 0: by the cores */
	const char *old_name;	/* --keep-old: directory in the volume's
				   root, WALK_ASIDE and the snapshot's id */
};

struct send_totals {
	uint64_t sent;		/* entries */
	uint64_t proved;	/* of those, files whose digests are right */
	uint64_t damaged;	/* files that cannot be had from the vault */
	uint64_t wrong;		/* sent, and not right on the node */
	int kept_old;		/* there is something in old_name */
	unsigned again;		/* tries more, after cuts */
};

/*
 * Carry out what a survey has found.  A connection that is lost is made
 * anew, and what is missing then is sent.  -1: the rest was not sent.
 */
int send_volume(const struct send_options *opt, struct survey *s,
    struct send_totals *t, struct err *e);

#endif
