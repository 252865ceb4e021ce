#ifndef RESTORE_ONTOFACTS_H_
#define RESTORE_ONTOFACTS_H_

#include <stddef.h>
#include <stdint.h>

#include "remote/node/node.h"

/* What of a node counts for a restore, beside remote/node/probe.h. */
struct ontofacts_place {
	uint64_t fs;		/* file systems differ by this */
	uint64_t room;		/* bytes that are free there */
	uint64_t inodes;	/* likewise; UINT64_MAX: no bound */
};

/*
 * services[i]: process names of those that matter and are running; "" ends
 * the list.
 */
#define ONTOFACTS_SERVICES 16
struct ontofacts {
	struct ontofacts_place *places;	/* of the paths asked for */
	const char *services[ONTOFACTS_SERVICES + 1];
};

/*
 * Ask, for n absolute paths, of which some may not be there: then what counts
 * is the directory that they would be made in.
 */
int ontofacts_ask(struct node *n, const char *const *paths, size_t npaths,
    struct ontofacts *f, struct err *e);
void ontofacts_fini(struct ontofacts *f);

#endif
