#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/human.h"
#include "base/progress.h"

#define TICK_MS 200

struct progress {
	const char *verb;
	atomic_uint_fast64_t files, bytes;
	atomic_uint_fast64_t all_files, all_bytes;
	struct timespec start;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	int stop;		/* under lock */
};

static double
seconds_since(const struct timespec *t)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return ((double)(now.tv_sec - t->tv_sec) +
	    (double)(now.tv_nsec - t->tv_nsec) / 1e9);
}

static void
print(struct progress *p)
{
	uint64_t files = atomic_load(&p->files);
	uint64_t bytes = atomic_load(&p->bytes);
	uint64_t all = atomic_load(&p->all_bytes);
	uint64_t all_files = atomic_load(&p->all_files);
	char amount[HUMAN_LEN], rate[HUMAN_LEN], total[HUMAN_LEN];
	char left[HUMAN_LEN];
	double s = seconds_since(&p->start), done;

	human_bytes(bytes, amount);
	human_bytes(s > 0 ? (uint64_t)((double)bytes / s) : 0, rate);
	if (all == 0 || bytes > all) {
		fprintf(stderr, "\r\033[K%s %s, %llu files, %s/s", p->verb,
		    amount, (unsigned long long)files, rate);
		return;
	}
	human_bytes(all, total);
	/* Small files cost by their number, large ones by their bytes. */
	done = (double)bytes / (double)all;
	if (all_files > 0 && (double)files / (double)all_files < done)
		done = (double)files / (double)all_files;
	human_seconds(done > 0 ? (uint64_t)(s / done - s) : 0, left);
	fprintf(stderr, "\r\033[K%s %s of %s, %llu files, %s/s, %s left",
	    p->verb, amount, total, (unsigned long long)files, rate,
	    done > 0 ? left : "?");
}

static void *
run(void *arg)
{
	struct progress *p = arg;
	struct timespec until;

	pthread_mutex_lock(&p->lock);
	while (!p->stop) {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += TICK_MS * 1000000L;
		if (until.tv_nsec >= 1000000000L) {
			until.tv_sec++;
			until.tv_nsec -= 1000000000L;
		}
		pthread_cond_timedwait(&p->wake, &p->lock, &until);
		if (!p->stop)
			print(p);
	}
	pthread_mutex_unlock(&p->lock);
	fprintf(stderr, "\r\033[K");
	return (NULL);
}

struct progress *
progress_new(const char *verb, int wanted)
{
	struct progress *p;

	if (!wanted || !isatty(STDERR_FILENO) ||
	    (p = calloc(1, sizeof(*p))) == NULL)
		return (NULL);
	p->verb = verb;
	clock_gettime(CLOCK_MONOTONIC, &p->start);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->wake, NULL);
	if (pthread_create(&p->thread, NULL, run, p) != 0) {
		free(p);
		return (NULL);
	}
	return (p);
}

void
progress_expect(struct progress *p, uint64_t files, uint64_t bytes)
{
	if (p == NULL)
		return;
	atomic_store(&p->all_files, files);
	atomic_store(&p->all_bytes, bytes);
}

void
progress_add(struct progress *p, uint64_t files, uint64_t bytes)
{
	if (p == NULL)
		return;
	atomic_fetch_add(&p->files, files);
	atomic_fetch_add(&p->bytes, bytes);
}

void
progress_free(struct progress *p)
{
	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = 1;
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
