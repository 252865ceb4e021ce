#ifndef VAULT_SERVELINK_H_
#define VAULT_SERVELINK_H_

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "formats/wire.h"

/*
 * The server's end of the link: whole messages in and out.  One thread
 * reads, any may write.
 */
struct servelink {
	int in, out;
	pthread_mutex_t lock;	/* out */
	int deaf;		/* an answer could not be written; under lock */
	size_t at, len;		/* of buf */
	uint8_t buf[65536];
};

void servelink_init(struct servelink *l, int in, int out);
void servelink_fini(struct servelink *l);

/*
 * The next request's head, and its body in body (WIRE_BODY_MAX bytes).
 * 1, 0 at the end of input between two messages, -1.
 */
int servelink_read(struct servelink *l, struct wire_head *h, uint8_t *body,
    struct err *e);

/* Write whole messages as encoded.  Once it has failed it always fails. */
int servelink_write(struct servelink *l, const void *p, size_t len,
    struct err *e);

#endif
