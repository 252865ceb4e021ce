#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "restore/window.h"
#include "vault/fetch.h"
#include "vault/tree.h"

#define FILES 65536
#define PIECES 131072

int
window_init(struct plan *p, struct err *e)
{
	p->files = malloc(FILES * sizeof(*p->files));
	p->pieces = malloc(PIECES * sizeof(*p->pieces));
	if (p->files == NULL || p->pieces == NULL)
		return (err_nomem(e));
	/* The target itself. */
	if (window_add_dir(p, 0, "", e) == UINT32_MAX)
		return (-1);
	p->dirs[0].made = p->opt->root == -1;
	p->dirs[0].inherits = 1;
	return (0);
}

void
window_fini(struct plan *p)
{
	arena_fini(&p->keep);
	arena_fini(&p->window);
	free(p->dirs);
	free(p->files);
	free(p->pieces);
	free(p->links);
}

uint32_t
window_add_dir(struct plan *p, uint32_t parent, const char *name,
    struct err *e)
{
	struct extract_dir *d;
	size_t cap = p->dirs_cap == 0 ? 1024 : 2 * p->dirs_cap;

	if (p->ndirs == p->dirs_cap) {
		if (cap > UINT32_MAX ||
		    (d = realloc(p->dirs, cap * sizeof(*d))) == NULL) {
			err_nomem(e);
			return (UINT32_MAX);
		}
		p->dirs = d;
		p->dirs_cap = cap;
	}
	d = &p->dirs[p->ndirs];
	memset(d, 0, sizeof(*d));
	d->parent = parent;
	d->name = arena_copy(&p->keep, name, strlen(name) + 1);
	if (d->name == NULL) {
		err_nomem(e);
		return (UINT32_MAX);
	}
	return ((uint32_t)p->ndirs++);
}

int
window_attributes(struct arena *a, struct attributes *at,
    const struct entry *ent, struct err *e)
{
	at->mode = ent->mode;
	at->uid = ent->uid;
	at->gid = ent->gid;
	at->mtime = ent->mtime;
	at->mtime_ns = ent->mtime_ns;
	at->xattrs.len = ent->xattrs.len;
	at->xattrs.p = NULL;
	if (ent->xattrs.len == 0)
		return (0);
	at->xattrs.p = arena_copy(a, ent->xattrs.p, ent->xattrs.len);
	return (at->xattrs.p != NULL ? 0 : err_nomem(e));
}

/* One more blob of a file; the window may be written on the way. */
static int
add_piece(struct plan *p, struct extract_file *f,
    const uint8_t id[DIGEST_LEN], uint64_t *off, uint64_t len, struct err *e)
{
	struct extract_piece *pc;
	struct err why;
	int rc;

	if (p->npieces == PIECES && plan_flush(p, e) == -1)
		return (-1);
	pc = &p->pieces[p->npieces];
	rc = index_find(p->view->index, PACK_DATA, id, &pc->loc, &why);
	if (rc == -1) {
		*e = why;
		return (-1);
	}
	if (rc == 0) {
		/* fetch_blob() will say so for the file. */
		memset(&pc->loc, 0, sizeof(pc->loc));
		pc->loc.pack = EXTRACT_NO_PACK;
		pc->loc.len = (uint32_t)len;
	}
	memcpy(pc->id, id, DIGEST_LEN);
	pc->file = f;
	pc->file_off = *off;
	*off += len > 0 ? len : pc->loc.len;
	__atomic_add_fetch(&f->left, 1, __ATOMIC_RELAXED);
	p->npieces++;
	return (0);
}

static int
add_inline(struct plan *p, struct extract_file *f, const struct entry *ent,
    struct err *e)
{
	struct scan s = mtree_scan(&ent->blobs);
	uint8_t id[DIGEST_LEN];
	uint64_t off = 0;

	while (s.p < s.end && mtree_next_blob(&s, id))
		if (add_piece(p, f, id, &off, 0, e) == -1)
			return (-1);
	return (0);
}

static int
add_list(struct plan *p, struct extract_file *f, const uint8_t *root,
    uint32_t depth, struct err *e)
{
	uint8_t id[DIGEST_LEN];
	struct fetch *fetch;
	struct tree_reader *t = NULL;
	struct err why;
	uint64_t off = 0, bytes;
	int rc = -1;

	fetch = fetch_new(p->view->vault, p->view->index, 4, e);
	if (fetch != NULL)
		t = tree_reader_new(fetch, TREE_LIST, root, depth, e);
	if (t == NULL)
		goto out;
	while ((rc = tree_reader_next(t, id, &bytes, &why)) == 1)
		if ((rc = add_piece(p, f, id, &off, bytes, e)) == -1)
			goto out;
	if (rc == -1 && store_lost(p->view->vault->store, e))
		goto out;
	if (rc == -1 || off != f->size) {
		f->failed = 1;
		p->totals->damaged++;
		extract_report(p->opt->report, "damaged", p->above, &p->path,
		    rc == -1 ? why.msg :
		    "its list of blobs does not have its length");
	}
	rc = 0;
out:
	tree_reader_free(t);
	fetch_free(fetch);
	return (rc);
}

/* A file that several blobs go into is made at once, at its full length. */
static int
make_big(struct plan *p, struct extract_file *f, struct err *e)
{
	char tmp[EXTRACT_NAME_LEN];
	const char *name = extract_name(f, tmp);
	int dirfd, fd = -1;

	dirfd = extract_dir_fd(p->extract, p->dirs, f->dir);
	if (dirfd != -1 && (f->flags & EXTRACT_TEMP) != 0)
		(void)unlinkat(dirfd, name, 0);
	if (dirfd != -1)
		fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL |
		    O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1 || ftruncate(fd, (off_t)f->size) == -1) {
		err_sys(e, "%s", buf_cstr(&p->path));
		f->failed = 1;
		extract_report(p->opt->report, "not restored", p->above,
		    &p->path, strerror(e->errnum));
	}
	if (fd != -1)
		close(fd);
	return (0);
}

/*
 * Big files outlive a window, so they are kept with the directories; there
 * are few beside the small ones.
 */
static struct extract_file *
new_file(struct plan *p, int big, const char *name, const struct entry *ent,
    struct err *e)
{
	struct arena *a = big ? &p->keep : &p->window;
	struct extract_file *f;

	f = big ? arena_alloc(a, sizeof(*f)) : &p->files[p->nfiles++];
	if (f == NULL)
		goto nomem;
	memset(f, 0, sizeof(*f));
	if ((f->name = arena_copy(a, name, strlen(name) + 1)) == NULL ||
	    window_attributes(a, &f->at, ent, e) == -1)
		goto nomem;
	f->size = ent->size;
	f->flags = big ? EXTRACT_BIG : 0;
	f->holes.len = ent->holes.len;
	if (ent->holes.len > 0 && (f->holes.p = arena_copy(a, ent->holes.p,
	    ent->holes.len)) == NULL)
		goto nomem;
	return (f);
nomem:
	err_nomem(e);
	return (NULL);
}

int
window_add_file(struct plan *p, uint32_t dir, const char *name,
    const struct entry *ent, int exists, struct err *e)
{
	int big = ent->blobs.len > 0 || ent->list_depth > 0 ||
	    ent->holes.len > 0;
	uint8_t list[DIGEST_LEN];
	struct extract_file *f;
	uint64_t off = 0;
	int rc = 0;

	if ((p->nfiles == FILES || p->npieces == PIECES) &&
	    plan_flush(p, e) == -1)
		return (-1);
	if ((f = new_file(p, big, name, ent, e)) == NULL)
		return (-1);
	f->dir = dir;
	f->flags |= exists ? EXTRACT_TEMP : 0;
	if (!big && ent->size == 0) {
		extract_empty(p->extract, p->dirs, f);
		return (0);
	}
	if (!big)
		return (add_piece(p, f, ent->digest, &off, ent->size, e));
	f->left = 1;	/* until all its blobs are known */
	if (make_big(p, f, e) == -1)
		return (-1);
	memcpy(list, ent->list, sizeof(list));
	if (f->failed)
		rc = 0;
	else if (ent->list_depth > 0)
		rc = add_list(p, f, list, ent->list_depth, e);
	else if (ent->blobs.len > 0)
		rc = add_inline(p, f, ent, e);
	else if (ent->size > 0)
		rc = add_piece(p, f, ent->digest, &off, ent->size, e);
	extract_release(p->extract, p->dirs, f);
	return (rc);
}

int
window_add_link(struct plan *p, uint32_t dir, const char *name,
    const char *target, int exists, struct err *e)
{
	struct plan_link *l;
	size_t cap = p->links_cap == 0 ? 256 : 2 * p->links_cap;

	if (p->nlinks == p->links_cap) {
		if ((l = realloc(p->links, cap * sizeof(*l))) == NULL)
			return (err_nomem(e));
		p->links = l;
		p->links_cap = cap;
	}
	l = &p->links[p->nlinks++];
	l->dir = dir;
	l->exists = exists;
	l->name = arena_copy(&p->window, name, strlen(name) + 1);
	l->target = arena_copy(&p->window, target, strlen(target) + 1);
	return (l->name != NULL && l->target != NULL ? 0 : err_nomem(e));
}
