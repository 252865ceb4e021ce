#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "formats/pathtext.h"
#include "restore/linkset.h"

#define NOBODY (SIZE_MAX - 1)	/* the carrier is yet to come */

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

static struct linkset_item *
take_over(struct linkset_item *i, const struct entry *ent, size_t number,
    struct err *e)
{
	char *text = strndup(ent->path.p, ent->path.len);

	if (text == NULL) {
		err_nomem(e);
		return (NULL);
	}
	free(i->text);
	i->text = text;
	i->number = number;
	i->ino = 0;
	i->dev = 0;
	return (i);
}

static int
is_noted(const struct linkset *l, const struct span *path)
{
	const char *text = (const char *)l->noted.data, *p;
	size_t low = 0, high = l->nat, mid;
	int order;

	while (low < high) {
		mid = low + (high - low) / 2;
		p = text + l->at[mid];
		order = pathtext_compare(path->p, path->len, p, strlen(p));
		if (order == 0)
			return (1);
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return (0);
}

struct linkset_item *
linkset_of(struct linkset *l, const struct entry *ent, size_t number,
    struct err *e)
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
	if (s != NULL && s->item.number == NOBODY)
		return (take_over(&s->item, ent, number, e));
	if (s == NULL)
		s = ent->type != ENTRY_FILE && is_noted(l, first) ?
		    add(&all, first, first, LINKSET_FIRST, e) :
		    add(&all, first, &ent->path, number, e);
	l->items = all != NULL ? &all->item : NULL;
	return (s != NULL ? &s->item : NULL);
}

int
linkset_note(struct linkset *l, const struct entry *ent, struct err *e)
{
	size_t cap = l->at_cap == 0 ? 1024 : 2 * l->at_cap;
	size_t *at;

	if (ent->type == ENTRY_FILE || ent->type == ENTRY_DIR ||
	    ent->hardlink.len > 0)
		return (0);
	if (l->nat == l->at_cap) {
		if ((at = realloc(l->at, cap * sizeof(*at))) == NULL)
			return (err_nomem(e));
		l->at = at;
		l->at_cap = cap;
	}
	l->at[l->nat++] = l->noted.len;
	buf_append(&l->noted, ent->path.p, ent->path.len);
	buf_putc(&l->noted, '\0');
	return (buf_ok(&l->noted, e));
}

void
linkset_pass_on(struct linkset_item *i)
{
	i->number = NOBODY;
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
	buf_fini(&l->noted);
	free(l->at);
	memset(l, 0, sizeof(*l));
}
