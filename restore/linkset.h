#ifndef RESTORE_LINKSET_H_
#define RESTORE_LINKSET_H_

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "formats/mtree.h"

/*
 * Sets of hard links of one volume: which entry of each carries the contents,
 * the first of them that is wanted and can be restored.  Nothing is ever
 * linked to a name that was not met: it may lie behind a symbolic link, and
 * so outside the volume.  All zero is a valid empty table.
 */
struct linkset {
	struct linkset_item *items;
	struct buf noted;	/* of linkset_note() */
	size_t *at;		/* where each begins in it */
	size_t nat, at_cap;
};

#define LINKSET_EMPTY { NULL, BUF_INIT, NULL, 0, 0 }

struct linkset_item {
	size_t number;		/* of the entry that carries the contents */
	char *text;		/* its path, catalog text */
	uint64_t ino;		/* on the target; 0: not there, or replaced */
	dev_t dev;
};

/*
 * The item of an entry's set, which is made, with this entry as carrier, when
 * there is none.  The number is LINKSET_FIRST, not known, when the carrier is
 * no file.  NULL with e->kind ERR_NONE when the entry is in no set, as far as
 * is known; with an error when memory runs out.
 */
#define LINKSET_FIRST SIZE_MAX
struct linkset_item *linkset_of(struct linkset *l, const struct entry *ent,
    size_t number, struct err *e);

/*
 * In catalog order: an entry that can be restored, and that others may be
 * links to, though its set is not known, as it is no file.  Else ignored.
 */
int linkset_note(struct linkset *l, const struct entry *ent, struct err *e);

/* The carrier cannot be restored: the next one that is met takes its place. */
void linkset_pass_on(struct linkset_item *i);

void linkset_fini(struct linkset *l);

#endif
