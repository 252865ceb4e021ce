#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
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
	size_t out_cap, out_len;	/* unless it is stored */
	uint32_t crc;
	int last, stored;
	int busy;		/* with a thread; under lock */
	int failed;
};

struct thread {
	struct gzout *z;
	pthread_t id;
	z_stream deep;
	int has_deep;
	struct isal_zstream trial;
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

/*
 * Whether each value is as frequent as any other, or nearly: the sum of the
 * squares is then little more than that of even ones and of chance.
 */
static int
is_even(const uint32_t counts[256], uint64_t n)
{
	uint64_t squares = 0;
	size_t i;

	for (i = 0; i < 256; i++)
		squares += (uint64_t)counts[i] * counts[i];
	return (squares < (n * n / 256 + n) * 5 / 4);
}

/*
 * Whether samples of the piece would hardly shrink: nothing is in them twice,
 * by ISA-L's quickest look, whose codes are fixed; and no codes of their own
 * would be shorter.
 */
static int
is_dense(struct thread *t, const struct piece *p)
{
	uint32_t counts[256] = { 0 };
	uint8_t out[TRIAL + TRIAL / 8 + 64], *at;
	size_t i, j, total = 0, shrunk = 0;
	struct isal_zstream *s = &t->trial;

	if (p->len < TRIALS * TRIAL)
		return (0);
	for (i = 0; i < TRIALS; i++) {
		at = p->data + p->window + (p->len - TRIAL) / (TRIALS - 1) * i;
		for (j = 0; j < TRIAL; j++)
			counts[at[j]]++;
		isal_deflate_stateless_init(s);
		s->end_of_stream = 1;
		s->next_in = at;
		s->avail_in = TRIAL;
		s->next_out = out;
		s->avail_out = sizeof(out);
		if (isal_deflate_stateless(s) != COMP_OK)
			return (0);
		total += TRIAL;
		shrunk += sizeof(out) - s->avail_out;
	}
	return (shrunk > total - total / 30 && is_even(counts, total));
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
	p->crc = crc32_gzip_refl(0, p->data + p->window, p->len);
	p->stored = is_dense(t, p);
	p->failed = !p->stored && deflate_piece(t, p) == -1;
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
	if (!t->has_deep)
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

/* RFC 1951, section 3.2.4; what precedes ends on a whole byte. */
static int
emit_stored(struct gzout *z, const struct piece *p, struct err *e)
{
	const uint8_t *from = p->data + p->window;
	size_t left = p->len, n;
	uint8_t head[5];

	do {
		n = left < STORED_MAX ? left : STORED_MAX;
		left -= n;
		head[0] = p->last && left == 0;
		head[1] = (uint8_t)n;
		head[2] = (uint8_t)(n >> 8);
		head[3] = (uint8_t)~n;
		head[4] = (uint8_t)(~n >> 8);
		if (emit(z, head, sizeof(head), e) == -1 ||
		    emit(z, from, n, e) == -1)
			return (-1);
		from += n;
	} while (left > 0);
	return (0);
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
	return (p->stored ? emit_stored(z, p, e) :
	    emit(z, p->out, p->out_len, e));
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

uint8_t *
gzout_room(struct gzout *z, size_t *len, struct err *e)
{
	struct piece *p = &z->pieces[z->at];

	if (p->len == PIECE) {
		if (hand_over(z, 0, e) == -1)
			return (NULL);
		p = &z->pieces[z->at];
	}
	*len = PIECE - p->len;
	return (p->data + p->window + p->len);
}

void
gzout_filled(struct gzout *z, size_t len)
{
	z->pieces[z->at].len += len;
}

int
gzout_write(void *gzout, const void *from, size_t len, struct err *e)
{
	const uint8_t *at = from;
	struct gzout *z = gzout;
	uint8_t *to;
	size_t n;

	for (; len > 0; at += n, len -= n) {
		if ((to = gzout_room(z, &n, e)) == NULL)
			return (-1);
		if (n > len)
			n = len;
		memcpy(to, at, n);
		gzout_filled(z, n);
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
