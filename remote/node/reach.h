#ifndef REMOTE_NODE_REACH_H_
#define REMOTE_NODE_REACH_H_

#include "base/config.h"
#include "base/err.h"
#include "remote/session.h"

/*
 * How to reach a management node: the target that remote/session.h wants,
 * from a site of the configuration or an address.  The target's strings are
 * the reach's own, or the site's, which must outlive it.
 */
struct reach {
	struct remote_target target;
	char *user, *host;
	const struct config_site *site;		/* NULL: a bare address */
};

/*
 * name: a configured site, or "[ssh://][user@]host[:port]" when no site has
 * that name and it has an "@", ":", or "." in it or c has no sites at all.
 * ask: may ask for a password on the terminal.  ERR_USAGE.
 */
int reach_init(struct reach *h, const struct config *c, const char *name,
    int ask, struct err *e);

/* The same for a site already found; ERR_USAGE when it has no address. */
int reach_site(struct reach *h, const struct config_site *s, int ask,
    struct err *e);
void reach_fini(struct reach *h);

#endif
