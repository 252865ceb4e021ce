#ifndef VAULT_DEPOSIT_H_
#define VAULT_DEPOSIT_H_

#include <stddef.h>

#include "base/err.h"
#include "formats/snapshot.h"
#include "vault/vault.h"

/*
 * A handful of files that are in memory, stored as a snapshot of their own:
 * one directory of mode 0700, files of mode 0600, all of root.
 */
struct deposit_file {
	const char *name;	/* within the directory; each once */
	const void *data;
	size_t len;
};

/*
 * Store them as the volume "path" of a new snapshot, durable on return.  The
 * caller has set s->site, and may have set host, tool, node, database, reports
 * and partial; the rest is filled in: times, previous, volumes, id.  On -1 s
 * is only good for snapshot_fini().
 *
 * Locks are taken as a backup of that site takes them: ERR_BUSY while one
 * runs, or prune.
 */
int deposit_store(struct vault *v, struct snapshot *s, const char *path,
    const struct deposit_file *files, size_t n, struct err *e);

#endif
