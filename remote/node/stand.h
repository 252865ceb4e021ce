#ifndef REMOTE_NODE_STAND_H_
#define REMOTE_NODE_STAND_H_

#include <stddef.h>

#include "base/err.h"
#include "remote/session.h"

/* What stands at a path of a node; symbolic links are followed. */
enum stand {
	STAND_NOTHING,
	STAND_DIR,
	STAND_OTHER,
};

/* Ask for n paths at once; is[i] is set for paths[i]. */
int stand_ask(struct remote *r, const char *const *paths, enum stand *is,
    size_t n, struct err *e);

#endif
