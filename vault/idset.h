#ifndef VAULT_IDSET_H_
#define VAULT_IDSET_H_

#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"

/*
 * The blobs that this run stores: a set of ids that many threads add to.
 * About 45 bytes an id, grown in 256 parts so that growing never needs
 * twice the memory.
 */
struct idset;

struct idset *idset_new(void);
void idset_free(struct idset *s);

/* 1 if the id is new (the caller stores the blob), 0 if not, -1: memory. */
int idset_add(struct idset *s, const uint8_t id[DIGEST_LEN]);

/* Whether the id is there. */
int idset_has(struct idset *s, const uint8_t id[DIGEST_LEN]);

#endif
