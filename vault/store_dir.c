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
#include "vault/store_dir.h"
#include "vault/store_ops.h"

#define WRITEBACK_BYTES (8 << 20)	/* start writing to disk this often */

struct store_dir {
	struct store store;
	int fd;
	dev_t dev;
	ino_t ino;
	atomic_uint serial;	/* for names in tmp/ */
	pthread_mutex_t lock;
	uint8_t touched[256];	/* packs/xx to be fsynced; under lock */
};

struct dir_in {
	struct store_in in;
	int fd;
	char name[96];
};

struct dir_out {
	struct store_out out;
	struct store_dir *dir;
	int fd;
	uint64_t flushed;
	char tmp[64];
};

struct dir_lock {
	struct store_lock lock;
	int fd;
};

static const struct store_ops dir_ops;

/* The kind's own struct behind the common one. */
static struct store_dir *
own(struct store *s)
{
	return ((struct store_dir *)s);
}

static void
dir_close(struct store *s)
{
	struct store_dir *d = own(s);

	if (d->fd != -1)
		close(d->fd);
	pthread_mutex_destroy(&d->lock);
	free(s->path);
	free(d);
}

struct store *
store_dir_open(const char *path, struct err *e)
{
	struct stat st;
	struct store_dir *d;

	if ((d = calloc(1, sizeof(*d))) == NULL ||
	    (d->store.path = strdup(path)) == NULL) {
		err_nomem(e);
		free(d);
		return (NULL);
	}
	d->store.ops = &dir_ops;
	pthread_mutex_init(&d->lock, NULL);
	d->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->fd == -1 || fstat(d->fd, &st) == -1) {
		err_sys(e, "vault %s", path);
		e->kind = ERR_USAGE;
		dir_close(&d->store);
		return (NULL);
	}
	d->dev = st.st_dev;
	d->ino = st.st_ino;
	return (&d->store);
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

static int
dir_get(struct store *s, const char *name, size_t max, struct buf *out,
    struct err *e)
{
	if (io_load(own(s)->fd, name, max, out, e) == -1)
		return (err_wrap(e, "%s", s->path));
	return (0);
}

static int
dir_put(struct store *s, const char *name, const void *p, size_t len,
    struct err *e)
{
	if (io_save(own(s)->fd, name, p, len, e) == -1)
		return (err_wrap(e, "%s", s->path));
	return (0);
}

static int
dir_remove(struct store *s, const char *name, struct err *e)
{
	if (unlinkat(own(s)->fd, name, 0) == -1 && errno != ENOENT)
		return (err_sys(e, "remove %s/%s", s->path, name));
	return (0);
}

static int
dir_mkdir(struct store *s, const char *name, struct err *e)
{
	char parent[PATH_MAX];
	const char *slash = strrchr(name, '/');

	snprintf(parent, sizeof(parent), "%.*s",
	    slash != NULL ? (int)(slash - name) : 1, slash != NULL ? name :
	    ".");
	if (io_mkdir(own(s)->fd, name, e) == -1 ||
	    io_fsync_dir(own(s)->fd, parent, e) == -1)
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

static int
dir_list(struct store *s, const char *folder, int dirs, store_list_fn *fn,
    void *arg, struct err *e)
{
	struct dirent **names = NULL;
	struct stat st;
	int fd, i, n, rc = 0;

	fd = openat(own(s)->fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
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

struct store *
store_dir_create(const char *path, struct err *e)
{
	char arg[PATH_MAX];
	struct store *s;
	size_t i;

	if (io_mkdir_path(path, e) == -1)
		return (NULL);
	if ((s = store_dir_open(path, e)) == NULL)
		return (NULL);
	snprintf(arg, sizeof(arg), "%s", path);
	if (dir_list(s, ".", 0, refuse_entry, arg, e) == -1 ||
	    dir_list(s, ".", 1, refuse_entry, arg, e) == -1 ||
	    dir_list(s, "packs", 1, refuse_any, arg, e) == -1 ||
	    dir_list(s, "snapshots", 1, refuse_any, arg, e) == -1)
		goto fail;
	if (fchmod(own(s)->fd, 0700) == -1) {
		err_sys(e, "%s", path);
		goto fail;
	}
	for (i = 0; i < NFOLDERS; i++)
		if (dir_mkdir(s, folders[i], e) == -1)
			goto fail;
	return (s);
fail:
	dir_close(s);
	return (NULL);
}

int
store_dir_is(const struct store *s, dev_t dev, ino_t ino)
{
	const struct store_dir *d = (const struct store_dir *)s;

	return (d->dev == dev && d->ino == ino);
}

static void
dir_in_close(struct store_in *in)
{
	struct dir_in *i = (struct dir_in *)in;

	if (i->fd != -1)
		close(i->fd);
	free(i);
}

static struct store_in *
dir_in_open(struct store *s, const char *name, struct err *e)
{
	struct dir_in *in;
	struct stat st;

	if ((in = calloc(1, sizeof(*in))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	in->in.ops = &dir_ops;
	snprintf(in->name, sizeof(in->name), "%s", name);
	in->fd = openat(own(s)->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK | O_NOCTTY);
	if (in->fd == -1 || fstat(in->fd, &st) == -1) {
		err_sys(e, "%s/%s", s->path, name);
		dir_in_close(&in->in);
		return (NULL);
	}
	in->in.bytes = (uint64_t)st.st_size;
	return (&in->in);
}

static int
dir_in_read(struct store_in *in, void *p, size_t len, uint64_t off,
    struct err *e)
{
	const struct dir_in *i = (const struct dir_in *)in;
	ssize_t n;

	n = io_pread(i->fd, p, len, (off_t)off);
	if (n == -1)
		return (err_sys(e, "read %s", i->name));
	if ((size_t)n != len)
		return (err_set(e, ERR_DAMAGED, "%s: ends before byte %llu "
		    "(truncated?)", i->name,
		    (unsigned long long)(off + len)));
	return (0);
}

/*
 * The flock tells a live writer's file from a dead one's; it goes with the
 * descriptor.
 */
static struct store_out *
dir_out_new(struct store *s, struct err *e)
{
	struct store_dir *d = own(s);
	struct dir_out *o;

	if ((o = calloc(1, sizeof(*o))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	o->out.ops = &dir_ops;
	o->dir = d;
	snprintf(o->tmp, sizeof(o->tmp), "tmp/%ld-%u.pack", (long)getpid(),
	    atomic_fetch_add(&d->serial, 1));
	(void)unlinkat(d->fd, o->tmp, 0);
	o->fd = openat(d->fd, o->tmp, O_WRONLY | O_CREAT | O_EXCL |
	    O_CLOEXEC | O_NOFOLLOW, 0600);
	if (o->fd == -1) {
		err_sys(e, "%s/%s", s->path, o->tmp);
		free(o);
		return (NULL);
	}
	(void)flock(o->fd, LOCK_EX | LOCK_NB);
	return (&o->out);
}

static int
dir_out_write(struct store_out *out, const void *p, size_t len,
    struct err *e)
{
	struct dir_out *o = (struct dir_out *)out;

	if (io_write(o->fd, p, len) == -1)
		return (err_sys(e, "write %s/%s", o->dir->store.path,
		    o->tmp));
	out->bytes += len;
	if (out->bytes - o->flushed >= WRITEBACK_BYTES) {
		/* Only a hint: the fsync at commit is what counts. */
		(void)sync_file_range(o->fd, (off_t)o->flushed,
		    (off_t)(out->bytes - o->flushed), SYNC_FILE_RANGE_WRITE);
		o->flushed = out->bytes;
	}
	return (0);
}

/* Remember which folder's entries dir_sync() must make durable. */
static int
touch_folder(struct store_dir *d, const char *name, struct err *e)
{
	char folder[16];
	unsigned n;

	if (sscanf(name, "packs/%2x/", &n) != 1 || n > 255)
		return (err_set(e, ERR_FAILED, "%s: not a pack's name", name));
	snprintf(folder, sizeof(folder), "packs/%02x", n);
	if (mkdirat(d->fd, folder, 0700) == -1 && errno != EEXIST)
		return (err_sys(e, "%s/%s", d->store.path, folder));
	pthread_mutex_lock(&d->lock);
	d->touched[n] = 1;
	pthread_mutex_unlock(&d->lock);
	return (0);
}

static void
dir_out_abort(struct store_out *out)
{
	struct dir_out *o = (struct dir_out *)out;

	(void)unlinkat(o->dir->fd, o->tmp, 0);
	if (o->fd != -1)
		close(o->fd);
	free(o);
}

static int
dir_out_commit(struct store_out *out, const char *name, struct err *e)
{
	struct dir_out *o = (struct dir_out *)out;
	struct store_dir *d = o->dir;
	const char *path = d->store.path;

	if (touch_folder(d, name, e) == -1)
		goto fail;
	if (io_fsync(o->fd) == -1) {
		err_sys(e, "fsync %s/%s", path, o->tmp);
		goto fail;
	}
	if (renameat(d->fd, o->tmp, d->fd, name) == -1) {
		err_sys(e, "rename to %s/%s", path, name);
		goto fail;
	}
	if (close(o->fd) == -1) {
		o->fd = -1;
		err_sys(e, "close %s/%s", path, name);
		goto fail;
	}
	free(o);
	return (0);
fail:
	dir_out_abort(out);
	return (-1);
}

static int
dir_sync(struct store *s, struct err *e)
{
	struct store_dir *d = own(s);
	char folder[16];
	unsigned n;
	int rc, any = 0;

	pthread_mutex_lock(&d->lock);
	for (rc = 0, n = 0; n < 256 && rc == 0; n++) {
		if (!d->touched[n])
			continue;
		snprintf(folder, sizeof(folder), "packs/%02x", n);
		any = 1;
		if ((rc = io_fsync_dir(d->fd, folder, e)) == 0)
			d->touched[n] = 0;
	}
	/* Some of those folders may be new. */
	if (rc == 0 && any)
		rc = io_fsync_dir(d->fd, "packs", e);
	pthread_mutex_unlock(&d->lock);
	return (rc == 0 ? 0 : err_wrap(e, "%s", s->path));
}

static void
dir_unlock(struct store_lock *lock)
{
	struct dir_lock *l = (struct dir_lock *)lock;

	close(l->fd);
	free(l);
}

static struct store_lock *
dir_lock(struct store *s, const char *name, int exclusive, struct err *e)
{
	struct dir_lock *l;
	char file[128];

	if ((l = calloc(1, sizeof(*l))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	l->lock.ops = &dir_ops;
	snprintf(file, sizeof(file), "locks/%s", name);
	l->fd = openat(own(s)->fd, file, O_RDWR | O_CREAT | O_CLOEXEC |
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
		dir_unlock(&l->lock);
		return (NULL);
	}
	return (&l->lock);
}

static int
clean_one(void *arg, const char *name, uint64_t bytes, struct err *e)
{
	struct store_dir *d = arg;
	char file[300];
	int fd;

	(void)bytes;
	(void)e;
	snprintf(file, sizeof(file), "tmp/%s", name);
	fd = openat(d->fd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd == -1)
		return (0);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		(void)unlinkat(d->fd, file, 0);
	close(fd);
	return (0);
}

static void
dir_clean(struct store *s)
{
	struct err e;

	/* What cannot be cleaned now is harmless and cleaned another night. */
	(void)dir_list(s, "tmp", 0, clean_one, s, &e);
}

static const struct store_ops dir_ops = {
	.close = dir_close,
	.get = dir_get,
	.put = dir_put,
	.remove = dir_remove,
	.mkdir = dir_mkdir,
	.list = dir_list,
	.in_open = dir_in_open,
	.in_close = dir_in_close,
	.in_read = dir_in_read,
	.out_new = dir_out_new,
	.out_write = dir_out_write,
	.out_commit = dir_out_commit,
	.out_abort = dir_out_abort,
	.sync = dir_sync,
	.lock = dir_lock,
	.unlock = dir_unlock,
	.clean = dir_clean,
};
