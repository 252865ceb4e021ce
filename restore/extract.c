#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/io.h"
#include "formats/pathtext.h"
#include "restore/extract.h"
#include "restore/target.h"
#include "vault/fetch.h"

#define DIRS_OPEN 64	/* of one worker */

struct dir_slot {
	int fd;			/* -1: empty */
	uint32_t dir;
	uint64_t used;
};

struct worker {
	struct extract *x;
	unsigned number;
	struct fetch *fetch;
	struct buf raw;		/* the frame being taken apart */
	struct buf path;
	struct dir_slot slots[DIRS_OPEN];
	uint64_t clock;
	int open_fd;		/* big file written last, or -1 */
	struct extract_file *open_file;
	pthread_t thread;
	int running;
};

/* The pieces of one frame. */
struct group {
	size_t first, n;
	uint32_t seq;		/* of the earliest */
};

/* Groups for one worker; when it is through it helps the others. */
struct share {
	size_t next, end;
};

struct extract {
	struct extract_options opt;
	struct applier applier;
	struct worker *workers;	/* the last is the planner's own */
	const struct extract_dir *dirs;
	struct extract_piece *pieces;
	struct group *groups;
	struct share *shares;	/* one a worker; under lock */
	pthread_mutex_t lock;
	struct err err;		/* under lock */
	size_t damaged;		/* under lock */
};

void
extract_dir_path(struct buf *out, const struct extract_dir *dirs,
    uint32_t dir)
{
	const struct extract_dir *d = &dirs[dir];

	if (d->parent == dir) {
		buf_clear(out);
		return;
	}
	extract_dir_path(out, dirs, d->parent);
	if (out->len > 0)
		buf_putc(out, '/');
	buf_puts(out, d->name);
}

const char *
extract_name(const struct extract_file *f, char tmp[EXTRACT_NAME_LEN])
{
	if ((f->flags & EXTRACT_TEMP) == 0)
		return (f->name);
	extract_temp_name(f->name, tmp);
	return (tmp);
}

void
extract_temp_name(const char *name, char tmp[EXTRACT_NAME_LEN])
{
	snprintf(tmp, EXTRACT_NAME_LEN, EXTRACT_TEMP_PREFIX "%016llx",
	    (unsigned long long)pathtext_hash(name, strlen(name)));
}

static void
close_file(struct worker *w)
{
	if (w->open_fd != -1)
		close(w->open_fd);
	w->open_fd = -1;
	w->open_file = NULL;
}

static void
worker_init(struct worker *w, struct extract *x, unsigned number)
{
	size_t i;

	w->x = x;
	w->number = number;
	w->open_fd = -1;
	for (i = 0; i < DIRS_OPEN; i++)
		w->slots[i].fd = -1;
}

static void
worker_fini(struct worker *w)
{
	size_t i;

	close_file(w);
	for (i = 0; i < DIRS_OPEN; i++)
		if (w->slots[i].fd != -1)
			close(w->slots[i].fd);
	fetch_free(w->fetch);
	buf_fini(&w->raw);
	buf_fini(&w->path);
}

/* The descriptor of a directory; -1 with errno set. */
static int
dir_fd(struct worker *w, uint32_t dir)
{
	struct dir_slot *s, *oldest = &w->slots[0];
	size_t i;

	for (i = 0; i < DIRS_OPEN; i++) {
		s = &w->slots[i];
		if (s->fd != -1 && s->dir == dir) {
			s->used = ++w->clock;
			return (s->fd);
		}
		if (s->used < oldest->used)
			oldest = s;
	}
	if (oldest->fd != -1)
		close(oldest->fd);
	oldest->used = 0;
	extract_dir_path(&w->path, w->x->dirs, dir);
	oldest->fd = target_open_dir(w->x->opt.root, buf_cstr(&w->path));
	if (oldest->fd == -1)
		return (-1);
	oldest->dir = dir;
	oldest->used = ++w->clock;
	return (oldest->fd);
}

void
extract_text(struct buf *out, const char *above, const void *raw, size_t len)
{
	pathtext_encode(out, above, strlen(above));
	if (len > 0 || above[0] == '\0')
		buf_putc(out, '/');
	pathtext_encode(out, raw, len);
}

void
extract_report(struct report *r, const char *kind, const char *above,
    const struct buf *raw, const char *why)
{
	struct buf text = BUF_INIT;

	extract_text(&text, above, raw->data, raw->len);
	report_add(r, kind, buf_cstr(&text), "%s", why);
	buf_fini(&text);
}

static void
report(struct worker *w, const struct extract_file *f, const char *kind,
    const char *why)
{
	extract_dir_path(&w->path, w->x->dirs, f->dir);
	if (w->path.len > 0)
		buf_putc(&w->path, '/');
	buf_puts(&w->path, f->name);
	extract_report(w->x->opt.report, kind, w->x->opt.above, &w->path,
	    why);
}

/* The file will not be whole: say so once; it is taken away at the end. */
static void
fail_file(struct worker *w, struct extract_file *f, const char *kind,
    const char *why)
{
	if (__atomic_exchange_n(&f->failed, 1, __ATOMIC_RELAXED) == 0)
		report(w, f, kind, why);
}

static void
fail_errno(struct worker *w, struct extract_file *f)
{
	fail_file(w, f, "not restored", strerror(errno));
}

/* Metadata, then the name it is to have. */
static int
complete(struct worker *w, struct extract_file *f, int dirfd, int fd,
    int fresh)
{
	char tmp[EXTRACT_NAME_LEN];
	struct err e;
	int rc;

	rc = apply_fd(&w->x->applier, fd, &f->at, fresh, &e);
	if (rc == -1) {
		fail_file(w, f, "not restored", e.msg);
		return (-1);
	}
	if (rc == 1)
		report(w, f, "not all restored", e.msg);
	if ((f->flags & EXTRACT_TEMP) != 0 && renameat(dirfd,
	    extract_name(f, tmp), dirfd, f->name) == -1) {
		fail_errno(w, f);
		return (-1);
	}
	return (0);
}

/* A file of one blob and no holes. */
static void
write_small(struct worker *w, struct extract_file *f, const uint8_t *p,
    size_t len)
{
	const struct extract_dir *d = &w->x->dirs[f->dir];
	int fresh = !d->inherits && f->at.xattrs.len == 0;
	char tmp[EXTRACT_NAME_LEN];
	const char *name = extract_name(f, tmp);
	int dirfd, fd;

	if ((dirfd = dir_fd(w, f->dir)) == -1) {
		fail_errno(w, f);
		return;
	}
	if ((f->flags & EXTRACT_TEMP) != 0)
		(void)unlinkat(dirfd, name, 0);
	fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, fresh ? f->at.mode & 0777 : 0600);
	if (fd == -1) {
		fail_errno(w, f);
		return;
	}
	if (io_write(fd, p, len) == -1)
		fail_errno(w, f);
	else
		(void)complete(w, f, dirfd, fd, fresh);
	if (close(fd) == -1)
		fail_errno(w, f);
	if (f->failed)
		(void)unlinkat(dirfd, name, 0);
}

/* Open a file that the planner has made. */
static int
open_big(struct worker *w, struct extract_file *f, int *dirfd)
{
	char tmp[EXTRACT_NAME_LEN];

	if ((*dirfd = dir_fd(w, f->dir)) == -1)
		return (-1);
	if (w->open_file == f)
		return (0);
	close_file(w);
	w->open_fd = openat(*dirfd, extract_name(f, tmp), O_WRONLY |
	    O_NOFOLLOW | O_CLOEXEC);
	if (w->open_fd == -1)
		return (-1);
	w->open_file = f;
	return (0);
}

/* Write len bytes at off, leaving holes out. */
static int
write_around_holes(const struct extract_file *f, int fd, const uint8_t *p,
    size_t len, uint64_t off)
{
	struct scan s = mtree_scan(&f->holes);
	uint64_t at = off, end = off + len, hole, hlen, upto;

	while (at < end) {
		if (!mtree_next_hole(&s, &hole, &hlen))
			hole = hlen = end;
		upto = hole < end ? hole : end;
		if (upto > at && io_pwrite(fd, p + (at - off),
		    (size_t)(upto - at), (off_t)at) == -1)
			return (-1);
		if (upto > at)
			at = upto;
		if (hole < end && hole + hlen > at)
			at = hole + hlen;
	}
	return (0);
}

static void
write_piece(struct worker *w, const struct extract_piece *pc,
    const uint8_t *p, size_t len)
{
	struct extract_file *f = pc->file;
	int dirfd;

	if (__atomic_load_n(&f->failed, __ATOMIC_RELAXED))
		return;
	if ((f->flags & EXTRACT_BIG) == 0) {
		write_small(w, f, p, len);
		return;
	}
	if (len > f->size || pc->file_off > f->size - len)
		fail_file(w, f, "damaged", "its blobs are longer than it");
	else if (open_big(w, f, &dirfd) == -1 || write_around_holes(f,
	    w->open_fd, p, len, pc->file_off) == -1)
		fail_errno(w, f);
}

/* All of it is written, or it failed. */
static void
finish_file(struct worker *w, struct extract_file *f)
{
	char tmp[EXTRACT_NAME_LEN];
	int dirfd = -1;

	progress_add(w->x->opt.progress, 1, 0);
	if ((f->flags & EXTRACT_BIG) == 0)
		return;
	if (!f->failed) {
		if (open_big(w, f, &dirfd) == -1)
			fail_errno(w, f);
		else
			(void)complete(w, f, dirfd, w->open_fd, 0);
	}
	close_file(w);
	if (f->failed && (dirfd = dir_fd(w, f->dir)) != -1)
		(void)unlinkat(dirfd, extract_name(f, tmp), 0);
}

static void
release(struct worker *w, struct extract_file *f)
{
	if (__atomic_sub_fetch(&f->left, 1, __ATOMIC_ACQ_REL) == 0)
		finish_file(w, f);
}

/* Another copy of a blob whose frame is damaged. */
static void
piece_elsewhere(struct worker *w, const struct extract_piece *pc)
{
	struct err e;
	const uint8_t *p;
	size_t len;

	if (fetch_blob(w->fetch, PACK_DATA, pc->id, &p, &len, &e) == 0) {
		write_piece(w, pc, p, len);
		return;
	}
	if (store_lost(w->x->opt.vault->store, &e)) {
		/* No fault of the file's, which goes with the run. */
		__atomic_store_n(&pc->file->failed, 1, __ATOMIC_RELAXED);
		pthread_mutex_lock(&w->x->lock);
		w->x->err = e;
		pthread_mutex_unlock(&w->x->lock);
		return;
	}
	fail_file(w, pc->file, "damaged", e.msg);
	pthread_mutex_lock(&w->x->lock);
	w->x->damaged++;
	pthread_mutex_unlock(&w->x->lock);
}

static void
run_frame(struct worker *w, struct extract_piece *pc, size_t n)
{
	const struct extract_piece *end = pc + n;
	struct err ignored;
	const uint8_t *p;
	int good;

	good = pc->loc.pack != EXTRACT_NO_PACK &&
	    fetch_frame(w->fetch, &pc->loc, &w->raw, &ignored) == 0;
	for (; pc < end; pc++) {
		p = w->raw.data + pc->loc.off;
		if (good && (uint64_t)pc->loc.off + pc->loc.len <=
		    w->raw.len && fetch_proves(w->fetch, p, pc->loc.len,
		    pc->id))
			write_piece(w, pc, p, pc->loc.len);
		else
			piece_elsewhere(w, pc);
		progress_add(w->x->opt.progress, 0, pc->loc.len);
		release(w, pc->file);
	}
}

static int
same_frame(const struct extract_piece *a, const struct extract_piece *b)
{
	return (a->loc.pack == b->loc.pack &&
	    a->loc.frame_off == b->loc.frame_off);
}

/*
 * Under the lock: the share to take from, the worker's own first, then the
 * one of which most is left.
 */
static struct share *
find_share(struct extract *x, unsigned number)
{
	struct share *best = &x->shares[number], *s;
	unsigned i;

	if (best->next < best->end)
		return (best);
	for (i = 0; i < x->opt.threads; i++) {
		s = &x->shares[i];
		if (s->end - s->next > best->end - best->next)
			best = s;
	}
	return (best->next < best->end ? best : NULL);
}

/* The next frame's pieces; NULL when there are none. */
static const struct group *
take_group(struct extract *x, unsigned number)
{
	const struct group *g = NULL;
	struct share *s;

	pthread_mutex_lock(&x->lock);
	if (x->err.kind == ERR_NONE && cancel_check(&x->err) == 0 &&
	    (s = find_share(x, number)) != NULL)
		g = &x->groups[s->next++];
	pthread_mutex_unlock(&x->lock);
	return (g);
}

static void *
worker_main(void *arg)
{
	struct worker *w = arg;
	const struct group *g;

	while ((g = take_group(w->x, w->number)) != NULL)
		run_frame(w, &w->x->pieces[g->first], g->n);
	close_file(w);
	return (NULL);
}

static int
compare_pieces(const void *a, const void *b)
{
	const struct extract_piece *x = a, *y = b;

	if (x->loc.pack != y->loc.pack)
		return (x->loc.pack < y->loc.pack ? -1 : 1);
	if (x->loc.frame_off != y->loc.frame_off)
		return (x->loc.frame_off < y->loc.frame_off ? -1 : 1);
	if (x->loc.off != y->loc.off)
		return (x->loc.off < y->loc.off ? -1 : 1);
	return (x->file < y->file ? -1 : x->file > y->file);
}

struct extract *
extract_new(const struct extract_options *opt, struct err *e)
{
	struct extract *x;
	unsigned i;

	if ((x = calloc(1, sizeof(*x))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	x->opt = *opt;
	pthread_mutex_init(&x->lock, NULL);
	applier_init(&x->applier);
	x->workers = calloc(opt->threads + 1, sizeof(*x->workers));
	if (x->workers == NULL) {
		err_nomem(e);
		extract_free(x);
		return (NULL);
	}
	for (i = 0; i <= opt->threads; i++)
		worker_init(&x->workers[i], x, i);
	x->shares = calloc(opt->threads, sizeof(*x->shares));
	if (x->shares == NULL) {
		err_nomem(e);
		extract_free(x);
		return (NULL);
	}
	for (i = 0; i < opt->threads; i++) {
		x->workers[i].fetch = fetch_new(opt->vault, opt->index, 1, e);
		if (x->workers[i].fetch == NULL) {
			extract_free(x);
			return (NULL);
		}
	}
	return (x);
}

void
extract_free(struct extract *x)
{
	unsigned i;

	if (x == NULL)
		return;
	for (i = 0; x->workers != NULL && i <= x->opt.threads; i++)
		worker_fini(&x->workers[i]);
	free(x->workers);
	free(x->shares);
	free(x->groups);
	pthread_mutex_destroy(&x->lock);
	free(x);
}

static int
compare_groups(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	return (x->seq < y->seq ? -1 : x->seq > y->seq);
}

/* Group the pieces by frame and share the groups out, in catalog order. */
static int
share_out(struct extract *x, struct extract_piece *pieces, size_t n,
    struct err *e)
{
	struct group *g = NULL;
	size_t i, ngroups = 0;
	unsigned k;

	for (i = 0; i < n; i++)
		pieces[i].seq = (uint32_t)i;
	qsort(pieces, n, sizeof(*pieces), compare_pieces);
	free(x->groups);
	if ((x->groups = malloc(n * sizeof(*x->groups))) == NULL)
		return (err_nomem(e));
	for (i = 0; i < n; i++) {
		if (i == 0 || !same_frame(&pieces[i - 1], &pieces[i])) {
			g = &x->groups[ngroups++];
			g->first = i;
			g->n = 0;
			g->seq = pieces[i].seq;
		}
		g->n++;
		if (pieces[i].seq < g->seq)
			g->seq = pieces[i].seq;
	}
	qsort(x->groups, ngroups, sizeof(*x->groups), compare_groups);
	for (k = 0; k < x->opt.threads; k++) {
		x->shares[k].next = ngroups * k / x->opt.threads;
		x->shares[k].end = ngroups * (k + 1) / x->opt.threads;
	}
	x->pieces = pieces;
	return (0);
}

int
extract_run(struct extract *x, const struct extract_dir *dirs,
    struct extract_piece *pieces, size_t n, struct err *e)
{
	struct worker *w;
	unsigned i;

	if (share_out(x, pieces, n, e) == -1)
		return (-1);
	x->dirs = dirs;
	for (i = 1; i < x->opt.threads; i++) {
		w = &x->workers[i];
		w->running = pthread_create(&w->thread, NULL, worker_main,
		    w) == 0;
	}
	worker_main(&x->workers[0]);
	for (i = 1; i < x->opt.threads; i++) {
		w = &x->workers[i];
		if (w->running)
			pthread_join(w->thread, NULL);
		w->running = 0;
	}
	if (x->err.kind != ERR_NONE) {
		*e = x->err;
		return (-1);
	}
	return (0);
}

/* The planner's own worker, which no thread runs. */
static struct worker *
planner(struct extract *x, const struct extract_dir *dirs)
{
	x->dirs = dirs;
	return (&x->workers[x->opt.threads]);
}

void
extract_release(struct extract *x, const struct extract_dir *dirs,
    struct extract_file *f)
{
	release(planner(x, dirs), f);
}

void
extract_empty(struct extract *x, const struct extract_dir *dirs,
    struct extract_file *f)
{
	write_small(planner(x, dirs), f, NULL, 0);
}

int
extract_dir_fd(struct extract *x, const struct extract_dir *dirs,
    uint32_t dir)
{
	return (dir_fd(planner(x, dirs), dir));
}

size_t
extract_damaged(struct extract *x)
{
	return (x->damaged);
}
