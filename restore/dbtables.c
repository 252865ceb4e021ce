#include <stdlib.h>
#include <string.h>

#include "restore/dbtables.h"
#include "restore/subtree.h"

#define TABLES_MAX 4096

static int
add_table(struct dbtables *s, const struct entry *ent, const char *name,
    size_t len, struct err *e)
{
	struct dbtable *t;
	struct scan text;
	size_t cap = s->cap == 0 ? 128 : s->cap * 2;

	if (s->n == TABLES_MAX)
		return (err_set(e, ERR_FAILED, "more than %d tables",
		    TABLES_MAX));
	if (s->n == s->cap) {
		if ((t = reallocarray(s->at, cap, sizeof(*t))) == NULL)
			return (err_nomem(e));
		s->at = t;
		s->cap = cap;
	}
	t = &s->at[s->n];
	memcpy(t->name, name, len);
	t->name[len] = '\0';
	text.p = arena_copy(&s->arena, ent->text.p, ent->text.len);
	if (text.p == NULL)
		return (err_nomem(e));
	text.end = text.p + ent->text.len;
	if (mtree_decode(&text, &t->ent, e) != 1)
		return (-1);
	s->n++;
	return (0);
}

/* An entry below the directory: is it TABLE.csv in it? */
static int
take_entry(struct dbtables *s, const struct span *top,
    const struct entry *ent, struct err *e)
{
	const char *name = ent->path.p + top->len + 1;
	size_t len;

	if (ent->type != ENTRY_FILE || ent->path.len <= top->len + 5)
		return (0);
	len = ent->path.len - top->len - 5;
	if (memcmp(name + len, ".csv", 4) != 0 ||
	    !xcatschema_valid_table(name, len))
		return (0);
	return (add_table(s, ent, name, len, e));
}

static int
compare_tables(const void *pa, const void *pb)
{
	const struct dbtable *a = pa, *b = pb;

	return (strcmp(a->name, b->name));
}

static int
no_dump(const struct snapshot *snap, struct err *e)
{
	return (err_set(e, ERR_USAGE, "snapshot %s has no dump of the "
	    "database (%s)", snap->id, DBTABLES_DIR));
}

static int
read_entries(struct dbtables *s, struct view *v, const struct snapshot *snap,
    struct subtree *t, const struct span *top, struct err *e)
{
	struct entry ent;
	struct err lost;
	int rc;

	if ((rc = subtree_first(t, &ent, &lost)) == 0)
		return (no_dump(snap, e));
	for (; rc != 0; rc = subtree_next(t, &ent, &lost)) {
		if (rc == -1) {
			view_trouble(v, &lost);
			s->gap = 1;
		} else if (take_entry(s, top, &ent, e) == -1) {
			return (-1);
		}
	}
	return (0);
}

int
dbtables_list(struct dbtables *s, struct view *v, const struct snapshot *snap,
    struct err *e)
{
	const struct snapshot_volume *vol;
	struct buf text = BUF_INIT;
	struct subtree *t = NULL;
	struct span top;
	int rc = -1;

	memset(s, 0, sizeof(*s));
	if (view_locate(snap, DBTABLES_DIR, &vol, &text, e) == -1) {
		if (e->kind == ERR_USAGE)
			no_dump(snap, e);
		goto out;
	}
	top.p = (const char *)text.data;
	top.len = text.len;
	if ((t = subtree_new(v->vault, v->index, vol, &top, e)) == NULL)
		goto out;
	if ((rc = read_entries(s, v, snap, t, &top, e)) == 0 && s->n > 0)
		qsort(s->at, s->n, sizeof(*s->at), compare_tables);
out:
	subtree_free(t);
	buf_fini(&text);
	return (rc);
}

void
dbtables_fini(struct dbtables *s)
{
	free(s->at);
	arena_fini(&s->arena);
	memset(s, 0, sizeof(*s));
}

const struct dbtable *
dbtables_find(const struct dbtables *t, const char *name)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (strcmp(t->at[i].name, name) == 0)
			return (&t->at[i]);
	return (NULL);
}
