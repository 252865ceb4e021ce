#ifndef BACKUP_LARGE_H_
#define BACKUP_LARGE_H_

#include "backup/pool.h"

/*
 * Files of more than one blob: read in pieces, cut by content, each piece's
 * cuts stored by the reader or by an idle worker, ids listed in order.
 */
struct cut_job;

/*
 * Where the bytes of a file come from, in sequence.  read: up to len bytes,
 * fewer only at the end of the file; -1 when reading failed.
 */
struct large_input {
	ssize_t (*read)(void *arg, void *p, size_t len, uint64_t off,
	    struct err *e);
	void *arg;
	int fd;			/* of a file of this host, or -1 */
};

/*
 * Read a file of it->st.size bytes (as listed) and fill in it->ent's
 * size, digest and blobs; with hand-over they may be filled in later, by
 * the time the batch is done.  1; 0 when reading failed (e says why); -1
 * for trouble with the vault or memory.
 */
int large_read(struct worker *w, struct batch *b, struct item *it,
    const struct large_input *in, struct err *e);

/* Store the cuts of a piece that another worker has read. */
void large_run_cuts(struct worker *w, struct cut_job *job);

void large_free_job(struct cut_job *job);

#endif
