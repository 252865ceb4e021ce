#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backup/lane.h"
#include "backup/large.h"
#include "backup/pool.h"
#include "backup/prefetch.h"
#include "backup/read.h"
#include "backup/receive.h"
#include "base/cancel.h"
#include "formats/pathtext.h"

#define QUEUE_LEN 64

static void
fail(struct pool *p, const struct err *e, int resumable)
{
	pthread_mutex_lock(&p->lock);
	if (p->err.kind == ERR_NONE) {
		p->err = *e;
		p->resumable = resumable;
	}
	pthread_cond_broadcast(&p->done);
	pthread_mutex_unlock(&p->lock);
}

void
pool_fail(struct pool *p, const struct err *e)
{
	fail(p, e, 0);
}

void
pool_fail_source(struct pool *p, const struct err *e)
{
	fail(p, e, 1);
}

int
pool_failed(struct pool *p)
{
	int failed;

	pthread_mutex_lock(&p->lock);
	failed = p->err.kind != ERR_NONE;
	pthread_mutex_unlock(&p->lock);
	return (failed);
}

void
pool_part_done(struct pool *p, struct batch *b)
{
	if (__atomic_sub_fetch(&b->pending, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	pthread_mutex_lock(&p->lock);
	b->done = 1;
	pthread_cond_broadcast(&p->done);
	pthread_mutex_unlock(&p->lock);
}

/* "/install" and "./a" give "/install/a". */
static void
whole_path(struct buf *out, const struct pool *p, const struct span *path)
{
	if (strcmp(p->volume, "/") != 0 || path->len == 1)
		pathtext_encode(out, p->volume, strlen(p->volume));
	if (path->len > 1)
		buf_append(out, path->p + 1, path->len - 1);
}

void
pool_report(struct pool *p, const char *kind, const struct span *path,
    const char *why)
{
	struct buf b = BUF_INIT;

	whole_path(&b, p, path);
	report_add(p->report, kind, buf_cstr(&b), "%s", why);
	buf_fini(&b);
}

void
pool_unreadable(struct pool *p, const struct span *path, const char *why)
{
	struct buf b = BUF_INIT;

	whole_path(&b, p, path);
	if (!report_has(p->report, "unreadable", buf_cstr(&b)))
		report_add(p->report, "unreadable", buf_cstr(&b), "%s", why);
	buf_fini(&b);
}

void
pool_report_errno(struct pool *p, const struct span *path, int errnum)
{
	if (errnum == ENOENT || errnum == ENOTDIR || errnum == ELOOP)
		pool_report(p, "vanished", path,
		    "it was there when its directory was read");
	else
		pool_unreadable(p, path, strerror(errnum));
}

void
pool_note(struct pool *p, const char *kind, const struct span *path,
    const char *why)
{
	struct buf b = BUF_INIT;

	whole_path(&b, p, path);
	report_note(p->report, kind, buf_cstr(&b), "%s", why);
	buf_fini(&b);
}

int
worker_put(struct worker *w, const uint8_t id[DIGEST_LEN], const void *from,
    size_t len, struct err *e)
{
	struct blob_loc loc;
	uint8_t *to;
	int rc;

	rc = index_find(w->pool->index, PACK_DATA, id, &loc, e);
	if (rc != 0)
		return (rc == 1 ? 0 : -1);
	if ((rc = idset_add(w->pool->stored, id)) == -1)
		return (err_nomem(e));
	if (rc == 0)
		return (0);
	if (from != NULL) {
		if ((to = pack_writer_reserve(w->writer, len, e)) == NULL)
			return (-1);
		memcpy(to, from, len);
	}
	return (pack_writer_add(w->writer, id, len, e));
}

static void
run_batch(struct worker *w, struct batch *b)
{
	struct err e = { .kind = ERR_NONE };
	size_t i;

	w->slow = w->opened = 0;
	for (i = 0; i < b->n && !pool_failed(w->pool); i++) {
		if (b->items[i].kind != ITEM_READ)
			continue;
		if (cancel_check(&e) == -1)
			pool_fail_source(w->pool, &e);
		else if (read_item(w, b, &b->items[i], &e) == -1)
			pool_fail(w->pool, &e);
		else
			b->items[i].read = 1;
	}
	prefetch_judge(w->pool, w->slow, w->opened);
	pool_part_done(w->pool, b);
}

/* Have tar on the node always know what comes next, if anything does. */
static void
ask_ahead(struct worker *w, struct err *e)
{
	struct task *t;

	while (w->held == NULL && lane_room(w->lane)) {
		if ((t = queue_try_pop(w->pool->queue)) == NULL) {
			if (lane_pending(w->lane) == lane_newest(w->lane))
				lane_last(w->lane);
			return;
		}
		if (t->type == TASK_CUTS)
			large_run_cuts(w, (struct cut_job *)(void *)t);
		else if (lane_ask(w->lane, t->batch, e) == -1)
			w->held = t;
		else
			free(t);
	}
}

/* A batch of a node's files, and those that are asked for meanwhile. */
static void
run_node_batch(struct worker *w, struct batch *b)
{
	struct pool *p = w->pool;
	struct err e = { .kind = ERR_NONE };
	int rc = 0;

	if (w->lane == NULL && !pool_failed(p))
		w->lane = lane_new(p, p->node, &e);
	if (w->lane == NULL || pool_failed(p)) {
		pool_fail(p, &e);
		pool_part_done(p, b);
		return;
	}
	if (lane_ask(w->lane, b, &e) == -1)
		pool_fail_source(p, &e);
	while ((b = lane_pending(w->lane)) != NULL && rc == 0 &&
	    !pool_failed(p)) {
		ask_ahead(w, &e);
		if ((rc = receive_batch(w, w->lane, &e)) == 0)
			pool_part_done(p, b);
		else if (lane_broken(w->lane) || cancel_check(&e) == -1)
			pool_fail_source(p, &e);
		else
			pool_fail(p, &e);
	}
	while ((b = lane_drop(w->lane)) != NULL)
		pool_part_done(p, b);
}

/* What was stored before a source was lost is as good as ever. */
static int
may_commit(struct pool *p)
{
	int may;

	pthread_mutex_lock(&p->lock);
	may = p->err.kind == ERR_NONE || p->resumable;
	pthread_mutex_unlock(&p->lock);
	return (may);
}

static void *
worker_main(void *arg)
{
	struct worker *w = arg;
	struct pool *p = w->pool;
	struct err e = { .kind = ERR_NONE };
	struct task *t;

	while ((t = w->held != NULL ? w->held : queue_pop(p->queue)) !=
	    NULL) {
		w->held = NULL;
		if (t->type == TASK_CUTS) {
			large_run_cuts(w, (struct cut_job *)(void *)t);
			continue;
		}
		if (t->batch->root != NULL)
			run_node_batch(w, t->batch);
		else
			run_batch(w, t->batch);
		free(t);
	}
	if (may_commit(p) && pack_writer_commit(w->writer, &e) == -1)
		pool_fail(p, &e);
	lane_free(w->lane);
	pack_writer_free(w->writer);
	digest_free(w->digest);
	digest_free(w->whole);
	large_free_job(w->spare);
	buf_fini(&w->scratch);
	buf_fini(&w->value);
	free(w);
	return (NULL);
}

static int
start_worker(struct pool *p, struct err *e)
{
	struct worker *w;

	if ((w = calloc(1, sizeof(*w))) == NULL)
		return (err_nomem(e));
	w->pool = p;
	w->digest = digest_new();
	w->whole = digest_new();
	if (w->digest == NULL || w->whole == NULL) {
		err_nomem(e);
		goto fail;
	}
	w->writer = pack_writer_new(p->vault, PACK_DATA, p->committer, e);
	if (w->writer == NULL)
		goto fail;
	if (pthread_create(&p->threads[p->nthreads], NULL, worker_main,
	    w) != 0) {
		err_set(e, ERR_FAILED, "cannot start a thread");
		goto fail;
	}
	p->nthreads++;
	return (0);
fail:
	pack_writer_free(w->writer);
	digest_free(w->digest);
	digest_free(w->whole);
	free(w);
	return (-1);
}

int
pool_start(struct pool *p, unsigned threads, struct err *e)
{
	const struct vaultmeta *m = &p->vault->meta;

	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->done, NULL);
	pthread_cond_init(&p->cold, NULL);
	TAILQ_INIT(&p->batches);
	cutter_init(&p->cutter, m->cut_min, m->cut_avg, m->cut_max);
	p->stored = idset_new();
	p->queue = queue_new(QUEUE_LEN + 2 * threads);
	p->threads = calloc(threads, sizeof(*p->threads));
	if (p->stored == NULL || p->queue == NULL || p->threads == NULL)
		return (err_nomem(e));
	while (p->nthreads < threads)
		if (start_worker(p, e) == -1)
			return (-1);
	return (0);
}

int
pool_submit(struct pool *p, struct batch *b, struct err *e)
{
	struct task *t = NULL;
	int failed;

	if (b->work > 0 && (t = calloc(1, sizeof(*t))) == NULL)
		return (err_nomem(e));
	pthread_mutex_lock(&p->lock);
	b->done = b->work == 0;
	b->pending = 1;
	TAILQ_INSERT_TAIL(&p->batches, b, link);
	p->nbatches++;
	failed = p->err.kind != ERR_NONE;
	if (failed)
		*e = p->err;
	if (p->is_cold)
		pthread_cond_broadcast(&p->cold);
	pthread_mutex_unlock(&p->lock);
	if (failed || t == NULL) {
		free(t);
		return (failed ? -1 : 0);
	}
	t->type = TASK_BATCH;
	t->batch = b;
	if (queue_push(p->queue, t) == -1) {
		free(t);
		return (err_set(e, ERR_FAILED, "the run is ending"));
	}
	return (0);
}

struct batch *
pool_take(struct pool *p, int wait, struct err *e)
{
	struct batch *b;

	e->kind = ERR_NONE;
	pthread_mutex_lock(&p->lock);
	b = TAILQ_FIRST(&p->batches);
	while (wait && b != NULL && p->err.kind == ERR_NONE &&
	    (!b->done || b->prefetching > 0))
		pthread_cond_wait(&p->done, &p->lock);
	if (p->err.kind != ERR_NONE) {
		*e = p->err;
		b = NULL;
	} else if (b != NULL && (!b->done || b->prefetching > 0))
		b = NULL;
	if (b != NULL) {
		TAILQ_REMOVE(&p->batches, b, link);
		p->nbatches--;
	}
	pthread_mutex_unlock(&p->lock);
	return (b);
}

unsigned
pool_depth(struct pool *p)
{
	return (p->nbatches);	/* changed by the caller's thread only */
}

static void
stop(struct pool *p)
{
	unsigned i;

	pthread_mutex_lock(&p->lock);
	p->stop = 1;
	pthread_cond_broadcast(&p->cold);
	pthread_mutex_unlock(&p->lock);
	if (p->queue != NULL)
		queue_close(p->queue);
	for (i = 0; i < p->nthreads; i++)
		pthread_join(p->threads[i], NULL);
	for (i = 0; i < p->nprefetchers; i++)
		pthread_join(p->prefetchers[i], NULL);
	p->nthreads = p->nprefetchers = 0;
}

int
pool_finish(struct pool *p, struct err *e)
{
	stop(p);
	if (p->err.kind != ERR_NONE) {
		*e = p->err;
		return (-1);
	}
	idset_free(p->stored);
	p->stored = NULL;
	return (0);
}

void
pool_fini(struct pool *p)
{
	struct batch *b;

	stop(p);
	while ((b = TAILQ_FIRST(&p->batches)) != NULL) {
		TAILQ_REMOVE(&p->batches, b, link);
		batch_free(b);
	}
	idset_free(p->stored);
	queue_free(p->queue);
	known_free(p->known);
	free(p->threads);
	free(p->prefetchers);
	pthread_cond_destroy(&p->done);
	pthread_cond_destroy(&p->cold);
	pthread_mutex_destroy(&p->lock);
}
