#ifndef IMGXFER_IMPORTKEEP_H_
#define IMGXFER_IMPORTKEEP_H_

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "formats/snapshot.h"
#include "imgxfer/importnode.h"
#include "vault/vault.h"

/*
 * What an import is about to replace, into the vault: a snapshot of the site
 * "SITE.image.undo" with the volume "/", the files at their paths, a directory
 * as DIR.tar, and rows of the database as
 * "/root/xcatvault.IMAGE/TABLE.csv", which tabrestore -a takes.
 */
struct importkeep_rows {
	const char *table;
	const struct buf *csv;	/* empty: none */
};

struct importkeep {
	struct vault *vault;
	struct remote *remote;
	const char *site, *image;
	const struct importnode_at *const *files;	/* with digests */
	size_t nfiles;
	const struct importkeep_rows *rows;
	size_t nrows;
};

/* Durable on return; a file that is not what was looked at is ERR_FAILED. */
int importkeep_store(const struct importkeep *k, char id[SNAPSHOT_ID_LEN + 1],
    struct err *e);

#endif
