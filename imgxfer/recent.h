#ifndef IMGXFER_RECENT_H_
#define IMGXFER_RECENT_H_

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * The last bytes of a stream that cannot be read twice: what a connection
 * has lost is sent again from here.  For one thread.
 */
struct recent {
	uint8_t *p;
	size_t size;
	uint64_t end;		/* bytes that have gone by */
};

int recent_init(struct recent *r, size_t size, struct err *e);
void recent_fini(struct recent *r);

/* The next bytes of the stream. */
void recent_put(struct recent *r, const void *p, size_t len);

/* len bytes from off on; ERR_FAILED when they are not kept (any more). */
int recent_get(const struct recent *r, uint64_t off, void *p, size_t len,
    struct err *e);

#endif
