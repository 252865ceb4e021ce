#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "backup/large.h"
#include "base/cancel.h"
#include "base/io.h"
#include "vault/bloblist.h"

#define PIECE_BYTES (4 << 20)	/* read at a time, besides what is carried */

struct cut {
	uint32_t off, len;
	uint8_t id[DIGEST_LEN];
};

/* A piece of a file: whole cuts, and behind them what is carried on. */
struct cut_job {
	struct task task;	/* first: it travels in the queue */
	struct large *file;
	uint64_t seq;
	uint8_t *data;
	size_t cap, len, used;	/* read; of it, in cuts */
	struct cut *cuts;
	size_t ncuts, cuts_cap;
	int refs;		/* atomic: reader, and whoever stores */
};

/* The ids of a piece that was stored before its turn. */
struct early {
	struct early *next;	/* by seq */
	uint64_t seq;
	size_t ncuts;
	struct cut cuts[];
};

struct large {
	struct pool *pool;
	struct batch *batch;
	struct item *item;
	pthread_mutex_t lock;
	struct early *early;	/* under lock */
	uint64_t next_seq;	/* to be listed; under lock */
	unsigned outstanding;	/* jobs handed over; under lock */
	int read;		/* all of it; under lock */
	int aborted;		/* or not, and the entry is another's */
	int handed;		/* finishing it is a part of the batch */
	struct bloblist list;
	uint8_t digest[DIGEST_LEN];
};

void
large_free_job(struct cut_job *job)
{
	if (job == NULL)
		return;
	free(job->data);
	free(job->cuts);
	free(job);
}

static void
unref_job(struct worker *w, struct cut_job *job)
{
	if (__atomic_sub_fetch(&job->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	if (w->spare == NULL)
		w->spare = job;
	else
		large_free_job(job);
}

static struct cut_job *
new_job(struct worker *w, struct large *f, uint64_t seq)
{
	struct cut_job *job = w->spare;

	if (job != NULL)
		w->spare = NULL;
	else {
		if ((job = calloc(1, sizeof(*job))) == NULL)
			return (NULL);
		job->cap = PIECE_BYTES + w->pool->vault->meta.cut_max;
		job->cuts_cap = job->cap / w->pool->vault->meta.cut_min + 2;
		job->data = malloc(job->cap);
		job->cuts = malloc(job->cuts_cap * sizeof(*job->cuts));
		if (job->data == NULL || job->cuts == NULL) {
			large_free_job(job);
			return (NULL);
		}
	}
	job->task.type = TASK_CUTS;
	job->task.batch = f->batch;
	job->file = f;
	job->seq = seq;
	job->len = job->used = job->ncuts = 0;
	job->refs = 1;
	return (job);
}

/* The last piece is stored: complete the entry. */
static int
finish(struct large *f, struct err *e)
{
	struct entry *ent = &f->item->ent;
	struct span *blobs = &ent->blobs;

	memcpy(ent->digest, f->digest, DIGEST_LEN);
	if (bloblist_finish(&f->list, ent, e) == -1)
		return (-1);
	if (f->list.in_tree || f->list.n < 2)
		return (0);
	blobs->p = arena_copy(&f->batch->arena, blobs->p, blobs->len);
	return (blobs->p != NULL ? 0 : err_nomem(e));
}

static void
free_large(struct large *f)
{
	struct early *y;

	while ((y = f->early) != NULL) {
		f->early = y->next;
		free(y);
	}
	bloblist_fini(&f->list);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

static int
list_cuts(struct large *f, const struct cut *cuts, size_t n, struct err *e)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (bloblist_add(&f->list, cuts[i].id, cuts[i].len,
		    e) == -1)
			return (-1);
	f->next_seq++;
	return (0);
}

/* Under the lock: list the piece, or keep its ids until its turn comes. */
static int
take_piece(struct large *f, const struct cut_job *job, struct err *e)
{
	struct early *y, **at;
	int rc;

	if (job->seq != f->next_seq) {
		y = malloc(sizeof(*y) + job->ncuts * sizeof(*y->cuts));
		if (y == NULL)
			return (err_nomem(e));
		y->seq = job->seq;
		y->ncuts = job->ncuts;
		memcpy(y->cuts, job->cuts, job->ncuts * sizeof(*y->cuts));
		for (at = &f->early; *at != NULL && (*at)->seq < y->seq;
		    at = &(*at)->next)
			;
		y->next = *at;
		*at = y;
		return (0);
	}
	rc = list_cuts(f, job->cuts, job->ncuts, e);
	while (rc == 0 && (y = f->early) != NULL && y->seq == f->next_seq) {
		f->early = y->next;
		rc = list_cuts(f, y->cuts, y->ncuts, e);
		free(y);
	}
	return (rc);
}

/*
 * A piece is stored, or the reader is through (job NULL).  *last: nothing
 * is left to come, and the caller frees the file; its entry is complete
 * unless something failed.
 */
static int
piece_done(struct large *f, const struct cut_job *job, int handed, int *last,
    struct err *e)
{
	int rc = 0;

	pthread_mutex_lock(&f->lock);
	if (job != NULL)
		rc = take_piece(f, job, e);
	else
		f->read = 1;
	f->outstanding -= handed != 0;
	*last = f->read && f->outstanding == 0;
	pthread_mutex_unlock(&f->lock);
	if (*last && rc == 0 && !f->aborted && !pool_failed(f->pool))
		rc = finish(f, e);
	return (rc);
}

static int
store_cuts(struct worker *w, struct cut_job *job, struct err *e)
{
	struct cut *c;
	size_t i;

	for (i = 0; i < job->ncuts; i++) {
		c = &job->cuts[i];
		/* A file of one cut: its digest is the blob's id. */
		digest_bytes(w->digest, job->data + c->off, c->len, c->id);
		if (worker_put(w, c->id, job->data + c->off, c->len,
		    e) == -1)
			return (-1);
	}
	return (0);
}

static void
complete(struct worker *w, struct large *f)
{
	struct batch *b = f->batch;
	int handed = f->handed;

	free_large(f);
	if (handed)
		pool_part_done(w->pool, b);
}

void
large_run_cuts(struct worker *w, struct cut_job *job)
{
	struct large *f = job->file;
	struct err e = { .kind = ERR_NONE };
	int last;

	__atomic_sub_fetch(&w->pool->handed, 1, __ATOMIC_RELAXED);
	if (!pool_failed(w->pool) && store_cuts(w, job, &e) == -1)
		pool_fail(w->pool, &e);
	if (piece_done(f, job, 1, &last, &e) == -1)
		pool_fail(w->pool, &e);
	unref_job(w, job);
	if (last)
		complete(w, f);
}

/* Let an idle worker store the piece, if there may be one. */
static int
hand_over(struct worker *w, struct large *f, struct cut_job *job)
{
	struct pool *p = w->pool;

	if (f->item->st.size < BATCH_LARGE ||
	    __atomic_load_n(&p->handed, __ATOMIC_RELAXED) >= p->nthreads)
		return (0);
	pthread_mutex_lock(&f->lock);
	f->outstanding++;
	pthread_mutex_unlock(&f->lock);
	__atomic_add_fetch(&job->refs, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&p->handed, 1, __ATOMIC_RELAXED);
	if (queue_try_push_front(p->queue, &job->task) == 0)
		return (1);
	__atomic_sub_fetch(&p->handed, 1, __ATOMIC_RELAXED);
	__atomic_sub_fetch(&job->refs, 1, __ATOMIC_RELAXED);
	pthread_mutex_lock(&f->lock);
	f->outstanding--;
	pthread_mutex_unlock(&f->lock);
	return (0);
}

/* Fill the buffer from the file.  Bytes wanted fell short: end of file. */
static int
fill(struct cut_job *job, const struct large_input *in, uint64_t off,
    uint64_t left, int *last, struct err *e)
{
	size_t want = job->cap - job->len;
	ssize_t n;

	if (want > left)
		want = (size_t)left;
	n = in->read(in->arg, job->data + job->len, want, off, e);
	if (n == -1)
		return (-1);
	job->len += (size_t)n;
	*last = (size_t)n < want || want == left;
	return (0);
}

static void
cut_piece(const struct pool *p, struct cut_job *job, int last)
{
	struct cut *c;
	size_t n;

	while (job->used < job->len && job->ncuts < job->cuts_cap) {
		n = cutter_next(&p->cutter, job->data + job->used,
		    job->len - job->used, last);
		if (n == 0)
			break;
		c = &job->cuts[job->ncuts++];
		c->off = (uint32_t)job->used;
		c->len = (uint32_t)n;
		job->used += n;
	}
}

/*
 * Whether the file lay in the page cache before we came: then it is left
 * there, otherwise what was read is dropped again, so that a backup does
 * not push out what the node works with.
 */
static int
was_cached(int fd)
{
	char c;
	struct iovec iov = { &c, 1 };

	return (preadv2(fd, &iov, 1, 0, RWF_NOWAIT) == 1 ||
	    (errno != EAGAIN && errno != EWOULDBLOCK));
}

/* Store one piece here or elsewhere; the whole digest goes on meanwhile. */
static int
do_piece(struct worker *w, struct large *f, struct cut_job *job,
    struct err *e)
{
	int handed = hand_over(w, f, job), last;

	if (!handed && store_cuts(w, job, e) == -1)
		return (-1);
	digest_update(w->whole, job->data, job->used);
	progress_add(w->pool->progress, 0, job->used);
	if (handed)
		return (0);
	return (piece_done(f, job, 0, &last, e));
}

/* The reader's loop.  1 read, 0 the file cannot be read, -1 failure. */
static int
read_pieces(struct worker *w, struct large *f,
    const struct large_input *in, struct err *e)
{
	uint64_t off = 0, left = f->item->st.size, seq = 0;
	struct cut_job *job, *next;
	int last = 0, rc = 1, cached = in->fd == -1 || was_cached(in->fd);
	size_t had;

	if ((job = new_job(w, f, seq++)) == NULL)
		return (err_nomem(e));
	while (!last && !pool_failed(w->pool)) {
		if (cancel_check(e) == -1) {
			unref_job(w, job);
			return (-1);
		}
		had = job->len;
		if (fill(job, in, off, left, &last, e) == -1) {
			unref_job(w, job);
			return (0);
		}
		if (!cached)
			(void)posix_fadvise(in->fd, (off_t)off,
			    (off_t)(job->len - had), POSIX_FADV_DONTNEED);
		off += job->len - had;
		left -= job->len - had;
		cut_piece(w->pool, job, last);
		next = last ? NULL : new_job(w, f, seq++);
		if (!last && next == NULL) {
			unref_job(w, job);
			return (err_nomem(e));
		}
		if (next != NULL) {
			next->len = job->len - job->used;
			memcpy(next->data, job->data + job->used, next->len);
		}
		rc = do_piece(w, f, job, e) == -1 ? -1 : 1;
		unref_job(w, job);
		job = next;
		if (rc == -1)
			break;
	}
	if (job != NULL)
		unref_job(w, job);
	return (rc);
}

int
large_read(struct worker *w, struct batch *b, struct item *it,
    const struct large_input *in, struct err *e)
{
	struct err ignored;
	struct large *f;
	int rc, last;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		return (err_nomem(e));
	f->pool = w->pool;
	f->batch = b;
	f->item = it;
	bloblist_init(&f->list, catalog_sink_put, w->pool->sink);
	pthread_mutex_init(&f->lock, NULL);
	if (it->st.size >= BATCH_LARGE) {
		f->handed = 1;
		__atomic_add_fetch(&b->pending, 1, __ATOMIC_RELAXED);
	}
	digest_reset(w->whole);
	rc = read_pieces(w, f, in, e);
	digest_final(w->whole, f->digest);
	__atomic_add_fetch(&w->pool->read_bytes, it->st.size,
	    __ATOMIC_RELAXED);
	if (rc != 1) {
		pthread_mutex_lock(&f->lock);
		f->aborted = 1;
		pthread_mutex_unlock(&f->lock);
	}
	/* An error of the file comes first, but pieces may be under way. */
	if (piece_done(f, NULL, 0, &last, rc == 1 ? e : &ignored) == -1 &&
	    rc == 1)
		rc = -1;
	if (last)
		complete(w, f);
	return (rc);
}
