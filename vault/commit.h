#ifndef VAULT_COMMIT_H_
#define VAULT_COMMIT_H_

#include "base/digest.h"
#include "base/err.h"
#include "vault/store.h"

/*
 * The thread that makes finished packs durable while the others go on:
 * fsync, rename to the final name.
 */
struct committer;

struct committer *committer_new(struct store *s, struct err *e);

/*
 * Hand over a written pack; the committer owns o from here on, also when
 * it fails: -1 says that an earlier pack could not be committed.  Any
 * thread may call.
 */
int committer_submit(struct committer *c, struct store_out *o,
    const uint8_t id[DIGEST_LEN], struct err *e);

/*
 * Wait for all packs and make their names durable: after 0 a snapshot may
 * name them.  committer_free() without it leaves packs that nothing names.
 */
int committer_finish(struct committer *c, struct err *e);
void committer_free(struct committer *c);

/* Bytes of the packs submitted. */
uint64_t committer_bytes(struct committer *c);

#endif
