#ifndef BACKUP_LARGE_H_
#define BACKUP_LARGE_H_

#include "backup/pool.h"

/*
 * Files of more than one blob: read in pieces, cut by content, each piece's
 * cuts stored by the reader or by an idle worker, ids listed in order.
 */
struct cut_job;

/*
 * Read an open file of it->st.size bytes (as listed) and fill in it->ent's
 * size, digest and blobs; with hand-over they may be filled in later, by
 * the time the batch is done.  1; 0 when reading failed (e says why); -1
 * for trouble with the vault or memory.
 */
int large_read(struct worker *w, struct batch *b, struct item *it, int fd,
    struct err *e);

/* Store the cuts of a piece that another worker has read. */
void large_run_cuts(struct worker *w, struct cut_job *job);

void large_free_job(struct cut_job *job);

#endif
