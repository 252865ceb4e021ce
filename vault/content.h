#ifndef VAULT_CONTENT_H_
#define VAULT_CONTENT_H_

#include <stddef.h>

#include "base/err.h"
#include "formats/mtree.h"
#include "vault/index.h"
#include "vault/vault.h"

/* Contents of files, read in order and in bounded memory.  One thread. */
struct content;

struct content *content_new(struct vault *v, struct index *ix,
    struct err *e);
void content_free(struct content *c);

/* Where several are at work: keep so many decoded frames, and no more. */
void content_limit(struct content *c, size_t frames);

/* Takes the next piece; -1 (with e set) stops the reading. */
typedef int content_fn(void *arg, const void *p, size_t len, struct err *e);

/*
 * Give a file's bytes, holes as zeros, piece by piece to fn.  Each piece is
 * proved by its digest before it is given; after 0 the whole had the length
 * and the digest that the catalog says.  ERR_DAMAGED may come after pieces
 * have been given.
 */
int content_read(struct content *c, const struct entry *ent,
    content_fn *fn, void *arg, struct err *e);

#endif
