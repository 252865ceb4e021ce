#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "remote/session.h"
#include "restore/ask.h"
#include "restore/attrs.h"
#include "restore/pump.h"

/*
 * More than xargs takes for one command, so that it never waits for more
 * while we wait for its answers.
 */
#define OPEN_MAX 4096
#define BATCH_BYTES ((size_t)32 << 10)
#define RECORD_MAX ((size_t)1 << 20)	/* attributes may be long */

static const char *const scripts[] = {
	[ASK_DIGEST] = "if [ \"$(openssl dgst -sha256 -r </dev/null"
	    " 2>/dev/null | cut -c1-64)\" = e3b0c44298fc1c149afbf4c8996fb9"
	    "2427ae41e4649b934ca495991b7852b855 ]; then\n"
	    "	exec xargs -0 -r -n 1000 openssl dgst -sha256 -r\n"
	    "fi\n"
	    "exec xargs -0 -r -n 1000 sha256sum -b --\n",
	[ASK_ODD_DIGEST] = "exec xargs -0 -r -n 1000 sha256sum -b --\n",
	[ASK_LINK] = "exec xargs -0 -r -n 1000 sh -c 'exec find \"$@\""
	    " -maxdepth 0 -printf \"%p\\\\0%l\\\\0\"' find\n",
	[ASK_DEVICE] = "exec xargs -0 -r -n 1000 stat"
	    " --printf '%n\\0%t %T\\0' --\n",
	[ASK_ATTRS] = "exec perl -e \"$1\" tell \"$(uname -m)\"\n",
};

struct question {
	size_t number;
	char *name, *want;
};

struct asking {
	const struct ask *ask;
	struct question open[OPEN_MAX];	/* a ring */
	size_t first, n;
	int done;		/* no more questions */
	struct buf partial;	/* an answer of which the end is to come */
	struct buf name;
};

/* The answer is a line, not two strings. */
static int
is_digest(const struct asking *a)
{
	return (a->ask->what == ASK_DIGEST ||
	    a->ask->what == ASK_ODD_DIGEST);
}

static int
next_question(struct asking *a, struct buf *to, struct err *e)
{
	struct question *q = &a->open[(a->first + a->n) % OPEN_MAX];
	struct buf name = BUF_INIT, want = BUF_INIT;
	int rc;

	rc = a->ask->next(a->ask->arg, &q->number, &name, &want, e);
	if (rc == 1) {
		q->name = strdup(buf_cstr(&name));
		q->want = strdup(buf_cstr(&want));
		a->n++;
		if (q->name == NULL || q->want == NULL || name.nomem ||
		    want.nomem)
			rc = err_nomem(e);
		else
			buf_append(to, q->name, strlen(q->name) + 1);
	}
	buf_fini(&name);
	buf_fini(&want);
	return (rc);
}

static int
give_questions(void *arg, struct buf *to, struct err *e)
{
	struct asking *a = arg;
	int rc;

	while (!a->done && a->n < OPEN_MAX && to->len < BATCH_BYTES) {
		if ((rc = next_question(a, to, e)) == -1)
			return (-1);
		a->done = rc == 0;
	}
	return (a->done ? 0 : to->len > 0 ? 1 : 2);
}

/* The oldest open question is answered. */
static int
close_question(struct asking *a, int same, struct err *e)
{
	struct question *q = &a->open[a->first];
	int rc;

	rc = a->ask->answer(a->ask->arg, q->number, q->name, same, e);
	free(q->name);
	free(q->want);
	q->name = q->want = NULL;
	a->first = (a->first + 1) % OPEN_MAX;
	a->n--;
	return (rc);
}

/* Answers come in order; a question passed over has none. */
static int
take_answer(struct asking *a, const char *name, const char *answer,
    struct err *e)
{
	struct question *q;

	while (a->n > 0) {
		q = &a->open[a->first];
		if (strcmp(q->name, name) == 0)
			return (close_question(a, a->ask->what == ASK_ATTRS ?
			    attrs_same(q->want, answer) :
			    strcmp(q->want, answer) == 0, e));
		if (close_question(a, -1, e) == -1)
			return (-1);
	}
	return (err_set(e, ERR_FAILED, "the node answers what it was not "
	    "asked"));
}

/* "HEX *NAME"; a "\" in front: there are "\\", "\n" and "\r" in the name. */
static int
take_digest(struct asking *a, char *line, struct err *e)
{
	int escaped = line[0] == '\\';
	char *p, *name;

	line += escaped;
	if (strlen(line) < DIGEST_HEX + 2)
		return (err_set(e, ERR_FAILED, "sha256sum on the node "
		    "printed something else than digests"));
	line[DIGEST_HEX] = '\0';
	name = line + DIGEST_HEX + 2;
	buf_clear(&a->name);
	for (p = name; *p != '\0'; p++) {
		if (!escaped || *p != '\\' || p[1] == '\0')
			buf_putc(&a->name, *p);
		else if (*++p == 'n')
			buf_putc(&a->name, '\n');
		else
			buf_putc(&a->name, *p == 'r' ? '\r' : *p);
	}
	return (take_answer(a, buf_cstr(&a->name), line, e));
}

/* A whole answer, NUL-terminated; how many bytes, 0 when it is not whole. */
static size_t
whole_answer(const struct asking *a, char *p, size_t len)
{
	char *end, *second;

	if (is_digest(a)) {
		if ((end = memchr(p, '\n', len)) == NULL)
			return (0);
		*end = '\0';
		return ((size_t)(end - p) + 1);
	}
	if ((end = memchr(p, '\0', len)) == NULL)
		return (0);
	second = memchr(end + 1, '\0', len - (size_t)(end + 1 - p));
	return (second == NULL ? 0 : (size_t)(second - p) + 1);
}

static int
take_output(void *arg, const void *bytes, size_t len, struct err *e)
{
	struct asking *a = arg;
	size_t used = 0, n;
	char *p;
	int rc;

	buf_append(&a->partial, bytes, len);
	if (buf_ok(&a->partial, e) == -1)
		return (-1);
	p = (char *)a->partial.data;
	while ((n = whole_answer(a, p + used, a->partial.len - used)) > 0) {
		rc = is_digest(a) ? take_digest(a, p + used, e) :
		    take_answer(a, p + used, p + used +
		    strlen(p + used) + 1, e);
		if (rc == -1)
			return (-1);
		used += n;
	}
	memmove(p, p + used, a->partial.len - used);
	a->partial.len -= used;
	if (a->partial.len > RECORD_MAX)
		return (err_set(e, ERR_FAILED, "the node answers without an "
		    "end"));
	return (0);
}

int
ask_is_odd(const char *name)
{
	return (strpbrk(name, "\\\n\r") != NULL);
}

int
ask_run(struct node *n, const struct ask *ask, struct err *e)
{
	const char *args[] = { restore_attrs_pl };
	struct pump p = {
		.root = ask->root, .script = scripts[ask->what],
		.args = args, .nargs = ask->what == ASK_ATTRS,
		.in = give_questions, .out = take_output,
	};
	struct buf line = BUF_INIT;
	struct asking *a;
	int rc;

	if ((a = calloc(1, sizeof(*a))) == NULL)
		return (err_nomem(e));
	a->ask = ask;
	p.arg = a;
	rc = pump_run(n, &p, e);
	/* 123: some of the files could not be asked about. */
	if (rc == 0 && p.status != 0 && p.status != 123)
		rc = err_set(e, ERR_FAILED, "%s: %s: a look at what is there "
		    "ended with status %d: %.300s", remote_name(n->control),
		    ask->root, p.status, pump_first_line(&line, &p.said));
	while (rc == 0 && a->n > 0)
		rc = close_question(a, -1, e);
	for (; a->n > 0; a->n--, a->first = (a->first + 1) % OPEN_MAX) {
		free(a->open[a->first].name);
		free(a->open[a->first].want);
	}
	buf_fini(&a->partial);
	buf_fini(&a->name);
	buf_fini(&line);
	pump_fini(&p);
	free(a);
	return (rc);
}
