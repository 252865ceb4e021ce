#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/queue.h"
#include "vault/commit.h"
#include "vault/packname.h"

#define IN_FLIGHT 4	/* packs waiting for the disk before writers wait */

struct job {
	struct store_out *out;
	uint8_t id[DIGEST_LEN];
};

struct committer {
	struct store *store;
	struct queue *queue;
	pthread_t thread;
	int running;
	pthread_mutex_t lock;
	struct err err;		/* the first failure; under lock */
	uint64_t bytes;		/* under lock */
};

static void
set_failed(struct committer *c, const struct err *e)
{
	pthread_mutex_lock(&c->lock);
	if (c->err.kind == ERR_NONE)
		c->err = *e;
	pthread_mutex_unlock(&c->lock);
}

static int
failed(struct committer *c, struct err *e)
{
	int rc = 0;

	pthread_mutex_lock(&c->lock);
	if (c->err.kind != ERR_NONE) {
		*e = c->err;
		rc = -1;
	}
	pthread_mutex_unlock(&c->lock);
	return (rc);
}

static int
commit_one(struct committer *c, struct job *job, struct err *e)
{
	char name[PACK_NAME_LEN];

	pack_name(job->id, name);
	if (store_out_commit(job->out, name, e) == -1)
		return (-1);
	/* A good pack of that name has replaced a damaged one, if any. */
	pack_damage_name(job->id, name);
	return (store_remove(c->store, name, e));
}

static void *
committer_main(void *arg)
{
	struct committer *c = arg;
	struct job *job;
	struct err e;

	while ((job = queue_pop(c->queue)) != NULL) {
		if (failed(c, &e) == -1)
			store_out_abort(job->out);
		else if (commit_one(c, job, &e) == -1)
			set_failed(c, &e);
		free(job);
	}
	return (NULL);
}

struct committer *
committer_new(struct store *s, struct err *e)
{
	struct committer *c;

	if ((c = calloc(1, sizeof(*c))) == NULL ||
	    (c->queue = queue_new(IN_FLIGHT)) == NULL) {
		err_nomem(e);
		free(c);
		return (NULL);
	}
	c->store = s;
	pthread_mutex_init(&c->lock, NULL);
	if (pthread_create(&c->thread, NULL, committer_main, c) != 0) {
		err_set(e, ERR_FAILED, "cannot start a thread");
		committer_free(c);
		return (NULL);
	}
	c->running = 1;
	return (c);
}

int
committer_submit(struct committer *c, struct store_out *o,
    const uint8_t id[DIGEST_LEN], struct err *e)
{
	struct job *job;

	if (failed(c, e) == -1) {
		store_out_abort(o);
		return (-1);
	}
	if ((job = malloc(sizeof(*job))) == NULL) {
		store_out_abort(o);
		return (err_nomem(e));
	}
	job->out = o;
	memcpy(job->id, id, DIGEST_LEN);
	pthread_mutex_lock(&c->lock);
	c->bytes += store_out_bytes(o);
	pthread_mutex_unlock(&c->lock);
	if (queue_push(c->queue, job) == -1) {
		store_out_abort(o);
		free(job);
		return (err_set(e, ERR_FAILED, "the vault is closing"));
	}
	return (0);
}

static void
stop(struct committer *c)
{
	if (!c->running)
		return;
	queue_close(c->queue);
	pthread_join(c->thread, NULL);
	c->running = 0;
}

int
committer_finish(struct committer *c, struct err *e)
{
	stop(c);
	if (failed(c, e) == -1)
		return (-1);
	return (store_sync(c->store, e));
}

void
committer_free(struct committer *c)
{
	if (c == NULL)
		return;
	stop(c);
	queue_free(c->queue);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

uint64_t
committer_bytes(struct committer *c)
{
	uint64_t n;

	pthread_mutex_lock(&c->lock);
	n = c->bytes;
	pthread_mutex_unlock(&c->lock);
	return (n);
}
