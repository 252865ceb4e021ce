#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "imgxfer/bootparts.h"
#include "imgxfer/readynodes.h"

/* What the tables have under a name, of a node or a group. */
struct row {
	UT_hash_handle hh;
	const char *v[READYNODE_VALUES];	/* NULL: none */
	char name[];
};

struct loading {
	struct readynodes *r;
	struct row *rows;
	size_t first, n;	/* values of the table that is read */
	const char *image, *arch;
	size_t cap;
};

static char *
keep(struct loading *l, const struct span *s, struct err *e)
{
	char *p = arena_alloc(&l->r->arena, s->len + 1);

	if (p == NULL) {
		err_nomem(e);
		return (NULL);
	}
	if (s->len > 0)
		memcpy(p, s->p, s->len);
	p[s->len] = '\0';
	return (p);
}

static struct row *
get_row(struct loading *l, const struct span *name, struct err *e)
{
	struct row *row;

	HASH_FIND(hh, l->rows, name->p, name->len, row);
	if (row != NULL)
		return (row);
	row = arena_alloc(&l->r->arena, sizeof(*row) + name->len + 1);
	if (row == NULL) {
		err_nomem(e);
		return (NULL);
	}
	memset(row, 0, sizeof(*row));
	memcpy(row->name, name->p, name->len);
	row->name[name->len] = '\0';
	HASH_ADD_KEYPTR(hh, l->rows, row->name, name->len, row);
	return (row);
}

static int
take_values(void *arg, const struct span *at, struct err *e)
{
	struct loading *l = arg;
	struct row *row;
	size_t i;

	if (at[0].p == NULL)
		return (0);
	if ((row = get_row(l, &at[0], e)) == NULL)
		return (-1);
	for (i = 0; i < l->n; i++)
		if (at[i + 1].p != NULL && row->v[l->first + i] == NULL &&
		    (row->v[l->first + i] = keep(l, &at[i + 1], e)) == NULL)
			return (-1);
	return (0);
}

/* Of a node or group; NULL: none. */
static const char *
value_of(const struct loading *l, const char *name, size_t len, size_t which)
{
	struct row *row;

	HASH_FIND(hh, l->rows, name, len, row);
	return (row != NULL ? row->v[which] : NULL);
}

static const char *
resolve(const struct loading *l, const struct span *node,
    const struct span *groups, size_t which)
{
	const char *v = value_of(l, node->p, node->len, which);
	const char *p = groups->p, *end = p + groups->len, *comma;

	while (v == NULL && p < end) {
		comma = memchr(p, ',', (size_t)(end - p));
		if (comma == NULL)
			comma = end;
		v = value_of(l, p, (size_t)(comma - p), which);
		p = comma + (comma < end);
	}
	if (v == NULL)
		return ("");
	/* "|REGEX|...|" and "/REGEX/.../" are worked out of the name. */
	return (v[0] == '|' || v[0] == '/' ? NULL : v);
}

static int
take_node(void *arg, const struct span *at, struct err *e)
{
	struct loading *l = arg;
	struct readynodes *r = l->r;
	struct readynode n, *more;
	size_t i, cap;

	if (at[0].p == NULL)
		return (0);
	r->all++;
	for (i = 0; i < READYNODE_VALUES; i++)
		n.v[i] = resolve(l, &at[0], &at[1], i);
	n.set = n.v[READYNODE_PROVMETHOD] != NULL &&
	    strcmp(n.v[READYNODE_PROVMETHOD], l->image) == 0;
	n.fits = n.v[READYNODE_ARCH] != NULL &&
	    bootparts_same_arch(n.v[READYNODE_ARCH], l->arch);
	if (!n.set && !n.fits)
		return (0);
	if ((n.name = keep(l, &at[0], e)) == NULL)
		return (-1);
	if (r->n == l->cap) {
		cap = l->cap == 0 ? 64 : 2 * l->cap;
		more = reallocarray(r->at, cap, sizeof(*more));
		if (more == NULL)
			return (err_nomem(e));
		r->at = more;
		l->cap = cap;
	}
	r->at[r->n++] = n;
	r->nset += (size_t)n.set;
	return (0);
}

static int
take_table(struct loading *l, const struct tables *t, const char *name,
    const char *const *columns, size_t n, struct err *e)
{
	int rc;

	l->n = n - 1;
	rc = tables_rows(t, name, columns, n, take_values, l, e);
	l->first += l->n;
	return (rc);
}

int
readynodes_load(struct readynodes *r, const struct tables *t,
    const char *image, const char *arch, struct err *e)
{
	static const char *const type[] = { "node", "provmethod", "arch",
	    "os", "profile" };
	static const char *const res[] = { "node", "netboot",
	    "servicenode" };
	static const char *const mac[] = { "node", "mac" };
	static const char *const hm[] = { "node", "mgt" };
	static const char *const list[] = { "node", "groups" };
	struct loading l = { .r = r, .image = image, .arch = arch };
	int rc = -1;

	memset(r, 0, sizeof(*r));
	if (take_table(&l, t, "nodetype", type, 5, e) == 0 &&
	    take_table(&l, t, "noderes", res, 3, e) == 0 &&
	    take_table(&l, t, "mac", mac, 2, e) == 0 &&
	    take_table(&l, t, "nodehm", hm, 2, e) == 0)
		rc = tables_rows(t, "nodelist", list, 2, take_node, &l, e);
	HASH_CLEAR(hh, l.rows);
	return (rc);
}

void
readynodes_fini(struct readynodes *r)
{
	free(r->at);
	arena_fini(&r->arena);
	memset(r, 0, sizeof(*r));
}
