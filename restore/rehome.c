#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "formats/dbtext.h"
#include "formats/xcatschema.h"
#include "restore/dbcsv.h"
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

/* ----------------------------------------------------------------- tables */

struct looking {
	const struct rehome *h;
	const char *table;
	const char *keys[XCATSCHEMA_KEYS_MAX];
	size_t nkeys;
	rehome_found *fn;
	void *arg;
	size_t edits, found;
	struct buf value;	/* edited */
	struct buf line;
};

static const struct span *
cell(const struct dbcsv_cell *c, const char *column)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (strcmp(c->columns[i], column) == 0)
			return (&c->values[i]);
	return (NULL);
}

static void
tell(struct looking *l, const struct dbcsv_cell *c, int edited)
{
	const struct span *v;
	struct span now;
	size_t i;

	buf_clear(&l->line);
	for (i = 0; i < l->nkeys; i++) {
		if ((v = cell(c, l->keys[i])) == NULL)
			continue;
		if (l->line.len > 0)
			buf_putc(&l->line, ',');
		dbtext_put(&l->line, v);
	}
	if (l->line.len == 0)
		buf_printf(&l->line, "row %llu", (unsigned long long)c->row);
	buf_printf(&l->line, ": %s ", c->column);
	dbtext_put(&l->line, c->value);
	if (edited) {
		now.p = (const char *)l->value.data;
		now.len = l->value.len;
		buf_puts(&l->line, " -> ");
		dbtext_put(&l->line, &now);
	}
	l->fn(l->arg, l->table, buf_cstr(&l->line), edited);
}

/* Most values hold none. */
static int
may_hold(const struct rehome *h, const struct span *v)
{
	size_t i;

	for (i = 0; i < h->n; i++)
		if (memmem(v->p, v->len, h->pairs[i].old,
		    strlen(h->pairs[i].old)) != NULL)
			return (1);
	return (0);
}

static int
edit_value(void *arg, const struct dbcsv_cell *c, struct buf *out)
{
	struct looking *l = arg;
	const struct span *key;
	int edited;

	if (!may_hold(l->h, c->value))
		return (0);
	buf_clear(&l->value);
	if (rehome_edit(l->h, c->value, &l->value) == 0)
		return (0);
	key = cell(c, "key");
	if (xcatschema_is_secret(l->table, c->column, key != NULL ? key->p :
	    NULL, key != NULL ? key->len : 0))
		return (0);
	edited = l->value.len != c->value->len || memcmp(l->value.data,
	    c->value->p, c->value->len) != 0;
	l->found++;
	l->edits += (size_t)edited;
	if (l->fn != NULL)
		tell(l, c, edited);
	if (edited)
		buf_append(out, l->value.data, l->value.len);
	return (edited);
}

int
rehome_table(const struct rehome *h, const char *table,
    const struct span *text, struct buf *out, rehome_found *fn, void *arg,
    size_t *edits, size_t *found, struct err *e)
{
	struct looking l = { .h = h, .table = table, .fn = fn, .arg = arg };
	struct dbcsv_edit edit = { .value = edit_value, .arg = &l };
	struct buf unwanted = BUF_INIT;
	int rc;

	*edits = *found = 0;
	if (h->n == 0 && out == NULL)
		return (0);
	l.nkeys = xcatschema_keys(table, 0, l.keys);
	rc = dbcsv_rewrite(text->p, text->len, &edit,
	    out != NULL ? out : &unwanted, e);
	if (rc == 0)
		rc = buf_ok(&l.value, e);
	if (rc == 0)
		rc = buf_ok(&l.line, e);
	*edits = l.edits;
	*found = l.found;
	buf_fini(&unwanted);
	buf_fini(&l.value);
	buf_fini(&l.line);
	return (rc);
}

/* ------------------------------------------------------------------ steps */

void
rehome_steps(const struct rehome *h, FILE *f)
{
	static const char *const steps[] = {
		"on the node, name and addresses of it: hostname, and its own "
		"line in /etc/hosts",
		"the database's own address, where it is not SQLite: "
		"/etc/xcat/cfgloc (and pg_hba.conf)",
		"new certificates: xcatconfig -c; then the certificate's name "
		"in policy 1.2: tabdump policy; "
		"chtab priority=1.2 policy.name=NAME",
		"systemctl restart xcatd (or: service xcatd restart)",
		"networks that the node now has: makenetworks; tabdump "
		"networks",
		"makehosts; makedns -n",
		"makedhcp -n; makedhcp -a",
		"makegocons, or makeconservercf and a restart of conserver",
		"what nodes boot with: nodeset RANGE osimage=IMAGE",
		"nodes that run know the old master: updatenode RANGE -k, "
		"or install them anew",
	};
	size_t i, n = sizeof(steps) / sizeof(steps[0]);

	fprintf(f, "left to be done, in this order, as the node was");
	for (i = 0; i < h->n; i++)
		fprintf(f, "%s %s", i > 0 ? "," : "", h->pairs[i].old);
	fprintf(f, " before:\n");
	for (i = 0; i < n; i++)
		fprintf(f, "%3zu. %s\n", i + 1, steps[i]);
}
