#ifndef VAULT_VAULT_H_
#define VAULT_VAULT_H_

#include "base/err.h"
#include "formats/vaultmeta.h"
#include "vault/store.h"

/*
 * An open vault: its store, its parameters and where the index is cached on
 * this host.  Read-only after vault_open(), so any thread may use it.
 */
struct vault {
	struct store *store;
	struct vaultmeta meta;
	char *cache;		/* folder of the local cache, or NULL */
};

/*
 * Make a new vault in a directory that is empty or not there.  ERR_USAGE
 * when it is neither.  Durable on return.
 */
int vault_init(const char *path, struct err *e);

/*
 * Open a vault.  ERR_USAGE when the directory holds none or one of a newer
 * format.  A cache folder that cannot be made only costs speed.
 */
struct vault *vault_open(const char *path, struct err *e);
void vault_close(struct vault *v);

#endif
