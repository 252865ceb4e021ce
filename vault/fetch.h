#ifndef VAULT_FETCH_H_
#define VAULT_FETCH_H_

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "vault/index.h"

/*
 * Reading frames and blobs back.  One thread a fetch; it keeps a few packs
 * open and the last decoded frames.
 */
struct fetch;

/* frames: how many decoded frames are kept for fetch_blob(), at least 1. */
struct fetch *fetch_new(struct vault *v, struct index *ix, size_t frames,
    struct err *e);
void fetch_free(struct fetch *f);

/* Keep no more than so many, at least 1. */
void fetch_limit(struct fetch *f, size_t frames);

/* Decode a whole frame into raw, whose contents are replaced. */
int fetch_frame(struct fetch *f, const struct blob_loc *loc, struct buf *raw,
    struct err *e);

/* Whether the bytes have the id. */
int fetch_proves(struct fetch *f, const void *p, size_t len,
    const uint8_t id[DIGEST_LEN]);

/*
 * The bytes of a blob, proved by its id; valid until the next call.  Tries
 * every copy there is; bad ones are marked in the vault by fetch_free(), so
 * that the next backup heals them.  ERR_DAMAGED says what is wrong with the
 * last one.
 */
int fetch_blob(struct fetch *f, enum pack_kind kind,
    const uint8_t id[DIGEST_LEN], const uint8_t **p, size_t *len,
    struct err *e);

#endif
