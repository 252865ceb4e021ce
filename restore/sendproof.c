#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/digest.h"
#include "formats/pathtext.h"
#include "restore/ask.h"
#include "restore/sendpass.h"

/* ------------------------------------------------------------------ proof */

/*
 * The node's digests take a processor each, so several sessions ask, each of
 * its own part of the catalog.
 */
#define SHARES 2
#define SHARE_MIN 1000		/* questions to each, at least */

struct share;

struct proving {
	struct sendpass *pass;
	enum ask_what what;
	size_t asked[4];	/* of each kind there is */
	pthread_mutex_t lock;	/* of the pass's totals and what was said */
	_Atomic(struct share *) failed;	/* the first: none goes on */
};

struct share {
	struct proving *v;
	struct node own, *node;	/* own: unused by the first one */
	size_t first, end;	/* numbers of its entries */
	struct wanted *wanted;
	size_t number;
	struct buf name;
	pthread_t thread;
	struct err err;
};

static int
kind_of(const struct entry *ent, struct buf *name)
{
	struct err ignored;

	switch (ent->type) {
	case ENTRY_FILE:
		(void)survey_name(name, &ent->path, &ignored);
		return (ask_is_odd(buf_cstr(name)) ? ASK_ODD_DIGEST :
		    ASK_DIGEST);
	case ENTRY_LINK:
		return (ASK_LINK);
	case ENTRY_CHAR:
	case ENTRY_BLOCK:
		return (ASK_DEVICE);
	case ENTRY_DIR:
	case ENTRY_FIFO:
		break;
	}
	return (-1);
}

static int
stopped(const struct proving *v, struct err *e)
{
	if (atomic_load(&v->failed) == NULL)
		return (0);
	return (err_set(e, ERR_FAILED, "the proof was given up"));
}

static int
next_sent(void *arg, size_t *number, struct buf *name, struct buf *want,
    struct err *e)
{
	const uint8_t flags = SURVEY_SENT | SURVEY_LOST;
	struct share *h = arg;
	const struct proving *v = h->v;
	const struct survey *s = v->pass->survey;
	struct entry ent;
	int rc, above;

	if (stopped(v, e) == -1)
		return (-1);
	while ((rc = wanted_next(h->wanted, &ent, &above, e)) != 0) {
		if (rc == -1)
			continue;
		if (h->number >= h->end)
			return (0);
		*number = h->number++;
		if (*number < h->first ||
		    (s->acts[*number] & flags) != SURVEY_SENT ||
		    kind_of(&ent, &h->name) != (int)v->what)
			continue;
		if (v->what <= ASK_ODD_DIGEST)
			digest_put(want, ent.digest);
		else if (v->what == ASK_DEVICE)
			buf_printf(want, "%x %x", ent.major, ent.minor);
		else if (survey_name(want, &ent.link, e) == -1)
			return (-1);
		return (survey_name(name, &ent.path, e) == -1 ? -1 : 1);
	}
	return (0);
}

static void
blame(struct proving *v, const char *name, int same)
{
	struct sendpass *p = v->pass;
	struct buf text = BUF_INIT, why = BUF_INIT;
	struct span path;
	const char *said;

	p->totals->wrong++;
	said = reasons_of(&p->said, name, &why);
	pathtext_encode(&text, name, strlen(name));
	path.p = buf_cstr(&text);
	path.len = text.len;
	survey_report(p->survey, "not restored", &path, said != NULL ? said :
	    same == -1 ? "it cannot be read on the node" :
	    v->what <= ASK_ODD_DIGEST ? "its contents on the node are not "
	    "those that were sent" : "it is not what was sent");
	buf_fini(&text);
	buf_fini(&why);
}

static int
take_proof(void *arg, size_t number, const char *name, int same,
    struct err *e)
{
	struct share *h = arg;
	struct proving *v = h->v;
	struct sendpass *p = v->pass;

	p->survey->acts[number] &= (uint8_t)~SURVEY_SENT;
	if (same != 1)
		p->survey->acts[number] |= SURVEY_LOST;
	pthread_mutex_lock(&v->lock);
	if (same != 1)
		blame(v, name, same);
	else
		p->totals->proved += v->what <= ASK_ODD_DIGEST;
	pthread_mutex_unlock(&v->lock);
	return (stopped(v, e));
}

struct counting {
	struct proving *v;
	struct buf name;
};

static int
count_sent(void *arg, const struct entry *ent, size_t number, struct err *e)
{
	struct counting *c = arg;
	int kind;

	(void)e;
	if ((c->v->pass->survey->acts[number] & SURVEY_SENT) == 0)
		return (0);
	if ((kind = kind_of(ent, &c->name)) != -1)
		c->v->asked[kind]++;
	return (0);
}

static void *
ask_share(void *arg)
{
	struct share *h = arg, *none = NULL;
	const struct survey *s = h->v->pass->survey;
	struct ask a = {
		.what = h->v->what, .root = s->root, .next = next_sent,
		.answer = take_proof, .arg = h,
	};

	h->wanted = wanted_new(s->opt->view, s->opt->sel, s->vol, &h->err);
	if (h->wanted == NULL || ask_run(h->node, &a, &h->err) == -1)
		(void)atomic_compare_exchange_strong(&h->v->failed, &none, h);
	wanted_free(h->wanted);
	buf_fini(&h->name);
	return (NULL);
}

/* In a session and a thread of its own; -1 when they are not to be had. */
static int
start_share(struct share *h)
{
	struct err ignored;

	h->node = &h->own;
	h->own.control = remote_sibling(h->v->pass->survey->opt->node->control,
	    &ignored);
	if (h->own.control == NULL)
		return (-1);
	if (pthread_create(&h->thread, NULL, ask_share, h) == 0)
		return (0);
	remote_close(h->own.control);
	return (-1);
}

static void
end_share(struct share *h)
{
	pthread_join(h->thread, NULL);
	if (atomic_load(&h->v->failed) == h && remote_lost(h->own.control))
		h->v->pass->lost = 1;
	remote_close(h->own.control);
}

/* All of one kind; the first share takes what no other one does. */
static int
prove_kind(struct proving *v, struct err *e)
{
	const struct survey *s = v->pass->survey;
	struct share shares[SHARES] = { { .v = v, .node = s->opt->node } };
	struct share *failed;
	size_t n = 1, i, most = v->asked[v->what] / SHARE_MIN;

	if (most > SHARES)
		most = SHARES;
	shares[0].end = s->n;
	while (n < most && n < cpu_count(SHARES)) {
		shares[n].v = v;
		shares[n].end = shares[0].end;
		shares[n].first = shares[0].end - s->n / most;
		if (start_share(&shares[n]) == -1)
			break;
		shares[0].end = shares[n++].first;
	}
	(void)ask_share(&shares[0]);
	for (i = 1; i < n; i++)
		end_share(&shares[i]);
	if ((failed = atomic_load(&v->failed)) == NULL)
		return (0);
	*e = failed->err;
	return (-1);
}

/*
 * "tar: ./a/b: Warning: Cannot lsetxattr: Operation not supported": what find
 * does not show, tar alone knows of.
 */
static void
report_line(struct sendpass *p, const char *line, size_t len)
{
	struct buf why = BUF_INIT, text = BUF_INIT;
	const char *colon;
	struct span path = { ".", 1 };

	if (memmem(line, len, "xattr", 5) == NULL &&
	    memmem(line, len, "acl_", 4) == NULL)
		return;
	if (len > 5 && memcmp(line, "tar: ", 5) == 0) {
		line += 5;
		len -= 5;
	}
	colon = memmem(line, len, ": ", 2);
	if (colon != NULL && line[0] == '.') {
		pathtext_encode(&text, line, (size_t)(colon - line));
		path.p = buf_cstr(&text);
		path.len = text.len;
		len -= (size_t)(colon + 2 - line);
		line = colon + 2;
	}
	buf_put_printable(&why, line, len);
	survey_report(p->survey, "not all restored", &path, buf_cstr(&why));
	buf_fini(&why);
	buf_fini(&text);
}

static void
report_said(struct sendpass *p)
{
	const struct buf *said = &p->said.said;
	const char *at = (const char *)said->data, *nl;
	const char *end = at == NULL ? at : at + said->len;

	for (; at < end; at = nl + 1) {
		if ((nl = memchr(at, '\n', (size_t)(end - at))) == NULL)
			nl = end;
		report_line(p, at, (size_t)(nl - at));
	}
	reasons_clear(&p->said);
}

int
sendpass_prove(struct sendpass *p, struct err *e)
{
	struct proving v = { .pass = p, .lock = PTHREAD_MUTEX_INITIALIZER };
	struct counting c = { &v, BUF_INIT };
	int kind, rc;

	rc = sendpass_each(p, count_sent, &c, e);
	buf_fini(&c.name);
	for (kind = 0; kind < 4 && rc == 0; kind++) {
		v.what = (enum ask_what)kind;
		if (v.asked[kind] > 0)
			rc = prove_kind(&v, e);
	}
	pthread_mutex_destroy(&v.lock);
	/* Else the survey tells what is not there. */
	if (rc == 0 && p->survey->opt->no_attrs != NULL)
		report_said(p);
	return (rc == -1 ? sendpass_failed(p) : 0);
}
