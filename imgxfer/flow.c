#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "imgxfer/flow.h"

struct flow {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	unsigned char *ring;
	size_t cap, at, len;	/* at: of the oldest byte */
	int ended, closed;
	struct err end, close;	/* why; kind ERR_NONE: all is well */
};

struct flow *
flow_new(size_t cap, struct err *e)
{
	pthread_condattr_t clock;
	struct flow *f;

	if ((f = calloc(1, sizeof(*f))) == NULL ||
	    (f->ring = malloc(cap)) == NULL) {
		free(f);
		err_nomem(e);
		return (NULL);
	}
	f->cap = cap;
	pthread_mutex_init(&f->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&f->moved, &clock);
	pthread_condattr_destroy(&clock);
	return (f);
}

void
flow_free(struct flow *f)
{
	if (f == NULL)
		return;
	pthread_mutex_destroy(&f->lock);
	pthread_cond_destroy(&f->moved);
	free(f->ring);
	free(f);
}

static void
deadline(struct timespec *t, unsigned ms)
{
	clock_gettime(CLOCK_MONOTONIC, t);
	t->tv_sec += ms / 1000;
	t->tv_nsec += (long)(ms % 1000) * 1000000;
	if (t->tv_nsec >= 1000000000) {
		t->tv_sec++;
		t->tv_nsec -= 1000000000;
	}
}

int
flow_wait_room(struct flow *f, size_t len, unsigned ms)
{
	struct timespec until;
	int room, rc = 0;

	deadline(&until, ms);
	pthread_mutex_lock(&f->lock);
	while (!(room = f->cap - f->len >= len || f->closed) && rc == 0)
		rc = pthread_cond_timedwait(&f->moved, &f->lock, &until);
	pthread_mutex_unlock(&f->lock);
	return (room);
}

int
flow_wait_data(struct flow *f, unsigned ms)
{
	struct timespec until;
	int data, rc = 0;

	deadline(&until, ms);
	pthread_mutex_lock(&f->lock);
	while (!(data = f->len > 0 || f->ended) && rc == 0)
		rc = pthread_cond_timedwait(&f->moved, &f->lock, &until);
	pthread_mutex_unlock(&f->lock);
	return (data);
}

/*
 * As much as fits without a turn in the ring.  Each end of what is in it is
 * moved by one thread alone: so bytes are copied without the lock.
 */
static size_t
put_some(struct flow *f, const unsigned char *p, size_t len)
{
	size_t to = (f->at + f->len) % f->cap, n = f->cap - f->len;

	if (n > f->cap - to)
		n = f->cap - to;
	if (n > len)
		n = len;
	pthread_mutex_unlock(&f->lock);
	memcpy(f->ring + to, p, n);
	pthread_mutex_lock(&f->lock);
	f->len += n;
	return (n);
}

int
flow_write(void *flow, const void *from, size_t len, struct err *e)
{
	const unsigned char *p = from;
	struct flow *f = flow;
	size_t n;
	int rc = 0;

	pthread_mutex_lock(&f->lock);
	while (len > 0 && !f->closed) {
		if (f->len == f->cap) {
			pthread_cond_wait(&f->moved, &f->lock);
			continue;
		}
		n = put_some(f, p, len);
		p += n;
		len -= n;
		pthread_cond_signal(&f->moved);
	}
	if (f->closed) {
		*e = f->close;
		rc = -1;
	}
	pthread_mutex_unlock(&f->lock);
	return (rc);
}

struct sink
flow_sink(struct flow *f)
{
	struct sink s = { flow_write, f };

	return (s);
}

void
flow_end(struct flow *f, const struct err *why)
{
	pthread_mutex_lock(&f->lock);
	f->ended = 1;
	if (why != NULL)
		f->end = *why;
	pthread_cond_signal(&f->moved);
	pthread_mutex_unlock(&f->lock);
}

ssize_t
flow_read(void *flow, void *p, size_t len, struct err *e)
{
	struct flow *f = flow;
	size_t n = 0;
	int rc = 0;

	pthread_mutex_lock(&f->lock);
	while (f->len == 0 && !f->ended)
		pthread_cond_wait(&f->moved, &f->lock);
	if (f->len > 0) {
		n = f->len < f->cap - f->at ? f->len : f->cap - f->at;
		if (n > len)
			n = len;
		pthread_mutex_unlock(&f->lock);
		memcpy(p, f->ring + f->at, n);
		pthread_mutex_lock(&f->lock);
		f->at = (f->at + n) % f->cap;
		f->len -= n;
		pthread_cond_signal(&f->moved);
	} else if (f->end.kind != ERR_NONE) {
		*e = f->end;
		rc = -1;
	}
	pthread_mutex_unlock(&f->lock);
	return (rc == -1 ? -1 : (ssize_t)n);
}

struct source
flow_source(struct flow *f, const char *name)
{
	struct source s = { name, flow_read, f };

	return (s);
}

void
flow_close(struct flow *f, const struct err *why)
{
	pthread_mutex_lock(&f->lock);
	if (!f->closed) {
		f->closed = 1;
		if (why != NULL && why->kind != ERR_NONE)
			f->close = *why;
		else
			err_set(&f->close, ERR_FAILED, "nobody takes it");
	}
	pthread_cond_signal(&f->moved);
	pthread_mutex_unlock(&f->lock);
}
