#ifndef IMGXFER_FLOW_H_
#define IMGXFER_FLOW_H_

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "imgxfer/source.h"

/*
 * Bytes from one thread, a sink there, to another, a source there, in
 * bounded memory.  Each end belongs to one thread.
 */
struct flow;

struct flow *flow_new(size_t cap, struct err *e);
void flow_free(struct flow *f);

/* Waits for room.  -1 when the reader has closed, with its reason. */
int flow_write(void *flow, const void *p, size_t len, struct err *e);
struct sink flow_sink(struct flow *f);

/* The writer is done; why: it failed, which the reader hears.  Once. */
void flow_end(struct flow *f, const struct err *why);

/* What has arrived, waiting for the first of it; 0 at the end, -1. */
ssize_t flow_read(void *flow, void *p, size_t len, struct err *e);
struct source flow_source(struct flow *f, const char *name);

/*
 * Whether, within so many milliseconds, flow_write() of len bytes would not
 * wait (len: no more than cap), or flow_read().
 */
int flow_wait_room(struct flow *f, size_t len, unsigned ms);
int flow_wait_data(struct flow *f, unsigned ms);

/* The reader takes no more; why: what the writer then fails with. */
void flow_close(struct flow *f, const struct err *why);

#endif
