#ifndef VAULT_KEEP_H_
#define VAULT_KEEP_H_

#include "vault/store.h"

/*
 * What an append-only vault lets a client do to objects (xcatvault-serve(1)):
 * add new ones, packs only after reading them to the end and proving that they
 * hold what their names say, and put a good pack in the place of a damaged
 * one.  The store is one of vault/store_dir.h.
 */

/* 0 when the object is not there; else a refusal. */
int keep_remove(struct store *s, const char *name, struct err *e);

/*
 * Commit under the name; o is used up in any case.  durable: so is the name
 * on return.  0 also when the very same bytes are there already.
 */
int keep_commit(struct store *s, struct store_out *o, const char *name,
    int durable, struct err *e);

#endif
