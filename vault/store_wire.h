#ifndef VAULT_STORE_WIRE_H_
#define VAULT_STORE_WIRE_H_

#include "vault/mux.h"
#include "vault/store.h"

/*
 * A store behind a server (vault/serve.h) at the other end of a link, which
 * is the store's from here on, also when this fails.
 */
struct store_wire_target {
	const char *name;	/* of the vault, as the user gave it */
	const char *peer;	/* who to name in messages */
	const char *path;	/* of the vault, on the far side */
	int create;		/* as store_create() */
};

struct store *store_wire_open(struct mux_link *l,
    const struct store_wire_target *t, struct err *e);

/* Whether this store is of that kind, and beyond reach; why. */
int store_wire_lost(struct store *s, struct err *e);

#endif
