#ifndef RESTORE_PARTIAL_H_
#define RESTORE_PARTIAL_H_

#include "restore/survey.h"

/*
 * Files on a node that were changed since the snapshot, and may yet be no
 * more than the beginning of what the snapshot has: what a restore leaves that
 * was cut off.  Nothing is lost when they are replaced.  All zero is a valid
 * empty list.
 */
#define PARTIAL_MAX 64		/* files looked at; others count as changed */

struct partial {
	struct partial_file *files;
	size_t n, next;
};

/* Remember one, of so many bytes there.  1; 0 when it cannot be one; -1. */
int partial_add(struct partial *p, const struct entry *ent, uint64_t size,
    struct err *e);

/* Ask the node, and tell of those that are something else. */
typedef void partial_fn(void *arg, const struct span *path, uint64_t size);
int partial_ask(struct partial *p, const struct survey *s, partial_fn *fn,
    void *arg, struct err *e);

void partial_fini(struct partial *p);

#endif
