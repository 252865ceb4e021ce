#ifndef BACKUP_POOL_H_
#define BACKUP_POOL_H_

#include <pthread.h>
#include <stdint.h>
#include <time.h>

#include "backup/batch.h"
#include "backup/known.h"
#include "base/progress.h"
#include "base/queue.h"
#include "base/report.h"
#include "formats/cutter.h"
#include "vault/commit.h"
#include "vault/idset.h"
#include "vault/index.h"
#include "vault/pack.h"
#include "vault/vault.h"

struct lane;
struct node;

/*
 * The workers of a backup.  Each takes a batch and does all of it: open,
 * read straight into the frame, digest, look up, compress, write to a pack
 * of its own.  Nothing is handed from stage to stage but the cuts of a
 * large file, which idle workers take from the one that reads it.
 */
struct pool {
	struct vault *vault;		/* these are the caller's */
	struct index *index;
	struct committer *committer;
	struct catalog_sink *sink;
	struct report *report;
	struct progress *progress;
	const char *volume;		/* path of the volume at hand */
	struct node *node;		/* where it is read, or NULL: here;
					   set while no batch is under way */
	const struct snapshot_list *snapshots;	/* of the vault */
	struct known *known;		/* made by the merge at need */

	struct idset *stored;		/* data blobs of this run */
	struct cutter cutter;
	struct queue *queue;		/* of struct task */
	pthread_t *threads;
	unsigned nthreads;
	pthread_mutex_t lock;
	pthread_cond_t done;		/* a batch is done, or failure */
	pthread_cond_t cold;		/* there is something to prefetch */
	TAILQ_HEAD(, batch) batches;	/* submitted, not yet taken back */
	unsigned nbatches;
	struct err err;			/* the first failure; under lock */
	int resumable;			/* it is the source's, or a signal:
					   what is stored is good; lock */
	uint64_t read_bytes;		/* atomic */
	uint64_t healed;		/* files read again because the vault
					   had lost blobs; merge's thread */
	unsigned handed;		/* cut jobs waiting; atomic */
	pthread_t *prefetchers;
	unsigned nprefetchers;
	int is_cold;			/* sources come from disk; lock */
	int stop;			/* under lock */
};

/* threads: workers.  The caller fills in the upper fields first. */
int pool_start(struct pool *p, unsigned threads, struct err *e);

/* Hand a full batch over.  -1 when the pool has failed. */
int pool_submit(struct pool *p, struct batch *b, struct err *e);

/*
 * Take the oldest batch back once it is done.  wait: 0 returns NULL when it
 * is not.  NULL with e->kind set when the pool has failed.
 */
struct batch *pool_take(struct pool *p, int wait, struct err *e);

/* How many are submitted and not yet taken back. */
unsigned pool_depth(struct pool *p);

/*
 * Let the workers finish; each closes its pack.  Without failure all blobs
 * are with the committer, and what was kept to know them is freed.
 */
int pool_finish(struct pool *p, struct err *e);
void pool_fini(struct pool *p);

/*
 * Report trouble with an entry of the volume at hand, or a note about it,
 * under its whole path.
 */
void pool_report(struct pool *p, const char *kind, const struct span *path,
    const char *why);
void pool_report_errno(struct pool *p, const struct span *path, int errnum);

/* It cannot be read; told once, whoever finds it out. */
void pool_unreadable(struct pool *p, const struct span *path,
    const char *why);
void pool_note(struct pool *p, const char *kind, const struct span *path,
    const char *why);

/* For workers and prefetchers. */
enum task_type { TASK_BATCH, TASK_CUTS };

struct task {
	enum task_type type;
	struct batch *batch;
};

struct worker {
	struct pool *pool;
	struct pack_writer *writer;
	struct digest *digest;
	struct digest *whole;		/* of a file of several blobs */
	struct lane *lane;		/* to a node; NULL while not needed */
	struct buf scratch;		/* names of attributes, links */
	struct buf value;
	struct cut_job *spare;		/* a buffer kept for the next file */
	struct timespec opened_at;	/* the file being read */
	struct task *held;		/* taken, but not to be run yet */
	unsigned slow, opened;		/* small files of this batch */
};

/* A part of the batch's work is done. */
void pool_part_done(struct pool *p, struct batch *b);
void pool_fail(struct pool *p, const struct err *e);

/* The source is lost or the run cancelled: packs are closed, not dropped. */
void pool_fail_source(struct pool *p, const struct err *e);
int pool_failed(struct pool *p);

/*
 * Store a blob unless the vault or this run has it.  The bytes are either
 * in place (what pack_writer_reserve() returned last) or copied from "from".
 */
int worker_put(struct worker *w, const uint8_t id[DIGEST_LEN],
    const void *from, size_t len, struct err *e);

#endif
