#ifndef RESTORE_ONTOKEY_H_
#define RESTORE_ONTOKEY_H_

#include "restore/ontoplan.h"

/*
 * The ssh host keys that a restore brings: with them the node gets those that
 * it had when it was backed up, and is known by another one from then on.
 */

/* Whether some are wanted of a volume. */
int ontokey_covers(const struct onto *o, const struct snapshot_volume *vol);

/* Before such a volume is restored: the node may be known by either key. */
void ontokey_expect(struct onto *o, const struct snapshot_volume *vol);

/*
 * Behind all volumes: when the node has the other key, which it is asked,
 * that is reported.  -1: the connection is lost.
 */
int ontokey_tell(struct onto *o, struct err *e);

#endif
