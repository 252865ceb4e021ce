#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "restore/plan.h"

static int
trouble(struct plan *p)
{
	extract_report(p->opt->report, "not deleted", p->above, &p->path,
	    strerror(errno));
	return (0);
}

/*
 * Delete what a directory holds, seen through its own descriptor only.  0;
 * 1 when it is left alone, which is reported; -1.
 */
static int
empty_dir(struct plan *p, int dirfd, const char *name, struct err *e)
{
	size_t len = p->path.len;
	struct stat st, above;
	struct dirent *d;
	DIR *dir;
	int fd, rc = 0;

	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (fd == -1)
		return (trouble(p));
	if (fstat(fd, &st) == -1 || fstat(dirfd, &above) == -1 ||
	    st.st_dev != above.st_dev) {
		/* What is mounted there is not the volume's to lose. */
		close(fd);
		errno = EBUSY;
		return (trouble(p) + 1);
	}
	if ((dir = fdopendir(fd)) == NULL) {
		close(fd);
		return (err_nomem(e));
	}
	while (rc == 0 && (d = readdir(dir)) != NULL) {
		if (strcmp(d->d_name, ".") == 0 ||
		    strcmp(d->d_name, "..") == 0)
			continue;
		buf_putc(&p->path, '/');
		buf_puts(&p->path, d->d_name);
		rc = prune_entry(p, fd, d->d_name, e);
		p->path.len = len;
	}
	(void)buf_cstr(&p->path);
	closedir(dir);
	return (rc);
}

int
prune_entry(struct plan *p, int dirfd, const char *name, struct err *e)
{
	struct stat st;
	int rc;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return (errno == ENOENT ? 0 : trouble(p));
	if (S_ISDIR(st.st_mode) &&
	    (rc = empty_dir(p, dirfd, name, e)) != 0)
		return (rc == -1 ? -1 : 0);
	if (S_ISREG(st.st_mode) && plan_is_database(p))
		return (0);
	plan_tell(p, PLAN_DELETE);
	plan_lose(p, &st);
	if (p->opt->dry_run)
		return (0);
	if (unlinkat(dirfd, name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0) ==
	    -1)
		return (trouble(p));
	return (0);
}

static int
compare_names(const void *a, const void *b)
{
	return (strcmp(*(const char *const *)a, *(const char *const *)b));
}

/* The names noted for the directory, as a sorted array. */
static const char **
sorted_names(const struct plan_level *l, size_t *n)
{
	const char **names, *s = (const char *)l->names.data;
	const char *end = s == NULL ? s : s + l->names.len;
	size_t i = 0;

	for (*n = 0; s < end; s += strlen(s) + 1)
		++*n;
	if ((names = malloc((*n + 1) * sizeof(*names))) == NULL)
		return (NULL);
	for (s = (const char *)l->names.data; i < *n; s += strlen(s) + 1)
		names[i++] = s;
	qsort(names, *n, sizeof(*names), compare_names);
	return (names);
}

/*
 * Files of this run that are still being written have names of their own,
 * which go away with them.
 */
static int
is_known(const char **names, size_t n, const char *name)
{
	if (strncmp(name, EXTRACT_TEMP_PREFIX,
	    sizeof(EXTRACT_TEMP_PREFIX) - 1) == 0)
		return (1);
	return (bsearch(&name, names, n, sizeof(*names),
	    compare_names) != NULL);
}

static int
is_mount_point(int fd)
{
	struct stat st, above;

	return (fstat(fd, &st) == 0 &&
	    fstatat(fd, "..", &above, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_dev != above.st_dev);
}

int
prune_dir(struct plan *p, const struct plan_level *l, struct err *e)
{
	const char **names;
	struct dirent *d;
	size_t n, len;
	DIR *dir = NULL;
	int dirfd, fd = -1, rc = 0;

	dirfd = extract_dir_fd(p->extract, p->dirs, l->dir);
	if (dirfd != -1)
		fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return (trouble(p));
	if (l->names.len == 0 && is_mount_point(fd)) {
		/* The backup did not enter it: what is in it is another's. */
		close(fd);
		errno = EBUSY;
		return (trouble(p));
	}
	if ((names = sorted_names(l, &n)) == NULL ||
	    (dir = fdopendir(fd)) == NULL) {
		free(names);
		close(fd);
		return (err_nomem(e));
	}
	p->path.len = len = l->path_len;
	while (rc == 0 && (d = readdir(dir)) != NULL) {
		if (strcmp(d->d_name, ".") == 0 ||
		    strcmp(d->d_name, "..") == 0 ||
		    is_known(names, n, d->d_name))
			continue;
		if (len > 0)
			buf_putc(&p->path, '/');
		buf_puts(&p->path, d->d_name);
		rc = prune_entry(p, fd, d->d_name, e);
		p->path.len = len;
	}
	closedir(dir);
	free(names);
	return (rc);
}
