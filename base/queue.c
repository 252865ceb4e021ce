#include <pthread.h>
#include <stdlib.h>

#include "base/queue.h"

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t room;
	pthread_cond_t filled;
	void **ring;
	size_t cap;
	size_t head;		/* index of the oldest item */
	size_t len;
	int closed;
};

struct queue *
queue_new(size_t cap)
{
	struct queue *q;

	if ((q = calloc(1, sizeof(*q))) == NULL)
		return (NULL);
	if ((q->ring = calloc(cap, sizeof(*q->ring))) == NULL) {
		free(q);
		return (NULL);
	}
	q->cap = cap;
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->room, NULL);
	pthread_cond_init(&q->filled, NULL);
	return (q);
}

void
queue_free(struct queue *q)
{
	if (q == NULL)
		return;
	pthread_cond_destroy(&q->filled);
	pthread_cond_destroy(&q->room);
	pthread_mutex_destroy(&q->lock);
	free(q->ring);
	free(q);
}

static void
put(struct queue *q, void *item, int front)
{
	if (front) {
		q->head = (q->head + q->cap - 1) % q->cap;
		q->ring[q->head] = item;
	} else
		q->ring[(q->head + q->len) % q->cap] = item;
	q->len++;
	pthread_cond_signal(&q->filled);
}

static int
push(struct queue *q, void *item, int front, int wait)
{
	int rc = -1;

	pthread_mutex_lock(&q->lock);
	while (wait && q->len == q->cap && !q->closed)
		pthread_cond_wait(&q->room, &q->lock);
	if (q->len < q->cap && !q->closed) {
		put(q, item, front);
		rc = 0;
	}
	pthread_mutex_unlock(&q->lock);
	return (rc);
}

int
queue_push(struct queue *q, void *item)
{
	return (push(q, item, 0, 1));
}

int
queue_push_front(struct queue *q, void *item)
{
	return (push(q, item, 1, 1));
}

int
queue_try_push_front(struct queue *q, void *item)
{
	return (push(q, item, 1, 0));
}

static void *
pop(struct queue *q, int wait)
{
	void *item = NULL;

	pthread_mutex_lock(&q->lock);
	while (wait && q->len == 0 && !q->closed)
		pthread_cond_wait(&q->filled, &q->lock);
	if (q->len > 0) {
		item = q->ring[q->head];
		q->head = (q->head + 1) % q->cap;
		q->len--;
		pthread_cond_signal(&q->room);
	}
	pthread_mutex_unlock(&q->lock);
	return (item);
}

void *
queue_pop(struct queue *q)
{
	return (pop(q, 1));
}

void *
queue_try_pop(struct queue *q)
{
	return (pop(q, 0));
}

void
queue_close(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = 1;
	pthread_cond_broadcast(&q->room);
	pthread_cond_broadcast(&q->filled);
	pthread_mutex_unlock(&q->lock);
}
