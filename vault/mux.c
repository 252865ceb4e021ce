#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "vault/mux.h"

#define WINDOW ((size_t)8 << 20)	/* posted bytes not yet answered */
#define PING_S 60	/* silence of ours before we say something */
#define SILENCE_S 300	/* the server's before we give up */

struct message {
	TAILQ_ENTRY(message) next;
	struct buf bytes;
};

TAILQ_HEAD(messages, message);
TAILQ_HEAD(calls, mux_call);

struct mux {
	struct mux_link *link;
	const char *peer;
	pthread_t thread;
	int started;
	int wake;		/* eventfd */
	pthread_mutex_t lock;	/* all down to loose */
	pthread_cond_t room;	/* window or a stream's pending went down */
	struct messages queue;
	struct calls pending;
	uint32_t id;
	size_t window;
	int stop;
	struct err lost;
	struct mux_stream loose;	/* of mux_forget() */
	/* The thread's own. */
	time_t said, heard;
	struct message *saying;
	size_t said_bytes;	/* of it */
	uint8_t in[65536];
	size_t in_at, in_len;
	uint8_t head[WIRE_HEAD_LEN];
	size_t head_got;
	struct wire_head h;
	struct mux_call *call;	/* whose answer arrives; NULL: head first */
	struct buf body;
	size_t body_got;
};

static time_t
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (ts.tv_sec);
}

static void
wake(struct mux *m)
{
	uint64_t one = 1;
	ssize_t n;

	do
		n = write(m->wake, &one, sizeof(one));
	while (n == -1 && errno == EINTR);
}

/* Under the lock.  The call is the waiting caller's again, or freed. */
static void
finish(struct mux *m, struct mux_call *c)
{
	struct mux_stream *s = c->stream;

	TAILQ_REMOVE(&m->pending, c, next);
	if (s == NULL) {
		c->done = 1;
		pthread_cond_signal(&c->cond);
		return;
	}
	if (c->err.kind != ERR_NONE && s->err.kind == ERR_NONE)
		s->err = c->err;
	s->pending--;
	m->window -= c->window;
	free(c);
	pthread_cond_broadcast(&m->room);
}

/* The link is of no use any more: all who wait hear so. */
static void
give_up(struct mux *m, const struct err *why)
{
	struct mux_call *c;

	pthread_mutex_lock(&m->lock);
	m->lost = *why;
	while ((c = TAILQ_FIRST(&m->pending)) != NULL) {
		c->err = *why;
		finish(m, c);
	}
	pthread_cond_broadcast(&m->room);
	pthread_mutex_unlock(&m->lock);
}

static void
free_message(struct message *msg)
{
	if (msg != NULL)
		buf_fini(&msg->bytes);
	free(msg);
}

/* Write of the next message what goes.  1, 0 when nothing did, -1. */
static int
say(struct mux *m, struct err *e)
{
	struct message *msg = m->saying;
	ssize_t n;

	if (msg == NULL) {
		pthread_mutex_lock(&m->lock);
		if ((msg = TAILQ_FIRST(&m->queue)) != NULL)
			TAILQ_REMOVE(&m->queue, msg, next);
		pthread_mutex_unlock(&m->lock);
		m->saying = msg;
		m->said_bytes = 0;
	}
	if (msg == NULL)
		return (0);
	n = m->link->write(m->link, msg->bytes.data + m->said_bytes,
	    msg->bytes.len - m->said_bytes, e);
	if (n <= 0)
		return ((int)n);
	m->said = now();
	m->said_bytes += (size_t)n;
	if (m->said_bytes == msg->bytes.len) {
		free_message(msg);
		m->saying = NULL;
	}
	return (1);
}

/* At most len bytes of what has arrived; long runs go straight to p. */
static ssize_t
pull(struct mux *m, void *p, size_t len, struct err *e)
{
	ssize_t n;

	if (m->in_at == m->in_len) {
		if (len >= sizeof(m->in))
			return (m->link->read(m->link, p, len, e));
		n = m->link->read(m->link, m->in, sizeof(m->in), e);
		if (n <= 0)
			return (n);
		m->in_at = 0;
		m->in_len = (size_t)n;
	}
	if (len > m->in_len - m->in_at)
		len = m->in_len - m->in_at;
	memcpy(p, m->in + m->in_at, len);
	m->in_at += len;
	return ((ssize_t)len);
}

static int
malformed(struct mux *m, struct err *e)
{
	return (err_set(e, ERR_FAILED, "%s: the far side answers what was "
	    "not asked", m->peer));
}

/* A head is complete: whose answer is it, and where does its body go? */
static int
begin_body(struct mux *m, struct err *e)
{
	struct mux_call *c;

	if (wire_head_decode(m->head, 1, &m->h, e) == -1)
		return (err_wrap(e, "%s", m->peer));
	pthread_mutex_lock(&m->lock);
	TAILQ_FOREACH(c, &m->pending, next)
		if (c->id == m->h.id)
			break;
	pthread_mutex_unlock(&m->lock);
	if (c == NULL)
		return (malformed(m, e));
	if (m->h.type != WIRE_ERR && m->h.len > (c->dest != NULL ?
	    c->dest_len - c->got : c->out != NULL ? c->max - c->got : 0))
		return (malformed(m, e));
	m->call = c;
	m->body_got = 0;
	buf_clear(&m->body);
	if (buf_reserve(&m->body, m->h.len) == NULL)
		return (err_nomem(e));
	return (0);
}

static uint8_t *
body_place(struct mux *m)
{
	struct mux_call *c = m->call;

	if (c->dest != NULL && m->h.type != WIRE_ERR)
		return ((uint8_t *)c->dest + c->got);
	return (m->body.data);
}

/* A body is complete. */
static int
end_body(struct mux *m, struct err *e)
{
	struct mux_call *c = m->call;

	m->call = NULL;
	m->head_got = 0;
	if (m->h.type == WIRE_ERR) {
		if (wire_err_decode(&c->err, m->body.data, m->h.len,
		    e) == -1)
			return (err_wrap(e, "%s", m->peer));
		(void)err_wrap(&c->err, "%s", m->peer);
	} else {
		c->got += m->h.len;
		if (c->dest == NULL && c->out != NULL)
			buf_append(c->out, m->body.data, m->h.len);
		if (m->h.type == WIRE_MORE)
			return (0);
		if (c->dest != NULL && c->got != c->dest_len)
			return (malformed(m, e));
	}
	pthread_mutex_lock(&m->lock);
	finish(m, c);
	pthread_mutex_unlock(&m->lock);
	return (0);
}

/* Take in what has arrived.  1, 0 when it was nothing, -1. */
static int
hear(struct mux *m, struct err *e)
{
	ssize_t n;

	if (m->call == NULL) {
		n = pull(m, m->head + m->head_got,
		    WIRE_HEAD_LEN - m->head_got, e);
		if (n <= 0)
			return ((int)n);
		m->head_got += (size_t)n;
		if (m->head_got == WIRE_HEAD_LEN && begin_body(m, e) == -1)
			return (-1);
	} else {
		n = pull(m, body_place(m) + m->body_got,
		    m->h.len - m->body_got, e);
		if (n <= 0)
			return ((int)n);
		m->body_got += (size_t)n;
	}
	m->heard = now();
	if (m->call != NULL && m->body_got == m->h.len &&
	    end_body(m, e) == -1)
		return (-1);
	return (1);
}

/* Sleep until there is something to do, or to say that we are still here. */
static int
rest(struct mux *m, struct err *e)
{
	struct pollfd fds[2] = { { .fd = -1 },
		{ .fd = m->wake, .events = POLLIN },
	};
	struct wire_request ping = { .type = WIRE_PING };
	uint64_t count;
	int n;

	fds[0].fd = m->link->fd(m->link, &fds[0].events);
	if ((n = poll(fds, 2, PING_S * 1000)) == -1 && errno != EINTR)
		return (err_sys(e, "poll"));
	if ((fds[1].revents & POLLIN) != 0 &&
	    read(m->wake, &count, sizeof(count)) == -1 && errno != EAGAIN)
		return (err_sys(e, "eventfd"));
	if (n == 0 && now() - m->heard >= SILENCE_S)
		return (err_set(e, ERR_FAILED, "%s: connection lost: nothing "
		    "heard for %d s", m->peer, SILENCE_S));
	if (now() - m->said >= PING_S)
		mux_forget(m, &ping);
	return (0);
}

static int
stopping(struct mux *m)
{
	int rc;

	pthread_mutex_lock(&m->lock);
	rc = m->stop && TAILQ_EMPTY(&m->queue) && m->saying == NULL &&
	    TAILQ_EMPTY(&m->pending);
	pthread_mutex_unlock(&m->lock);
	return (rc);
}

static void *
mux_main(void *arg)
{
	struct mux *m = arg;
	struct err e = { .kind = ERR_NONE };
	int said, heard;

	m->said = m->heard = now();
	for (;;) {
		if ((said = say(m, &e)) == -1 || (heard = hear(m, &e)) == -1)
			break;
		if (said || heard)
			continue;
		if (stopping(m)) {
			err_set(&e, ERR_FAILED, "%s: connection closed",
			    m->peer);
			break;
		}
		if (rest(m, &e) == -1)
			break;
	}
	give_up(m, &e);
	return (NULL);
}

struct mux *
mux_new(struct mux_link *l, const char *peer, struct err *e)
{
	struct mux *m;

	if ((m = calloc(1, sizeof(*m))) == NULL) {
		err_nomem(e);
		l->close(l);
		return (NULL);
	}
	m->link = l;
	m->peer = peer;
	TAILQ_INIT(&m->queue);
	TAILQ_INIT(&m->pending);
	pthread_mutex_init(&m->lock, NULL);
	pthread_cond_init(&m->room, NULL);
	if ((m->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) == -1) {
		err_sys(e, "eventfd");
		mux_free(m);
		return (NULL);
	}
	if (pthread_create(&m->thread, NULL, mux_main, m) != 0) {
		err_set(e, ERR_FAILED, "cannot start a thread");
		mux_free(m);
		return (NULL);
	}
	m->started = 1;
	return (m);
}

void
mux_free(struct mux *m)
{
	struct message *msg;

	if (m == NULL)
		return;
	if (m->started) {
		pthread_mutex_lock(&m->lock);
		m->stop = 1;
		pthread_mutex_unlock(&m->lock);
		wake(m);
		pthread_join(m->thread, NULL);
	}
	m->link->close(m->link);
	while ((msg = TAILQ_FIRST(&m->queue)) != NULL) {
		TAILQ_REMOVE(&m->queue, msg, next);
		free_message(msg);
	}
	free_message(m->saying);
	if (m->wake != -1)
		close(m->wake);
	buf_fini(&m->body);
	pthread_cond_destroy(&m->room);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

int
mux_lost(struct mux *m, struct err *e)
{
	int rc;

	pthread_mutex_lock(&m->lock);
	if ((rc = m->lost.kind != ERR_NONE) != 0)
		*e = m->lost;
	pthread_mutex_unlock(&m->lock);
	return (rc);
}

/* Queue the request; under the lock. */
static int
queue_request(struct mux *m, struct mux_call *c, struct wire_request *r,
    struct err *e)
{
	struct message *msg;

	if (m->lost.kind != ERR_NONE) {
		*e = m->lost;
		return (-1);
	}
	if ((msg = calloc(1, sizeof(*msg))) == NULL)
		return (err_nomem(e));
	c->id = r->id = ++m->id;
	wire_request_encode(&msg->bytes, r);
	if (buf_ok(&msg->bytes, e) == -1) {
		free_message(msg);
		return (-1);
	}
	TAILQ_INSERT_TAIL(&m->queue, msg, next);
	TAILQ_INSERT_TAIL(&m->pending, c, next);
	return (0);
}

int
mux_send(struct mux *m, struct mux_call *c, struct wire_request *r,
    struct err *e)
{
	int rc;

	pthread_cond_init(&c->cond, NULL);
	pthread_mutex_lock(&m->lock);
	rc = queue_request(m, c, r, e);
	pthread_mutex_unlock(&m->lock);
	if (rc == -1)
		pthread_cond_destroy(&c->cond);
	else
		wake(m);
	return (rc);
}

int
mux_wait(struct mux *m, struct mux_call *c, struct err *e)
{
	pthread_mutex_lock(&m->lock);
	while (!c->done)
		pthread_cond_wait(&c->cond, &m->lock);
	pthread_mutex_unlock(&m->lock);
	pthread_cond_destroy(&c->cond);
	if (c->err.kind == ERR_NONE)
		return (c->out != NULL ? buf_ok(c->out, e) : 0);
	*e = c->err;
	return (-1);
}

int
mux_call(struct mux *m, struct wire_request *r, struct buf *out, size_t max,
    struct err *e)
{
	struct mux_call c = { .out = out, .max = max };

	if (mux_send(m, &c, r, e) == -1)
		return (-1);
	return (mux_wait(m, &c, e));
}

int
mux_post(struct mux *m, struct mux_stream *s, struct wire_request *r,
    struct err *e)
{
	struct mux_call *c;
	int rc = -1;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return (err_nomem(e));
	c->stream = s;
	c->window = r->data_len;
	pthread_mutex_lock(&m->lock);
	while (c->window > 0 && m->window > 0 &&
	    m->window + c->window > WINDOW && m->lost.kind == ERR_NONE)
		pthread_cond_wait(&m->room, &m->lock);
	if (s->err.kind != ERR_NONE)
		*e = s->err;
	else if ((rc = queue_request(m, c, r, e)) == 0) {
		s->pending++;
		m->window += c->window;
	}
	pthread_mutex_unlock(&m->lock);
	if (rc == -1)
		free(c);
	else
		wake(m);
	return (rc);
}

void
mux_forget(struct mux *m, struct wire_request *r)
{
	struct mux_call *c;
	struct err ignored;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return;	/* the server keeps a handle until we go */
	c->stream = &m->loose;
	pthread_mutex_lock(&m->lock);
	if (queue_request(m, c, r, &ignored) == 0) {
		m->loose.pending++;
		c = NULL;
	}
	pthread_mutex_unlock(&m->lock);
	free(c);
	wake(m);
}

int
mux_drain(struct mux *m, struct mux_stream *s, struct err *e)
{
	int rc = 0;

	pthread_mutex_lock(&m->lock);
	while (s->pending > 0)
		pthread_cond_wait(&m->room, &m->lock);
	if (s->err.kind != ERR_NONE) {
		*e = s->err;
		rc = -1;
	}
	pthread_mutex_unlock(&m->lock);
	return (rc);
}
