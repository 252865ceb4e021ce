#ifndef FORMATS_VAULTMETA_H_
#define FORMATS_VAULTMETA_H_

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* vault.json: what a vault is made with; xcatvault-vault(5), "vault.json". */
#define VAULTMETA_FORMAT 1
#define VAULTMETA_MAX ((size_t)1 << 20)		/* longest file read */

struct vaultmeta {
	uint8_t id[16];		/* random; names the local index cache */
	uint32_t cut_min, cut_avg, cut_max;	/* bytes */
	uint32_t frame_bytes;	/* raw, of a data pack's frame */
	uint32_t catalog_frame_bytes;
	uint32_t pack_bytes;	/* stored, when a pack is closed */
	uint32_t pack_blobs;
	int level;		/* zstd */
};

/* The parameters a new vault gets; id is left zero. */
void vaultmeta_defaults(struct vaultmeta *m);

int vaultmeta_encode(struct buf *out, const struct vaultmeta *m,
    struct err *e);

/*
 * ERR_USAGE for a newer format (with what to do) and for what is not a
 * vault.json at all, ERR_DAMAGED for fields missing or out of bounds.
 */
int vaultmeta_decode(struct vaultmeta *m, const void *text, size_t len,
    struct err *e);

#endif
