#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "backup/links.h"

struct link_key {
	uint64_t dev;
	uint64_t ino;
};

struct link_set {
	struct link_key key;
	UT_hash_handle hh;
	unsigned refs;		/* the table's and the items' */
	uint64_t left;		/* names not yet seen */
	int known;
	struct span first;
	struct entry content;
	struct arena arena;
};

struct links {
	struct link_set *sets;
};

struct links *
links_new(void)
{
	return (calloc(1, sizeof(struct links)));
}

void
links_free(struct links *l)
{
	struct link_set *s, *tmp;

	if (l == NULL)
		return;
	HASH_ITER(hh, l->sets, s, tmp) {
		HASH_DEL(l->sets, s);
		link_set_unref(s);
	}
	free(l);
}

void
link_set_unref(struct link_set *s)
{
	if (s == NULL || --s->refs > 0)
		return;
	arena_fini(&s->arena);
	free(s);
}

static int
keep(struct link_set *s, struct span *to, const struct span *from)
{
	to->len = from->len;
	to->p = NULL;
	if (from->len == 0)
		return (0);
	to->p = arena_copy(&s->arena, from->p, from->len);
	return (to->p != NULL ? 0 : -1);
}

static struct link_set *
set_new(const struct link_key *key, uint64_t nlink, const struct span *path)
{
	struct link_set *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return (NULL);
	s->key = *key;
	s->refs = 1;
	s->left = nlink;
	if (keep(s, &s->first, path) == -1) {
		free(s);
		return (NULL);
	}
	return (s);
}

struct link_set *
links_join(struct links *l, dev_t dev, uint64_t ino, uint64_t nlink,
    const struct span *path, int *leads)
{
	struct link_key key;
	struct link_set *s;

	memset(&key, 0, sizeof(key));
	key.dev = dev;
	key.ino = ino;
	HASH_FIND(hh, l->sets, &key, sizeof(key), s);
	*leads = s == NULL;
	if (s == NULL) {
		if ((s = set_new(&key, nlink, path)) == NULL)
			return (NULL);
		HASH_ADD(hh, l->sets, key, sizeof(s->key), s);
	}
	s->refs++;
	/* All names seen: nobody will ask the table again. */
	if (--s->left == 0) {
		HASH_DEL(l->sets, s);
		s->refs--;
	}
	return (s);
}

const struct span *
link_set_first(const struct link_set *s)
{
	return (&s->first);
}

int
link_set_learn(struct link_set *s, const struct entry *ent, struct err *e)
{
	s->content = *ent;
	if (keep(s, &s->content.link, &ent->link) == -1 ||
	    keep(s, &s->content.blobs, &ent->blobs) == -1 ||
	    keep(s, &s->content.holes, &ent->holes) == -1 ||
	    keep(s, &s->content.xattrs, &ent->xattrs) == -1)
		return (err_nomem(e));
	s->known = 1;
	return (0);
}

int
link_set_give(const struct link_set *s, struct entry *ent)
{
	struct span path = ent->path;

	if (!s->known)
		return (-1);
	*ent = s->content;
	ent->path = path;
	ent->hardlink = s->first;
	return (0);
}
