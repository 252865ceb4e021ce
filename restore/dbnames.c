#include <stdlib.h>
#include <string.h>

#include "remote/exec.h"
#include "remote/quote.h"
#include "restore/dbcsv.h"
#include "restore/dbnames.h"

#define ASK_S 60
#define ADDRESSES_MAX ((size_t)64 << 10)

/* A value of the snapshot's site table. */
struct site_value {
	const char *key;
	struct buf *out;
};

static int
find_site_value(void *arg, const struct dbcsv_cell *c, struct buf *out)
{
	const struct site_value *s = arg;
	size_t i;

	(void)out;
	if (strcmp(c->column, "value") != 0)
		return (0);
	for (i = 0; i < c->n; i++)
		if (strcmp(c->columns[i], "key") == 0 &&
		    c->values[i].len == strlen(s->key) &&
		    memcmp(c->values[i].p, s->key, c->values[i].len) == 0)
			buf_append(s->out, c->value->p, c->value->len);
	return (0);
}

static int
site_value(struct dbwork *w, const char *key, struct buf *out,
    struct err *e)
{
	struct site_value s = { key, out };
	struct dbcsv_edit edit = { .value = find_site_value, .arg = &s };
	const struct dbset_table *t = dbset_find(&w->want, "site");
	struct buf unwanted = BUF_INIT;
	int rc = 0;

	if (t != NULL)
		rc = dbcsv_rewrite(t->text.data, t->text.len, &edit,
		    &unwanted, e);
	buf_fini(&unwanted);
	return (rc == 0 ? buf_ok(out, e) : -1);
}

/* The host in "user@host:port", appended. */
static void
host_of(const char *address, struct buf *out)
{
	const char *at = strrchr(address, '@'), *colon;

	if (at != NULL)
		address = at + 1;
	colon = strrchr(address, ':');
	buf_append(out, address, colon != NULL ? (size_t)(colon - address) :
	    strlen(address));
}

/* What the target calls its own: addresses, as words. */
static int
ask_addresses(struct dbwork *w, struct err *e)
{
	static const char script[] = "hostname -I 2>/dev/null || "
	    "ip -o addr 2>/dev/null || :\n";
	struct buf command = BUF_INIT;
	struct remote_io io = { .max = ADDRESSES_MAX, .out = &w->addresses,
	    .limit_s = ASK_S };
	int rc;

	remote_command(&command, script, NULL, 0);
	if ((rc = buf_ok(&command, e)) == 0 &&
	    remote_run(w->opt->remote, buf_cstr(&command), &io, e) == -1)
		rc = remote_lost(w->opt->remote) ? -1 : 0;
	buf_fini(&command);
	return (rc);
}

static int
is_its_own(struct dbwork *w, const char *old)
{
	char *copy = strdup(buf_cstr(&w->addresses)), *word, *rest = copy;
	int found = 0;

	while (rest != NULL && (word = strsep(&rest, " /\t\r\n")) != NULL)
		found |= strcmp(word, old) == 0;
	free(copy);
	return (found);
}

/* Look for an old name, unless the target goes by it too. */
static int
look_for(struct dbwork *w, const char *old, struct err *e)
{
	const struct probe *p = &w->probe;
	struct buf host = BUF_INIT;
	int known;

	host_of(remote_name(w->opt->remote), &host);
	known = old == NULL || *old == '\0' ||
	    strcmp(old, "localhost") == 0 || strncmp(old, "127.", 4) == 0 ||
	    strcmp(old, buf_cstr(&host)) == 0 ||
	    is_its_own(w, old) ||
	    (p->hostname != NULL && strcmp(old, p->hostname) == 0) ||
	    (p->master != NULL && strcmp(old, p->master) == 0);
	buf_fini(&host);
	return (known ? 0 : rehome_look(&w->rehome, old, e));
}

int
dbnames_look(struct dbwork *w, struct err *e)
{
	const struct snapshot_node *n = &w->opt->view->snap.node;
	struct buf text = BUF_INIT;
	size_t len;
	int rc;

	if ((rc = ask_addresses(w, e)) == 0 &&
	    (rc = look_for(w, n->hostname, e)) == 0 && n->hostname != NULL) {
		len = strcspn(n->hostname, ".");
		buf_append(&text, n->hostname, len);
		/* "mn1.old" and "mn1.new" are both mn1. */
		if (w->probe.hostname == NULL ||
		    strncmp(w->probe.hostname, n->hostname, len) != 0 ||
		    (w->probe.hostname[len] != '\0' &&
		    w->probe.hostname[len] != '.'))
			rc = look_for(w, buf_cstr(&text), e);
	}
	buf_clear(&text);
	if (rc == 0 && n->address != NULL) {
		host_of(n->address, &text);
		rc = look_for(w, buf_cstr(&text), e);
	}
	buf_clear(&text);
	if (rc == 0 && (rc = site_value(w, "master", &text, e)) == 0)
		rc = look_for(w, buf_cstr(&text), e);
	buf_fini(&text);
	return (rc);
}
