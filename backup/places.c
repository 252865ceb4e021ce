#include <stdlib.h>
#include <string.h>

#include "backup/places.h"

static void
free_volume(struct backup_volume *v)
{
	size_t i;

	for (i = 0; i < v->nonly; i++)
		free(v->only[i]);
	free(v->only);
	free(v->source);
	free(v->path);
}

void
places_fini(struct places *p)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		free_volume(&p->at[i]);
	free(p->at);
	memset(p, 0, sizeof(*p));
}

/* Whether a clean absolute path is another one or lies below it. */
static int
is_within(const char *path, const char *top)
{
	size_t n = strcmp(top, "/") == 0 ? 0 : strlen(top);

	return (strncmp(path, top, n) == 0 &&
	    (path[n] == '/' || path[n] == '\0'));
}

static struct backup_volume *
append(struct places *p, const char *path, size_t len, const char *source,
    struct err *e)
{
	struct backup_volume *at, *v;
	size_t cap;

	if (p->n == p->cap) {
		cap = p->cap + 16;
		if ((at = realloc(p->at, cap * sizeof(*at))) == NULL) {
			err_nomem(e);
			return (NULL);
		}
		p->at = at;
		p->cap = cap;
	}
	v = &p->at[p->n];
	memset(v, 0, sizeof(*v));
	v->path = strndup(path, len);
	v->source = source != NULL ? strdup(source) : strndup(path, len);
	if (v->path == NULL || v->source == NULL) {
		free_volume(v);
		err_nomem(e);
		return (NULL);
	}
	p->n++;
	return (v);
}

int
places_add(struct places *p, const char *path, const char *source,
    struct err *e)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (is_within(path, p->at[i].path) ||
		    is_within(p->at[i].path, path))
			return (err_set(e, ERR_USAGE, "the volumes %s and %s "
			    "are the same or one within the other; name the "
			    "outer one only", p->at[i].path, path));
	return (append(p, path, strlen(path), source, e) != NULL ? 0 : -1);
}

void
places_remove(struct places *p, size_t i)
{
	free_volume(&p->at[i]);
	p->n--;
	memmove(&p->at[i], &p->at[i + 1], (p->n - i) * sizeof(*p->at));
}

const struct backup_volume *
places_holding(const struct places *p, const char *path)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (p->at[i].only == NULL && is_within(path, p->at[i].path))
			return (&p->at[i]);
	return (NULL);
}

int
places_stores(const struct places *p, const char *path)
{
	const struct backup_volume *v;
	size_t i, k, n;

	for (i = 0; i < p->n; i++) {
		v = &p->at[i];
		if (!is_within(path, v->path))
			continue;
		if (v->only == NULL)
			return (1);
		/* Those of a selection begin with "." */
		n = strlen(v->path);
		for (k = 0; k < v->nonly; k++)
			if (is_within(path + n, v->only[k] + 1))
				return (1);
	}
	return (0);
}

/* Whether a volume lies at or below the directory path[0..len). */
static int
holds_volume(const struct places *p, const char *path, size_t len)
{
	size_t i;

	if (len == 1)
		len = 0;	/* "/" */
	for (i = 0; i < p->n; i++)
		if (p->at[i].only == NULL &&
		    strncmp(p->at[i].path, path, len) == 0 &&
		    (p->at[i].path[len] == '/' ||
		    p->at[i].path[len] == '\0'))
			return (1);
	return (0);
}

const struct backup_volume *
places_below(const struct places *p, const char *path)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (p->at[i].only == NULL && is_within(p->at[i].path, path))
			return (&p->at[i]);
	return (NULL);
}

/*
 * How much of the path is the directory to select from: as little as there
 * is no volume below, and not the whole path of what is no directory.  0:
 * there is none.
 */
static size_t
top_of(const struct places *p, const char *path, int dir)
{
	const char *slash = path;
	size_t len;

	do {
		slash = strchr(slash + 1, '/');
		len = slash != NULL ? (size_t)(slash - path) : strlen(path);
		if (!holds_volume(p, path, len))
			return (slash != NULL || dir ? len : 0);
	} while (slash != NULL);
	return (0);
}

static struct backup_volume *
selection(struct places *p, const char *path, size_t len, struct err *e)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (p->at[i].only != NULL && strlen(p->at[i].path) == len &&
		    strncmp(p->at[i].path, path, len) == 0)
			return (&p->at[i]);
	return (append(p, path, len, NULL, e));
}

static int
select_path(struct backup_volume *v, const char *path, struct err *e)
{
	const char *rest = path + strlen(v->path);
	char **only, *name;

	only = realloc(v->only, (v->nonly + 1) * sizeof(*only));
	if (only == NULL)
		return (err_nomem(e));
	v->only = only;
	if ((name = malloc(strlen(rest) + 3)) == NULL)
		return (err_nomem(e));
	(void)stpcpy(stpcpy(name, "."), rest);
	v->only[v->nonly++] = name;
	return (0);
}

struct pick {
	const char *path;
	int dir;
};

/* What lies below a path comes right behind it. */
static int
compare_picks(const void *a, const void *b)
{
	const unsigned char *p, *q;

	p = (const unsigned char *)((const struct pick *)a)->path;
	q = (const unsigned char *)((const struct pick *)b)->path;
	while (*p != '\0' && *p == *q) {
		p++;
		q++;
	}
	if (*p == '\0' || *q == '\0')
		return ((*p != '\0') - (*q != '\0'));
	if (*p == '/' || *q == '/')
		return ((*p != '/') - (*q != '/'));
	return (*p < *q ? -1 : *p > *q);
}

static int
select_sorted(struct places *p, const struct pick *picks, size_t n,
    struct err *e)
{
	const char *last = NULL;
	struct backup_volume *v;
	size_t i, len;

	for (i = 0; i < n; i++) {
		if (places_holding(p, picks[i].path) != NULL ||
		    (last != NULL && is_within(picks[i].path, last)))
			continue;
		len = top_of(p, picks[i].path, picks[i].dir);
		if (len == 0)
			continue;
		last = picks[i].path;
		if ((v = selection(p, last, len, e)) == NULL ||
		    select_path(v, last, e) == -1)
			return (-1);
	}
	return (0);
}

int
places_select(struct places *p, const char *const *paths, const int *dir,
    size_t n, struct err *e)
{
	struct pick *picks;
	size_t i;
	int rc;

	if ((picks = calloc(n + 1, sizeof(*picks))) == NULL)
		return (err_nomem(e));
	for (i = 0; i < n; i++) {
		picks[i].path = paths[i];
		picks[i].dir = dir[i];
	}
	qsort(picks, n, sizeof(*picks), compare_picks);
	rc = select_sorted(p, picks, n, e);
	free(picks);
	return (rc);
}
