#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "formats/pathtext.h"
#include "restore/select.h"
#include "restore/snapfs.h"
#include "restore/subtree.h"

void
select_fini(struct selection *sel)
{
	size_t i;

	for (i = 0; i < sel->n; i++)
		buf_fini(&sel->tops[i].path);
	free(sel->tops);
	memset(sel, 0, sizeof(*sel));
}

static struct span
top_span(const struct select_top *t)
{
	struct span sp = { (const char *)t->path.data, t->path.len };

	return (sp);
}

int
select_covers(const struct selection *sel, const struct snapshot_volume *vol,
    const struct span *path)
{
	struct span top;
	size_t i;

	for (i = 0; i < sel->n; i++) {
		top = top_span(&sel->tops[i]);
		if (sel->tops[i].volume == vol && view_is_below(path, &top))
			return (1);
	}
	return (0);
}

/* Add a top, unless it is covered; drop those that it covers. */
static int
add_top(struct selection *sel, const struct snapshot_volume *vol,
    const struct span *path, struct err *e)
{
	struct select_top *t;
	struct span other;
	size_t i, kept = 0;

	if (select_covers(sel, vol, path))
		return (0);
	for (i = 0; i < sel->n; i++) {
		other = top_span(&sel->tops[i]);
		if (sel->tops[i].volume == vol && view_is_below(&other, path))
			buf_fini(&sel->tops[i].path);
		else
			sel->tops[kept++] = sel->tops[i];
	}
	sel->n = kept;
	t = realloc(sel->tops, (sel->n + 1) * sizeof(*t));
	if (t == NULL)
		return (err_nomem(e));
	sel->tops = t;
	t += sel->n++;
	memset(t, 0, sizeof(*t));
	t->volume = vol;
	buf_append(&t->path, path->p, path->len);
	return (buf_ok(&t->path, e));
}

/* 1 when the volume has the path. */
static int
has(struct view *v, const struct snapshot_volume *vol,
    const struct span *path, struct err *e)
{
	struct subtree *t;
	struct entry ent;
	int rc;

	t = subtree_new(v->vault, v->index, vol, path, e);
	if (t == NULL)
		return (-1);
	rc = subtree_first(t, &ent, e);
	subtree_free(t);
	return (rc);
}

/* Match a glob against the whole paths of a volume's entries. */
static int
match_volume(struct selection *sel, struct view *v,
    const struct snapshot_volume *vol, const char *glob, size_t *matches,
    struct err *e)
{
	static const struct span whole = { ".", 1 };
	struct buf text = BUF_INIT, raw = BUF_INIT;
	struct subtree *t;
	struct entry ent;
	int rc;

	t = subtree_new(v->vault, v->index, vol, &whole, e);
	if (t == NULL)
		return (-1);
	while ((rc = subtree_next(t, &ent, e)) != 0) {
		if (rc == -1) {
			view_trouble(v, e);
			continue;
		}
		buf_clear(&text);
		buf_clear(&raw);
		view_full_path(&text, vol, &ent.path);
		(void)pathtext_decode(&raw, (const char *)text.data,
		    text.len);
		if (fnmatch(glob, buf_cstr(&raw), FNM_PATHNAME) != 0)
			continue;
		++*matches;
		rc = add_top(sel, vol, &ent.path, e);
		if (rc == 0)
			rc = subtree_skip(t, e);
		if (rc == -1)
			break;
	}
	subtree_free(t);
	buf_fini(&text);
	buf_fini(&raw);
	return (rc == -1 ? -1 : 0);
}

/* The volumes that a clean path touches, and the path itself if it exists. */
static int
add_literal(struct selection *sel, struct view *v, const char *clean,
    size_t *matches, struct err *e)
{
	const struct snapshot_volume *vol;
	struct buf text = BUF_INIT;
	struct span path;
	size_t i;
	int rc = 0;

	for (i = 0; i < v->snap.nvolumes && rc == 0; i++) {
		vol = &v->snap.volumes[i];
		buf_clear(&text);
		if (!view_scope(vol, clean, &text))
			continue;
		path.p = (const char *)text.data;
		path.len = text.len;
		if ((rc = has(v, vol, &path, e)) == 1) {
			++*matches;
			rc = add_top(sel, vol, &path, e);
		}
	}
	buf_fini(&text);
	return (rc);
}

struct behind {
	struct selection *sel;
	struct view *view;
	size_t links;
};

static int
add_link(void *arg, const char *path, const char *what, const char *by,
    struct err *e)
{
	struct behind *b = arg;

	(void)what;
	(void)by;
	return (add_literal(b->sel, b->view, path, &b->links, e));
}

/*
 * What lies behind symbolic links: it, and the links, without which nothing
 * would be found under that path.
 */
static int
add_behind(struct selection *sel, struct view *v, const char *clean,
    size_t *matches, struct err *e)
{
	struct behind b = { sel, v, 0 };
	struct osfs_found f;
	struct snapfs *fs;
	const struct osfs *os;
	int rc;

	if ((fs = snapfs_new(v, e)) == NULL)
		return (-1);
	os = snapfs_osfs(fs);
	rc = os->look(os->arg, clean, &f, e);
	if (rc == 0 && f.what <= OSFS_OTHER) {
		rc = snapfs_links(fs, add_link, &b, e);
		if (rc == 0 && b.links > 0)
			rc = add_literal(sel, v, f.path, matches, e);
	}
	snapfs_free(fs);
	return (rc);
}

static int
add_path(struct selection *sel, struct view *v, const char *arg,
    struct err *e)
{
	struct buf clean = BUF_INIT;
	size_t i, matches = 0;
	int rc;

	rc = view_clean_path(&clean, arg, e);
	if (rc == 0)
		rc = add_literal(sel, v, buf_cstr(&clean), &matches, e);
	if (rc == 0 && matches == 0 && strpbrk(arg, "*?[") != NULL)
		for (i = 0; i < v->snap.nvolumes && rc == 0; i++)
			rc = match_volume(sel, v, &v->snap.volumes[i],
			    buf_cstr(&clean), &matches, e);
	if (rc == 0 && matches == 0)
		rc = add_behind(sel, v, buf_cstr(&clean), &matches, e);
	if (rc == 0 && matches == 0)
		rc = view_not_there(&v->snap, arg, e);
	buf_fini(&clean);
	return (rc);
}

int
select_paths(struct selection *sel, struct view *v, char **paths, size_t n,
    struct err *e)
{
	static const struct span whole = { ".", 1 };
	size_t i;

	memset(sel, 0, sizeof(*sel));
	if (n == 0) {
		sel->all = 1;
		for (i = 0; i < v->snap.nvolumes; i++)
			if (add_top(sel, &v->snap.volumes[i], &whole,
			    e) == -1)
				goto fail;
	}
	for (i = 0; i < n; i++)
		if (add_path(sel, v, paths[i], e) == -1)
			goto fail;
	return (0);
fail:
	select_fini(sel);
	return (-1);
}
