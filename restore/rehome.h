#ifndef RESTORE_REHOME_H_
#define RESTORE_REHOME_H_

#include <stddef.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "formats/scan.h"

/*
 * A management node's database under another name or address.  A name is
 * found only as a whole word: not within a longer name, address or number
 * ("mn1" is in "mn1.cluster" and "http://mn1/x", but not in "mn10", "omn1"
 * or "mn1-ib"; "10.0.0.1" is not in "10.0.0.11" and not in "110.0.0.1").
 */
struct rehome_pair {
	char *old, *new;	/* new NULL: only to be found */
};

struct rehome {
	struct rehome_pair *pairs;
	size_t n;
};

/* All zero is a valid empty one. */
void rehome_fini(struct rehome *h);

/*
 * Add "OLD=NEW" as of the command line: names or addresses, letters, digits
 * and ".:_-" only.  ERR_USAGE.  Any one is replaced once: what has come in
 * by one pair is not looked at by another.
 */
int rehome_add(struct rehome *h, const char *text, struct err *e);

/* A name that is only looked for; one that is there already is passed over. */
int rehome_look(struct rehome *h, const char *old, struct err *e);

/*
 * Append a value with every old name replaced; returns how many names were
 * found in it (those only looked for too, which stay as they are).
 */
size_t rehome_edit(const struct rehome *h, const struct span *value,
    struct buf *out);

#endif
