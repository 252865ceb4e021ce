#ifndef VAULT_INTAKE_H_
#define VAULT_INTAKE_H_

#include <stddef.h>

#include "base/err.h"
#include "vault/bloblist.h"
#include "vault/catalog.h"
#include "vault/commit.h"
#include "vault/index.h"
#include "vault/vault.h"

/*
 * Streams cut into blobs by content, and the blobs stored by threads, each
 * with a pack of its own.  At most a few megabytes a thread are under way.
 * One thread calls; files come one after the other.
 */
struct intake;

/* What it works on is the caller's, and outlives it. */
struct intake_target {
	struct vault *vault;
	struct index *index;
	struct committer *committer;
	struct catalog_sink *sink;	/* for lists of blobs */
};

struct intake *intake_new(const struct intake_target *t, unsigned threads,
    struct err *e);

/* Without intake_commit(): packs still open are dropped. */
void intake_free(struct intake *in);

/* A new file. */
void intake_begin(struct intake *in);

/* The next bytes of the file at hand. */
int intake_write(struct intake *in, const void *p, size_t len,
    struct err *e);

/* End the blob at hand here, whatever the content. */
int intake_cut(struct intake *in, struct err *e);

/*
 * The file is at its end, and its blobs are with the threads' packs: set
 * size, digest and blobs of its entry, which are the intake's until the next
 * call.
 */
int intake_end(struct intake *in, struct entry *ent, struct err *e);

/* Close the packs and hand them to the committer.  Nothing may follow. */
int intake_commit(struct intake *in, struct err *e);

#endif
