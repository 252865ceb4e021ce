#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "backup/walk.h"
#include "base/buf.h"
#include "base/io.h"
#include "formats/pathtext.h"

#define CHUNK 512		/* entries looked at by one job */
#define AHEAD_ENTRIES 32768	/* looked at, not yet taken by the caller */
#define DENTS_BYTES 65536

struct walk_dir {
	struct walk *walk;
	int fd;
	int refs;		/* atomic */
};

enum job_state { JOB_QUEUED, JOB_RUNNING, JOB_DONE };

/*
 * Work that anybody may do: read a directory's names (chunk == -1) or look
 * at the entries of one chunk.
 */
struct job {
	TAILQ_ENTRY(job) link;	/* in walk.jobs while JOB_QUEUED */
	struct node *node;
	long chunk;
	enum job_state state;	/* under walk.lock */
};

struct chunk {
	struct job job;
	struct walk_stat *stats;	/* NULL until done */
	struct node **children;		/* of entries that are directories */
};

/* A directory of the walk; freed by the caller's thread when it is through. */
struct node {
	struct job job;
	struct node *parent;	/* only to open it; NULL for the root */
	struct walk_dir *dir;	/* set by its job */
	char *path;		/* raw, relative; "" for the root */
	const char *name;	/* last component of path */
	struct buf names;	/* NUL-terminated, one after another */
	uint32_t *order;	/* offsets of names, sorted */
	size_t n;
	struct chunk *chunks;
	size_t nchunks;
	int errnum;		/* why it could not be read */
	size_t next;		/* entry to be given out next */
	size_t text_len;	/* of its path in walk.text */
};

struct walk {
	struct walk_options opt;
	struct walk_dir *root;
	dev_t dev;
	struct walk_stat root_stat;
	pthread_mutex_t lock;
	pthread_cond_t work;	/* a job was queued, or there is room */
	pthread_cond_t done;	/* a job is done */
	TAILQ_HEAD(, job) jobs;	/* first: needed soonest */
	size_t ahead;		/* entries looked at and not given out */
	size_t open_dirs, max_open;
	int stop, nomem;
	pthread_t *threads;
	unsigned nthreads;
	struct node **stack;	/* of the caller, root first */
	size_t depth, stack_cap;
	struct node *pending;	/* directory given out last */
	struct buf text;	/* its path as catalog text */
	int begun;
};

int
walk_dir_fd(const struct walk_dir *d)
{
	return (d->fd);
}

struct walk_dir *
walk_dir_ref(struct walk_dir *d)
{
	if (d != NULL)
		__atomic_fetch_add(&d->refs, 1, __ATOMIC_RELAXED);
	return (d);
}

void
walk_dir_unref(struct walk_dir *d)
{
	struct walk *w;

	if (d == NULL ||
	    __atomic_sub_fetch(&d->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	w = d->walk;
	close(d->fd);
	free(d);
	pthread_mutex_lock(&w->lock);
	w->open_dirs--;
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
}

/* Takes fd over, also on failure. */
static struct walk_dir *
dir_new(struct walk *w, int fd)
{
	struct walk_dir *d;

	if ((d = calloc(1, sizeof(*d))) == NULL) {
		close(fd);
		return (NULL);
	}
	d->walk = w;
	d->fd = fd;
	d->refs = 1;
	pthread_mutex_lock(&w->lock);
	w->open_dirs++;
	pthread_mutex_unlock(&w->lock);
	return (d);
}

static void
fill_stat(struct walk_stat *to, const struct stat *st)
{
	to->ino = st->st_ino;
	to->size = (uint64_t)st->st_size;
	to->blocks = (uint64_t)st->st_blocks;
	to->nlink = st->st_nlink;
	to->mtime = st->st_mtim.tv_sec;
	to->ctime = st->st_ctim.tv_sec;
	to->mtime_ns = (uint32_t)st->st_mtim.tv_nsec;
	to->ctime_ns = (uint32_t)st->st_ctim.tv_nsec;
	to->mode = st->st_mode;
	to->uid = st->st_uid;
	to->gid = st->st_gid;
	to->major = major(st->st_rdev);
	to->minor = minor(st->st_rdev);
	to->dev = st->st_dev;
	to->errnum = 0;
}

static void
node_free(struct node *n)
{
	size_t i, k, m;

	if (n == NULL)
		return;
	for (i = 0; i < n->nchunks; i++) {
		m = n->n - i * CHUNK < CHUNK ? n->n - i * CHUNK : CHUNK;
		if (n->chunks[i].children != NULL)
			for (k = 0; k < m; k++)
				node_free(n->chunks[i].children[k]);
		free(n->chunks[i].children);
		free(n->chunks[i].stats);
	}
	walk_dir_unref(n->dir);
	buf_fini(&n->names);
	free(n->chunks);
	free(n->order);
	free(n->path);
	free(n);
}

static struct node *
node_new(struct node *parent, const char *name)
{
	struct node *n;
	size_t plen = parent != NULL ? strlen(parent->path) : 0;
	size_t len = strlen(name);

	if ((n = calloc(1, sizeof(*n))) == NULL)
		return (NULL);
	if ((n->path = malloc(plen + 1 + len + 1)) == NULL) {
		free(n);
		return (NULL);
	}
	if (plen > 0) {
		memcpy(n->path, parent->path, plen);
		n->path[plen++] = '/';
	}
	memcpy(n->path + plen, name, len + 1);
	n->name = n->path + plen;
	n->parent = parent;
	n->job.node = n;
	n->job.chunk = -1;
	return (n);
}

struct dent {
	uint64_t ino;
	int64_t off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

static int
read_names(struct node *n, int fd)
{
	uint8_t *dents;
	const struct dent *d;
	const char *name;
	long got, at;
	int rc = -1;

	if ((dents = malloc(DENTS_BYTES)) == NULL)
		return (-1);
	while ((got = syscall(SYS_getdents64, fd, dents,
	    DENTS_BYTES)) > 0) {
		for (at = 0; at < got; at += d->reclen) {
			d = (const void *)(dents + at);
			name = d->name;
			if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
				continue;
			buf_append(&n->names, name, strlen(name) + 1);
			n->n++;
		}
	}
	if (got == -1)
		n->errnum = errno;
	rc = n->names.nomem || n->names.len > UINT32_MAX ? -1 : 0;
	free(dents);
	return (rc);
}

static int
compare_names(const void *a, const void *b, void *names)
{
	const uint32_t *x = a, *y = b;

	return (strcmp((char *)names + *x, (char *)names + *y));
}

/*
 * A name that was given anew while the directory was read may have come
 * twice; a catalog has each once.
 */
static void
drop_twins(struct node *n)
{
	size_t i, kept = 1;

	for (i = 1; i < n->n; i++)
		if (compare_names(&n->order[i], &n->order[kept - 1],
		    n->names.data) != 0)
			n->order[kept++] = n->order[i];
	n->n = kept;
}

static int
sort_names(struct node *n)
{
	const char *name = (const char *)n->names.data;
	size_t i;

	if (n->n == 0)
		return (0);
	if ((n->order = malloc(n->n * sizeof(*n->order))) == NULL)
		return (-1);
	for (i = 0; i < n->n; i++) {
		n->order[i] = (uint32_t)(name -
		    (const char *)n->names.data);
		name += strlen(name) + 1;
	}
	qsort_r(n->order, n->n, sizeof(*n->order), compare_names,
	    n->names.data);
	drop_twins(n);
	n->nchunks = (n->n + CHUNK - 1) / CHUNK;
	if ((n->chunks = calloc(n->nchunks, sizeof(*n->chunks))) == NULL)
		return (-1);
	for (i = 0; i < n->nchunks; i++) {
		n->chunks[i].job.node = n;
		n->chunks[i].job.chunk = (long)i;
	}
	return (0);
}

static int
read_dir(struct walk *w, struct node *n)
{
	int fd;

	fd = openat(n->parent != NULL ? n->parent->dir->fd : w->root->fd,
	    n->parent != NULL ? n->name : ".", O_RDONLY | O_DIRECTORY |
	    O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1) {
		n->errnum = errno;
		return (0);
	}
	if ((n->dir = dir_new(w, fd)) == NULL || read_names(n, fd) == -1 ||
	    sort_names(n) == -1)
		return (-1);
	return (0);
}

/* An excluded entry is marked so, and its directory never entered. */
#define EXCLUDED (-1)

static int
look_at(struct walk *w, struct node *n, struct chunk *c, size_t k,
    const char *name, struct buf *path)
{
	struct walk_stat *to = &c->stats[k];
	struct stat st;

	if (w->opt.leave_aside && walk_is_aside(name)) {
		to->errnum = EXCLUDED;
		return (0);
	}
	if (w->opt.nexcludes > 0) {
		buf_clear(path);
		if (n->path[0] != '\0') {
			buf_puts(path, n->path);
			buf_putc(path, '/');
		}
		buf_puts(path, name);
		if (walk_excluded(&w->opt, buf_cstr(path))) {
			to->errnum = EXCLUDED;
			return (0);
		}
	}
	if (fstatat(n->dir->fd, name, &st, AT_SYMLINK_NOFOLLOW |
	    AT_NO_AUTOMOUNT) == -1) {
		to->errnum = errno;
		return (0);
	}
	fill_stat(to, &st);
	if (!S_ISDIR(st.st_mode) ||
	    (w->opt.one_file_system && st.st_dev != w->dev))
		return (0);
	if (c->children == NULL &&
	    (c->children = calloc(CHUNK, sizeof(*c->children))) == NULL)
		return (-1);
	return ((c->children[k] = node_new(n, name)) != NULL ? 0 : -1);
}

static int
look_chunk(struct walk *w, struct node *n, size_t at)
{
	struct chunk *c = &n->chunks[at];
	size_t i, first = at * CHUNK, m = n->n - first;
	struct buf path = BUF_INIT;
	int rc = 0;

	if (m > CHUNK)
		m = CHUNK;
	if ((c->stats = calloc(m, sizeof(*c->stats))) == NULL)
		return (-1);
	for (i = 0; i < m && rc == 0; i++)
		rc = look_at(w, n, c, i, (const char *)n->names.data +
		    n->order[first + i], &path);
	buf_fini(&path);
	return (rc);
}

/* Under the lock: what is needed sooner goes to the front, in order. */
static void
queue_chunks(struct walk *w, struct node *n, size_t from)
{
	size_t i;

	for (i = n->nchunks; i-- > from;) {
		n->chunks[i].job.state = JOB_QUEUED;
		TAILQ_INSERT_HEAD(&w->jobs, &n->chunks[i].job, link);
	}
	if (n->nchunks > from)
		pthread_cond_broadcast(&w->work);
}

static void
queue_children(struct walk *w, struct chunk *c)
{
	size_t k;

	if (c->children == NULL)
		return;
	for (k = CHUNK; k-- > 0;)
		if (c->children[k] != NULL) {
			c->children[k]->job.state = JOB_QUEUED;
			TAILQ_INSERT_HEAD(&w->jobs, &c->children[k]->job,
			    link);
		}
	pthread_cond_broadcast(&w->work);
}

/*
 * Do a job taken off the queue, with the lock held before and after.  A
 * directory's first chunk comes with it: most have no second.
 */
static void
run_job(struct walk *w, struct job *job)
{
	struct node *n = job->node;
	long chunk = job->chunk;
	int rc = 0;

	job->state = JOB_RUNNING;
	pthread_mutex_unlock(&w->lock);
	if (chunk == -1) {
		rc = read_dir(w, n);
		if (rc == 0 && n->nchunks > 0)
			rc = look_chunk(w, n, 0);
	} else
		rc = look_chunk(w, n, (size_t)chunk);
	pthread_mutex_lock(&w->lock);
	if (rc == -1) {
		w->nomem = 1;
		n->nchunks = chunk == -1 ? 0 : n->nchunks;
	}
	if (rc == 0 && chunk == -1) {
		queue_chunks(w, n, 1);
		if (n->nchunks > 0) {
			n->chunks[0].job.state = JOB_DONE;
			queue_children(w, &n->chunks[0]);
			w->ahead += n->n < CHUNK ? n->n : CHUNK;
		}
	} else if (rc == 0) {
		queue_children(w, &n->chunks[chunk]);
		w->ahead += CHUNK;
	}
	job->state = JOB_DONE;
	pthread_cond_broadcast(&w->done);
}

static void *
helper(void *arg)
{
	struct walk *w = arg;
	struct job *job;

	pthread_mutex_lock(&w->lock);
	while (!w->stop) {
		job = TAILQ_FIRST(&w->jobs);
		if (job == NULL || w->ahead >= AHEAD_ENTRIES ||
		    w->open_dirs >= w->max_open) {
			pthread_cond_wait(&w->work, &w->lock);
			continue;
		}
		TAILQ_REMOVE(&w->jobs, job, link);
		run_job(w, job);
	}
	pthread_mutex_unlock(&w->lock);
	return (NULL);
}

/* Wait for a job, or do it here when nobody has begun it. */
static int
need(struct walk *w, struct job *job)
{
	int rc;

	pthread_mutex_lock(&w->lock);
	if (job->state == JOB_QUEUED) {
		TAILQ_REMOVE(&w->jobs, job, link);
		run_job(w, job);
	}
	while (job->state != JOB_DONE)
		pthread_cond_wait(&w->done, &w->lock);
	rc = w->nomem ? -1 : 0;
	pthread_mutex_unlock(&w->lock);
	return (rc);
}

struct walk *
walk_new(int root, const struct walk_options *opt, struct err *e)
{
	struct walk *w;
	struct stat st;
	unsigned i;
	int fd;

	if ((w = calloc(1, sizeof(*w))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	w->opt = *opt;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->work, NULL);
	pthread_cond_init(&w->done, NULL);
	TAILQ_INIT(&w->jobs);
	w->max_open = io_max_files() / 4;
	fd = fcntl(root, F_DUPFD_CLOEXEC, 0);
	if (fd == -1 || fstat(fd, &st) == -1) {
		err_sys(e, "volume");
		if (fd != -1)
			close(fd);
		goto fail;
	}
	w->dev = st.st_dev;
	fill_stat(&w->root_stat, &st);
	w->threads = calloc(opt->helpers + 1, sizeof(*w->threads));
	if ((w->root = dir_new(w, fd)) == NULL || w->threads == NULL ||
	    (w->pending = node_new(NULL, "")) == NULL) {
		err_nomem(e);
		goto fail;
	}
	w->pending->job.state = JOB_QUEUED;
	TAILQ_INSERT_HEAD(&w->jobs, &w->pending->job, link);
	for (i = 0; i < opt->helpers; i++)
		if (pthread_create(&w->threads[w->nthreads], NULL, helper,
		    w) == 0)
			w->nthreads++;
	return (w);
fail:
	walk_free(w);
	return (NULL);
}

/*
 * Whoever holds a walk_dir must have let go of it before: it counts itself
 * out of the walk.
 */
void
walk_free(struct walk *w)
{
	unsigned i;

	if (w == NULL)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = 1;
	pthread_cond_broadcast(&w->work);
	pthread_mutex_unlock(&w->lock);
	for (i = 0; i < w->nthreads; i++)
		pthread_join(w->threads[i], NULL);
	/* What was given out is no longer in its parent's chunk. */
	node_free(w->pending);
	while (w->depth > 0)
		node_free(w->stack[--w->depth]);
	walk_dir_unref(w->root);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->work);
	pthread_cond_destroy(&w->done);
	free(w->threads);
	free(w->stack);
	buf_fini(&w->text);
	free(w);
}

size_t
walk_room(struct walk *w)
{
	size_t open;

	pthread_mutex_lock(&w->lock);
	open = w->open_dirs;
	pthread_mutex_unlock(&w->lock);
	return (open < 2 * w->max_open ? 2 * w->max_open - open : 0);
}

/* Enter the directory given out last. */
static int
push(struct walk *w, struct err *e)
{
	struct node **stack;

	if (w->depth == w->stack_cap) {
		stack = realloc(w->stack, (w->stack_cap + 64) *
		    sizeof(*stack));
		if (stack == NULL)
			return (err_nomem(e));
		w->stack = stack;
		w->stack_cap += 64;
	}
	w->pending->text_len = w->text.len;
	w->stack[w->depth++] = w->pending;
	w->pending = NULL;
	return (need(w, &w->stack[w->depth - 1]->job) == 0 ? 0 :
	    err_nomem(e));
}

/* The chunk is given out: its room is free for others. */
static void
drop_chunk(struct walk *w, struct node *n, size_t at)
{
	struct chunk *c = &n->chunks[at];
	size_t m = n->n - at * CHUNK;

	pthread_mutex_lock(&w->lock);
	w->ahead -= at == 0 && m < CHUNK ? m : CHUNK;
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
	free(c->stats);
	free(c->children);
	c->stats = NULL;
	c->children = NULL;
}

/* Leave the top directory; its place in the parent's chunk is empty. */
static void
pop(struct walk *w)
{
	struct node *n = w->stack[--w->depth];

	if (n->n > 0 && n->n % CHUNK != 0 && n->nchunks > 0 &&
	    n->chunks[n->nchunks - 1].stats != NULL)
		drop_chunk(w, n, n->nchunks - 1);
	node_free(n);
}

static int
give_root(struct walk *w, struct walk_entry *ent, struct err *e)
{
	w->begun = 1;
	buf_puts(&w->text, ".");
	if (buf_ok(&w->text, e) == -1)
		return (-1);
	ent->path.p = (const char *)w->text.data;
	ent->path.len = w->text.len;
	ent->name = ".";
	ent->dir = NULL;
	ent->st = &w->root_stat;
	return (1);
}

/* Next entry of the top directory; 0 when it has no more. */
static int
next_entry(struct walk *w, struct walk_entry *ent, struct err *e)
{
	struct node *n = w->stack[w->depth - 1];
	struct chunk *c;
	size_t k;

	for (;;) {
		if (n->next > 0 && n->next % CHUNK == 0 &&
		    n->chunks[n->next / CHUNK - 1].stats != NULL)
			drop_chunk(w, n, n->next / CHUNK - 1);
		if (n->nchunks == 0 || n->next == n->n)
			return (0);
		c = &n->chunks[n->next / CHUNK];
		k = n->next % CHUNK;
		if (k == 0 && need(w, &c->job) == -1)
			return (err_nomem(e));
		if (c->stats[k].errnum != EXCLUDED)
			break;
		n->next++;
	}
	ent->name = (const char *)n->names.data + n->order[n->next];
	ent->dir = n->dir;
	ent->st = &c->stats[k];
	w->text.len = n->text_len;
	buf_putc(&w->text, '/');
	pathtext_encode(&w->text, ent->name, strlen(ent->name));
	if (buf_ok(&w->text, e) == -1)
		return (-1);
	ent->path.p = (const char *)w->text.data;
	ent->path.len = w->text.len;
	if (c->children != NULL) {
		w->pending = c->children[k];
		c->children[k] = NULL;
	}
	n->next++;
	return (1);
}

int
walk_next(struct walk *w, struct walk_entry *ent, struct err *e)
{
	int rc;

	if (!w->begun)
		return (give_root(w, ent, e));
	if (w->pending != NULL && push(w, e) == -1)
		return (-1);
	while (w->depth > 0) {
		if ((rc = next_entry(w, ent, e)) != 0)
			return (rc);
		pop(w);
	}
	return (0);
}

int
walk_dir_error(struct walk *w)
{
	if (w->pending == NULL)
		return (0);
	(void)need(w, &w->pending->job);
	return (w->pending->errnum);
}
