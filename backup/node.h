#ifndef BACKUP_NODE_H_
#define BACKUP_NODE_H_

#include "backup/listing.h"
#include "backup/pool.h"
#include "backup/volume.h"
#include "base/err.h"
#include "remote/exec.h"
#include "remote/session.h"

/*
 * A management node as a source of files: GNU find lists, GNU tar reads,
 * both started over ssh; nothing is installed or left there.
 */
struct node {
	struct remote *control;	/* the main thread's session */
};

/* Have the control session live: a lost one is made anew. */
int node_wake(struct node *n, struct err *e);

/*
 * List a volume of the node.  Trouble with single entries goes to the
 * pool's report (p->volume is set).  Returns the listing, finished, or NULL:
 * ERR_FAILED when there is no such directory, no GNU find, or the listing
 * is not whole.
 */
struct listing *node_list(struct node *n, struct pool *p,
    const struct backup_volume *v,
    const struct walk_options *opt, struct err *e);

#endif
