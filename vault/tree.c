#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/pathtext.h"
#include "vault/tree.h"

#define NODE_MIN 2048
#define NODE_MAX 16384
#define NODE_CUT 24		/* lines between cuts, about, past NODE_MIN */

void
tree_writer_init(struct tree_writer *t, enum tree_kind kind,
    tree_put_fn *put, void *arg)
{
	memset(t, 0, sizeof(*t));
	t->kind = kind;
	t->put = put;
	t->arg = arg;
}

void
tree_writer_fini(struct tree_writer *t)
{
	size_t i;

	for (i = 0; i < TREENODE_DEPTH_MAX; i++) {
		buf_fini(&t->levels[i].text);
		buf_fini(&t->levels[i].label);
	}
}

static int add_line(struct tree_writer *, size_t, const uint8_t *,
    const char *, size_t, struct err *);

/* Store the node of a level and list it one level up. */
static int
close_node(struct tree_writer *t, size_t at, struct err *e)
{
	struct tree_level *l = &t->levels[at];
	uint8_t id[DIGEST_LEN];
	char sum[24];
	int rc;

	if (buf_ok(&l->text, e) == -1 || buf_ok(&l->label, e) == -1 ||
	    t->put(t->arg, l->text.data, l->text.len, id, e) == -1)
		return (-1);
	if (t->kind == TREE_CATALOG)
		rc = add_line(t, at + 1, id, (const char *)l->label.data,
		    l->label.len, e);
	else {
		snprintf(sum, sizeof(sum), "%llu",
		    (unsigned long long)l->sum);
		rc = add_line(t, at + 1, id, sum, strlen(sum), e);
	}
	buf_clear(&l->text);
	buf_clear(&l->label);
	l->sum = 0;
	return (rc);
}

static int
cut_here(const struct tree_writer *t, const uint8_t id[DIGEST_LEN],
    const char *label, size_t len)
{
	uint32_t h;

	if (t->kind == TREE_CATALOG)
		h = (uint32_t)(pathtext_hash(label, len) >> 16);
	else
		h = (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 |
		    (uint32_t)id[2] << 8 | id[3];
	return (h % NODE_CUT == 0);
}

static int
add_line(struct tree_writer *t, size_t at, const uint8_t *id,
    const char *label, size_t len, struct err *e)
{
	struct tree_level *l;

	if (at == TREENODE_DEPTH_MAX)
		return (err_set(e, ERR_FAILED, "tree is too deep"));
	l = &t->levels[at];
	if (t->kind == TREE_LIST)
		l->sum += strtoull(label, NULL, 10);
	else if (l->text.len == 0)
		buf_append(&l->label, label, len);
	treenode_encode(&l->text, id, label, len);
	l->lines++;
	memcpy(l->last, id, DIGEST_LEN);
	if (l->text.len >= NODE_MAX || (l->text.len >= NODE_MIN &&
	    cut_here(t, id, label, len)))
		return (close_node(t, at, e));
	return (0);
}

int
tree_writer_add(struct tree_writer *t, const uint8_t id[DIGEST_LEN],
    const char *label, size_t len, struct err *e)
{
	return (add_line(t, 0, id, label, len, e));
}

int
tree_writer_finish(struct tree_writer *t, uint32_t at_least,
    uint8_t root[DIGEST_LEN], uint32_t *depth, struct err *e)
{
	struct tree_level *l;
	size_t at;

	for (at = 0; at < TREENODE_DEPTH_MAX; at++) {
		l = &t->levels[at];
		if (l->lines == 1 && at >= at_least) {
			memcpy(root, l->last, DIGEST_LEN);
			*depth = (uint32_t)at;
			return (0);
		}
		if (l->text.len > 0 && close_node(t, at, e) == -1)
			return (-1);
	}
	return (err_set(e, ERR_FAILED, "tree is too deep"));
}

/* The path from the root to the node now being read. */
struct step {
	struct buf text;
	struct scan scan;
};

struct tree_reader {
	struct fetch *fetch;
	enum tree_kind kind;
	uint8_t root[DIGEST_LEN];
	uint32_t depth;
	struct step steps[TREENODE_DEPTH_MAX];
	uint32_t nsteps;
	int begun;
};

struct tree_reader *
tree_reader_new(struct fetch *f, enum tree_kind kind,
    const uint8_t root[DIGEST_LEN], uint32_t depth, struct err *e)
{
	struct tree_reader *r;

	if (depth > TREENODE_DEPTH_MAX) {
		err_set(e, ERR_DAMAGED, "tree of depth %u", depth);
		return (NULL);
	}
	if ((r = calloc(1, sizeof(*r))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	r->fetch = f;
	r->kind = kind;
	r->depth = depth;
	memcpy(r->root, root, DIGEST_LEN);
	return (r);
}

void
tree_reader_free(struct tree_reader *r)
{
	size_t i;

	if (r == NULL)
		return;
	for (i = 0; i < TREENODE_DEPTH_MAX; i++)
		buf_fini(&r->steps[i].text);
	free(r);
}

/* Go down into a node. */
static int
enter(struct tree_reader *r, const uint8_t id[DIGEST_LEN], struct err *e)
{
	struct step *s = &r->steps[r->nsteps];
	const uint8_t *p;
	size_t len;

	if (fetch_blob(r->fetch, PACK_CATALOG, id, &p, &len, e) == -1)
		return (-1);
	if (len > TREENODE_MAX)
		return (err_set(e, ERR_DAMAGED, "tree node is too long"));
	buf_clear(&s->text);
	buf_append(&s->text, p, len);
	if (buf_ok(&s->text, e) == -1)
		return (-1);
	s->scan.p = (const char *)s->text.data;
	s->scan.end = s->scan.p + s->text.len;
	r->nsteps++;
	return (0);
}

/*
 * Leave, of the node's lines not yet read, those from the last one whose
 * label is not behind the path.
 */
static int
skip_before(struct scan *s, const char *path, size_t len, struct err *e)
{
	struct scan ahead = *s;
	struct treenode_line line;
	int rc;

	for (;;) {
		const char *at = ahead.p;

		if ((rc = treenode_decode(&ahead, &line, e)) <= 0)
			return (rc);
		if (pathtext_compare(line.label.p, line.label.len, path,
		    len) > 0)
			return (0);
		s->p = at;
	}
}

int
tree_reader_seek(struct tree_reader *r, const char *path, size_t len,
    struct err *e)
{
	struct treenode_line line;
	struct scan *s;
	int rc;

	r->begun = 1;
	if (r->depth == 0) {
		r->begun = 0;
		return (0);
	}
	if (enter(r, r->root, e) == -1)
		return (-1);
	for (;;) {
		s = &r->steps[r->nsteps - 1].scan;
		if (skip_before(s, path, len, e) == -1)
			return (-1);
		if (r->nsteps == r->depth)
			return (0);
		if ((rc = treenode_decode(s, &line, e)) <= 0)
			return (rc);
		if (enter(r, line.id, e) == -1)
			return (-1);
	}
}

int
tree_reader_next(struct tree_reader *r, uint8_t id[DIGEST_LEN],
    uint64_t *bytes, struct err *e)
{
	struct treenode_line line;
	struct step *s;
	int rc;

	*bytes = 0;
	if (!r->begun) {
		r->begun = 1;
		if (r->depth == 0) {
			memcpy(id, r->root, DIGEST_LEN);
			return (1);
		}
		if (enter(r, r->root, e) == -1)
			return (-1);
	}
	while (r->nsteps > 0) {
		s = &r->steps[r->nsteps - 1];
		rc = treenode_decode(&s->scan, &line, e);
		if (rc <= 0) {
			r->nsteps--;
			if (rc == -1)
				return (-1);
			continue;
		}
		if (r->nsteps < r->depth) {
			if (enter(r, line.id, e) == -1)
				return (-1);
			continue;
		}
		memcpy(id, line.id, DIGEST_LEN);
		if (r->kind == TREE_LIST) {
			struct scan n = { line.label.p,
			    line.label.p + line.label.len };

			if (!scan_u64(&n, bytes) || n.p != n.end)
				return (err_set(e, ERR_DAMAGED, "tree node: "
				    "bad length"));
		}
		return (1);
	}
	return (0);
}
