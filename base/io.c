#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

ssize_t
io_read(int fd, void *p, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = read(fd, (uint8_t *)p + done, len - done);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return (-1);
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return ((ssize_t)done);
}

ssize_t
io_pread(int fd, void *p, size_t len, off_t off)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = pread(fd, (uint8_t *)p + done, len - done,
		    off + (off_t)done);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return (-1);
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return ((ssize_t)done);
}

int
io_write(int fd, const void *p, size_t len)
{
	const uint8_t *b = p;
	ssize_t n;

	while (len > 0) {
		n = write(fd, b, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return (-1);
		b += n;
		len -= (size_t)n;
	}
	return (0);
}

int
io_pwrite(int fd, const void *p, size_t len, off_t off)
{
	const uint8_t *b = p;
	ssize_t n;

	while (len > 0) {
		n = pwrite(fd, b, len, off);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return (-1);
		b += n;
		off += n;
		len -= (size_t)n;
	}
	return (0);
}

int
io_load(int dirfd, const char *name, size_t max, struct buf *out,
    struct err *e)
{
	struct stat st;
	uint8_t *p;
	ssize_t n;
	int fd, rc = -1;

	fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK | O_NOCTTY);
	if (fd == -1)
		return (err_sys(e, "%s", name));
	if (fstat(fd, &st) == -1) {
		err_sys(e, "%s", name);
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		err_set(e, ERR_DAMAGED, "%s: not a regular file", name);
		goto out;
	}
	if (st.st_size < 0 || (uint64_t)st.st_size > max) {
		err_set(e, ERR_DAMAGED, "%s: larger than %zu bytes", name,
		    max);
		goto out;
	}
	if ((p = buf_reserve(out, (size_t)st.st_size + 1)) == NULL) {
		err_nomem(e);
		goto out;
	}
	if ((n = io_read(fd, p, (size_t)st.st_size)) == -1) {
		err_sys(e, "%s", name);
		goto out;
	}
	buf_advance(out, (size_t)n);
	rc = 0;
out:
	close(fd);
	return (rc);
}

int
io_fsync(int fd)
{
	int rc;

	do
		rc = fsync(fd);
	while (rc == -1 && errno == EINTR);
	return (rc);
}

int
io_fsync_dir(int dirfd, const char *name, struct err *e)
{
	int fd, rc;

	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return (err_sys(e, "%s", name));
	rc = io_fsync(fd);
	if (rc == -1)
		err_sys(e, "fsync %s", name);
	close(fd);
	return (rc);
}

/* The directory part of name, "." when it has none. */
static void
parent_of(const char *name, char *out, size_t size)
{
	const char *slash = strrchr(name, '/');

	if (slash == NULL)
		snprintf(out, size, ".");
	else if (slash == name)
		snprintf(out, size, "/");
	else
		snprintf(out, size, "%.*s", (int)(slash - name), name);
}

int
io_save(int dirfd, const char *name, const void *data, size_t len,
    struct err *e)
{
	char tmp[PATH_MAX], parent[PATH_MAX];
	int fd, rc;

	if ((size_t)snprintf(tmp, sizeof(tmp), "%s.%ld.tmp", name,
	    (long)getpid()) >= sizeof(tmp))
		return (err_set(e, ERR_USAGE, "%s: name too long", name));
	(void)unlinkat(dirfd, tmp, 0);
	fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC |
	    O_NOFOLLOW, 0600);
	if (fd == -1)
		return (err_sys(e, "%s", tmp));
	rc = io_write(fd, data, len);
	if (rc == 0)
		rc = io_fsync(fd);
	if (rc == -1)
		err_sys(e, "%s", tmp);
	if (close(fd) == -1 && rc == 0)
		rc = err_sys(e, "%s", tmp);
	if (rc == 0 && renameat(dirfd, tmp, dirfd, name) == -1)
		rc = err_sys(e, "rename %s", name);
	if (rc == -1) {
		(void)unlinkat(dirfd, tmp, 0);
		return (-1);
	}
	parent_of(name, parent, sizeof(parent));
	return (io_fsync_dir(dirfd, parent, e));
}

int
io_mkdir(int dirfd, const char *name, struct err *e)
{
	struct stat st;

	if (mkdirat(dirfd, name, 0700) == 0)
		return (0);
	if (errno != EEXIST)
		return (err_sys(e, "%s", name));
	if (fstatat(dirfd, name, &st, 0) == -1)
		return (err_sys(e, "%s", name));
	if (!S_ISDIR(st.st_mode))
		return (err_set(e, ERR_FAILED, "%s: not a directory", name));
	return (0);
}

int
io_mkdir_path(const char *path, struct err *e)
{
	char part[PATH_MAX];
	size_t i, n = strlen(path);

	if (n == 0 || n >= sizeof(part))
		return (err_set(e, ERR_USAGE, "%s: bad path", path));
	for (i = 1; i <= n; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (io_mkdir(AT_FDCWD, part, e) == -1)
			return (-1);
	}
	return (0);
}

size_t
io_max_files(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		return (256);
	if (rl.rlim_cur < rl.rlim_max) {
		rl.rlim_cur = rl.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &rl) == -1 &&
		    getrlimit(RLIMIT_NOFILE, &rl) == -1)
			return (256);
	}
	if (rl.rlim_cur > 1 << 20)
		return (1 << 20);
	return ((size_t)rl.rlim_cur);
}
