#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define ZLIB_CONST
#include <zlib.h>

#include "base/cpu.h"
#include "base/queue.h"
#include "imgxfer/gzout.h"

#define PIECE ((size_t)512 << 10)
#define WINDOW ((size_t)32 << 10)	/* deflate looks back so far */
#define TRIAL ((size_t)4 << 10)
#define TRIALS 4
#define STORED_MAX 65535		/* bytes of a stored block */
#define THREADS_MAX 16

/* A piece: window bytes of what precedes it, then its own. */
struct piece {
	uint8_t *data;
	size_t window, len;	/* len: without the window */
	uint8_t *out;
	size_t out_cap, out_len;
	uint32_t crc;
	int last;
	int busy;		/* with a thread; under lock */
	int failed;
};

struct thread {
	struct gzout *z;
	pthread_t id;
	z_stream deep, trial;
	int has_deep, has_trial;
};

struct gzout {
	struct sink to;
	int level;
	struct queue *queue;
	struct thread *threads;
	unsigned nthreads, running;
	pthread_mutex_t lock;
	pthread_cond_t done;
	/* As in vault/intake.c: one being filled, the oldest to be written. */
	struct piece *pieces;
	size_t npieces, at, oldest;
	uint32_t crc;
	uint64_t in_bytes, out_bytes;
	int begun;
};

static int
begin_stream(z_stream *s, int level, int window_bits, int mem_level)
{
	memset(s, 0, sizeof(*s));
	return (deflateInit2(s, level, Z_DEFLATED, -window_bits, mem_level,
	    Z_DEFAULT_STRATEGY) == Z_OK);
}

/* Whether samples of the piece shrink by less than a thirtieth. */
static int
is_dense(struct thread *t, const struct piece *p)
{
	uint8_t out[TRIAL + TRIAL / 8 + 64];
	size_t i, n, total = 0, shrunk = 0;
	z_stream *s = &t->trial;

	if (p->len < TRIALS * TRIAL)
		return (0);
	for (i = 0; i < TRIALS; i++) {
		if (deflateReset(s) != Z_OK)
			return (0);
		n = (p->len - TRIAL) / (TRIALS - 1) * i;
		s->next_in = p->data + p->window + n;
		s->avail_in = TRIAL;
		s->next_out = out;
		s->avail_out = sizeof(out);
		if (deflate(s, Z_FINISH) != Z_STREAM_END)
			return (0);
		total += TRIAL;
		shrunk += sizeof(out) - s->avail_out;
	}
	return (shrunk > total - total / 30);
}

/* RFC 1951, section 3.2.4; what precedes ends on a whole byte. */
static void
store_piece(struct piece *p)
{
	const uint8_t *from = p->data + p->window;
	size_t left = p->len, n;
	uint8_t *to = p->out;

	do {
		n = left < STORED_MAX ? left : STORED_MAX;
		*to++ = p->last && n == left;
		*to++ = (uint8_t)n;
		*to++ = (uint8_t)(n >> 8);
		*to++ = (uint8_t)~n;
		*to++ = (uint8_t)(~n >> 8);
		memcpy(to, from, n);
		to += n;
		from += n;
		left -= n;
	} while (left > 0);
	p->out_len = (size_t)(to - p->out);
}

static int
deflate_piece(struct thread *t, struct piece *p)
{
	z_stream *s = &t->deep;
	int rc;

	if (deflateReset(s) != Z_OK || (p->window > 0 &&
	    deflateSetDictionary(s, p->data, (uInt)p->window) != Z_OK))
		return (-1);
	s->next_in = p->data + p->window;
	s->avail_in = (uInt)p->len;
	s->next_out = p->out;
	s->avail_out = (uInt)p->out_cap;
	rc = deflate(s, p->last ? Z_FINISH : Z_SYNC_FLUSH);
	p->out_len = p->out_cap - s->avail_out;
	return (rc == (p->last ? Z_STREAM_END : Z_OK) &&
	    s->avail_in == 0 && s->avail_out > 0 ? 0 : -1);
}

static void
do_piece(struct thread *t, struct piece *p)
{
	p->crc = (uint32_t)crc32(0, p->data + p->window, (uInt)p->len);
	p->failed = 0;
	if (is_dense(t, p))
		store_piece(p);
	else if (deflate_piece(t, p) == -1)
		p->failed = 1;
}

static void *
thread_main(void *arg)
{
	struct thread *t = arg;
	struct gzout *z = t->z;
	struct piece *p;

	while ((p = queue_pop(z->queue)) != NULL) {
		do_piece(t, p);
		pthread_mutex_lock(&z->lock);
		p->busy = 0;
		pthread_cond_signal(&z->done);
		pthread_mutex_unlock(&z->lock);
	}
	return (NULL);
}

void
gzout_free(struct gzout *z)
{
	struct thread *t;
	size_t i;

	if (z == NULL)
		return;
	if (z->queue != NULL)
		queue_close(z->queue);
	while (z->running > 0)
		pthread_join(z->threads[--z->running].id, NULL);
	for (i = 0; i < z->nthreads; i++) {
		t = &z->threads[i];
		if (t->has_deep)
			(void)deflateEnd(&t->deep);
		if (t->has_trial)
			(void)deflateEnd(&t->trial);
	}
	for (i = 0; i < z->npieces; i++) {
		free(z->pieces[i].data);
		free(z->pieces[i].out);
	}
	queue_free(z->queue);
	pthread_mutex_destroy(&z->lock);
	pthread_cond_destroy(&z->done);
	free(z->threads);
	free(z->pieces);
	free(z);
}

static int
start_thread(struct gzout *z, struct err *e)
{
	struct thread *t = &z->threads[z->nthreads++];

	t->z = z;
	t->has_deep = begin_stream(&t->deep, z->level, 15, 9);
	/* As small as a sample: it is begun anew for each. */
	t->has_trial = begin_stream(&t->trial, 1, 12, 5);
	if (!t->has_deep || !t->has_trial)
		return (err_nomem(e));
	if (pthread_create(&t->id, NULL, thread_main, t) != 0)
		return (err_set(e, ERR_FAILED, "cannot start a thread"));
	z->running++;
	return (0);
}

static int
start(struct gzout *z, unsigned threads, struct err *e)
{
	size_t n = 2 * threads + 1;
	struct piece *p;

	z->queue = queue_new(n);
	z->threads = calloc(threads, sizeof(*z->threads));
	z->pieces = calloc(n, sizeof(*z->pieces));
	if (z->queue == NULL || z->threads == NULL || z->pieces == NULL)
		return (err_nomem(e));
	for (; z->npieces < n; z->npieces++) {
		p = &z->pieces[z->npieces];
		/* More than zlib's own bound, and room for its flush. */
		p->out_cap = PIECE + PIECE / 8 + 4096;
		p->data = malloc(WINDOW + PIECE);
		p->out = malloc(p->out_cap);
		if (p->data == NULL || p->out == NULL) {
			free(p->data);
			free(p->out);
			return (err_nomem(e));
		}
	}
	while (z->nthreads < threads)
		if (start_thread(z, e) == -1)
			return (-1);
	return (0);
}

struct gzout *
gzout_new(const struct sink *to, int level, struct err *e)
{
	struct gzout *z;

	if ((z = calloc(1, sizeof(*z))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	z->to = *to;
	z->level = level;
	pthread_mutex_init(&z->lock, NULL);
	pthread_cond_init(&z->done, NULL);
	if (start(z, cpu_count(THREADS_MAX), e) == 0)
		return (z);
	gzout_free(z);
	return (NULL);
}

static int
emit(struct gzout *z, const void *p, size_t len, struct err *e)
{
	/* No name, no time: RFC 1952, section 2.3; of Unix. */
	static const uint8_t head[] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3 };

	if (!z->begun) {
		z->begun = 1;
		if (emit(z, head, sizeof(head), e) == -1)
			return (-1);
	}
	z->out_bytes += len;
	return (z->to.write(z->to.arg, p, len, e));
}

/* Wait for the oldest piece handed over, and write it. */
static int
take_back(struct gzout *z, struct err *e)
{
	struct piece *p = &z->pieces[z->oldest];

	pthread_mutex_lock(&z->lock);
	while (p->busy)
		pthread_cond_wait(&z->done, &z->lock);
	pthread_mutex_unlock(&z->lock);
	z->oldest = (z->oldest + 1) % z->npieces;
	if (p->failed)
		return (err_set(e, ERR_FAILED, "zlib cannot compress"));
	z->crc = (uint32_t)crc32_combine(z->crc, p->crc, (z_off_t)p->len);
	z->in_bytes += p->len;
	return (emit(z, p->out, p->out_len, e));
}

/* Give the piece at hand to a thread; the next begins with its end. */
static int
hand_over(struct gzout *z, int last, struct err *e)
{
	struct piece *p = &z->pieces[z->at], *next;
	size_t all = p->window + p->len;

	z->at = (z->at + 1) % z->npieces;
	if (z->at == z->oldest && take_back(z, e) == -1)
		return (-1);
	next = &z->pieces[z->at];
	next->len = 0;
	next->window = all < WINDOW ? all : WINDOW;
	memcpy(next->data, p->data + all - next->window, next->window);
	p->last = last;
	p->busy = 1;
	if (queue_push(z->queue, p) == -1)
		return (err_set(e, ERR_FAILED, "compression is ending"));
	return (0);
}

int
gzout_write(void *gzout, const void *from, size_t len, struct err *e)
{
	const uint8_t *at = from;
	struct gzout *z = gzout;
	struct piece *p;
	size_t n;

	for (; len > 0; at += n, len -= n) {
		if (z->pieces[z->at].len == PIECE &&
		    hand_over(z, 0, e) == -1)
			return (-1);
		p = &z->pieces[z->at];
		n = PIECE - p->len < len ? PIECE - p->len : len;
		memcpy(p->data + p->window + p->len, at, n);
		p->len += n;
	}
	return (0);
}

struct sink
gzout_sink(struct gzout *z)
{
	struct sink s = { gzout_write, z };

	return (s);
}

int
gzout_commit(struct gzout *z, struct err *e)
{
	uint8_t tail[8];
	size_t i;

	if (hand_over(z, 1, e) == -1)
		return (-1);
	while (z->oldest != z->at)
		if (take_back(z, e) == -1)
			return (-1);
	for (i = 0; i < 4; i++) {
		tail[i] = (uint8_t)(z->crc >> 8 * i);
		tail[4 + i] = (uint8_t)(z->in_bytes >> 8 * i);
	}
	return (emit(z, tail, sizeof(tail), e));
}

uint64_t
gzout_bytes(const struct gzout *z)
{
	return (z->out_bytes);
}
