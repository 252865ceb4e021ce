#ifndef RESTORE_ATTRS_H_
#define RESTORE_ATTRS_H_

#include "base/buf.h"
#include "base/err.h"
#include "formats/scan.h"
#include "remote/node/probe.h"

/*
 * Extended attributes, with ACLs and capabilities, of what is on a node: no
 * tool that every node has tells or sets them, but perl can.  attrs.pl says
 * how they are written.
 */
extern const char restore_attrs_pl[];

/* Why the node cannot be asked for them, or NULL. */
const char *attrs_trouble(const struct probe *p);

/* Append those of an entry (its "#x" lines), as the node would write them. */
int attrs_text(struct buf *out, const struct span *lines, struct err *e);

/*
 * Whether the node's answer is what is wanted.  A label of SELinux that is
 * not wanted is the host's own affair.
 */
int attrs_same(const char *want, const char *answer);

#endif
