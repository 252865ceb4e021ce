#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/cancel.h"
#include "restore/scrub.h"
#include "vault/fetch.h"

/* The pack whose frames are being given out; freed by the last user. */
struct job {
	struct packindex index;
	uint32_t pack;
	unsigned users;		/* under lock */
};

struct run {
	struct scrub *s;
	struct vault *vault;
	struct index *index;
	struct progress *progress;
	unsigned percent;
	pthread_mutex_t lock;	/* all below, and s */
	struct job *job;
	size_t frame;		/* of the job, to be given out next */
	size_t pack;		/* to be opened next */
	uint64_t random;
	struct err err;
};

struct worker {
	struct run *run;
	struct fetch *fetch;
	struct buf raw;
	pthread_t thread;
	int running;
};

static void
unref(struct job *job)
{
	if (job == NULL || --job->users > 0)
		return;
	packindex_fini(&job->index);
	free(job);
}

static int
chosen(struct run *r)
{
	if (r->percent >= 100)
		return (1);
	/* xorshift64: which frames are read need not be secret. */
	r->random ^= r->random << 13;
	r->random ^= r->random >> 7;
	r->random ^= r->random << 17;
	return (r->random % 100 < r->percent);
}

/* Under the lock: have the next readable pack be the job. */
static int
next_pack(struct run *r)
{
	struct pack_reader *p;
	struct job *job;
	struct err why;
	int rc;

	unref(r->job);
	r->job = NULL;
	while (r->job == NULL && r->pack < index_packs(r->index)) {
		if ((job = calloc(1, sizeof(*job))) == NULL)
			return (err_nomem(&r->err));
		job->pack = (uint32_t)r->pack++;
		job->users = 1;
		p = pack_reader_open(r->vault,
		    index_pack_id(r->index, job->pack), &why);
		rc = p == NULL ? -1 : pack_reader_index(p, &job->index,
		    &why);
		pack_reader_close(p);
		if (rc == 0) {
			r->job = job;
			r->frame = 0;
			r->s->packs++;
		} else {
			unref(job);
			if (store_lost(r->vault->store, &r->err))
				return (-1);
		}
	}
	return (0);
}

/* The next frame to be read; NULL when there is none. */
static struct job *
take(struct run *r, size_t *frame)
{
	struct job *job = NULL;

	pthread_mutex_lock(&r->lock);
	while (job == NULL && r->err.kind == ERR_NONE &&
	    cancel_check(&r->err) == 0) {
		if (r->job == NULL || r->frame == r->job->index.nframes) {
			if (next_pack(r) == -1 || r->job == NULL)
				break;
			continue;
		}
		*frame = r->frame++;
		if (!chosen(r))
			continue;
		job = r->job;
		job->users++;
	}
	pthread_mutex_unlock(&r->lock);
	return (job);
}

/* Note the bad blobs of a frame, here and in the vault. */
static void
note(struct run *r, const struct job *job, const uint8_t (*ids)[DIGEST_LEN],
    size_t n)
{
	struct scrub_bad *b;
	struct err ignored;
	size_t i;

	/* A vault that cannot be written is still verified. */
	(void)index_mark(r->index, job->pack, ids, n, &ignored);
	pthread_mutex_lock(&r->lock);
	b = realloc(r->s->bad, (r->s->nbad + n) * sizeof(*b));
	if (b == NULL)
		err_nomem(&r->err);
	else {
		r->s->bad = b;
		for (i = 0; i < n; i++) {
			b[r->s->nbad].pack = job->pack;
			memcpy(b[r->s->nbad++].id, ids[i], DIGEST_LEN);
		}
	}
	pthread_mutex_unlock(&r->lock);
}

static void
check_frame(struct worker *w, const struct job *job, size_t frame)
{
	const struct packindex_frame *f = &job->index.frames[frame];
	const struct packindex_blob *b = &job->index.blobs[f->first];
	struct blob_loc loc = {
		.pack = job->pack, .stored = f->stored, .raw = f->raw,
		.frame_off = f->off,
	};
	uint8_t (*bad)[DIGEST_LEN];
	struct err ignored, lost;
	size_t i, n = 0;
	int whole;

	if ((bad = malloc(f->count * sizeof(*bad))) == NULL) {
		pthread_mutex_lock(&w->run->lock);
		err_nomem(&w->run->err);
		pthread_mutex_unlock(&w->run->lock);
		return;
	}
	whole = fetch_frame(w->fetch, &loc, &w->raw, &ignored) == 0;
	if (!whole && store_lost(w->run->vault->store, &lost)) {
		pthread_mutex_lock(&w->run->lock);
		w->run->err = lost;
		pthread_mutex_unlock(&w->run->lock);
		free(bad);
		return;
	}
	for (i = 0; i < f->count; i++)
		if (!whole || !fetch_proves(w->fetch, w->raw.data + b[i].off,
		    b[i].len, b[i].id))
			memcpy(bad[n++], b[i].id, DIGEST_LEN);
	if (n > 0)
		note(w->run, job, (const uint8_t (*)[DIGEST_LEN])bad, n);
	free(bad);
	progress_add(w->run->progress, f->count, f->raw);
	pthread_mutex_lock(&w->run->lock);
	w->run->s->frames++;
	w->run->s->blobs += f->count;
	w->run->s->bytes += f->raw;
	pthread_mutex_unlock(&w->run->lock);
}

static void *
worker_main(void *arg)
{
	struct worker *w = arg;
	struct job *job;
	size_t frame;

	while ((job = take(w->run, &frame)) != NULL) {
		check_frame(w, job, frame);
		pthread_mutex_lock(&w->run->lock);
		unref(job);
		pthread_mutex_unlock(&w->run->lock);
	}
	return (NULL);
}

static int
is_bad(const struct scrub *s, uint32_t pack)
{
	size_t i;

	for (i = 0; i < s->nbad; i++)
		if (s->bad[i].pack == pack)
			return (1);
	return (0);
}

/* Everything was read: marks of packs in which all is well are wrong. */
static void
clear_marks(struct run *r)
{
	struct err ignored;
	uint32_t i;

	for (i = 0; i < index_packs(r->index); i++)
		if (index_has_marks(r->index, i) && !is_bad(r->s, i))
			(void)index_unmark(r->index, i, &ignored);
}

int
scrub_run(struct scrub *s, struct vault *v, struct index *ix,
    unsigned percent, unsigned threads, struct progress *progress,
    struct err *e)
{
	struct run r = {
		.s = s, .vault = v, .index = ix, .progress = progress,
		.percent = percent, .lock = PTHREAD_MUTEX_INITIALIZER,
	};
	struct worker *w;
	unsigned i;

	memset(s, 0, sizeof(*s));
	if (getrandom(&r.random, sizeof(r.random), 0) != sizeof(r.random))
		r.random = 1;
	r.random |= 1;
	if ((w = calloc(threads, sizeof(*w))) == NULL)
		return (err_nomem(e));
	for (i = 0; i < threads && r.err.kind == ERR_NONE; i++) {
		w[i].run = &r;
		w[i].fetch = fetch_new(v, ix, 1, &r.err);
	}
	for (i = 1; i < threads && r.err.kind == ERR_NONE; i++)
		w[i].running = pthread_create(&w[i].thread, NULL, worker_main,
		    &w[i]) == 0;
	if (r.err.kind == ERR_NONE)
		worker_main(&w[0]);
	for (i = 0; i < threads; i++) {
		if (w[i].running)
			pthread_join(w[i].thread, NULL);
		fetch_free(w[i].fetch);
		buf_fini(&w[i].raw);
	}
	unref(r.job);
	if (r.err.kind == ERR_NONE && percent >= 100)
		clear_marks(&r);
	free(w);
	if (r.err.kind != ERR_NONE) {
		*e = r.err;
		return (-1);
	}
	return (0);
}

void
scrub_fini(struct scrub *s)
{
	free(s->bad);
	memset(s, 0, sizeof(*s));
}
