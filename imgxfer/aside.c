#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/queue.h"
#include "imgxfer/aside.h"

#define PIECE ((size_t)256 << 10)
#define PIECES 8

struct piece {
	size_t len;
	uint8_t p[PIECE];
};

struct aside {
	int (*work)(void *arg, const struct source *src, struct err *e);
	void *arg;
	struct queue *empty, *full;	/* of pieces, from one to the other */
	pthread_t thread;
	/* The caller's. */
	struct piece *filling;
	/* The thread's, and the caller's when it has been joined. */
	struct piece *reading;
	size_t at;
	int rc;
	struct err e;
	struct piece pieces[PIECES];
};

static ssize_t
aside_read(void *arg, void *p, size_t len, struct err *e)
{
	struct aside *a = arg;

	(void)e;
	if (a->reading != NULL && a->at == a->reading->len) {
		(void)queue_push(a->empty, a->reading);
		a->reading = NULL;
	}
	if (a->reading == NULL) {
		if ((a->reading = queue_pop(a->full)) == NULL)
			return (0);
		a->at = 0;
	}
	if (len > a->reading->len - a->at)
		len = a->reading->len - a->at;
	memcpy(p, a->reading->p + a->at, len);
	a->at += len;
	return ((ssize_t)len);
}

static void *
run(void *arg)
{
	struct aside *a = arg;
	const struct source src = { "", aside_read, a };

	a->rc = a->work(a->arg, &src, &a->e);
	/* Also when it failed, or the caller would wait for ever. */
	(void)source_drain(&src, &a->e);
	return (NULL);
}

static void
aside_free(struct aside *a)
{
	queue_free(a->empty);
	queue_free(a->full);
	free(a);
}

struct aside *
aside_start(int (*work)(void *arg, const struct source *src, struct err *e),
    void *arg, struct err *e)
{
	struct aside *a = calloc(1, sizeof(*a));
	size_t i;

	if (a == NULL) {
		err_nomem(e);
		return (NULL);
	}
	a->work = work;
	a->arg = arg;
	a->empty = queue_new(PIECES);
	a->full = queue_new(PIECES);
	if (a->empty == NULL || a->full == NULL) {
		err_nomem(e);
		aside_free(a);
		return (NULL);
	}
	for (i = 0; i < PIECES; i++)
		(void)queue_push(a->empty, &a->pieces[i]);
	if (pthread_create(&a->thread, NULL, run, a) != 0) {
		err_set(e, ERR_FAILED, "cannot start a thread");
		aside_free(a);
		return (NULL);
	}
	return (a);
}

void
aside_write(struct aside *a, const void *p, size_t len)
{
	const uint8_t *from = p;
	size_t n;

	while (len > 0) {
		if (a->filling == NULL) {
			a->filling = queue_pop(a->empty);
			a->filling->len = 0;
		}
		n = PIECE - a->filling->len;
		if (n > len)
			n = len;
		memcpy(a->filling->p + a->filling->len, from, n);
		a->filling->len += n;
		from += n;
		len -= n;
		if (a->filling->len == PIECE) {
			(void)queue_push(a->full, a->filling);
			a->filling = NULL;
		}
	}
}

int
aside_end(struct aside *a, struct err *e)
{
	int rc;

	if (a->filling != NULL)
		(void)queue_push(a->full, a->filling);
	queue_close(a->full);
	(void)pthread_join(a->thread, NULL);
	if ((rc = a->rc) == -1)
		*e = a->e;
	aside_free(a);
	return (rc);
}
