#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/outfile.h"

struct outfile {
	int fd;
	int named;		/* tmp is there */
	char path[PATH_MAX];
	char dir[PATH_MAX];
	char tmp[PATH_MAX];
};

static void
outfile_free(struct outfile *o)
{
	if (o->fd != -1 && o->fd != STDOUT_FILENO)
		close(o->fd);
	free(o);
}

void
outfile_abort(struct outfile *o)
{
	if (o == NULL)
		return;
	if (o->named)
		(void)unlink(o->tmp);
	outfile_free(o);
}

int
outfile_fd(const struct outfile *o)
{
	return (o->fd);
}

/* The file itself where path is a symbolic link, its directory, tmp. */
static int
set_names(struct outfile *o, const char *path, struct err *e)
{
	const char *slash;
	size_t n;

	if (realpath(path, o->path) == NULL) {
		if (errno != ENOENT)
			return (err_sys(e, "%s", path));
		if ((size_t)snprintf(o->path, sizeof(o->path), "%s", path) >=
		    sizeof(o->path))
			goto too_long;
	}
	slash = strrchr(o->path, '/');
	n = slash == NULL ? 0 : (size_t)(slash + 1 - o->path);
	memcpy(o->dir, o->path, n);
	memcpy(o->dir + n, n == 0 ? "." : "", n == 0 ? 2 : 1);
	if ((size_t)snprintf(o->tmp, sizeof(o->tmp), "%s.%ld.tmp", o->path,
	    (long)getpid()) < sizeof(o->tmp))
		return (0);
too_long:
	return (err_set(e, ERR_USAGE, "%s: name too long", path));
}

static int
open_new(struct outfile *o, const char *path, struct err *e)
{
	if (set_names(o, path, e) == -1)
		return (-1);
	(void)unlink(o->tmp);
	o->fd = open(o->tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC |
	    O_NOFOLLOW, 0600);
	if (o->fd == -1)
		return (err_sys(e, "%s", path));
	o->named = 1;
	return (0);
}

static int
open_path(struct outfile *o, const char *path, struct err *e)
{
	struct stat st;

	if (strcmp(path, "-") == 0) {
		if (isatty(STDOUT_FILENO))
			return (err_set(e, ERR_USAGE, "will not write an "
			    "archive to a terminal: use -o FILE"));
		o->fd = STDOUT_FILENO;
		return (0);
	}
	if (stat(path, &st) == -1 || S_ISREG(st.st_mode))
		return (open_new(o, path, e));
	if (S_ISDIR(st.st_mode))
		return (err_set(e, ERR_USAGE, "%s: is a directory", path));
	(void)snprintf(o->path, sizeof(o->path), "%s", path);
	if ((o->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY)) == -1)
		return (err_sys(e, "%s", path));
	return (0);
}

struct outfile *
outfile_new(const char *path, struct err *e)
{
	struct outfile *o;

	if ((o = calloc(1, sizeof(*o))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	o->fd = -1;
	if (open_path(o, path, e) == 0)
		return (o);
	outfile_free(o);
	return (NULL);
}

/* fsync and close: a file system may tell of a failed write only then. */
int
outfile_sync(struct outfile *o, struct err *e)
{
	int fd = o->fd;

	if (fd == -1)
		return (0);
	if (o->named && fsync(fd) == -1)
		return (err_sys(e, "%s", o->path));
	if (fd == STDOUT_FILENO)
		return (0);
	o->fd = -1;
	if (close(fd) == -1)
		return (err_sys(e, "%s", o->path));
	return (0);
}

int
outfile_clear(struct outfile *o, struct err *e)
{
	if (!o->named)
		return (0);
	if (unlink(o->path) == 0)
		return (io_fsync_dir(AT_FDCWD, o->dir, e));
	return (errno == ENOENT ? 0 : err_sys(e, "%s", o->path));
}

int
outfile_commit(struct outfile *o, struct err *e)
{
	int rc;

	rc = outfile_sync(o, e);
	if (rc == 0 && o->named) {
		if (rename(o->tmp, o->path) == -1)
			rc = err_sys(e, "rename %s", o->path);
		else {
			o->named = 0;
			rc = io_fsync_dir(AT_FDCWD, o->dir, e);
		}
	}
	outfile_abort(o);
	return (rc);
}
