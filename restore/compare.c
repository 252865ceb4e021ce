#include <fcntl.h>
#include <limits.h>
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

/* How many attributes of the kinds that restore would have set. */
static size_t
count_xattrs(const char *path)
{
	char *list, *p;
	ssize_t len;
	size_t n = 0;

	if ((list = malloc(XATTR_LIST_MAX)) == NULL)
		return (0);
	len = llistxattr(path, list, XATTR_LIST_MAX);
	for (p = list; len > 0 && p < list + len; p += strlen(p) + 1)
		n++;
	free(list);
	return (n);
}

int
compare_xattrs(int dirfd, const char *name, const struct span *lines)
{
	struct buf xname = BUF_INIT, value = BUF_INIT, now = BUF_INIT;
	struct scan s = mtree_scan(lines);
	char path[64 + NAME_MAX];
	struct err ignored;
	size_t n = 0;
	ssize_t len;
	int same = 1;

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dirfd, name);
	if (buf_reserve(&now, XATTR_SIZE_MAX) == NULL)
		same = 0;
	for (; same && mtree_next_xattr(&s, &xname, &value, &ignored) == 1;
	    n++) {
		len = lgetxattr(path, (const char *)xname.data, now.data,
		    XATTR_SIZE_MAX);
		same = len >= 0 && (size_t)len == value.len &&
		    memcmp(now.data, value.data, value.len) == 0;
	}
	buf_fini(&xname);
	buf_fini(&value);
	buf_fini(&now);
	return (same && count_xattrs(path) == n);
}
