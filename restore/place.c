#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <uthash.h>

#include "formats/pathtext.h"
#include "restore/compare.h"
#include "restore/plan.h"
#include "restore/target.h"
#include "restore/window.h"

/*
 * A set of hard links whose first name is not wanted: the name that its
 * contents were given to.
 */
struct link_place {
	UT_hash_handle hh;
	char *path;		/* below the root */
	char key[];		/* volume and the first name's catalog text */
};

static int
trouble(struct plan *p, const char *why)
{
	extract_report(p->opt->report, "not restored", p->above, &p->path,
	    why);
	return (0);
}

/*
 * What the target has under a name: 1, 0 when nothing (never asked in a
 * directory that this run made), -1 when that is reported.
 */
static int
look(struct plan *p, uint32_t dir, const char *name, int *dirfd,
    struct stat *st)
{
	*dirfd = -1;
	if (p->opt->dry_run && p->dirs[dir].made)
		return (0);
	*dirfd = extract_dir_fd(p->extract, p->dirs, dir);
	if (*dirfd == -1)
		return (trouble(p, strerror(errno)) - 1);
	if (p->dirs[dir].made)
		return (0);
	if (fstatat(*dirfd, name, st, AT_SYMLINK_NOFOLLOW) == 0)
		return (1);
	if (errno != ENOENT)
		return (trouble(p, strerror(errno)) - 1);
	return (0);
}

/* Whether what is made in a directory gets its group or an ACL from it. */
static int
inherits(int dirfd, const char *name)
{
	char path[64 + NAME_MAX];
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    (st.st_mode & S_ISGID) != 0)
		return (1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dirfd, name);
	return (lgetxattr(path, "system.posix_acl_default", NULL, 0) > 0);
}

static void
make_dir(struct plan *p, struct extract_dir *d, int dirfd, const char *name,
    const struct entry *ent)
{
	d->made = 1;
	d->finish = ent != NULL;
	if (p->opt->dry_run)
		return;
	if (mkdirat(dirfd, name, ent != NULL ? 0700 : 0755) == -1) {
		trouble(p, strerror(errno));
		d->failed = 1;
		return;
	}
	if (p->dirs[d->parent].inherits)
		d->inherits = (uint8_t)inherits(dirfd, name);
}

/* Something that is no directory stands where one must go. */
static int
clear_way(struct plan *p, struct extract_dir *d, int dirfd, const char *name,
    const struct stat *st, struct err *e)
{
	if (p->opt->exact)
		return (prune_entry(p, dirfd, name, e));
	d->failed = 1;
	return (trouble(p, S_ISLNK(st->st_mode) ?
	    "a symbolic link stands in the way of a directory; what lies "
	    "below is not restored (remove it, or use --exact)" :
	    "a file stands in the way of a directory; what lies below is "
	    "not restored (remove it, or use --exact)"));
}

int
place_dir(struct plan *p, uint32_t parent, const char *name,
    const struct entry *ent, int ancestor, uint32_t *dir, struct err *e)
{
	struct extract_dir *d;
	struct stat st;
	int dirfd, there;

	if ((*dir = window_add_dir(p, parent, name, e)) == UINT32_MAX)
		return (-1);
	d = &p->dirs[*dir];
	if (ent != NULL && window_attributes(&p->keep, &d->at, ent, e) == -1)
		return (-1);
	if (p->dirs[parent].failed ||
	    (there = look(p, parent, name, &dirfd, &st)) == -1) {
		d->failed = 1;
		return (0);
	}
	if (there && !S_ISDIR(st.st_mode)) {
		if (clear_way(p, d, dirfd, name, &st, e) == -1)
			return (-1);
		if (d->failed)
			return (0);
		plan_tell(p, PLAN_REPLACE);
		make_dir(p, d, dirfd, name, ent);
		return (0);
	}
	if (!there) {
		plan_tell(p, PLAN_CREATE);
		make_dir(p, d, dirfd, name, ent);
		return (0);
	}
	d->inherits = (uint8_t)inherits(dirfd, name);
	d->finish = !ancestor;
	if (!ancestor)
		plan_tell(p, apply_same(&p->applier, &st, &d->at, 1) &&
		    compare_xattrs(dirfd, name, &d->at.xattrs,
		    p->applier.euid == 0) ? PLAN_KEEP : PLAN_ADJUST);
	return (0);
}

static void
trouble_attributes(struct plan *p, const struct err *why)
{
	extract_report(p->opt->report, "not all restored", p->above,
	    &p->path, why->msg);
}

/* The right thing is there: mend its metadata. */
static void
adjust(struct plan *p, int dirfd, const char *name, enum entry_type type,
    const struct attributes *at)
{
	struct err why;
	int rc;

	if (p->opt->dry_run)
		return;
	rc = apply_at(&p->applier, dirfd, name, type, at, &why);
	if (rc == -1)
		trouble(p, why.msg);
	else if (rc == 1)
		trouble_attributes(p, &why);
}

/*
 * Something else stands where an entry goes: what is no directory will be
 * replaced, a directory is deleted first with --exact.  1 to go on (*there:
 * whether there is still something), 0 when it is reported, -1.
 */
static int
make_way(struct plan *p, int dirfd, const char *name, const struct stat *st,
    int *there, struct err *e)
{
	if (!S_ISDIR(st->st_mode))
		return (1);
	if (!p->opt->exact)
		return (trouble(p, "a directory stands in its way (remove "
		    "it, or use --exact)"));
	*there = 0;
	return (prune_entry(p, dirfd, name, e) == 0 ? 1 : -1);
}

/* Tell that an entry comes, in the place of what is there, or NULL. */
static void
put_there(struct plan *p, const struct stat *there)
{
	plan_tell(p, there != NULL ? PLAN_REPLACE : PLAN_CREATE);
	if (there != NULL)
		plan_lose(p, there);
}

/* Make a symbolic link, device or fifo. */
static int
make_node(const struct entry *ent, int dirfd, const char *name,
    const char *target)
{
	mode_t type = ent->type == ENTRY_FIFO ? S_IFIFO :
	    ent->type == ENTRY_CHAR ? S_IFCHR : S_IFBLK;

	if (ent->type == ENTRY_LINK)
		return (symlinkat(target, dirfd, name));
	return (mknodat(dirfd, name, type | 0600,
	    makedev(ent->major, ent->minor)));
}

static void
put_other(struct plan *p, const struct entry *ent,
    const struct attributes *at, int dirfd, const char *name,
    const char *target, int exists)
{
	char tmp[EXTRACT_NAME_LEN];
	const char *as = name;
	struct err e;
	int rc = 0;

	if (exists) {
		extract_temp_name(name, tmp);
		(void)unlinkat(dirfd, tmp, 0);
		as = tmp;
	}
	if (make_node(ent, dirfd, as, target) == -1)
		trouble(p, strerror(errno));
	else if ((rc = apply_at(&p->applier, dirfd, as, ent->type, at,
	    &e)) == -1)
		trouble(p, e.msg);
	else if (!exists || renameat(dirfd, tmp, dirfd, name) == 0) {
		if (rc == 1)
			trouble_attributes(p, &e);
		return;
	} else
		trouble(p, strerror(errno));
	(void)unlinkat(dirfd, as, 0);
}

static int
place_other(struct plan *p, uint32_t dir, const char *name,
    const struct entry *ent, struct err *e)
{
	struct buf target = BUF_INIT;
	struct attributes at;
	struct stat st;
	int dirfd, there, same, rc = 0;

	if ((there = look(p, dir, name, &dirfd, &st)) == -1)
		return (0);
	if (window_attributes(&p->window, &at, ent, e) == -1 ||
	    (ent->type == ENTRY_LINK && pathtext_decode(&target, ent->link.p,
	    ent->link.len) == -1)) {
		buf_fini(&target);
		return (err_nomem(e));
	}
	same = there && compare_other(ent, dirfd, name, &st,
	    buf_cstr(&target));
	if (same && apply_same(&p->applier, &st, &at, 1) &&
	    compare_xattrs(dirfd, name, &at.xattrs, p->applier.euid == 0))
		plan_tell(p, PLAN_KEEP);
	else if (same) {
		plan_tell(p, PLAN_ADJUST);
		adjust(p, dirfd, name, ent->type, &at);
	} else if (!there || (rc = make_way(p, dirfd, name, &st, &there,
	    e)) == 1) {
		put_there(p, there ? &st : NULL);
		if (!p->opt->dry_run)
			put_other(p, ent, &at, dirfd, name,
			    buf_cstr(&target), there);
	}
	buf_fini(&target);
	return (rc == -1 ? -1 : 0);
}

/* Raw path below the root of a catalog path, or NULL. */
static char *
raw_path(const struct plan *p, const struct snapshot_volume *vol,
    const struct span *path)
{
	struct buf b = BUF_INIT;
	char *out = NULL;

	if (plan_path(p, &b, vol, path) == 0 && !b.nomem)
		out = strdup(buf_cstr(&b));
	buf_fini(&b);
	return (out);
}

/*
 * Where the contents of an entry's hard-link set are, below the root: *path
 * is to be freed, or NULL when this very entry is to get them.
 */
static int
find_place(struct plan *p, const struct snapshot_volume *vol,
    const struct entry *ent, char **path, struct err *e)
{
	struct link_place *lp = NULL;
	size_t vlen = strlen(vol->path) + 1;
	size_t klen = vlen + ent->hardlink.len;
	char *key;

	*path = NULL;
	if (ent->hardlink.len == 0)
		return (0);
	if (select_covers(p->sel, vol, &ent->hardlink)) {
		*path = raw_path(p, vol, &ent->hardlink);
		return (*path != NULL ? 0 : err_nomem(e));
	}
	if ((lp = malloc(sizeof(*lp) + klen)) == NULL)
		return (err_nomem(e));
	key = lp->key;
	memcpy(key, vol->path, vlen);
	memcpy(key + vlen, ent->hardlink.p, ent->hardlink.len);
	struct link_place *found = NULL;
	HASH_FIND(hh, p->places, key, klen, found);
	if (found != NULL) {
		free(lp);
		*path = strdup(found->path);
		return (*path != NULL ? 0 : err_nomem(e));
	}
	if ((lp->path = strdup(buf_cstr(&p->path))) == NULL) {
		free(lp);
		return (err_nomem(e));
	}
	HASH_ADD_KEYPTR(hh, p->places, lp->key, klen, lp);
	return (0);
}

void
place_fini(struct plan *p)
{
	struct link_place *lp, *tmp;

	HASH_ITER(hh, p->places, lp, tmp) {
		HASH_DEL(p->places, lp);
		free(lp->path);
		free(lp);
	}
}

/* A descriptor of the directory that holds a path, and the name in it. */
static int
open_parent(struct plan *p, const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	char *dir;
	int fd;

	*name = slash != NULL ? slash + 1 : path;
	dir = strndup(path, slash != NULL ? (size_t)(slash - path) : 0);
	if (dir == NULL)
		return (-1);
	fd = p->opt->root == -1 ? -1 : target_open_dir(p->opt->root, dir);
	free(dir);
	return (fd);
}

static int
same_inode(struct plan *p, const char *target, const struct stat *st)
{
	const char *name;
	struct stat other;
	int fd, same;

	if ((fd = open_parent(p, target, &name)) == -1)
		return (0);
	same = fstatat(fd, name, &other, AT_SYMLINK_NOFOLLOW) == 0 &&
	    other.st_dev == st->st_dev && other.st_ino == st->st_ino;
	close(fd);
	return (same);
}

static int
plan_link_to(struct plan *p, uint32_t dir, const char *name,
    const char *target, struct err *e)
{
	struct stat st;
	int dirfd, there, rc;

	if ((there = look(p, dir, name, &dirfd, &st)) == -1)
		return (0);
	if (there && (rc = make_way(p, dirfd, name, &st, &there, e)) != 1)
		return (rc);
	if (there && same_inode(p, target, &st))
		plan_tell(p, PLAN_KEEP);
	else
		put_there(p, there ? &st : NULL);
	if (p->opt->dry_run)
		return (0);
	return (window_add_link(p, dir, name, target, there, e));
}

static void
trouble_link(struct plan *p, const struct plan_link *l, const char *why)
{
	struct buf path = BUF_INIT, text = BUF_INIT;

	extract_dir_path(&path, p->dirs, l->dir);
	if (path.len > 0)
		buf_putc(&path, '/');
	buf_puts(&path, l->name);
	buf_puts(&text, "hard link to ");
	extract_text(&text, p->above, l->target, strlen(l->target));
	buf_printf(&text, ": %s", why);
	extract_report(p->opt->report, "not restored", p->above, &path,
	    buf_cstr(&text));
	buf_fini(&path);
	buf_fini(&text);
}

/* Only now are the files of the window there. */
int
place_link(struct plan *p, const struct plan_link *l, struct err *e)
{
	char tmp[EXTRACT_NAME_LEN];
	const char *from, *as = l->name;
	struct stat st;
	int dirfd, fd, rc = -1;

	(void)e;
	dirfd = extract_dir_fd(p->extract, p->dirs, l->dir);
	if (l->exists && dirfd != -1) {
		if (fstatat(dirfd, l->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    same_inode(p, l->target, &st))
			return (0);
		extract_temp_name(l->name, tmp);
		(void)unlinkat(dirfd, tmp, 0);
		as = tmp;
	}
	fd = open_parent(p, l->target, &from);
	if (dirfd != -1 && fd != -1) {
		rc = linkat(fd, from, dirfd, as, 0);
		if (rc == 0 && l->exists)
			rc = renameat(dirfd, tmp, dirfd, l->name);
	}
	if (rc == -1)
		trouble_link(p, l, strerror(errno));
	if (fd != -1)
		close(fd);
	return (0);
}

/* A regular file stands there with the same contents: mend what is not. */
static int
keep_file(struct plan *p, int dirfd, const char *name,
    const struct entry *ent, const struct stat *st, struct err *e)
{
	struct attributes at;

	if (window_attributes(&p->window, &at, ent, e) == -1)
		return (-1);
	if (apply_same(&p->applier, st, &at, 1) && compare_xattrs(dirfd,
	    name, &at.xattrs, p->applier.euid == 0)) {
		plan_tell(p, PLAN_KEEP);
		return (0);
	}
	plan_tell(p, PLAN_ADJUST);
	adjust(p, dirfd, name, ENTRY_FILE, &at);
	return (0);
}

/* Bytes that will take room: all but the holes. */
static uint64_t
data_bytes(const struct entry *ent)
{
	struct scan s = mtree_scan(&ent->holes);
	uint64_t n = ent->size, off, len;

	while (s.p < s.end && mtree_next_hole(&s, &off, &len))
		n -= len;
	return (n);
}

static int
place_file(struct plan *p, uint32_t dir, const char *name,
    const struct entry *ent, struct err *e)
{
	struct stat st;
	int dirfd, there, rc;

	if ((there = look(p, dir, name, &dirfd, &st)) == -1)
		return (0);
	if (there && S_ISREG(st.st_mode) && (p->opt->checksum ?
	    compare_contents(p->digest, dirfd, name, ent) :
	    compare_quick(ent, &st)))
		return (keep_file(p, dirfd, name, ent, &st, e));
	if (there && (rc = make_way(p, dirfd, name, &st, &there, e)) != 1)
		return (rc);
	put_there(p, there ? &st : NULL);
	p->totals->bytes += data_bytes(ent);
	if (p->opt->dry_run)
		return (0);
	return (window_add_file(p, dir, name, ent, there ||
	    p->opt->node != NULL, e));
}

int
place_entry(struct plan *p, uint32_t dir, const char *name,
    const struct snapshot_volume *vol, const struct entry *ent,
    struct err *e)
{
	char *target;
	int rc;

	if (find_place(p, vol, ent, &target, e) == -1)
		return (-1);
	if (target != NULL) {
		rc = plan_link_to(p, dir, name, target, e);
		free(target);
		return (rc);
	}
	if (ent->type == ENTRY_FILE)
		return (place_file(p, dir, name, ent, e));
	return (place_other(p, dir, name, ent, e));
}
