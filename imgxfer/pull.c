#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "imgxfer/pull.h"

int
pull_init(struct pull *p, const struct source *from, struct err *e)
{
	memset(p, 0, sizeof(*p));
	p->from = from;
	if ((p->buf = malloc(PULL_BYTES)) == NULL)
		return (err_nomem(e));
	return (0);
}

void
pull_fini(struct pull *p)
{
	free(p->buf);
	p->buf = NULL;
}

ssize_t
pull_peek(struct pull *p, size_t want, const uint8_t **data, struct err *e)
{
	ssize_t n;

	assert(want <= PULL_BYTES);
	if (p->len - p->at < want && !p->end) {
		memmove(p->buf, p->buf + p->at, p->len - p->at);
		p->len -= p->at;
		p->at = 0;
	}
	while (p->len - p->at < want && !p->end) {
		n = p->from->read(p->from->arg, p->buf + p->len,
		    PULL_BYTES - p->len, e);
		if (n == -1)
			return (-1);
		p->end = n == 0;
		p->len += (size_t)n;
	}
	*data = p->buf + p->at;
	return ((ssize_t)(p->len - p->at));
}

void
pull_tap(struct pull *p, void (*tap)(void *arg, const uint8_t *p, size_t n),
    void *arg)
{
	p->tap = tap;
	p->tap_arg = arg;
}

void
pull_skip(struct pull *p, size_t n)
{
	assert(n <= p->len - p->at);
	if (p->tap != NULL)
		p->tap(p->tap_arg, p->buf + p->at, n);
	p->at += n;
	p->taken += n;
}

static ssize_t
source_read(void *arg, void *to, size_t len, struct err *e)
{
	struct pull *p = arg;
	const uint8_t *data;
	ssize_t n = pull_peek(p, 1, &data, e);

	if (n <= 0)
		return (n);
	if ((size_t)n > len)
		n = (ssize_t)len;
	memcpy(to, data, (size_t)n);
	pull_skip(p, (size_t)n);
	return (n);
}

struct source
pull_source(struct pull *p)
{
	struct source s = { p->from->name, source_read, p };

	return (s);
}
