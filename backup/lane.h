#ifndef BACKUP_LANE_H_
#define BACKUP_LANE_H_

#include <stddef.h>
#include <stdint.h>

#include "backup/batch.h"
#include "backup/pool.h"
#include "formats/tarin.h"
#include "remote/node/node.h"

/*
 * A worker's own way to the files of a node: an ssh session in which GNU tar
 * is given names and gives members in the same order.  Names are asked for
 * some batches ahead, so that tar never waits for us.
 *
 * A connection that drops, or a tar that dies, is begun anew from the first
 * member that has not arrived.  A lane belongs to its worker's thread.
 */
#define LANE_AHEAD 3		/* batches asked for at once */

struct lane;

struct lane *lane_new(struct pool *p, struct node *n, struct err *e);
void lane_free(struct lane *l);

/* Whether one more batch of the volume at hand may be asked for. */
int lane_room(const struct lane *l);

/*
 * Ask for what a batch wants.  Trouble with the connection shows when the
 * batch is read.
 */
int lane_ask(struct lane *l, struct batch *b, struct err *e);

/* The oldest batch asked for and not read yet, or NULL. */
struct batch *lane_pending(const struct lane *l);

/* The batch asked for last, or NULL. */
struct batch *lane_newest(const struct lane *l);

/* Take the newest batch back unread, or NULL: the run is ending. */
struct batch *lane_drop(struct lane *l);

/* No more will be asked for until all pending batches are read. */
void lane_last(struct lane *l);

/*
 * The next member that belongs to the oldest batch, from item *at on, which
 * is set to its item; items passed over are failed, and reported once tar
 * has said why.  1; 0 when the batch has no more; -1 when the node cannot be
 * reached any more, or the run is cancelled.
 */
int lane_next(struct lane *l, size_t *at, const struct tarin **head,
    struct err *e);

/*
 * The next bytes of the member's file, holes filled with zeros.  -1: the
 * connection is lost; lane_again() then makes lane_next() find the same item
 * again, if there is any hope.
 */
int lane_read(struct lane *l, void *p, size_t len, struct err *e);
int lane_again(struct lane *l, size_t at, struct err *e);
int lane_broken(const struct lane *l);

/*
 * Go on with a file in its middle: begin anew with the item behind "at", and
 * read the file of item "at" from offset off on, if it is still the one of
 * its stat.  lane_read() then gives its bytes until lane_resumed().  0; 1: it
 * is another one by now, or the node cannot tell; -1 as lane_again().
 */
int lane_resume(struct lane *l, size_t at, uint64_t off, struct err *e);
void lane_resumed(struct lane *l);

/*
 * For a file that is not asked for along with its batch (item.probe): its
 * SHA-256 as the node computes it.  1, 0 when the node cannot tell, -1.
 */
int lane_digest(struct lane *l, const char *name, uint64_t size,
    uint8_t id[DIGEST_LEN], struct err *e);

/*
 * The member of that one file, out of turn: *head as lane_next().  0: tar did
 * not give it, and why has been reported.
 */
int lane_single(struct lane *l, const struct item *it,
    const struct tarin **head, struct err *e);
void lane_single_done(struct lane *l);

/* The oldest batch is through. */
int lane_done(struct lane *l, struct err *e);

#endif
