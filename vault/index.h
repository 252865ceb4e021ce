#ifndef VAULT_INDEX_H_
#define VAULT_INDEX_H_

#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "formats/packindex.h"
#include "vault/pack.h"
#include "vault/vault.h"

/*
 * Where each blob lies.  Derived from the packs' INDEXes and kept sorted in
 * the local cache; blobs that damaged/ names are passed over, so that their
 * next writer stores them anew.
 */
struct index;

struct blob_loc {
	uint32_t pack;		/* for index_pack_id() */
	uint32_t stored, raw;	/* bytes of the frame */
	uint32_t off, len;	/* of the blob within the raw frame */
	uint64_t frame_off;	/* in the pack */
};

/* What a pack that gives no INDEX is good for. */
enum index_mode {
	INDEX_STRICT = 0,	/* nothing: a writer must not lean on it */
	INDEX_SALVAGE = 1,	/* whatever blobs reading it finds */
	INDEX_FRESH = 2,	/* or'ed in: go by the packs, not the cache */
};

/*
 * Look at all packs and bring the cache up to date.  A pack that cannot be
 * read is a problem (below), not a failure.
 */
struct index *index_open(struct vault *v, int mode, struct err *e);
void index_free(struct index *ix);

/*
 * Find a good copy of a blob.  1, 0 when there is none, -1 on failure.  Any
 * thread may call.
 */
int index_find(struct index *ix, enum pack_kind kind,
    const uint8_t id[DIGEST_LEN], struct blob_loc *loc, struct err *e);

/* Packs in the vault. */
size_t index_packs(const struct index *ix);
const uint8_t *index_pack_id(const struct index *ix, uint32_t pack);
uint64_t index_pack_bytes(const struct index *ix, uint32_t pack);

/* Packs without a usable INDEX, and packs gone that the cache knew. */
struct index_problem {
	uint8_t id[DIGEST_LEN];	/* of the pack */
	uint32_t salvaged;	/* blobs found in it all the same */
	char reason[256];
};
size_t index_problems(const struct index *ix);
const struct index_problem *index_get_problem(const struct index *ix,
    size_t i);

/*
 * Whether the cache knew none of the packs, so that one that has gone would
 * not be missed: a backup then looks at every blob as well.
 */
int index_untried(const struct index *ix);

/*
 * Whether the vault is known to have lost blobs (damaged/ is not empty, there
 * are problems, or a pack that the cache knew is gone): a backup then looks
 * at every blob it leans on.
 */
int index_damaged(const struct index *ix);

/* In damaged/: blobs that snapshots need and no pack has; by verify. */
#define INDEX_MISSING "missing"

/* Pass over this copy of a blob from now on, in this run only. */
int index_skip(struct index *ix, uint32_t pack, const uint8_t id[DIGEST_LEN],
    struct err *e);

/* Whether any blob of a pack is marked; forget its marks, for good. */
int index_has_marks(struct index *ix, uint32_t pack);
int index_unmark(struct index *ix, uint32_t pack, struct err *e);

/*
 * Note that the blobs stored in a pack under these ids are bad: passed over
 * from now on, here and by later runs.
 */
int index_mark(struct index *ix, uint32_t pack, const uint8_t (*ids)[32],
    size_t n, struct err *e);

#endif
