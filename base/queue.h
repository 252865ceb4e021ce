#ifndef BASE_QUEUE_H_
#define BASE_QUEUE_H_

#include <stddef.h>

/*
 * A bounded queue of pointers between threads.  The queue never owns what
 * the pointers name.  After queue_close() pushes are refused and pops
 * return what is left, then NULL.
 */
struct queue;

struct queue *queue_new(size_t cap);
void queue_free(struct queue *q);

/* Wait for room.  0, or -1 when the queue is closed. */
int queue_push(struct queue *q, void *item);

/* Like queue_push(), to the front: the next pop returns it. */
int queue_push_front(struct queue *q, void *item);

/* 0, or -1 when there is no room or the queue is closed. */
int queue_try_push_front(struct queue *q, void *item);

/* Wait for an item.  NULL when closed and empty. */
void *queue_pop(struct queue *q);

/* An item if one is there now, else NULL. */
void *queue_try_pop(struct queue *q);

/* Wake everybody; no item is lost. */
void queue_close(struct queue *q);

#endif
