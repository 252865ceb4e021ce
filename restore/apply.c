#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "formats/pathtext.h"
#include "restore/apply.h"

#define LABEL "security.selinux"	/* the host's to give */

/* A descriptor, or, for what must not be opened, a path by way of /proc. */
struct object {
	int fd;
	const char *path;
};

void
applier_init(struct applier *a)
{
	a->euid = geteuid();
	a->egid = getegid();
}

static int
set_xattr(const struct object *o, const char *name, const struct buf *value)
{
	static uint8_t nothing;
	const void *p = value->len > 0 ? value->data : &nothing;

	return (o->path != NULL ?
	    lsetxattr(o->path, name, p, value->len, 0) :
	    fsetxattr(o->fd, name, p, value->len, 0));
}

/* 0; 1 when some were refused, the last of which e tells; -1. */
static int
set_xattrs(const struct applier *a, const struct object *o,
    const struct span *lines, struct err *e)
{
	struct buf name = BUF_INIT, value = BUF_INIT;
	struct scan s = mtree_scan(lines);
	const char *n;
	int rc, refused = 0;

	while ((rc = mtree_next_xattr(&s, &name, &value, e)) == 1) {
		n = (const char *)name.data;
		if (set_xattr(o, n, &value) == 0)
			continue;
		/* Labels and capabilities are not a user's to give. */
		if (a->euid != 0 && (errno == EPERM || errno == EACCES) &&
		    strncmp(n, "user.", 5) != 0)
			continue;
		err_sys(e, "extended attribute %s", n);
		refused = 1;
	}
	buf_fini(&name);
	buf_fini(&value);
	return (rc == -1 ? -1 : refused);
}

/* Whether the lines have an attribute of that name. */
static int
has_line(const struct span *lines, const char *name)
{
	struct buf line = BUF_INIT;
	int found;

	buf_puts(&line, "#x ");
	pathtext_encode(&line, name, strlen(name));
	buf_putc(&line, ' ');
	found = lines->len > 0 && !line.nomem &&
	    memmem(lines->p, lines->len, line.data, line.len) != NULL;
	buf_fini(&line);
	return (found);
}

/*
 * Attributes that the entry should not have: an ACL from its directory, or
 * what it had before.  What may not be removed stays.
 */
static void
drop_others(const struct object *o, const struct span *lines)
{
	char probe[1024], *list = probe, *p;
	ssize_t len;

	len = o->path != NULL ? llistxattr(o->path, probe, sizeof(probe)) :
	    flistxattr(o->fd, probe, sizeof(probe));
	if (len == -1 && errno == ERANGE) {
		if ((list = malloc(XATTR_LIST_MAX)) == NULL)
			return;
		len = o->path != NULL ?
		    llistxattr(o->path, list, XATTR_LIST_MAX) :
		    flistxattr(o->fd, list, XATTR_LIST_MAX);
	}
	for (p = list; len > 0 && p < list + len; p += strlen(p) + 1) {
		if (strcmp(p, LABEL) == 0 || has_line(lines, p))
			continue;
		if (o->path != NULL)
			(void)lremovexattr(o->path, p);
		else
			(void)fremovexattr(o->fd, p);
	}
	if (list != probe)
		free(list);
}

/* A user's own program must not become set-id by being another's once. */
static mode_t
mode_of(const struct applier *a, const struct attributes *at)
{
	if (a->euid == 0 || at->uid == a->euid)
		return (at->mode);
	return (at->mode & ~(mode_t)(S_ISUID | S_ISGID));
}

static void
times_of(const struct attributes *at, struct timespec ts[2])
{
	ts[0].tv_sec = 0;
	ts[0].tv_nsec = UTIME_OMIT;
	ts[1].tv_sec = at->mtime;
	ts[1].tv_nsec = at->mtime_ns;
}

/*
 * The order matters: a change of owner takes away set-id bits and
 * capabilities, a change of mode touches an ACL's mask only to what it was.
 */
int
apply_fd(const struct applier *a, int fd, const struct attributes *at,
    int fresh, struct err *e)
{
	struct object o = { fd, NULL };
	struct timespec ts[2];
	int owner = !fresh || at->uid != a->euid || at->gid != a->egid;
	int refused = 0;

	if (!fresh)
		drop_others(&o, &at->xattrs);
	if (owner && a->euid == 0 && fchown(fd, at->uid, at->gid) == -1)
		return (err_sys(e, "owner"));
	if (at->xattrs.len > 0 &&
	    (refused = set_xattrs(a, &o, &at->xattrs, e)) == -1)
		return (-1);
	if ((!fresh || owner || (at->mode & 07000) != 0) &&
	    fchmod(fd, mode_of(a, at)) == -1)
		return (err_sys(e, "mode"));
	times_of(at, ts);
	if (futimens(fd, ts) == -1)
		return (err_sys(e, "time"));
	return (refused);
}

int
apply_at(const struct applier *a, int dirfd, const char *name,
    enum entry_type type, const struct attributes *at, struct err *e)
{
	char path[64 + NAME_MAX];
	struct object o = { -1, path };
	struct timespec ts[2];
	int fd, rc, refused = 0;

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dirfd, name);
	drop_others(&o, &at->xattrs);
	if (a->euid == 0 && fchownat(dirfd, name, at->uid, at->gid,
	    AT_SYMLINK_NOFOLLOW) == -1)
		return (err_sys(e, "owner"));
	if (at->xattrs.len > 0 &&
	    (refused = set_xattrs(a, &o, &at->xattrs, e)) == -1)
		return (-1);
	if (type != ENTRY_LINK) {
		/* By way of a descriptor: chmod(2) follows links. */
		fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (fd == -1)
			return (err_sys(e, "mode"));
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		rc = chmod(path, mode_of(a, at));
		if (rc == -1)
			err_sys(e, "mode");
		close(fd);
		if (rc == -1)
			return (-1);
	}
	times_of(at, ts);
	if (utimensat(dirfd, name, ts, AT_SYMLINK_NOFOLLOW) == -1)
		return (err_sys(e, "time"));
	return (refused);
}

int
apply_same(const struct applier *a, const struct stat *st,
    const struct attributes *at, int time)
{
	if (!S_ISLNK(st->st_mode) && (st->st_mode & 07777) != mode_of(a, at))
		return (0);
	if (a->euid == 0 && (st->st_uid != at->uid || st->st_gid != at->gid))
		return (0);
	return (!time || (st->st_mtim.tv_sec == at->mtime &&
	    st->st_mtim.tv_nsec == at->mtime_ns));
}
