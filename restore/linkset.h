#ifndef RESTORE_LINKSET_H_
#define RESTORE_LINKSET_H_

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "formats/mtree.h"

/*
 * Sets of hard links of one volume: which entry of each carries the contents,
 * the first of them that is wanted.  All zero is a valid empty table.
 */
struct linkset {
	struct linkset_item *items;
};

struct linkset_item {
	size_t number;		/* of the entry that carries the contents */
	char *text;		/* its path, catalog text */
	uint64_t ino;		/* on the target; 0: not there, or replaced */
	dev_t dev;
};

/*
 * The item of an entry's set, which is made, with this entry as carrier, when
 * there is none.  covered: the set's first name is wanted, too; then that is
 * the carrier, whose number may be LINKSET_FIRST: not known, as that of what
 * is no file.  NULL with e->kind ERR_NONE when the entry is in no set, as far
 * as is known; with an error when memory runs out.
 */
#define LINKSET_FIRST SIZE_MAX
struct linkset_item *linkset_of(struct linkset *l, const struct entry *ent,
    size_t number, int covered, struct err *e);
void linkset_fini(struct linkset *l);

#endif
