#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "restore/linkset.h"

/* struct linkset.items points to the first member of the first one. */
struct set {
	struct linkset_item item;
	UT_hash_handle hh;
	char first[];		/* catalog text of the set's first name */
};

static struct set *
add(struct set **all, const struct span *first, const struct span *path,
    size_t number, struct err *e)
{
	struct set *s;

	if ((s = malloc(sizeof(*s) + first->len)) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	memset(s, 0, sizeof(*s));
	memcpy(s->first, first->p, first->len);
	s->item.number = number;
	s->item.text = strndup(path->p, path->len);
	if (s->item.text != NULL)
		HASH_ADD(hh, *all, first, first->len, s);
	if (s->item.text == NULL || s->hh.tbl == NULL) {
		free(s->item.text);
		free(s);
		err_nomem(e);
		return (NULL);
	}
	return (s);
}

struct linkset_item *
linkset_of(struct linkset *l, const struct entry *ent, size_t number,
    int covered, struct err *e)
{
	const struct span *first = &ent->hardlink;
	struct set *all = (struct set *)(void *)l->items, *s = NULL;

	e->kind = ERR_NONE;
	if (first->len == 0) {
		if (ent->type != ENTRY_FILE || ent->nlink < 2)
			return (NULL);
		first = &ent->path;
	}
	HASH_FIND(hh, all, first->p, first->len, s);
	if (s == NULL)
		s = covered && ent->hardlink.len > 0 ?
		    add(&all, first, first, LINKSET_FIRST, e) :
		    add(&all, first, &ent->path, number, e);
	l->items = all != NULL ? &all->item : NULL;
	return (s != NULL ? &s->item : NULL);
}

void
linkset_fini(struct linkset *l)
{
	struct set *all = (struct set *)(void *)l->items, *s, *tmp;

	HASH_ITER(hh, all, s, tmp) {
		HASH_DEL(all, s);
		free(s->item.text);
		free(s);
	}
	l->items = NULL;
}
