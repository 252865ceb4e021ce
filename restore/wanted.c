#include <stdlib.h>
#include <string.h>

#include "formats/pathtext.h"
#include "restore/subtree.h"
#include "restore/wanted.h"

struct wanted {
	struct view *view;
	const struct snapshot_volume *vol;
	struct span *tops;	/* sorted */
	size_t ntops, top;	/* top: the one at hand */
	size_t above;		/* bytes of its path given as directories */
	struct span barred;	/* the last that proved to be none */
	struct subtree *one;	/* holds the spans of a directory above */
	struct subtree *tree;	/* below the top */
};

static int
compare_tops(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return (pathtext_compare(x->p, x->len, y->p, y->len));
}

struct wanted *
wanted_new(struct view *v, const struct selection *sel,
    const struct snapshot_volume *vol, struct err *e)
{
	struct wanted *w;
	size_t i;

	if ((w = calloc(1, sizeof(*w))) == NULL ||
	    (w->tops = calloc(sel->n + 1, sizeof(*w->tops))) == NULL) {
		free(w);
		err_nomem(e);
		return (NULL);
	}
	w->view = v;
	w->vol = vol;
	for (i = 0; i < sel->n; i++) {
		if (sel->tops[i].volume != vol)
			continue;
		w->tops[w->ntops].p = (const char *)sel->tops[i].path.data;
		w->tops[w->ntops++].len = sel->tops[i].path.len;
	}
	qsort(w->tops, w->ntops, sizeof(*w->tops), compare_tops);
	return (w);
}

void
wanted_free(struct wanted *w)
{
	if (w == NULL)
		return;
	subtree_free(w->one);
	subtree_free(w->tree);
	free(w->tops);
	free(w);
}

/* Bytes of its path that a top shares, as directories, with the last one. */
static size_t
shared(const struct wanted *w)
{
	const struct span *a, *b;
	size_t i, n = 0;

	if (w->top == 0)
		return (0);
	a = &w->tops[w->top - 1];
	b = &w->tops[w->top];
	for (i = 0; i < a->len && i < b->len && a->p[i] == b->p[i]; i++)
		if (b->p[i] == '/')
			n = i;
	return (n);
}

/* Nothing is taken from below what the catalog has as something else. */
static int
bar(struct wanted *w, struct err *e)
{
	const struct span *path = &w->barred;

	w->above = 0;
	w->top++;
	err_set(e, ERR_DAMAGED, "%.*s: not a directory, but something lies "
	    "below it", (int)(path->len < 200 ? path->len : 200), path->p);
	return (err_wrap(e, "catalog of %s", w->vol->path));
}

static int
is_barred(const struct wanted *w)
{
	return (w->barred.len > 0 && view_is_below(&w->tops[w->top],
	    &w->barred));
}

/* The next directory above the top: 1, 0 when there is none left, -1. */
static int
next_above(struct wanted *w, struct entry *ent, struct err *e)
{
	const struct span *top = &w->tops[w->top];
	struct span path = { top->p, 0 };
	const char *slash;
	int rc;

	for (;;) {
		slash = w->above + 1 >= top->len ? NULL : memchr(top->p +
		    w->above + 1, '/', top->len - w->above - 1);
		if (slash == NULL)
			return (0);
		w->above = path.len = (size_t)(slash - top->p);
		subtree_free(w->one);
		w->one = subtree_new(w->view->vault, w->view->index, w->vol,
		    &path, e);
		if (w->one == NULL)
			return (-1);
		rc = subtree_first(w->one, ent, e);
		if (rc == 1 && ent->type != ENTRY_DIR) {
			w->barred = path;
			return (bar(w, e));
		}
		if (rc != 0)
			return (rc);
	}
}

int
wanted_next(struct wanted *w, struct entry *ent, int *above, struct err *e)
{
	int rc;

	for (; w->top < w->ntops; w->top++) {
		if (w->tree == NULL) {
			if (is_barred(w))
				return (bar(w, e));
			if (w->above == 0)
				w->above = shared(w);
			*above = 1;
			if ((rc = next_above(w, ent, e)) != 0)
				return (rc);
			w->tree = subtree_new(w->view->vault,
			    w->view->index, w->vol, &w->tops[w->top], e);
			if (w->tree == NULL) {
				w->above = 0;
				w->top++;
				return (-1);
			}
		}
		*above = 0;
		if ((rc = subtree_next(w->tree, ent, e)) != 0)
			return (rc);
		subtree_free(w->tree);
		w->tree = NULL;
		w->above = 0;
	}
	return (0);
}

size_t
wanted_tops(const struct wanted *w)
{
	return (w->ntops);
}

int
wanted_all(const struct wanted *w)
{
	return (w->ntops == 1 && w->tops[0].len == 1);
}

int
wanted_top(const struct wanted *w, size_t i, struct buf *out, struct err *e)
{
	if (pathtext_decode(out, w->tops[i].p, w->tops[i].len) == -1)
		return (err_nomem(e));
	return (buf_ok(out, e));
}
