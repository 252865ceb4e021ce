#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cancel.h"
#include "formats/pathtext.h"
#include "restore/compare.h"
#include "restore/dbfiles.h"
#include "restore/plan.h"
#include "restore/subtree.h"
#include "restore/window.h"
#include "vault/content.h"

int
plan_flush(struct plan *p, struct err *e)
{
	size_t i;

	if (p->npieces > 0 && extract_run(p->extract, p->dirs, p->pieces,
	    p->npieces, e) == -1)
		return (-1);
	for (i = 0; i < p->nlinks; i++)
		if (place_link(p, &p->links[i], e) == -1)
			return (-1);
	p->nfiles = p->npieces = p->nlinks = 0;
	arena_reset(&p->window);
	return (cancel_check(e));
}

void
plan_tell(struct plan *p, enum plan_action action)
{
	static const char *const words[] = {
		[PLAN_CREATE] = "create", [PLAN_REPLACE] = "replace",
		[PLAN_ADJUST] = "adjust", [PLAN_KEEP] = "keep",
		[PLAN_DELETE] = "delete",
	};
	struct buf text = BUF_INIT;
	uint64_t *counts[] = {
		[PLAN_CREATE] = &p->totals->created,
		[PLAN_REPLACE] = &p->totals->replaced,
		[PLAN_ADJUST] = &p->totals->adjusted,
		[PLAN_KEEP] = &p->totals->kept,
		[PLAN_DELETE] = &p->totals->deleted,
	};

	++*counts[action];
	/* Nothing is deleted without saying so first. */
	if (action == PLAN_KEEP ||
	    (!p->opt->verbose && action != PLAN_DELETE))
		return;
	extract_text(&text, p->above, p->path.data, p->path.len);
	fprintf(p->opt->out, "%s %s\n", words[action], buf_cstr(&text));
	buf_fini(&text);
}

void
plan_lose(struct plan *p, const struct stat *st)
{
	const struct plan_node *n = p->opt->node;
	struct buf text = BUF_INIT;

	if (n == NULL || n->newer == NULL || !S_ISREG(st->st_mode) ||
	    st->st_mtim.tv_sec < n->since.tv_sec ||
	    (st->st_mtim.tv_sec == n->since.tv_sec &&
	    st->st_mtim.tv_nsec <= n->since.tv_nsec))
		return;
	extract_text(&text, p->above, p->path.data, p->path.len);
	n->newer(n->arg, buf_cstr(&text), (uint64_t)st->st_size);
	buf_fini(&text);
}

static int
is_database(const struct plan *p, const struct buf *raw)
{
	struct span path = { (const char *)raw->data, raw->len };

	return (p->opt->node != NULL && raw->len > 0 &&
	    dbfiles_match(p->opt->node->vol->path, &path));
}

int
plan_is_database(const struct plan *p)
{
	return (p->opt->node != NULL && p->opt->node->database &&
	    is_database(p, &p->path));
}

/* Leave the deepest directory. */
static int
pop_level(struct plan *p, struct err *e)
{
	struct plan_level *l = &p->levels[--p->nlevels];
	int rc = 0;

	if (l->prune && !p->dirs[l->dir].failed)
		rc = prune_dir(p, l, e);
	buf_fini(&l->names);
	return (rc);
}

static int
push_level(struct plan *p, uint32_t dir, size_t path_len, int prune,
    struct err *e)
{
	struct plan_level *l;

	if (p->nlevels == p->levels_cap) {
		l = realloc(p->levels, (p->levels_cap + 64) * sizeof(*l));
		if (l == NULL)
			return (err_nomem(e));
		p->levels = l;
		p->levels_cap += 64;
	}
	l = &p->levels[p->nlevels++];
	memset(l, 0, sizeof(*l));
	l->dir = dir;
	l->path_len = path_len;
	l->prune = prune;
	return (0);
}

/*
 * Leave directories until the deepest one left holds the path; the length
 * of what the path shares with it, its "/" included, is where the next
 * component starts.
 */
static int
climb(struct plan *p, const struct buf *path, struct err *e)
{
	const struct plan_level *l;

	for (;;) {
		l = &p->levels[p->nlevels - 1];
		if (l->path_len == 0)
			return (0);
		if (path->len > l->path_len &&
		    path->data[l->path_len] == '/' &&
		    memcmp(path->data, p->path.data, l->path_len) == 0)
			return (0);
		p->path.len = l->path_len;
		if (pop_level(p, e) == -1)
			return (-1);
	}
}

/* --exact: the snapshot has this name in the directory at hand. */
static int
note_name(struct plan *p, const char *name, struct err *e)
{
	struct plan_level *l = &p->levels[p->nlevels - 1];

	if (!l->prune)
		return (0);
	buf_append(&l->names, name, strlen(name) + 1);
	return (buf_ok(&l->names, e));
}

/* Put the next component of path at the end of p->path. */
static const char *
next_component(struct plan *p, const struct buf *path, int *last)
{
	size_t start = p->levels[p->nlevels - 1].path_len, end;

	if (start > 0)
		start++;
	for (end = start; end < path->len && path->data[end] != '/'; end++)
		;
	*last = end == path->len;
	buf_clear(&p->path);
	buf_append(&p->path, path->data, end);
	(void)buf_cstr(&p->path);
	return (p->path.nomem ? NULL : (const char *)p->path.data + start);
}

/*
 * Go down to the directory that holds the path, making on the way what the
 * catalog did not give (the directories above a volume, or entries lost).
 */
static const char *
descend(struct plan *p, const struct buf *path, struct err *e)
{
	const char *name;
	uint32_t dir;
	int last;

	if (climb(p, path, e) == -1)
		return (NULL);
	for (;;) {
		if ((name = next_component(p, path, &last)) == NULL) {
			err_nomem(e);
			return (NULL);
		}
		if (last)
			return (name);
		if (note_name(p, name, e) == -1 || place_dir(p,
		    p->levels[p->nlevels - 1].dir, name, NULL, 1, &dir,
		    e) == -1 || push_level(p, dir, p->path.len, 0, e) == -1)
			return (NULL);
	}
}

int
plan_path(const struct plan *p, struct buf *out,
    const struct snapshot_volume *vol, const struct span *path)
{
	/* Without the first "/". */
	if (p->opt->node == NULL)
		buf_puts(out, vol->path + 1);
	if (path->len == 1)
		return (0);
	if (out->len > 0)
		buf_putc(out, '/');
	return (pathtext_decode(out, path->p + 2, path->len - 2));
}

/*
 * What a volume of selected paths does not have was not asked for: it may
 * have been there.
 */
static int
may_prune(const struct plan *p, const struct snapshot_volume *vol)
{
	return (p->opt->exact && !vol->selected);
}

/* The target's own directory: "/" as a volume is restored onto it. */
static int
root_entry(struct plan *p, const struct snapshot_volume *vol,
    const struct entry *ent, int ancestor, struct err *e)
{
	struct extract_dir *d = &p->dirs[0];

	while (p->nlevels > 1)
		if (pop_level(p, e) == -1)
			return (-1);
	buf_clear(&p->path);
	p->levels[0].prune = may_prune(p, vol) && !ancestor && !d->made;
	if (ancestor)
		return (0);
	d->finish = 1;
	return (window_attributes(&p->keep, &d->at, ent, e));
}

/* Whether the file at hand is the database's, and not to be restored. */
static int
passes_over(struct plan *p)
{
	if (!is_database(p, &p->path))
		return (0);
	p->totals->database++;
	return (p->opt->node->database);
}

static int
plan_entry(struct plan *p, const struct snapshot_volume *vol,
    const struct entry *ent, int ancestor, struct err *e)
{
	char name[NAME_MAX + 1];	/* p->path moves while it is used */
	struct buf path = BUF_INIT;
	const char *last;
	uint32_t parent, dir;
	size_t len;
	int rc = -1;

	if (plan_path(p, &path, vol, &ent->path) == -1) {
		err_nomem(e);
		goto out;
	}
	if (buf_ok(&path, e) == -1)
		goto out;
	p->totals->entries++;
	if (path.len == 0) {
		rc = root_entry(p, vol, ent, ancestor, e);
		goto out;
	}
	if ((last = descend(p, &path, e)) == NULL ||
	    note_name(p, last, e) == -1)
		goto out;
	len = strlen(last);
	if (len > NAME_MAX) {
		extract_report(p->opt->report, "not restored", p->above,
		    &p->path, "name too long");
		rc = 0;
		goto out;
	}
	memcpy(name, last, len + 1);
	parent = p->levels[p->nlevels - 1].dir;
	if (ent->type == ENTRY_DIR) {
		rc = place_dir(p, parent, name, ent, ancestor, &dir, e);
		if (rc == 0)
			rc = push_level(p, dir, path.len, !ancestor &&
			    may_prune(p, vol) && !p->dirs[dir].made, e);
	} else if (p->dirs[parent].failed || (ent->type == ENTRY_FILE &&
	    passes_over(p)))
		rc = 0;
	else
		rc = place_entry(p, parent, name, vol, ent, e);
out:
	buf_fini(&path);
	return (rc);
}

/* The directories above a top, with what the snapshot knows of them. */
static int
plan_ancestors(struct plan *p, const struct select_top *top, struct err *e)
{
	struct span path = { (const char *)top->path.data, 0 };
	struct subtree *t;
	struct entry ent;
	size_t i;
	int rc = 0;

	for (i = 1; i < top->path.len && rc == 0; i++) {
		if (top->path.data[i] != '/')
			continue;
		path.len = i;
		t = subtree_new(p->view->vault, p->view->index, top->volume,
		    &path, e);
		if (t == NULL)
			return (-1);
		rc = subtree_first(t, &ent, e);
		if (rc == 1)
			rc = plan_entry(p, top->volume, &ent, 1, e);
		else if (rc == -1) {
			/* descend() makes it, plainly. */
			view_trouble(p->view, e);
			rc = 0;
		}
		subtree_free(t);
	}
	return (rc);
}

static int
plan_top(struct plan *p, const struct select_top *top, struct err *e)
{
	struct span path = { (const char *)top->path.data, top->path.len };
	struct subtree *t;
	struct entry ent;
	int rc;

	if (plan_ancestors(p, top, e) == -1)
		return (-1);
	t = subtree_new(p->view->vault, p->view->index, top->volume, &path,
	    e);
	if (t == NULL)
		return (-1);
	while ((rc = subtree_next(t, &ent, e)) != 0) {
		if (rc == -1) {
			view_trouble(p->view, e);
			continue;
		}
		if ((rc = cancel_check(e)) == -1 ||
		    (rc = plan_entry(p, top->volume, &ent, 0, e)) == -1)
			break;
	}
	subtree_free(t);
	return (rc);
}

/* Metadata of one directory, when all is in it. */
static void
finish_dir(struct plan *p, uint32_t dir)
{
	const struct extract_dir *d = &p->dirs[dir];
	struct buf path = BUF_INIT;
	struct stat st;
	struct err e = { .kind = ERR_NONE };
	int fd = -1, dirfd, rc = 0;

	dirfd = extract_dir_fd(p->extract, p->dirs, dir);
	if (dirfd != -1)
		fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1)
		err_sys(&e, "directory");
	else if (d->made || !apply_same(&p->applier, &st, &d->at, 1) ||
	    !compare_xattrs(dirfd, ".", &d->at.xattrs,
	    p->applier.euid == 0))
		rc = apply_fd(&p->applier, fd, &d->at, 0, &e);
	if (e.kind != ERR_NONE) {
		extract_dir_path(&path, p->dirs, dir);
		extract_report(p->opt->report, rc == 1 ? "not all restored" :
		    "not restored", p->above, &path, e.msg);
		buf_fini(&path);
	}
	if (fd != -1)
		close(fd);
}

static void
note_selected(struct plan *p, const struct snapshot_volume *vol)
{
	struct buf text = BUF_INIT;

	pathtext_encode(&text, vol->path, strlen(vol->path));
	report_note(p->opt->report, "not deleted", buf_cstr(&text), "the "
	    "snapshot has only some paths of it; nothing else there is "
	    "deleted");
	buf_fini(&text);
}

static int
plan_all(struct plan *p, struct err *e)
{
	const struct snapshot_volume *vol, *told = NULL;
	size_t i;

	if (push_level(p, 0, 0, 0, e) == -1)
		return (-1);
	for (i = 0; i < p->sel->n; i++) {
		vol = p->sel->tops[i].volume;
		if (p->opt->exact && vol->selected && vol != told)
			note_selected(p, told = vol);
		if (plan_top(p, &p->sel->tops[i], e) == -1)
			return (-1);
	}
	while (p->nlevels > 0) {
		p->path.len = p->levels[p->nlevels - 1].path_len;
		if (pop_level(p, e) == -1)
			return (-1);
	}
	if (plan_flush(p, e) == -1)
		return (-1);
	if (p->opt->dry_run)
		return (0);
	/* The deepest first: a directory's time changes with its contents. */
	for (i = p->ndirs; i-- > 0;)
		if (p->dirs[i].finish && !p->dirs[i].failed)
			finish_dir(p, (uint32_t)i);
	return (0);
}

static int
plan_init(struct plan *p, struct err *e)
{
	const struct extract_options x = {
		.vault = p->view->vault, .index = p->view->index,
		.above = p->above, .root = p->opt->root,
		.report = p->opt->report,
		.progress = p->opt->progress, .threads = p->opt->threads,
	};

	applier_init(&p->applier);
	if (window_init(p, e) == -1 ||
	    (p->extract = extract_new(&x, e)) == NULL)
		return (-1);
	if (p->opt->checksum) {
		p->content = content_new(p->view->vault, p->view->index, e);
		if (p->content == NULL)
			return (-1);
		if ((p->digest = digest_new()) == NULL)
			return (err_nomem(e));
	}
	return (0);
}

int
plan_run(struct view *v, const struct selection *sel,
    const struct plan_options *opt, struct plan_totals *totals,
    struct err *e)
{
	struct plan p = {
		.view = v, .sel = sel, .opt = opt, .totals = totals,
		.above = opt->node == NULL ||
		    strcmp(opt->node->vol->path, "/") == 0 ? "" :
		    opt->node->vol->path,
	};
	int rc = -1;

	memset(totals, 0, sizeof(*totals));
	if (plan_init(&p, e) == 0)
		rc = plan_all(&p, e);
	if (p.extract != NULL)
		totals->damaged = extract_damaged(p.extract);
	while (p.nlevels > 0)
		buf_fini(&p.levels[--p.nlevels].names);
	extract_free(p.extract);
	content_free(p.content);
	digest_free(p.digest);
	place_fini(&p);
	window_fini(&p);
	free(p.levels);
	buf_fini(&p.path);
	return (rc);
}
