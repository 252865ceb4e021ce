#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "backup/large.h"
#include "backup/prefetch.h"
#include "backup/read.h"
#include "base/io.h"
#include "formats/pathtext.h"

#define OPEN_FLAGS (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | \
    O_CLOEXEC)

void
read_set_stat(struct entry *ent, const struct walk_stat *st)
{
	switch (st->mode & S_IFMT) {
	case S_IFDIR:
		ent->type = ENTRY_DIR;
		break;
	case S_IFLNK:
		ent->type = ENTRY_LINK;
		break;
	case S_IFCHR:
		ent->type = ENTRY_CHAR;
		break;
	case S_IFBLK:
		ent->type = ENTRY_BLOCK;
		break;
	case S_IFIFO:
		ent->type = ENTRY_FIFO;
		break;
	default:
		ent->type = ENTRY_FILE;
	}
	ent->mode = st->mode & 07777;
	ent->uid = st->uid;
	ent->gid = st->gid;
	ent->mtime = st->mtime;
	ent->mtime_ns = st->mtime_ns;
	ent->ctime = st->ctime;
	ent->ctime_ns = st->ctime_ns;
	ent->ino = st->ino;
	ent->nlink = st->nlink;
	ent->size = st->size;
	ent->major = st->major;
	ent->minor = st->minor;
}

void
read_distrust(struct entry *ent)
{
	ent->ino = 0;
	ent->ctime = 0;
	ent->ctime_ns = 0;
}

static int
dir_fd(const struct batch *b, const struct item *it)
{
	return (it->dir != NULL ? walk_dir_fd(it->dir) : b->volume);
}

static int
lose(struct worker *w, struct item *it, int errnum)
{
	pool_report_errno(w->pool, &it->ent.path, errnum);
	it->failed = 1;
	return (0);
}

/* Keep a copy of text in the batch's arena. */
static int
keep(struct batch *b, struct span *sp, const void *p, size_t len,
    struct err *e)
{
	if ((sp->p = arena_copy(&b->arena, p, len)) == NULL)
		return (err_nomem(e));
	sp->len = len;
	return (0);
}

/* A descriptor, or a path for what cannot be opened. */
struct target {
	int fd;
	const char *path;
};

static ssize_t
list_xattrs(const struct target *t, char *p, size_t len)
{
	return (t->path != NULL ? llistxattr(t->path, p, len) :
	    flistxattr(t->fd, p, len));
}

static ssize_t
get_xattr(const struct target *t, const char *name, void *p, size_t len)
{
	return (t->path != NULL ? lgetxattr(t->path, name, p, len) :
	    fgetxattr(t->fd, name, p, len));
}

static int
compare_strings(const void *a, const void *b)
{
	return (strcmp(*(const char *const *)a, *(const char *const *)b));
}

/* The names in a list as sorted pointers; NULL when memory runs out. */
static const char **
sort_list(const char *list, size_t len, size_t *n)
{
	const char **names, *p;

	for (*n = 0, p = list; p < list + len; p += strlen(p) + 1)
		(*n)++;
	if ((names = malloc((*n + 1) * sizeof(*names))) == NULL)
		return (NULL);
	for (*n = 0, p = list; p < list + len; p += strlen(p) + 1)
		names[(*n)++] = p;
	qsort(names, *n, sizeof(*names), compare_strings);
	return (names);
}

static int
encode_xattrs(struct worker *w, const struct target *t, const char *list,
    size_t len, struct buf *text, struct err *e)
{
	static uint8_t nothing;
	const char **names;
	ssize_t got;
	size_t i, n;

	if ((names = sort_list(list, len, &n)) == NULL)
		return (err_nomem(e));
	for (i = 0; i < n; i++) {
		buf_clear(&w->value);
		if (buf_reserve(&w->value, XATTR_SIZE_MAX) == NULL)
			break;
		got = get_xattr(t, names[i], w->value.data, XATTR_SIZE_MAX);
		/* Gone since it was listed, or not ours to see. */
		if (got == -1)
			continue;
		mtree_encode_xattr(text, names[i], got > 0 ? w->value.data :
		    &nothing, (size_t)got);
	}
	free(names);
	if (buf_ok(&w->value, e) == -1)
		return (-1);
	return (buf_ok(text, e));
}

static int
read_xattrs(struct worker *w, struct batch *b, struct item *it,
    const struct target *t, struct err *e)
{
	struct buf text = BUF_INIT;
	char probe[1024], *list = probe;
	ssize_t len;
	int rc = -1;

	it->ent.xattrs.len = 0;
	len = list_xattrs(t, probe, sizeof(probe));
	if (len == -1 && errno == ERANGE) {
		buf_clear(&w->scratch);
		if (buf_reserve(&w->scratch, XATTR_LIST_MAX) == NULL)
			return (err_nomem(e));
		list = (char *)w->scratch.data;
		len = list_xattrs(t, list, XATTR_LIST_MAX);
	}
	if (len == 0 || (len == -1 && errno == ENOTSUP))
		return (0);
	if (len == -1) {
		pool_report_errno(w->pool, &it->ent.path, errno);
		return (0);
	}
	if (encode_xattrs(w, t, list, (size_t)len, &text, e) == -1)
		goto out;
	if (text.len > READ_XATTRS_MAX) {
		pool_report_errno(w->pool, &it->ent.path, E2BIG);
		rc = 0;
	} else
		rc = keep(b, &it->ent.xattrs, text.data, text.len, e);
out:
	buf_fini(&text);
	return (rc);
}

/* Attributes of what must not be opened, by way of its directory. */
static int
read_xattrs_by_path(struct worker *w, struct batch *b, struct item *it,
    struct err *e)
{
	char path[64 + NAME_MAX];
	struct target t = { -1, path };

	if (snprintf(path, sizeof(path), "/proc/self/fd/%d/%s",
	    dir_fd(b, it), it->name) >= (int)sizeof(path))
		return (0);
	return (read_xattrs(w, b, it, &t, e));
}

/*
 * Only what lies within the listed size; a file of no blocks is one hole.
 * Which files have holes is GNU tar's rule, to store the same over ssh.
 */
static int
read_holes(struct batch *b, struct item *it, int fd, struct err *e)
{
	off_t size = (off_t)it->st.size, hole, data = 0;
	struct buf text = BUF_INIT;
	size_t n;
	int rc = 0;

	it->ent.holes.len = 0;
	if (it->st.blocks >= it->st.size / 512)
		return (0);
	for (n = 0; data < size && n < READ_HOLES_MAX; n++) {
		hole = lseek(fd, data, SEEK_HOLE);
		if (hole == -1 || hole >= size)
			break;
		data = lseek(fd, hole, SEEK_DATA);
		if (data == -1 || data > size)
			data = size;
		if (text.len > 0)
			buf_putc(&text, ' ');
		buf_putu(&text, (uint64_t)hole);
		buf_putc(&text, ' ');
		buf_putu(&text, (uint64_t)(data - hole));
	}
	if ((rc = buf_ok(&text, e)) == 0 && text.len > 0)
		rc = keep(b, &it->ent.holes, text.data, text.len, e);
	buf_fini(&text);
	return (rc);
}

static long
elapsed_ns(const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return ((now.tv_sec - since->tv_sec) * 1000000000L + now.tv_nsec -
	    since->tv_nsec);
}

/* A file of one blob.  1 read, 0 the file cannot be read, -1 failure. */
static int
read_small(struct worker *w, struct item *it, int fd, struct err *e)
{
	struct entry *ent = &it->ent;
	size_t len = (size_t)it->st.size;
	ssize_t n = 0;
	uint8_t *p;

	if ((p = pack_writer_reserve(w->writer, len, e)) == NULL)
		return (-1);
	if (len > 0 && (n = io_pread(fd, p, len, 0)) == -1) {
		err_sys(e, "read");
		return (0);
	}
	w->opened++;
	w->slow += elapsed_ns(&w->opened_at) > PREFETCH_SLOW_NS;
	ent->size = (uint64_t)n;
	digest_bytes(w->digest, p, (size_t)n, ent->digest);
	progress_add(w->pool->progress, 0, (uint64_t)n);
	__atomic_add_fetch(&w->pool->read_bytes, (uint64_t)n,
	    __ATOMIC_RELAXED);
	if (n == 0)
		return (1);
	return (worker_put(w, ent->digest, NULL, (size_t)n, e) == 0 ? 1 :
	    -1);
}

static ssize_t
pread_input(void *arg, void *p, size_t len, uint64_t off, struct err *e)
{
	ssize_t n = io_pread(*(int *)arg, p, len, (off_t)off);

	if (n == -1)
		err_sys(e, "read");
	return (n);
}

/* Attributes come first: a large file's entry may be completed elsewhere. */
static int
read_once(struct worker *w, struct batch *b, struct item *it, int fd,
    struct err *e)
{
	struct target t = { fd, NULL };
	struct large_input in = { pread_input, &fd, fd };

	if (read_xattrs(w, b, it, &t, e) == -1 ||
	    read_holes(b, it, fd, e) == -1)
		return (-1);
	if (it->st.size <= w->pool->vault->meta.cut_min)
		return (read_small(w, it, fd, e));
	return (large_read(w, b, it, &in, e));
}

static int
same_file(const struct walk_stat *a, const struct stat *st)
{
	return (S_ISREG(st->st_mode) && a->ino == st->st_ino &&
	    a->dev == st->st_dev && a->size == (uint64_t)st->st_size &&
	    a->mtime == st->st_mtim.tv_sec &&
	    a->mtime_ns == st->st_mtim.tv_nsec &&
	    a->ctime == st->st_ctim.tv_sec &&
	    a->ctime_ns == st->st_ctim.tv_nsec);
}

static void
update_stat(struct walk_stat *to, const struct stat *st)
{
	to->ino = st->st_ino;
	to->dev = st->st_dev;
	to->size = (uint64_t)st->st_size;
	to->blocks = (uint64_t)st->st_blocks;
	to->nlink = st->st_nlink;
	to->mtime = st->st_mtim.tv_sec;
	to->mtime_ns = (uint32_t)st->st_mtim.tv_nsec;
	to->ctime = st->st_ctim.tv_sec;
	to->ctime_ns = (uint32_t)st->st_ctim.tv_nsec;
	to->mode = st->st_mode;
	to->uid = st->st_uid;
	to->gid = st->st_gid;
}

/*
 * Read an open file; when it changed since it was listed, once more with
 * what it is now, if it is small.
 */
static int
read_open(struct worker *w, struct batch *b, struct item *it, int fd,
    struct err *e)
{
	uint64_t small = w->pool->vault->meta.cut_min;
	struct stat st;
	int rc, tries;

	for (tries = 0;; tries++) {
		rc = read_once(w, b, it, fd, e);
		if (rc == 0) {
			lose(w, it, e->errnum);
			e->kind = ERR_NONE;
		}
		if (rc <= 0)
			return (rc);
		if (fstat(fd, &st) == -1)
			return (lose(w, it, errno));
		if (same_file(&it->st, &st))
			return (0);
		if (!S_ISREG(st.st_mode))
			return (lose(w, it, ENOENT));
		if (tries > 0 || it->st.size > small ||
		    (uint64_t)st.st_size > small)
			break;
		update_stat(&it->st, &st);
		read_set_stat(&it->ent, &it->st);
	}
	read_distrust(&it->ent);
	it->ent.holes.len = 0;	/* they may lie past its end by now */
	pool_report(w->pool, "changed", &it->ent.path, "while it was read; "
	    "stored as read, and read again next time");
	return (0);
}

static int
read_file(struct worker *w, struct batch *b, struct item *it, struct err *e)
{
	int fd, rc;

	clock_gettime(CLOCK_MONOTONIC, &w->opened_at);
	fd = openat(dir_fd(b, it), it->name, OPEN_FLAGS);
	if (fd == -1)
		return (lose(w, it, errno));
	rc = read_open(w, b, it, fd, e);
	close(fd);
	progress_add(w->pool->progress, 1, 0);
	return (rc);
}

static int
read_link(struct worker *w, struct batch *b, struct item *it, struct err *e)
{
	char target[PATH_MAX];
	struct buf text = BUF_INIT;
	ssize_t n;
	int rc;

	n = readlinkat(dir_fd(b, it), it->name, target, sizeof(target));
	if (n <= 0)
		return (lose(w, it, n == 0 ? ENOENT : errno));
	pathtext_encode(&text, target, (size_t)n);
	rc = buf_ok(&text, e);
	if (rc == 0)
		rc = keep(b, &it->ent.link, text.data, text.len, e);
	buf_fini(&text);
	if (rc == -1)
		return (-1);
	return (read_xattrs_by_path(w, b, it, e));
}

static int
read_dir(struct worker *w, struct batch *b, struct item *it, struct err *e)
{
	struct target t = { -1, NULL };
	int rc;

	t.fd = openat(dir_fd(b, it), it->name, OPEN_FLAGS | O_DIRECTORY);
	/* What lies in it is reported by the walk; the entry stands. */
	if (t.fd == -1)
		return (0);
	rc = read_xattrs(w, b, it, &t, e);
	close(t.fd);
	return (rc);
}

int
read_item(struct worker *w, struct batch *b, struct item *it, struct err *e)
{
	switch (it->ent.type) {
	case ENTRY_FILE:
		return (read_file(w, b, it, e));
	case ENTRY_LINK:
		return (read_link(w, b, it, e));
	case ENTRY_DIR:
		return (read_dir(w, b, it, e));
	case ENTRY_CHAR:
	case ENTRY_BLOCK:
	case ENTRY_FIFO:
		break;
	}
	return (read_xattrs_by_path(w, b, it, e));
}
