#ifndef VAULT_MUX_H_
#define VAULT_MUX_H_

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "formats/wire.h"

/*
 * Requests of many threads to one server (formats/wire.h).  A thread of its
 * own owns the link; callers hand requests in and wait for the answer, or go
 * on and hear of a failure later.
 */
struct mux;

/* The bytes to and from a server; used by one thread at a time. */
struct mux_link {
	/*
	 * What has arrived, at most len bytes, without waiting.  0: nothing;
	 * -1 with why the link is of no use any more, its end included.
	 */
	ssize_t (*read)(struct mux_link *l, void *p, size_t len,
	    struct err *e);
	/* As much as goes out without waiting, 0 to len bytes. */
	ssize_t (*write)(struct mux_link *l, const void *p, size_t len,
	    struct err *e);
	/* What to poll, and for what, when nothing arrives and nothing goes. */
	int (*fd)(const struct mux_link *l, short *events);
	void (*close)(struct mux_link *l);
};

/*
 * Start.  The link, which has been greeted over, is the mux's from here on,
 * also when this fails.  peer: who to name in messages; kept by the caller.
 */
struct mux *mux_new(struct mux_link *l, const char *peer, struct err *e);

/* Waits until all that was said is answered, then ends the link. */
void mux_free(struct mux *m);

/*
 * Whether the link is of no use any more; with the error that all calls give
 * from then on.
 */
int mux_lost(struct mux *m, struct err *e);

/*
 * A request that is waited for.  The caller zeroes it and says where the
 * bytes of the answers go: to dest, which they must fill, or at most max of
 * them to the end of out (both NULL: an answer without bytes is wanted).
 */
struct mux_call {
	void *dest;
	size_t dest_len;
	struct buf *out;
	size_t max;
	/* The mux's own. */
	TAILQ_ENTRY(mux_call) next;
	pthread_cond_t cond;
	struct mux_stream *stream;
	uint32_t id;
	size_t got;
	size_t window;		/* bytes it takes of the window */
	int done;
	struct err err;
};

/*
 * Hand a request in; r->id is set.  When this succeeds mux_wait() must
 * follow, which fails with the server's or the link's error.
 */
int mux_send(struct mux *m, struct mux_call *c, struct wire_request *r,
    struct err *e);
int mux_wait(struct mux *m, struct mux_call *c, struct err *e);

/* Both, for a request whose answer goes to out, which may be NULL. */
int mux_call(struct mux *m, struct wire_request *r, struct buf *out,
    size_t max, struct err *e);

/*
 * Requests that nobody waits for, in sequence: the first failure is kept
 * and is what later ones give.  Waits while too many bytes are on their way.
 * A stream begins all zero, and is left only behind mux_drain().
 */
struct mux_stream {
	struct err err;
	unsigned pending;
};

int mux_post(struct mux *m, struct mux_stream *s, struct wire_request *r,
    struct err *e);

/* A request whose answer is of no interest. */
void mux_forget(struct mux *m, struct wire_request *r);

/* Wait until all of the stream is answered; its failure, if any. */
int mux_drain(struct mux *m, struct mux_stream *s, struct err *e);

#endif
