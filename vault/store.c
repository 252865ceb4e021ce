#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "vault/store.h"

#define WRITEBACK_BYTES (8 << 20)	/* start writing to disk this often */

struct store {
	int fd;
	char *path;
	dev_t dev;
	ino_t ino;
	atomic_uint serial;	/* for names in tmp/ */
	pthread_mutex_t lock;
	uint8_t touched[256];	/* packs/xx to be fsynced; under lock */
};

struct store_in {
	int fd;
	uint64_t bytes;
	char name[96];
};

struct store_out {
	struct store *store;
	int fd;
	uint64_t bytes;
	uint64_t flushed;
	char tmp[64];
};

struct store_lock {
	int fd;
};

static struct store *
store_new(const char *path, struct err *e)
{
	struct stat st;
	struct store *s;

	if ((s = calloc(1, sizeof(*s))) == NULL ||
	    (s->path = strdup(path)) == NULL) {
		err_nomem(e);
		free(s);
		return (NULL);
	}
	pthread_mutex_init(&s->lock, NULL);
	s->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->fd == -1 || fstat(s->fd, &st) == -1) {
		err_sys(e, "vault %s", path);
		e->kind = ERR_USAGE;
		store_close(s);
		return (NULL);
	}
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	return (s);
}

struct store *
store_open(const char *path, struct err *e)
{
	return (store_new(path, e));
}

static const char *const folders[] = {
	"packs", "snapshots", "locks", "tmp", "damaged",
};
#define NFOLDERS (sizeof(folders) / sizeof(folders[0]))

/* What an init that did not get to its end may have left. */
static int
is_left_over(const char *name)
{
	size_t i, n = strlen(name);

	for (i = 0; i < NFOLDERS; i++)
		if (strcmp(name, folders[i]) == 0)
			return (1);
	return (strcmp(name, "recover.sh") == 0 ||
	    strcmp(name, "README.txt") == 0 ||
	    (n > 4 && strcmp(name + n - 4, ".tmp") == 0));
}

static int
refuse_entry(void *arg, const char *name, uint64_t bytes, struct err *e)
{
	(void)bytes;
	if (strcmp(name, "vault.json") == 0)
		return (err_set(e, ERR_USAGE, "%s: there is a vault already",
		    (const char *)arg));
	if (is_left_over(name))
		return (0);
	return (err_set(e, ERR_USAGE, "%s: directory is not empty",
	    (const char *)arg));
}

static int
refuse_any(void *arg, const char *name, uint64_t bytes, struct err *e)
{
	(void)name;
	(void)bytes;
	return (err_set(e, ERR_USAGE, "%s: directory is not empty",
	    (const char *)arg));
}

struct store *
store_create(const char *path, struct err *e)
{
	char arg[PATH_MAX];
	struct store *s;
	size_t i;

	if (io_mkdir_path(path, e) == -1)
		return (NULL);
	if ((s = store_new(path, e)) == NULL)
		return (NULL);
	snprintf(arg, sizeof(arg), "%s", path);
	if (store_list(s, ".", 0, refuse_entry, arg, e) == -1 ||
	    store_list(s, ".", 1, refuse_entry, arg, e) == -1 ||
	    store_list(s, "packs", 1, refuse_any, arg, e) == -1 ||
	    store_list(s, "snapshots", 1, refuse_any, arg, e) == -1)
		goto fail;
	if (fchmod(s->fd, 0700) == -1) {
		err_sys(e, "%s", path);
		goto fail;
	}
	for (i = 0; i < NFOLDERS; i++)
		if (store_mkdir(s, folders[i], e) == -1)
			goto fail;
	return (s);
fail:
	store_close(s);
	return (NULL);
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	if (s->fd != -1)
		close(s->fd);
	pthread_mutex_destroy(&s->lock);
	free(s->path);
	free(s);
}

const char *
store_path(const struct store *s)
{
	return (s->path);
}

int
store_is(const struct store *s, dev_t dev, ino_t ino)
{
	return (s->dev == dev && s->ino == ino);
}

int
store_get(struct store *s, const char *name, size_t max, struct buf *out,
    struct err *e)
{
	if (io_load(s->fd, name, max, out, e) == -1)
		return (err_wrap(e, "%s", s->path));
	return (0);
}

int
store_put(struct store *s, const char *name, const void *p, size_t len,
    struct err *e)
{
	if (io_save(s->fd, name, p, len, e) == -1)
		return (err_wrap(e, "%s", s->path));
	return (0);
}

int
store_remove(struct store *s, const char *name, struct err *e)
{
	if (unlinkat(s->fd, name, 0) == -1 && errno != ENOENT)
		return (err_sys(e, "remove %s/%s", s->path, name));
	return (0);
}

int
store_mkdir(struct store *s, const char *name, struct err *e)
{
	char parent[PATH_MAX];
	const char *slash = strrchr(name, '/');

	snprintf(parent, sizeof(parent), "%.*s",
	    slash != NULL ? (int)(slash - name) : 1, slash != NULL ? name :
	    ".");
	if (io_mkdir(s->fd, name, e) == -1 ||
	    io_fsync_dir(s->fd, parent, e) == -1)
		return (err_wrap(e, "%s", s->path));
	return (0);
}

static int
compare_names(const struct dirent **a, const struct dirent **b)
{
	return (strcmp((*a)->d_name, (*b)->d_name));
}

static int
not_hidden(const struct dirent *d)
{
	return (d->d_name[0] != '.');
}

int
store_list(struct store *s, const char *folder, int dirs, store_list_fn *fn,
    void *arg, struct err *e)
{
	struct dirent **names = NULL;
	struct stat st;
	int fd, i, n, rc = 0;

	fd = openat(s->fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 && errno == ENOENT)
		return (0);
	if (fd == -1)
		return (err_sys(e, "%s/%s", s->path, folder));
	n = scandirat(fd, ".", &names, not_hidden, compare_names);
	if (n == -1)
		rc = err_sys(e, "%s/%s", s->path, folder);
	for (i = 0; i < n; i++) {
		if (rc == 0 && fstatat(fd, names[i]->d_name, &st,
		    AT_SYMLINK_NOFOLLOW) == 0 &&
		    (dirs ? S_ISDIR(st.st_mode) : S_ISREG(st.st_mode)))
			rc = fn(arg, names[i]->d_name, (uint64_t)st.st_size,
			    e);
		free(names[i]);
	}
	free(names);
	close(fd);
	return (rc);
}

struct store_in *
store_in_open(struct store *s, const char *name, struct err *e)
{
	struct store_in *in;
	struct stat st;

	if ((in = calloc(1, sizeof(*in))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	snprintf(in->name, sizeof(in->name), "%s", name);
	in->fd = openat(s->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK | O_NOCTTY);
	if (in->fd == -1 || fstat(in->fd, &st) == -1) {
		err_sys(e, "%s/%s", s->path, name);
		store_in_close(in);
		return (NULL);
	}
	in->bytes = (uint64_t)st.st_size;
	return (in);
}

void
store_in_close(struct store_in *in)
{
	if (in == NULL)
		return;
	if (in->fd != -1)
		close(in->fd);
	free(in);
}

uint64_t
store_in_bytes(const struct store_in *in)
{
	return (in->bytes);
}

int
store_in_read(struct store_in *in, void *p, size_t len, uint64_t off,
    struct err *e)
{
	ssize_t n;

	n = io_pread(in->fd, p, len, (off_t)off);
	if (n == -1)
		return (err_sys(e, "read %s", in->name));
	if ((size_t)n != len)
		return (err_set(e, ERR_DAMAGED, "%s: ends before byte %llu "
		    "(truncated?)", in->name,
		    (unsigned long long)(off + len)));
	return (0);
}

/*
 * The flock tells a live writer's file from a dead one's; it goes with the
 * descriptor.
 */
struct store_out *
store_out_new(struct store *s, struct err *e)
{
	struct store_out *o;

	if ((o = calloc(1, sizeof(*o))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	o->store = s;
	snprintf(o->tmp, sizeof(o->tmp), "tmp/%ld-%u.pack", (long)getpid(),
	    atomic_fetch_add(&s->serial, 1));
	(void)unlinkat(s->fd, o->tmp, 0);
	o->fd = openat(s->fd, o->tmp, O_WRONLY | O_CREAT | O_EXCL |
	    O_CLOEXEC | O_NOFOLLOW, 0600);
	if (o->fd == -1) {
		err_sys(e, "%s/%s", s->path, o->tmp);
		free(o);
		return (NULL);
	}
	(void)flock(o->fd, LOCK_EX | LOCK_NB);
	return (o);
}

int
store_out_write(struct store_out *o, const void *p, size_t len,
    struct err *e)
{
	if (io_write(o->fd, p, len) == -1)
		return (err_sys(e, "write %s/%s", o->store->path, o->tmp));
	o->bytes += len;
	if (o->bytes - o->flushed >= WRITEBACK_BYTES) {
		/* Only a hint: the fsync at commit is what counts. */
		(void)sync_file_range(o->fd, (off_t)o->flushed,
		    (off_t)(o->bytes - o->flushed), SYNC_FILE_RANGE_WRITE);
		o->flushed = o->bytes;
	}
	return (0);
}

uint64_t
store_out_bytes(const struct store_out *o)
{
	return (o->bytes);
}

/* Remember which folder's entries store_sync() must make durable. */
static int
touch_folder(struct store *s, const char *name, struct err *e)
{
	char folder[16];
	unsigned n;

	if (sscanf(name, "packs/%2x/", &n) != 1 || n > 255)
		return (err_set(e, ERR_FAILED, "%s: not a pack's name", name));
	snprintf(folder, sizeof(folder), "packs/%02x", n);
	if (mkdirat(s->fd, folder, 0700) == -1 && errno != EEXIST)
		return (err_sys(e, "%s/%s", s->path, folder));
	pthread_mutex_lock(&s->lock);
	s->touched[n] = 1;
	pthread_mutex_unlock(&s->lock);
	return (0);
}

int
store_out_commit(struct store_out *o, const char *name, struct err *e)
{
	struct store *s = o->store;

	if (touch_folder(s, name, e) == -1)
		goto fail;
	if (io_fsync(o->fd) == -1) {
		err_sys(e, "fsync %s/%s", s->path, o->tmp);
		goto fail;
	}
	if (renameat(s->fd, o->tmp, s->fd, name) == -1) {
		err_sys(e, "rename to %s/%s", s->path, name);
		goto fail;
	}
	if (close(o->fd) == -1) {
		o->fd = -1;
		err_sys(e, "close %s/%s", s->path, name);
		goto fail;
	}
	free(o);
	return (0);
fail:
	store_out_abort(o);
	return (-1);
}

void
store_out_abort(struct store_out *o)
{
	if (o == NULL)
		return;
	(void)unlinkat(o->store->fd, o->tmp, 0);
	if (o->fd != -1)
		close(o->fd);
	free(o);
}

int
store_sync(struct store *s, struct err *e)
{
	char folder[16];
	unsigned n;
	int rc, any = 0;

	pthread_mutex_lock(&s->lock);
	for (rc = 0, n = 0; n < 256 && rc == 0; n++) {
		if (!s->touched[n])
			continue;
		snprintf(folder, sizeof(folder), "packs/%02x", n);
		any = 1;
		if ((rc = io_fsync_dir(s->fd, folder, e)) == 0)
			s->touched[n] = 0;
	}
	/* Some of those folders may be new. */
	if (rc == 0 && any)
		rc = io_fsync_dir(s->fd, "packs", e);
	pthread_mutex_unlock(&s->lock);
	return (rc == 0 ? 0 : err_wrap(e, "%s", s->path));
}

struct store_lock *
store_lock(struct store *s, const char *name, int exclusive, struct err *e)
{
	struct store_lock *l;
	char file[128];

	if ((l = calloc(1, sizeof(*l))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	snprintf(file, sizeof(file), "locks/%s", name);
	l->fd = openat(s->fd, file, O_RDWR | O_CREAT | O_CLOEXEC |
	    O_NOFOLLOW, 0600);
	if (l->fd == -1) {
		err_sys(e, "%s/%s", s->path, file);
		free(l);
		return (NULL);
	}
	if (flock(l->fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) == -1) {
		if (errno == EWOULDBLOCK)
			err_set(e, ERR_BUSY, "%s: %s is locked by another "
			    "xcatvault that is still running", s->path, name);
		else
			err_sys(e, "lock %s/%s", s->path, file);
		store_unlock(l);
		return (NULL);
	}
	return (l);
}

void
store_unlock(struct store_lock *l)
{
	if (l == NULL)
		return;
	close(l->fd);
	free(l);
}

static int
clean_one(void *arg, const char *name, uint64_t bytes, struct err *e)
{
	struct store *s = arg;
	char file[300];
	int fd;

	(void)bytes;
	(void)e;
	snprintf(file, sizeof(file), "tmp/%s", name);
	fd = openat(s->fd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd == -1)
		return (0);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		(void)unlinkat(s->fd, file, 0);
	close(fd);
	return (0);
}

void
store_clean(struct store *s)
{
	struct err e;

	/* What cannot be cleaned now is harmless and cleaned another night. */
	(void)store_list(s, "tmp", 0, clean_one, s, &e);
}
