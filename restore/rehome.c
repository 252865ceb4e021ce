#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "restore/rehome.h"

#define NAME_BYTES_MAX 255

void
rehome_fini(struct rehome *h)
{
	size_t i;

	for (i = 0; i < h->n; i++) {
		free(h->pairs[i].old);
		free(h->pairs[i].new);
	}
	free(h->pairs);
	memset(h, 0, sizeof(*h));
}

static int
is_name(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!isalnum((unsigned char)s[i]) &&
		    strchr(".:_-", s[i]) == NULL)
			return (0);
	return (len > 0 && len <= NAME_BYTES_MAX && s[0] != '-');
}

static struct rehome_pair *
find(const struct rehome *h, const char *old, size_t len)
{
	size_t i;

	for (i = 0; i < h->n; i++)
		if (strlen(h->pairs[i].old) == len &&
		    memcmp(h->pairs[i].old, old, len) == 0)
			return (&h->pairs[i]);
	return (NULL);
}

/* new: NULL, or what comes instead. */
static int
add(struct rehome *h, const char *old, size_t len, const char *new,
    struct err *e)
{
	struct rehome_pair *p;

	p = reallocarray(h->pairs, h->n + 1, sizeof(*p));
	if (p == NULL)
		return (err_nomem(e));
	h->pairs = p;
	p += h->n++;
	p->new = NULL;
	p->old = strndup(old, len);
	if (p->old == NULL || (new != NULL && (p->new = strdup(new)) == NULL))
		return (err_nomem(e));
	return (0);
}

int
rehome_add(struct rehome *h, const char *text, struct err *e)
{
	const char *eq = strchr(text, '=');
	size_t len = eq != NULL ? (size_t)(eq - text) : 0;

	if (eq == NULL || !is_name(text, len) ||
	    !is_name(eq + 1, strlen(eq + 1)))
		return (err_set(e, ERR_USAGE, "--rehome %s: OLD=NEW is "
		    "wanted, names or addresses", text));
	if (find(h, text, len) != NULL)
		return (err_set(e, ERR_USAGE, "--rehome %s: %.*s is given "
		    "twice", text, (int)len, text));
	return (add(h, text, len, eq + 1, e));
}

int
rehome_look(struct rehome *h, const char *old, struct err *e)
{
	size_t len = strlen(old);

	if (!is_name(old, len) || find(h, old, len) != NULL)
		return (0);
	return (add(h, old, len, NULL, e));
}

/*
 * Whether a character before or behind a name makes it a part of something
 * longer.  An address may stand in a range ("10.0.0.1-10.0.0.9"), and one of
 * IPv4 before a port; a name's domain may follow it.
 */
static int
joins(const char *name, char c, char beyond, int behind)
{
	int v6 = strchr(name, ':') != NULL;
	int v4 = name[strspn(name, "0123456789.")] == '\0';

	if (isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80)
		return (1);
	if (c == '-')
		return (!v4 && !v6);
	if (c == ':')
		return (v6);
	if (c != '.')
		return (0);
	if (!behind)
		return (1);
	return (v4 && isdigit((unsigned char)beyond));
}

/* Whether the name stands at s[at] as a word. */
static int
stands(const char *name, size_t n, const char *s, size_t len, size_t at)
{
	char beyond;

	if (len - at < n || memcmp(s + at, name, n) != 0)
		return (0);
	if (at > 0 && joins(name, s[at - 1], '\0', 0))
		return (0);
	if (at + n == len)
		return (1);
	beyond = at + n + 1 < len ? s[at + n + 1] : '\0';
	return (!joins(name, s[at + n], beyond, 1));
}

/* The longest name that stands there. */
static const struct rehome_pair *
match(const struct rehome *h, const struct span *v, size_t at, size_t *len)
{
	const struct rehome_pair *found = NULL;
	size_t i, n;

	*len = 0;
	for (i = 0; i < h->n; i++) {
		n = strlen(h->pairs[i].old);
		if (n > *len && stands(h->pairs[i].old, n, v->p, v->len,
		    at)) {
			found = &h->pairs[i];
			*len = n;
		}
	}
	return (found);
}

size_t
rehome_edit(const struct rehome *h, const struct span *value,
    struct buf *out)
{
	const struct rehome_pair *p;
	size_t at = 0, n, found = 0;

	while (at < value->len) {
		if ((p = match(h, value, at, &n)) == NULL) {
			buf_putc(out, value->p[at++]);
			continue;
		}
		buf_puts(out, p->new != NULL ? p->new : p->old);
		at += n;
		found++;
	}
	return (found);
}
