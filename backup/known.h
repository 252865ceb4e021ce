#ifndef BACKUP_KNOWN_H_
#define BACKUP_KNOWN_H_

#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "vault/index.h"
#include "vault/snapshots.h"
#include "vault/vault.h"

/*
 * The large files of the newest snapshot of each site, by size and by the
 * digest of their contents: a file that has only moved, or that another node
 * has too, need not come over the network again.  Made by the merge's
 * thread; read-only from then on.
 */
#define KNOWN_MIN ((uint64_t)8 << 20)	/* smaller files are not worth it */
#define KNOWN_FILES 20000		/* at most */

struct known;

struct known_file {
	uint64_t size;
	uint8_t digest[DIGEST_LEN];
	uint8_t list[DIGEST_LEN];	/* root of its list of blobs, if */
	uint32_t list_depth;		/* this is not 0 */
	char *blobs;			/* else "HEX HEX ..." */
	size_t blobs_len;
};

/* list: of the vault's snapshots; a damaged one is passed over. */
struct known *known_new(struct vault *v, struct index *ix,
    const struct snapshot_list *list, struct err *e);
void known_free(struct known *k);

/* Whether any file of this size is known, with all of its blobs. */
int known_size(struct known *k, uint64_t size);

/* By digest, or NULL; k may be NULL. */
const struct known_file *known_find(const struct known *k,
    const uint8_t digest[DIGEST_LEN]);

#endif
