#ifndef IMGXFER_PUBLISH_H_
#define IMGXFER_PUBLISH_H_

#include "base/outfile.h"

/*
 * A bundle and what lies beside it, written and about to get their names.
 * At any instant, a crash included, a sidecar that is there tells of the
 * bundle that is there: the old one goes before anything else has its name,
 * and the new one comes last.
 */
struct publish {
	struct outfile *bundle, *extra, *sidecar;	/* or NULL */
	char *stale;		/* a sidecar that is not replaced but must go
				   if it is there; or NULL; freed */
};

/* All of them, on disk before the first is named.  Those done are NULL. */
int publish_commit(struct publish *p, struct err *e);

/* Whatever it came to. */
void publish_abort(struct publish *p);

#endif
