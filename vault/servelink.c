#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cancel.h"
#include "vault/serve.h"
#include "vault/servelink.h"

void
servelink_init(struct servelink *l, int in, int out)
{
	int flags;

	memset(l, 0, sizeof(*l));
	l->in = in;
	l->out = out;
	pthread_mutex_init(&l->lock, NULL);
	if ((flags = fcntl(in, F_GETFL)) != -1)
		(void)fcntl(in, F_SETFL, flags | O_NONBLOCK);
	if ((flags = fcntl(out, F_GETFL)) != -1)
		(void)fcntl(out, F_SETFL, flags | O_NONBLOCK);
}

void
servelink_fini(struct servelink *l)
{
	pthread_mutex_destroy(&l->lock);
}

static time_t
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (ts.tv_sec);
}

/* Wait until fd is ready. */
static int
await(int fd, short events, struct err *e)
{
	struct pollfd p = { .fd = fd, .events = events };
	time_t until = now() + SERVE_SILENCE_S;
	int n;

	for (;;) {
		if (cancel_check(e) == -1)
			return (-1);
		n = poll(&p, 1, 1000);
		if (n > 0)
			return (0);
		if (n == -1 && errno != EINTR)
			return (err_sys(e, "poll"));
		if (now() >= until)
			return (err_set(e, ERR_FAILED, "the client has gone: "
			    "nothing for %d s", SERVE_SILENCE_S));
	}
}

/* Some bytes; 0 at the end of input. */
static ssize_t
read_some(int fd, void *p, size_t len, struct err *e)
{
	ssize_t n;

	while ((n = read(fd, p, len)) == -1) {
		if (errno != EAGAIN && errno != EINTR)
			return (err_sys(e, "read from the client"));
		if (await(fd, POLLIN, e) == -1)
			return (-1);
	}
	return (n);
}

/* Long runs go straight to p.  1, 0 at an end before the first byte, -1. */
static int
read_full(struct servelink *l, uint8_t *p, size_t len, struct err *e)
{
	size_t done = 0, some;
	ssize_t n;

	while (done < len) {
		if (l->at < l->len) {
			some = l->len - l->at;
			if (some > len - done)
				some = len - done;
			memcpy(p + done, l->buf + l->at, some);
			l->at += some;
			done += some;
			continue;
		}
		if (len - done >= sizeof(l->buf))
			n = read_some(l->in, p + done, len - done, e);
		else
			n = read_some(l->in, l->buf, sizeof(l->buf), e);
		if (n == -1)
			return (-1);
		if (n == 0)
			return (done == 0 ? 0 : err_set(e, ERR_FAILED,
			    "the client went in the middle of a message"));
		if (len - done >= sizeof(l->buf))
			done += (size_t)n;
		else {
			l->at = 0;
			l->len = (size_t)n;
		}
	}
	return (1);
}

int
servelink_read(struct servelink *l, struct wire_head *h, uint8_t *body,
    struct err *e)
{
	uint8_t head[WIRE_HEAD_LEN];
	int rc;

	if ((rc = read_full(l, head, sizeof(head), e)) != 1)
		return (rc);
	if (wire_head_decode(head, 0, h, e) == -1)
		return (-1);
	if (h->len > 0 && (rc = read_full(l, body, h->len, e)) == 0)
		rc = err_set(e, ERR_FAILED, "the client went in the middle "
		    "of a message");
	return (rc);
}

static int
write_full(int fd, const uint8_t *p, size_t len, struct err *e)
{
	ssize_t n;

	while (len > 0) {
		if ((n = write(fd, p, len)) == -1) {
			if (errno != EAGAIN && errno != EINTR)
				return (err_sys(e, "write to the client"));
			if (await(fd, POLLOUT, e) == -1)
				return (-1);
			continue;
		}
		p += n;
		len -= (size_t)n;
	}
	return (0);
}

int
servelink_write(struct servelink *l, const void *p, size_t len,
    struct err *e)
{
	int rc;

	pthread_mutex_lock(&l->lock);
	if (l->deaf)
		rc = err_set(e, ERR_FAILED, "the client has gone");
	else if ((rc = write_full(l->out, p, len, e)) == -1)
		l->deaf = 1;
	pthread_mutex_unlock(&l->lock);
	return (rc);
}
