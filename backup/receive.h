#ifndef BACKUP_RECEIVE_H_
#define BACKUP_RECEIVE_H_

#include "backup/lane.h"
#include "backup/pool.h"

/*
 * Take what the oldest batch of a lane wants, as it comes from the node, and
 * fill in its entries: what read_item() does for files of this host.  -1 is
 * trouble with the vault or memory, or a node that is lost for good.
 */
int receive_batch(struct worker *w, struct lane *l, struct err *e);

#endif
