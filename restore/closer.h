#ifndef RESTORE_CLOSER_H_
#define RESTORE_CLOSER_H_

#include "restore/ask.h"
#include "restore/join.h"

/*
 * After the join: what find does not show of entries that would be kept is
 * asked for, and what differs is replaced, or adjusted.  heirs: asked are the
 * attributes of directories in which something is made; where there are any,
 * the survey is not plain.
 */
int closer_look(struct join *j, enum ask_what what, int heirs,
    struct err *e);

/* Attributes, where the node can tell them; else that is reported. */
int closer_attrs(struct join *j, struct err *e);

/* Whether the survey is plain. */
int closer_heirs(struct join *j, struct err *e);

#endif
