#ifndef RESTORE_SCRUB_H_
#define RESTORE_SCRUB_H_

#include <stdint.h>

#include "base/progress.h"
#include "vault/index.h"
#include "vault/vault.h"

/*
 * Read packs again and prove every blob by its id, on all cores.  What is
 * bad is marked in the vault, so that nobody leans on it any more.
 */
struct scrub_bad {
	uint8_t id[DIGEST_LEN];
	uint32_t pack;
};

struct scrub {
	uint64_t packs, frames, blobs, bytes;	/* read; bytes raw */
	struct scrub_bad *bad;
	size_t nbad;
};

/*
 * percent: of the frames, chosen at random; 100 for all.  Packs without an
 * INDEX are the index's problems and passed over here.  -1: memory, or a
 * signal came.
 */
int scrub_run(struct scrub *s, struct vault *v, struct index *ix,
    unsigned percent, unsigned threads, struct progress *progress,
    struct err *e);
void scrub_fini(struct scrub *s);

#endif
