#ifndef REMOTE_NODE_NODE_H_
#define REMOTE_NODE_NODE_H_

#include "base/err.h"
#include "remote/exec.h"
#include "remote/node/listing.h"
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

/* What is to be listed. */
struct node_tree {
	const char *root;	/* a directory of the node */
	char *const *only;	/* just these paths ("./a/b") of it, none
				   within another; NULL: all */
	size_t nonly;
	const struct walk_options *walk;
	/* Trouble with a single entry; path is catalog text. */
	void (*trouble)(void *arg, const char *kind, const struct span *path,
	    const char *why);
	void *arg;
};

/*
 * List it.  Returns the listing, finished, or NULL: ERR_FAILED when there is
 * no such directory, no GNU find, or the listing is not whole.
 */
struct listing *node_list(struct node *n, const struct node_tree *t,
    struct err *e);

#endif
