#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backup/prefetch.h"

#define THREADS 16
#define CLAIM 4			/* items taken at a time */
#define READ_AHEAD (8 << 20)	/* of a large file; its reader goes on */
#define FAST_NS 25000
#define FAST_ENOUGH 256		/* fast ones in a row: it is warm again */

/* Under the lock: the next items that nobody has begun, in any batch. */
static struct batch *
claim(struct pool *p, size_t *first)
{
	struct batch *b;

	TAILQ_FOREACH(b, &p->batches, link) {
		if (b->done || b->ahead >= b->n || b->work == 0)
			continue;
		*first = b->ahead;
		b->ahead += CLAIM;
		b->prefetching++;
		return (b);
	}
	return (NULL);
}

/* 1 when the file came quickly. */
static int
prefetch_item(const struct batch *b, const struct item *it)
{
	struct timespec t0, t1;
	int fd;

	if (it->kind != ITEM_READ || !S_ISREG(it->st.mode) ||
	    it->st.size == 0)
		return (-1);
	clock_gettime(CLOCK_MONOTONIC, &t0);
	fd = openat(it->dir != NULL ? walk_dir_fd(it->dir) : b->volume,
	    it->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
	    O_CLOEXEC);
	if (fd == -1)
		return (-1);
	(void)posix_fadvise(fd, 0, it->st.size < READ_AHEAD ?
	    (off_t)it->st.size : READ_AHEAD, POSIX_FADV_WILLNEED);
	close(fd);
	clock_gettime(CLOCK_MONOTONIC, &t1);
	return ((t1.tv_sec - t0.tv_sec) * 1000000000L + t1.tv_nsec -
	    t0.tv_nsec < FAST_NS);
}

static void *
prefetcher(void *arg)
{
	struct pool *p = arg;
	struct batch *b;
	size_t i, first;
	unsigned fast = 0;
	int quick;

	pthread_mutex_lock(&p->lock);
	while (!p->stop) {
		if (!p->is_cold || (b = claim(p, &first)) == NULL) {
			pthread_cond_wait(&p->cold, &p->lock);
			continue;
		}
		pthread_mutex_unlock(&p->lock);
		for (i = first; i < first + CLAIM && i < b->n; i++)
			if ((quick = prefetch_item(b, &b->items[i])) != -1)
				fast = quick ? fast + 1 : 0;
		pthread_mutex_lock(&p->lock);
		if (--b->prefetching == 0 && b->done)
			pthread_cond_broadcast(&p->done);
		if (fast >= FAST_ENOUGH) {
			p->is_cold = 0;
			fast = 0;
		}
	}
	pthread_mutex_unlock(&p->lock);
	return (NULL);
}

/* Under the lock.  Without threads it is only slower. */
static void
start_threads(struct pool *p)
{
	if (p->prefetchers == NULL)
		p->prefetchers = calloc(THREADS, sizeof(*p->prefetchers));
	if (p->prefetchers == NULL)
		return;
	while (p->nprefetchers < THREADS &&
	    pthread_create(&p->prefetchers[p->nprefetchers], NULL,
	    prefetcher, p) == 0)
		p->nprefetchers++;
}

void
prefetch_judge(struct pool *p, unsigned slow, unsigned opened)
{
	if (opened < 8 || slow * 3 < opened)
		return;
	pthread_mutex_lock(&p->lock);
	if (!p->is_cold && !p->stop) {
		p->is_cold = 1;
		start_threads(p);
		pthread_cond_broadcast(&p->cold);
	}
	pthread_mutex_unlock(&p->lock);
}
