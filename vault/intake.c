#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/queue.h"
#include "formats/cutter.h"
#include "vault/idset.h"
#include "vault/intake.h"
#include "vault/pack.h"

#define PIECE_BYTES ((size_t)1 << 20)	/* besides what is carried on */
#define CUTS_FORCED 16			/* room for those, in a piece */

struct cut {
	uint32_t off, len;
	uint8_t id[DIGEST_LEN];
};

/* A piece of a file: whole cuts, and behind them what is carried on. */
struct piece {
	uint8_t *data;
	size_t len, used;	/* filled; of it, in cuts */
	struct cut *cuts;
	size_t ncuts;
	int busy;		/* with a thread; under lock */
};

struct thread {
	struct intake *in;
	pthread_t id;
	struct pack_writer *writer;
	struct digest *digest;
};

struct intake {
	struct intake_target to;
	struct cutter cutter;
	struct idset *stored;
	struct digest *whole;
	struct bloblist list;
	struct queue *queue;	/* of pieces to be stored */
	struct thread *threads;
	unsigned nthreads, running;
	pthread_mutex_t lock;
	pthread_cond_t done;	/* a piece is no longer busy */
	struct err err;		/* the first failure; under lock */
	int commit;		/* set before the queue is closed */
	/*
	 * A ring of pieces: the one being filled, and behind it, oldest
	 * first, those handed over whose ids are not listed yet.
	 */
	struct piece *pieces;
	size_t npieces, at, oldest;
	size_t cap, cuts_cap;	/* of each */
};

static void
set_failed(struct intake *in, const struct err *e)
{
	pthread_mutex_lock(&in->lock);
	if (in->err.kind == ERR_NONE)
		in->err = *e;
	pthread_mutex_unlock(&in->lock);
}

static int
failed(struct intake *in, struct err *e)
{
	int rc = 0;

	pthread_mutex_lock(&in->lock);
	if (in->err.kind != ERR_NONE) {
		*e = in->err;
		rc = -1;
	}
	pthread_mutex_unlock(&in->lock);
	return (rc);
}

/* A vault that has lost blobs is not leaned on: they are stored anew. */
static int
put_blob(struct thread *t, const uint8_t *p, struct cut *c, struct err *e)
{
	struct index *ix = t->in->to.index;
	struct blob_loc loc;
	uint8_t *to;
	int rc;

	digest_bytes(t->digest, p, c->len, c->id);
	if ((rc = idset_add(t->in->stored, c->id)) == -1)
		return (err_nomem(e));
	if (rc == 0)
		return (0);
	if (!index_damaged(ix) &&
	    (rc = index_find(ix, PACK_DATA, c->id, &loc, e)) != 0)
		return (rc == 1 ? 0 : -1);
	if ((to = pack_writer_reserve(t->writer, c->len, e)) == NULL)
		return (-1);
	memcpy(to, p, c->len);
	return (pack_writer_add(t->writer, c->id, c->len, e));
}

static int
store_piece(struct thread *t, struct piece *p, struct err *e)
{
	size_t i;

	for (i = 0; i < p->ncuts; i++)
		if (put_blob(t, p->data + p->cuts[i].off, &p->cuts[i],
		    e) == -1)
			return (-1);
	return (0);
}

static void *
thread_main(void *arg)
{
	struct thread *t = arg;
	struct intake *in = t->in;
	struct piece *p;
	struct err e;

	while ((p = queue_pop(in->queue)) != NULL) {
		if (failed(in, &e) == 0 && store_piece(t, p, &e) == -1)
			set_failed(in, &e);
		pthread_mutex_lock(&in->lock);
		p->busy = 0;
		pthread_cond_signal(&in->done);
		pthread_mutex_unlock(&in->lock);
	}
	if (in->commit && failed(in, &e) == 0 &&
	    pack_writer_commit(t->writer, &e) == -1)
		set_failed(in, &e);
	return (NULL);
}

static void
stop(struct intake *in)
{
	if (in->queue != NULL)
		queue_close(in->queue);
	while (in->running > 0)
		pthread_join(in->threads[--in->running].id, NULL);
}

void
intake_free(struct intake *in)
{
	size_t i;

	if (in == NULL)
		return;
	stop(in);
	for (i = 0; i < in->nthreads; i++) {
		pack_writer_free(in->threads[i].writer);
		digest_free(in->threads[i].digest);
	}
	for (i = 0; i < in->npieces; i++) {
		free(in->pieces[i].data);
		free(in->pieces[i].cuts);
	}
	bloblist_fini(&in->list);
	idset_free(in->stored);
	digest_free(in->whole);
	queue_free(in->queue);
	pthread_mutex_destroy(&in->lock);
	pthread_cond_destroy(&in->done);
	free(in->pieces);
	free(in->threads);
	free(in);
}

static int
start_thread(struct intake *in, struct err *e)
{
	struct thread *t = &in->threads[in->nthreads];

	t->in = in;
	in->nthreads++;
	if ((t->digest = digest_new()) == NULL)
		return (err_nomem(e));
	t->writer = pack_writer_new(in->to.vault, PACK_DATA,
	    in->to.committer, e);
	if (t->writer == NULL)
		return (-1);
	if (pthread_create(&t->id, NULL, thread_main, t) != 0)
		return (err_set(e, ERR_FAILED, "cannot start a thread"));
	in->running++;
	return (0);
}

static int
make_pieces(struct intake *in, unsigned threads, struct err *e)
{
	const struct vaultmeta *m = &in->to.vault->meta;
	struct piece *p;
	size_t n = 2 * threads + 1;

	in->cap = PIECE_BYTES + m->cut_max;
	in->cuts_cap = in->cap / m->cut_min + 2 + CUTS_FORCED;
	if ((in->pieces = calloc(n, sizeof(*in->pieces))) == NULL)
		return (err_nomem(e));
	for (; in->npieces < n; in->npieces++) {
		p = &in->pieces[in->npieces];
		p->data = malloc(in->cap);
		p->cuts = malloc(in->cuts_cap * sizeof(*p->cuts));
		if (p->data == NULL || p->cuts == NULL) {
			free(p->data);
			free(p->cuts);
			return (err_nomem(e));
		}
	}
	return (0);
}

static int
start(struct intake *in, unsigned threads, struct err *e)
{
	const struct vaultmeta *m = &in->to.vault->meta;

	cutter_init(&in->cutter, m->cut_min, m->cut_avg, m->cut_max);
	in->stored = idset_new();
	in->whole = digest_new();
	in->queue = queue_new(2 * threads + 1);
	in->threads = calloc(threads, sizeof(*in->threads));
	if (in->stored == NULL || in->whole == NULL || in->queue == NULL ||
	    in->threads == NULL)
		return (err_nomem(e));
	if (make_pieces(in, threads, e) == -1)
		return (-1);
	while (in->nthreads < threads)
		if (start_thread(in, e) == -1)
			return (-1);
	return (0);
}

struct intake *
intake_new(const struct intake_target *t, unsigned threads, struct err *e)
{
	struct intake *in;

	if ((in = calloc(1, sizeof(*in))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	in->to = *t;
	pthread_mutex_init(&in->lock, NULL);
	pthread_cond_init(&in->done, NULL);
	if (start(in, threads, e) == 0)
		return (in);
	intake_free(in);
	return (NULL);
}

/* Wait for the oldest piece handed over, and list its ids. */
static int
take_back(struct intake *in, struct err *e)
{
	struct piece *p = &in->pieces[in->oldest];
	size_t i;

	pthread_mutex_lock(&in->lock);
	while (p->busy)
		pthread_cond_wait(&in->done, &in->lock);
	pthread_mutex_unlock(&in->lock);
	in->oldest = (in->oldest + 1) % in->npieces;
	if (failed(in, e) == -1)
		return (-1);
	for (i = 0; i < p->ncuts; i++)
		if (bloblist_add(&in->list, p->cuts[i].id, p->cuts[i].len,
		    e) == -1)
			return (-1);
	return (0);
}

/* last: what has been filled in ends here, for the cutter. */
static void
cut_piece(struct intake *in, struct piece *p, int last)
{
	struct cut *c;
	size_t n;

	while (p->used < p->len && p->ncuts < in->cuts_cap) {
		n = cutter_next(&in->cutter, p->data + p->used,
		    p->len - p->used, last);
		if (n == 0)
			break;
		c = &p->cuts[p->ncuts++];
		c->off = (uint32_t)p->used;
		c->len = (uint32_t)n;
		p->used += n;
	}
}

/* Give the piece at hand to a thread, and go on with the next one. */
static int
hand_over(struct intake *in, struct err *e)
{
	struct piece *p = &in->pieces[in->at], *next;

	in->at = (in->at + 1) % in->npieces;
	if (in->at == in->oldest && take_back(in, e) == -1)
		return (-1);
	next = &in->pieces[in->at];
	next->used = next->ncuts = 0;
	next->len = p->len - p->used;
	memcpy(next->data, p->data + p->used, next->len);
	p->busy = 1;
	if (queue_push(in->queue, p) == -1)
		return (err_set(e, ERR_FAILED, "the vault is closing"));
	return (0);
}

void
intake_begin(struct intake *in)
{
	bloblist_fini(&in->list);
	bloblist_init(&in->list, catalog_sink_put, in->to.sink);
	digest_reset(in->whole);
}

int
intake_write(struct intake *in, const void *from, size_t len, struct err *e)
{
	const uint8_t *at = from;
	struct piece *p;
	size_t n;

	digest_update(in->whole, at, len);
	for (; len > 0; at += n, len -= n) {
		p = &in->pieces[in->at];
		if (p->len == in->cap) {
			cut_piece(in, p, 0);
			if (hand_over(in, e) == -1)
				return (-1);
			p = &in->pieces[in->at];
		}
		n = in->cap - p->len < len ? in->cap - p->len : len;
		memcpy(p->data + p->len, at, n);
		p->len += n;
	}
	return (0);
}

int
intake_cut(struct intake *in, struct err *e)
{
	struct piece *p = &in->pieces[in->at];

	while (p->used < p->len) {
		cut_piece(in, p, 1);
		if (p->ncuts < in->cuts_cap)
			break;
		if (hand_over(in, e) == -1)
			return (-1);
		p = &in->pieces[in->at];
	}
	return (0);
}

int
intake_end(struct intake *in, struct entry *ent, struct err *e)
{
	if (intake_cut(in, e) == -1 ||
	    (in->pieces[in->at].ncuts > 0 && hand_over(in, e) == -1))
		return (-1);
	while (in->oldest != in->at)
		if (take_back(in, e) == -1)
			return (-1);
	if (bloblist_finish(&in->list, ent, e) == -1)
		return (-1);
	digest_final(in->whole, ent->digest);
	return (0);
}

int
intake_commit(struct intake *in, struct err *e)
{
	in->commit = 1;
	stop(in);
	return (failed(in, e));
}
