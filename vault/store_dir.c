#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "formats/wire.h"
#include "vault/place.h"
#include "vault/store_dir.h"
#include "vault/store_ops.h"

#define WRITEBACK_BYTES (8 << 20)	/* start writing to disk this often */
#define NTOUCHED 256		/* folders of packs */
#define FRESH_S 600		/* a change to a folder is on disk by then */

struct store_dir {
	struct store store;
	int fd;
	int beneath;		/* no link in it is followed */
	dev_t dev;
	ino_t ino;
	pthread_mutex_t lock;
	uint8_t touched[NTOUCHED];	/* packs/xx to be fsynced; under lock */
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
store_dir_open(const char *path, int beneath, struct err *e)
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
	d->beneath = beneath;
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
	struct place p;
	int rc;

	if (place_open(own(s)->fd, own(s)->beneath, name, &p, e) == -1)
		return (-1);
	rc = io_load(p.fd, p.leaf, max, out, e);
	place_close(&p);
	return (rc == 0 ? 0 : err_wrap(e, "%s", s->path));
}

static int
dir_put(struct store *s, const char *name, const void *p, size_t len,
    struct err *e)
{
	struct place at;
	int rc;

	if (place_open(own(s)->fd, own(s)->beneath, name, &at, e) == -1)
		return (-1);
	rc = io_save(at.fd, at.leaf, p, len, e);
	place_close(&at);
	return (rc == 0 ? 0 : err_wrap(e, "%s", s->path));
}

static int
dir_remove(struct store *s, const char *name, struct err *e)
{
	struct place p;
	int rc = 0;

	if (place_open(own(s)->fd, own(s)->beneath, name, &p, e) == -1)
		return (e->errnum == ENOENT ? 0 : -1);
	if (unlinkat(p.fd, p.leaf, 0) == -1 && errno != ENOENT)
		rc = err_sys(e, "remove %s/%s", s->path, name);
	place_close(&p);
	return (rc);
}

/* The folder that a name lies in, below that of its place. */
static void
parent_of(const char *leaf, char out[PATH_MAX])
{
	const char *slash = strrchr(leaf, '/');

	snprintf(out, PATH_MAX, "%.*s", slash != NULL ? (int)(slash - leaf) :
	    1, slash != NULL ? leaf : ".");
}

static int
dir_mkdir(struct store *s, const char *name, struct err *e)
{
	char parent[PATH_MAX];
	struct place p;
	int rc;

	if (place_open(own(s)->fd, own(s)->beneath, name, &p, e) == -1)
		return (-1);
	parent_of(p.leaf, parent);
	rc = io_mkdir(p.fd, p.leaf, e);
	if (rc == 0)
		rc = io_fsync_dir(p.fd, parent, e);
	place_close(&p);
	return (rc == 0 ? 0 : err_wrap(e, "%s", s->path));
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
	struct place p;
	int fd, i, n, rc = 0;

	if (place_open(own(s)->fd, own(s)->beneath, folder, &p, e) == -1)
		return (e->errnum == ENOENT ? 0 : -1);
	fd = openat(p.fd, p.leaf, O_RDONLY | O_DIRECTORY | O_CLOEXEC |
	    (own(s)->beneath ? O_NOFOLLOW : 0));
	place_close(&p);
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

struct below {
	struct store *store;
	const char *above, *folder;
	store_list_fn *fn;
	void *arg;
};

static int
below_object(void *arg, const char *name, uint64_t bytes, struct err *e)
{
	const struct below *b = arg;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", b->folder, name);
	return (b->fn(b->arg, path, bytes, e));
}

static int
below_folder(void *arg, const char *name, uint64_t bytes, struct err *e)
{
	struct below *b = arg;
	char path[PATH_MAX];

	(void)bytes;
	/* A lost+found, say, is none of a vault's folders. */
	if (!wire_part_ok(name))
		return (0);
	b->folder = name;
	snprintf(path, sizeof(path), "%s/%s", b->above, name);
	return (dir_list(b->store, path, 0, below_object, b, e));
}

static int
dir_list_below(struct store *s, const char *folder, store_list_fn *fn,
    void *arg, struct err *e)
{
	struct below b = { s, folder, NULL, fn, arg };

	return (dir_list(s, folder, 1, below_folder, &b, e));
}

/*
 * The way to a new vault is to outlive a crash as the vault does.  Of what
 * may not be read nothing was made here.
 */
static void
sync_above(const char *path)
{
	char above[PATH_MAX];
	struct err ignored;
	size_t n = strlen(path);

	(void)io_fsync_dir(AT_FDCWD, path[0] == '/' ? "/" : ".", &ignored);
	while (n-- > 1) {
		if (path[n] != '/' || n >= sizeof(above))
			continue;
		memcpy(above, path, n);
		above[n] = '\0';
		(void)io_fsync_dir(AT_FDCWD, above, &ignored);
	}
}

struct store *
store_dir_create(const char *path, int beneath, struct err *e)
{
	char arg[PATH_MAX];
	struct store *s;
	size_t i;

	if (io_mkdir_path(path, e) == -1)
		return (NULL);
	if ((s = store_dir_open(path, beneath, e)) == NULL)
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
	sync_above(path);
	return (s);
fail:
	dir_close(s);
	return (NULL);
}

int
store_dir_is(const struct store *s, dev_t dev, ino_t ino)
{
	const struct store_dir *d = (const struct store_dir *)s;

	return (s->ops == &dir_ops && d->dev == dev && d->ino == ino);
}

static void
dir_in_close(struct store_in *in)
{
	struct dir_in *i = (struct dir_in *)in;

	close(i->fd);
	free(i);
}

/* Open a file for reading.  -1 with an error that names it. */
static int
open_file(struct store_dir *d, const char *name, uint64_t *bytes,
    struct err *e)
{
	struct place p;
	struct stat st;
	int fd;

	if (place_open(d->fd, d->beneath, name, &p, e) == -1)
		return (-1);
	fd = openat(p.fd, p.leaf, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK | O_NOCTTY);
	place_close(&p);
	if (fd == -1 || fstat(fd, &st) == -1) {
		err_sys(e, "%s/%s", d->store.path, name);
		if (fd != -1)
			close(fd);
		return (-1);
	}
	*bytes = (uint64_t)st.st_size;
	return (fd);
}

static struct store_in *
dir_in_open(struct store *s, const char *name, struct err *e)
{
	struct dir_in *in;

	if ((in = calloc(1, sizeof(*in))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	in->in.ops = &dir_ops;
	snprintf(in->name, sizeof(in->name), "%s", name);
	in->fd = open_file(own(s), name, &in->in.bytes, e);
	if (in->fd == -1) {
		free(in);
		return (NULL);
	}
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
 * A name of nobody else's: not of another process of that number either,
 * which another host, or another container, may well have.
 */
static int
open_tmp(struct store_dir *d, struct dir_out *o, struct err *e)
{
	struct place p;
	uint64_t word;
	int fd;

	do {
		if (getrandom(&word, sizeof(word), 0) != sizeof(word))
			return (err_sys(e, "getrandom"));
		snprintf(o->tmp, sizeof(o->tmp), "tmp/%ld-%016llx.pack",
		    (long)getpid(), (unsigned long long)word);
		if (place_open(d->fd, d->beneath, o->tmp, &p, e) == -1)
			return (-1);
		fd = openat(p.fd, p.leaf, O_RDWR | O_CREAT | O_EXCL |
		    O_CLOEXEC | O_NOFOLLOW, 0600);
		place_close(&p);
	} while (fd == -1 && errno == EEXIST);
	return (fd != -1 ? fd : err_sys(e, "%s/%s", d->store.path, o->tmp));
}

/*
 * The flock tells a live writer's file from a dead one's; it goes with the
 * descriptor.  Whoever cleans may have come between.
 */
static struct store_out *
dir_out_new(struct store *s, struct err *e)
{
	struct store_dir *d = own(s);
	struct dir_out *o;
	struct stat st;

	if ((o = calloc(1, sizeof(*o))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	o->out.ops = &dir_ops;
	o->dir = d;
	for (;;) {
		if ((o->fd = open_tmp(d, o, e)) == -1) {
			free(o);
			return (NULL);
		}
		/* Not all file systems know locks; a file taken is left. */
		if ((flock(o->fd, LOCK_EX | LOCK_NB) == 0 ||
		    errno != EWOULDBLOCK) && fstat(o->fd, &st) == 0 &&
		    st.st_nlink > 0)
			return (&o->out);
		close(o->fd);
	}
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

/* The number of the folder that a pack's name lies in, which is made. */
static int
pack_folder(struct store_dir *d, const char *name, struct err *e)
{
	char folder[16];
	struct place p;
	unsigned n;
	int rc = 0;

	if (sscanf(name, "packs/%2x/", &n) != 1 || n >= NTOUCHED)
		return (err_set(e, ERR_FAILED, "%s: not a pack's name", name));
	snprintf(folder, sizeof(folder), "packs/%02x", n);
	if (place_open(d->fd, d->beneath, folder, &p, e) == -1)
		return (-1);
	if (mkdirat(p.fd, p.leaf, 0700) == -1 && errno != EEXIST)
		rc = err_sys(e, "%s/%s", d->store.path, folder);
	place_close(&p);
	return (rc == -1 ? -1 : (int)n);
}

/*
 * Its entries are for dir_sync() to make durable.  Only once the name is
 * there: a sync that another thread has under way may be past the folder.
 */
static void
touch_folder(struct store_dir *d, int n)
{
	pthread_mutex_lock(&d->lock);
	d->touched[n] = 1;
	pthread_mutex_unlock(&d->lock);
}

static void
remove_tmp(const struct dir_out *o)
{
	struct place p;
	struct err ignored;

	if (place_open(o->dir->fd, o->dir->beneath, o->tmp, &p, &ignored) == -1)
		return;
	(void)unlinkat(p.fd, p.leaf, 0);
	place_close(&p);
}

static void
dir_out_abort(struct store_out *out)
{
	struct dir_out *o = (struct dir_out *)out;

	remove_tmp(o);
	if (o->fd != -1)
		close(o->fd);
	free(o);
}

/* A name that nobody has yet, also where renames cannot promise that. */
static int
rename_new(const struct place *from, const struct place *to)
{
	if (renameat2(from->fd, from->leaf, to->fd, to->leaf,
	    RENAME_NOREPLACE) == 0)
		return (0);
	if (errno != EINVAL && errno != ENOSYS)
		return (-1);
	if (linkat(from->fd, from->leaf, to->fd, to->leaf, 0) == -1)
		return (-1);
	return (unlinkat(from->fd, from->leaf, 0));
}

/* Give the finished file its name. */
static int
rename_tmp(const struct dir_out *o, const char *name, int flags,
    struct err *e)
{
	struct store_dir *d = o->dir;
	struct place from, to;
	char parent[PATH_MAX];
	int rc;

	if (place_open(d->fd, d->beneath, o->tmp, &from, e) == -1)
		return (-1);
	if (place_open(d->fd, d->beneath, name, &to, e) == -1) {
		place_close(&from);
		return (-1);
	}
	if ((flags & STORE_DIR_NEW) != 0)
		rc = rename_new(&from, &to);
	else
		rc = renameat(from.fd, from.leaf, to.fd, to.leaf);
	if (rc == -1)
		err_sys(e, "rename to %s/%s", d->store.path, name);
	parent_of(to.leaf, parent);
	if (rc == 0 && (flags & STORE_DIR_DURABLE) != 0)
		rc = io_fsync_dir(to.fd, parent, e);
	place_close(&from);
	place_close(&to);
	return (rc);
}

int
store_dir_commit(struct store_out *out, const char *name, int flags,
    struct err *e)
{
	struct dir_out *o = (struct dir_out *)out;
	const char *path = o->dir->store.path;
	int n = -1;

	if ((flags & STORE_DIR_DURABLE) == 0 &&
	    (n = pack_folder(o->dir, name, e)) == -1)
		goto fail;
	if (io_fsync(o->fd) == -1) {
		err_sys(e, "fsync %s/%s", path, o->tmp);
		goto fail;
	}
	if (rename_tmp(o, name, flags, e) == -1)
		goto fail;
	if (n != -1)
		touch_folder(o->dir, n);
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
dir_out_commit(struct store_out *out, const char *name, struct err *e)
{
	return (store_dir_commit(out, name, 0, e));
}

struct store_in *
store_dir_reread(struct store_out *out, struct err *e)
{
	struct dir_out *o = (struct dir_out *)out;

	return (dir_in_open(&o->dir->store, o->tmp, e));
}

/*
 * Packs that somebody else has just named, or a run that was killed before
 * it got here, may be leaned on too, and their names are not sure to be on
 * disk.  Older ones are: no kernel keeps them to itself that long.
 */
static int
is_fresh(const struct store_dir *d, const char *folder, time_t now)
{
	struct stat st;

	return (fstatat(d->fd, folder, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_ctime > now - FRESH_S);
}

static int
dir_sync(struct store *s, struct err *e)
{
	struct store_dir *d = own(s);
	time_t now = time(NULL);
	char folder[16];
	unsigned n;
	int rc, any = 0;

	pthread_mutex_lock(&d->lock);
	for (rc = 0, n = 0; n < NTOUCHED && rc == 0; n++) {
		snprintf(folder, sizeof(folder), "packs/%02x", n);
		if (!d->touched[n] && !is_fresh(d, folder, now))
			continue;
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

/* Make the file if need be, and open it. */
static int
open_lock(struct store_dir *d, const char *file, struct err *e)
{
	struct place p;
	int fd;

	if (place_open(d->fd, d->beneath, file, &p, e) == -1)
		return (-1);
	fd = openat(p.fd, p.leaf, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK, 0600);
	place_close(&p);
	return (fd != -1 ? fd : err_sys(e, "%s/%s", d->store.path, file));
}

static struct store_lock *
dir_lock(struct store *s, const char *name, int exclusive, struct err *e)
{
	struct dir_lock *l;
	char file[256];

	if ((l = calloc(1, sizeof(*l))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	l->lock.ops = &dir_ops;
	snprintf(file, sizeof(file), "locks/%s", name);
	if ((l->fd = open_lock(own(s), file, e)) == -1) {
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
	struct place p;
	char file[300];
	int fd;

	(void)bytes;
	snprintf(file, sizeof(file), "tmp/%s", name);
	if (place_open(d->fd, d->beneath, file, &p, e) == -1)
		return (0);
	/* Where locks come over a network they are for who may write. */
	fd = openat(p.fd, p.leaf, O_RDWR | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK);
	if (fd != -1 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		(void)unlinkat(p.fd, p.leaf, 0);
	if (fd != -1)
		close(fd);
	place_close(&p);
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
	.list_below = dir_list_below,
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
