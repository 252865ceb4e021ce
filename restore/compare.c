#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/io.h"
#include "restore/compare.h"

#define READ_BYTES (1 << 20)

int
compare_quick(const struct entry *ent, const struct stat *st)
{
	return ((uint64_t)st->st_size == ent->size &&
	    st->st_mtim.tv_sec == ent->mtime &&
	    st->st_mtim.tv_nsec == ent->mtime_ns);
}

int
compare_contents(struct digest *d, int dirfd, const char *name,
    const struct entry *ent)
{
	uint8_t got[DIGEST_LEN], *p;
	struct stat st;
	ssize_t n = -1;
	int fd;

	fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_NOCTTY | O_CLOEXEC);
	if (fd == -1)
		return (0);
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    (uint64_t)st.st_size != ent->size ||
	    (p = malloc(READ_BYTES)) == NULL) {
		close(fd);
		return (0);
	}
	digest_reset(d);
	while ((n = io_read(fd, p, READ_BYTES)) > 0)
		digest_update(d, p, (size_t)n);
	digest_final(d, got);
	free(p);
	close(fd);
	return (n == 0 && memcmp(got, ent->digest, DIGEST_LEN) == 0);
}

int
compare_other(const struct entry *ent, int dirfd, const char *name,
    const struct stat *st, const char *target)
{
	char now[PATH_MAX];
	ssize_t n;

	switch (ent->type) {
	case ENTRY_LINK:
		if (!S_ISLNK(st->st_mode))
			return (0);
		n = readlinkat(dirfd, name, now, sizeof(now));
		return (n >= 0 && (size_t)n == strlen(target) &&
		    memcmp(now, target, (size_t)n) == 0);
	case ENTRY_CHAR:
	case ENTRY_BLOCK:
		return ((ent->type == ENTRY_CHAR ? S_ISCHR(st->st_mode) :
		    S_ISBLK(st->st_mode)) &&
		    st->st_rdev == makedev(ent->major, ent->minor));
	case ENTRY_FIFO:
		return (S_ISFIFO(st->st_mode));
	case ENTRY_DIR:
	case ENTRY_FILE:
		break;
	}
	return (0);
}

#define LABEL "security.selinux"

/* Whether an attribute is one that is compared. */
static int
counts(const char *name, const struct span *lines, int all)
{
	if (!all && strncmp(name, "user.", 5) != 0)
		return (0);
	return (strcmp(name, LABEL) != 0 || (lines->len > 0 &&
	    memmem(lines->p, lines->len, "#x " LABEL " ",
	    sizeof("#x " LABEL " ") - 1) != NULL));
}

/* How many attributes there are; SIZE_MAX when that cannot be told. */
static size_t
count_xattrs(const char *path, const struct span *lines, int all)
{
	char probe[1024], *list = probe, *p;
	ssize_t len;
	size_t n = 0;

	len = llistxattr(path, probe, sizeof(probe));
	if (len == -1 && errno == ERANGE) {
		if ((list = malloc(XATTR_LIST_MAX)) == NULL)
			return (SIZE_MAX);
		len = llistxattr(path, list, XATTR_LIST_MAX);
	}
	if (len == -1 && errno != ENOTSUP)
		n = SIZE_MAX;
	for (p = list; len > 0 && p < list + len; p += strlen(p) + 1)
		n += (size_t)counts(p, lines, all);
	if (list != probe)
		free(list);
	return (n);
}

/* Whether the entry has each attribute of the lines; *n: how many. */
static int
has_xattrs(const char *path, const struct span *lines, int all, size_t *n)
{
	struct buf name = BUF_INIT, value = BUF_INIT, now = BUF_INIT;
	struct scan s = mtree_scan(lines);
	struct err ignored;
	ssize_t len;
	int same = buf_reserve(&now, XATTR_SIZE_MAX) != NULL;

	while (same && mtree_next_xattr(&s, &name, &value, &ignored) == 1) {
		if (!counts((const char *)name.data, lines, all))
			continue;
		++*n;
		len = lgetxattr(path, (const char *)name.data, now.data,
		    XATTR_SIZE_MAX);
		same = len >= 0 && (size_t)len == value.len &&
		    (len == 0 || memcmp(now.data, value.data,
		    value.len) == 0);
	}
	buf_fini(&name);
	buf_fini(&value);
	buf_fini(&now);
	return (same);
}

int
compare_xattrs(int dirfd, const char *name, const struct span *lines, int all)
{
	char path[64 + NAME_MAX];
	size_t n = 0;

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dirfd, name);
	if (lines->len > 0 && !has_xattrs(path, lines, all, &n))
		return (0);
	return (count_xattrs(path, lines, all) == n);
}
