#ifndef RESTORE_SIEVE_H_
#define RESTORE_SIEVE_H_

#include "vault/content.h"

/*
 * A file's contents as an archive has them: all but its holes, which
 * pax_round_holes() has rounded.  -1 also for what content_read() gives, and
 * ERR_DAMAGED when there is data in a hole.
 */
int sieve_read(struct content *c, const struct entry *ent, content_fn *fn,
    void *arg, struct err *e);

#endif
