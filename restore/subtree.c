#include <stdlib.h>
#include <string.h>

#include "formats/pathtext.h"
#include "restore/subtree.h"
#include "restore/view.h"
#include "vault/fetch.h"
#include "vault/tree.h"

#define FRAMES_KEPT 16		/* decoded catalog frames */
#define SKIP_BY_READING 128	/* entries passed over before seeking */

struct subtree {
	struct fetch *fetch;
	struct tree_reader *tree;
	const struct snapshot_volume *vol;
	struct buf top;
	struct buf skip;	/* pass over what is up to or below this */
	unsigned skipped;	/* entries since, until sought behind them */
	uint8_t leaf[DIGEST_LEN];
	int have_leaf;		/* leaf is named but not read */
	struct buf text;	/* of the leaf being read */
	struct scan scan;
	struct buf last;	/* path of the entry before */
	struct buf other;	/* of the last one that is no directory */
	struct err err;		/* met ahead of time */
	int done;
};

static struct span
span_of(const struct buf *b)
{
	struct span sp = { (const char *)b->data, b->len };

	return (sp);
}

/* Go on with the leaf that would hold a path. */
static int
seek(struct subtree *t, const char *path, size_t len, struct err *e)
{
	tree_reader_free(t->tree);
	t->tree = tree_reader_new(t->fetch, TREE_CATALOG, t->vol->root,
	    t->vol->depth, e);
	if (t->tree == NULL)
		return (-1);
	t->have_leaf = 0;
	t->scan.p = t->scan.end = NULL;
	buf_clear(&t->last);
	if (len == 1)
		return (0);
	return (tree_reader_seek(t->tree, path, len, e));
}

struct subtree *
subtree_new(struct vault *v, struct index *ix,
    const struct snapshot_volume *vol, const struct span *top,
    struct err *e)
{
	struct subtree *t;

	if ((t = calloc(1, sizeof(*t))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	t->vol = vol;
	buf_append(&t->top, top->p, top->len);
	if (buf_ok(&t->top, e) == -1 ||
	    (t->fetch = fetch_new(v, ix, FRAMES_KEPT, e)) == NULL ||
	    seek(t, top->p, top->len, e) == -1) {
		err_wrap(e, "catalog of %s", vol->path);
		subtree_free(t);
		return (NULL);
	}
	return (t);
}

void
subtree_free(struct subtree *t)
{
	if (t == NULL)
		return;
	tree_reader_free(t->tree);
	fetch_free(t->fetch);
	buf_fini(&t->top);
	buf_fini(&t->skip);
	buf_fini(&t->text);
	buf_fini(&t->last);
	buf_fini(&t->other);
	free(t);
}

struct subtree *
subtree_at(const struct view *v, const char *path,
    const struct snapshot_volume **vol, struct err *e)
{
	struct buf text = BUF_INIT;
	struct subtree *t = NULL;
	struct span top;

	if (view_locate(&v->snap, path, vol, &text, e) == 0) {
		top = span_of(&text);
		t = subtree_new(v->vault, v->index, *vol, &top, e);
	}
	buf_fini(&text);
	return (t);
}

/* Learn the next leaf's id.  As tree_reader_next(). */
static int
name_leaf(struct subtree *t, struct err *e)
{
	uint64_t bytes;
	int rc;

	if (t->have_leaf)
		return (1);
	rc = tree_reader_next(t->tree, t->leaf, &bytes, e);
	t->have_leaf = rc == 1;
	return (rc);
}

static int
read_leaf(struct subtree *t, struct err *e)
{
	const uint8_t *p;
	size_t len;
	int rc;

	if ((rc = name_leaf(t, e)) != 1)
		return (rc);
	t->have_leaf = 0;
	if (fetch_blob(t->fetch, PACK_CATALOG, t->leaf, &p, &len, e) == -1)
		return (-1);
	/* The fetch may need its memory for the next node. */
	buf_clear(&t->text);
	buf_append(&t->text, p, len);
	if (buf_ok(&t->text, e) == -1)
		return (-1);
	t->scan.p = (const char *)t->text.data;
	t->scan.end = t->scan.p + t->text.len;
	return (1);
}

static int
misplaced(const struct entry *ent, const char *why, struct err *e)
{
	return (err_set(e, ERR_DAMAGED, "%.*s: %s", (int)(ent->path.len <
	    200 ? ent->path.len : 200), ent->path.p, why));
}

/* Entries ascend: nothing comes twice, nothing outside its directory. */
static int
check_order(struct subtree *t, const struct entry *ent, struct err *e)
{
	if (t->last.len > 0 && pathtext_compare((const char *)t->last.data,
	    t->last.len, ent->path.p, ent->path.len) >= 0)
		return (misplaced(ent, "out of order", e));
	buf_clear(&t->last);
	buf_append(&t->last, ent->path.p, ent->path.len);
	return (buf_ok(&t->last, e));
}

/*
 * Only directories hold something: what lay below a symbolic link would be
 * written wherever that leads.  What is below an entry follows it at once.
 */
static int
check_place(struct subtree *t, const struct entry *ent, struct err *e)
{
	struct span other = span_of(&t->other);

	if (other.len > 0 && ent->path.len > other.len &&
	    view_is_below(&ent->path, &other))
		return (misplaced(ent, "it lies below what is no directory",
		    e));
	if (ent->type == ENTRY_DIR)
		return (0);
	buf_clear(&t->other);
	buf_append(&t->other, ent->path.p, ent->path.len);
	return (buf_ok(&t->other, e));
}

/* The next entry of the volume, wherever it lies. */
static int
next_entry(struct subtree *t, struct entry *ent, struct err *e)
{
	int rc;

	while (t->scan.p == t->scan.end)
		if ((rc = read_leaf(t, e)) != 1)
			return (rc);
	rc = mtree_decode(&t->scan, ent, e);
	if (rc == 1 && (check_order(t, ent, e) == -1 ||
	    check_place(t, ent, e) == -1))
		rc = -1;
	if (rc == -1)
		t->scan.p = t->scan.end;
	return (rc);
}

/*
 * After a while of passing over entries one by one: seek to the least path
 * that can follow what is skipped, that of a sibling whose name has one more
 * byte, 1.  The leaf that would hold it may begin with entries given before.
 */
static void
seek_behind(struct subtree *t)
{
	struct buf key = BUF_INIT;
	struct err e;

	buf_append(&key, t->skip.data, t->skip.len);
	buf_puts(&key, "\\001");
	if (!key.nomem &&
	    seek(t, (const char *)key.data, key.len, &e) == -1)
		t->err = e;
	buf_fini(&key);
}

/* Whether the entry is one that subtree_skip() was asked to pass over. */
static int
is_skipped(struct subtree *t, const struct entry *ent)
{
	struct span skip = span_of(&t->skip);

	if (t->skip.len == 0)
		return (0);
	if (!view_is_below(&ent->path, &skip) &&
	    pathtext_compare(ent->path.p, ent->path.len, skip.p,
	    skip.len) > 0) {
		buf_clear(&t->skip);
		return (0);
	}
	if (t->skipped < SKIP_BY_READING && ++t->skipped == SKIP_BY_READING)
		seek_behind(t);
	return (1);
}

/* next_entry(), after errors met ahead of time. */
static int
next_or_error(struct subtree *t, struct entry *ent, struct err *e)
{
	int rc = -1;

	if (t->err.kind != ERR_NONE) {
		*e = t->err;
		t->err.kind = ERR_NONE;
	} else
		rc = next_entry(t, ent, e);
	if (rc == -1)
		err_wrap(e, "catalog of %s", t->vol->path);
	return (rc);
}

int
subtree_next(struct subtree *t, struct entry *ent, struct err *e)
{
	struct span top = span_of(&t->top);
	int rc;

	while (!t->done) {
		if ((rc = next_or_error(t, ent, e)) == -1)
			return (-1);
		if (rc == 0)
			break;
		if (view_is_below(&ent->path, &top)) {
			if (!is_skipped(t, ent))
				return (1);
			continue;
		}
		if (pathtext_compare(ent->path.p, ent->path.len, top.p,
		    top.len) > 0)
			break;
	}
	t->done = 1;
	return (0);
}

int
subtree_first(struct subtree *t, struct entry *ent, struct err *e)
{
	int rc;

	if ((rc = subtree_next(t, ent, e)) != 1)
		return (rc);
	if (ent->path.len == t->top.len)
		return (1);
	t->done = 1;
	return (0);
}

int
subtree_skip(struct subtree *t, struct err *e)
{
	buf_clear(&t->skip);
	buf_append(&t->skip, t->last.data, t->last.len);
	t->skipped = 0;
	return (buf_ok(&t->skip, e));
}

int
subtree_peek_leaf(struct subtree *t, const uint8_t **id)
{
	if (t->done || t->err.kind != ERR_NONE || t->scan.p != t->scan.end)
		return (0);
	if (name_leaf(t, &t->err) != 1)
		return (0);
	*id = t->leaf;
	return (1);
}

void
subtree_drop_leaf(struct subtree *t)
{
	t->have_leaf = 0;
}
