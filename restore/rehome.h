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

/*
 * Where old names stand in a table that dumpxCATdb wrote.  Values of secret
 * columns are neither shown nor edited.  fn: one printable line, "site:
 * master: value 10.0.0.1 -> 10.0.0.2" (without "->" where the name is only
 * looked for).  Appends the edited table to out (NULL: only look).  *edits:
 * values that were edited, *found: values that hold an old name.
 */
typedef void rehome_found(void *arg, const char *table, const char *line,
    int edited);
int rehome_table(const struct rehome *h, const char *table,
    const struct span *text, struct buf *out, rehome_found *fn, void *arg,
    size_t *edits, size_t *found, struct err *e);

/*
 * What is left to be done by hand on a node that has another name or address
 * than the one whose database it got, in order, with commands.
 */
void rehome_steps(const struct rehome *h, FILE *f);

#endif
