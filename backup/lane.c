#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/lane.h"
#include "backup/tarsaid.h"
#include "base/cancel.h"
#include "remote/node/tarstream.h"
#include "remote/quote.h"

#define TRIES 6			/* in a row without a member in between */
#define NAMES_BYTES (64 << 10)	/* sent at once */
#define DIGEST_S 60
#define DIGEST_RATE ((uint64_t)4 << 20)	/* bytes a second, at least */
#define DIGEST_MOST_S 86400

struct lane {
	struct pool *pool;
	struct node *node;
	struct remote *remote;	/* NULL: to be made */
	struct tarstream *stream;
	struct tarstream *single;
	struct remote_exec *rest;	/* of a file that was cut off */
	struct batch *pending[LANE_AHEAD];
	size_t npending;
	const struct tarin *head;	/* a member not yet matched, or NULL */
	int at_end;		/* the archive's end has come */
	int broken;		/* begin anew */
	unsigned tries;
	struct tarsaid missing;	/* asked for, not given */
};

struct lane *
lane_new(struct pool *p, struct node *n, struct err *e)
{
	struct lane *l;

	if ((l = calloc(1, sizeof(*l))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	l->pool = p;
	l->node = n;
	tarsaid_init(&l->missing);
	return (l);
}

void
lane_free(struct lane *l)
{
	if (l == NULL)
		return;
	remote_exec_free(l->rest);
	tarstream_free(l->single);
	tarstream_free(l->stream);
	remote_close(l->remote);
	tarsaid_fini(&l->missing);
	free(l);
}

/* The node's control session is open as long as there are lanes. */
static int
connect_lane(struct lane *l, struct err *e)
{
	if (l->remote != NULL && !remote_lost(l->remote))
		return (0);
	remote_close(l->remote);
	l->remote = remote_sibling(l->node->control, e);
	return (l->remote != NULL ? 0 : -1);
}

static int
send_names(struct tarstream *t, const struct batch *b, size_t from,
    struct err *e)
{
	struct buf names = BUF_INIT;
	const struct item *it;
	size_t i;
	int rc = 0;

	for (i = from; i < b->n && rc == 0; i++) {
		it = &b->items[i];
		if (it->kind != ITEM_READ || it->probe)
			continue;
		buf_append(&names, it->name, strlen(it->name) + 1);
		if (names.len < NAMES_BYTES)
			continue;
		if ((rc = buf_ok(&names, e)) == 0)
			rc = tarstream_ask(t, names.data, names.len, e);
		buf_clear(&names);
	}
	if (rc == 0 && (rc = buf_ok(&names, e)) == 0 && names.len > 0)
		rc = tarstream_ask(t, names.data, names.len, e);
	buf_fini(&names);
	return (rc);
}

/* A stream for the batch's volume, unless there is one. */
static int
open_stream(struct lane *l, const struct batch *b, struct err *e)
{
	if (l->stream != NULL)
		return (0);
	if (connect_lane(l, e) == -1)
		return (-1);
	l->at_end = 0;
	l->head = NULL;
	l->stream = tarstream_new(l->remote, b->root, e);
	return (l->stream != NULL ? 0 : -1);
}

int
lane_room(const struct lane *l)
{
	return (l->npending < LANE_AHEAD && !l->broken &&
	    l->stream != NULL && !tarstream_is_last(l->stream));
}

int
lane_ask(struct lane *l, struct batch *b, struct err *e)
{
	l->pending[l->npending++] = b;
	if (l->broken)
		return (0);
	if (open_stream(l, b, e) == -1 ||
	    send_names(l->stream, b, 0, e) == -1) {
		if (cancel_check(e) == -1)
			return (-1);
		l->broken = 1;
	}
	return (0);
}

struct batch *
lane_pending(const struct lane *l)
{
	return (l->npending > 0 ? l->pending[0] : NULL);
}

struct batch *
lane_newest(const struct lane *l)
{
	return (l->npending > 0 ? l->pending[l->npending - 1] : NULL);
}

struct batch *
lane_drop(struct lane *l)
{
	return (l->npending > 0 ? l->pending[--l->npending] : NULL);
}

int
lane_broken(const struct lane *l)
{
	return (l->broken);
}

void
lane_last(struct lane *l)
{
	struct err ignored;

	if (l->stream != NULL && tarstream_last(l->stream, &ignored) == -1)
		l->broken = 1;
}

/* Wait between tries, ready to be cancelled. */
static int
pause_seconds(struct lane *l, unsigned s, struct err *e)
{
	unsigned i;

	for (i = 0; i < 10 * s; i++) {
		if (cancel_check(e) == -1)
			return (-1);
		if (pool_failed(l->pool))
			return (err_set(e, ERR_FAILED, "the run is ending"));
		(void)poll(NULL, 0, 100);
	}
	return (cancel_check(e));
}

static int
begin_again(struct lane *l, size_t at, struct err *e)
{
	size_t i;

	tarstream_free(l->stream);
	l->stream = NULL;
	l->head = NULL;
	if (open_stream(l, l->pending[0], e) == -1 ||
	    send_names(l->stream, l->pending[0], at, e) == -1)
		return (-1);
	for (i = 1; i < l->npending; i++)
		if (send_names(l->stream, l->pending[i], 0, e) == -1)
			return (-1);
	return (tarstream_last(l->stream, e));
}

/* The first new try is made at once, the others later and later. */
int
lane_again(struct lane *l, size_t at, struct err *e)
{
	struct err why = *e;

	lane_resumed(l);
	tarstream_free(l->single);
	l->single = NULL;
	while (l->tries++ < TRIES) {
		if (pause_seconds(l, l->tries > 1 ? 1u << (l->tries - 2) : 0,
		    e) == -1)
			return (-1);
		if (begin_again(l, at, &why) == 0) {
			l->broken = 0;
			return (0);
		}
	}
	*e = why;
	return (-1);
}

static int
lost(struct lane *l, struct err *e)
{
	const char *name = remote_name(l->node->control);

	l->broken = 1;
	/* What the session says is of it already. */
	if (strncmp(e->msg, name, strlen(name)) != 0)
		(void)err_wrap(e, "%s", name);
	return (-1);
}

/* The item that the member at hand is for; b->n when it is another batch's. */
static size_t
match(const struct lane *l, const struct batch *b, size_t at)
{
	const char *name = (const char *)l->head->name.data;
	size_t len = l->head->name.len;
	const struct item *it;

	/* A directory's name has got a slash. */
	while (len > 1 && name[len - 1] == '/')
		len--;
	for (; at < b->n; at++) {
		it = &b->items[at];
		if (it->kind == ITEM_READ && !it->probe &&
		    strncmp(it->name, name, len) == 0 &&
		    it->name[len] == '\0')
			break;
	}
	return (at);
}

/* Items before "to" were asked for and did not come. */
static int
give_up(struct lane *l, struct batch *b, size_t at, size_t to,
    struct err *e)
{
	struct item *it;

	for (; at < to; at++) {
		it = &b->items[at];
		if (it->kind != ITEM_READ || it->probe)
			continue;
		it->failed = 1;
		if (tarsaid_miss(&l->missing, &it->ent.path, e) == -1)
			return (-1);
	}
	return (0);
}

/* Have a member at l->head, or know that there are no more. */
static int
load_head(struct lane *l, struct err *e)
{
	int rc;

	if (l->head != NULL || l->at_end)
		return (0);
	if (l->broken || l->stream == NULL) {
		err_set(e, ERR_FAILED, "connection lost");
		return (lost(l, e));
	}
	rc = tarstream_next(l->stream, &l->head, e);
	if (rc == -1)
		return (lost(l, e));
	l->at_end = rc == 0;
	l->tries = 0;
	return (0);
}

int
lane_next(struct lane *l, size_t *at, const struct tarin **head,
    struct err *e)
{
	struct batch *b = l->pending[0];
	size_t found;

	while (load_head(l, e) == -1)
		if (lane_again(l, *at, e) == -1)
			return (-1);
	found = l->at_end ? b->n : match(l, b, *at);
	if (give_up(l, b, *at, found, e) == -1)
		return (-1);
	*at = found;
	if (found == b->n)
		return (0);
	*head = l->head;
	l->head = NULL;
	return (1);
}

int
lane_read(struct lane *l, void *p, size_t len, struct err *e)
{
	struct tarstream *t = l->single != NULL ? l->single : l->stream;
	int rc;

	rc = l->rest != NULL ? remote_exec_read_full(l->rest, p, len, e) :
	    tarstream_read(t, p, len, e);
	if (rc == -1)
		return (lost(l, e));
	l->tries = 0;
	return (0);
}

void
lane_resumed(struct lane *l)
{
	remote_exec_free(l->rest);
	l->rest = NULL;
}

/* What find prints of a file that is still the same. */
static void
describe(struct buf *out, const struct walk_stat *st)
{
	buf_printf(out, "%llu %llu %lld.%09u0 %lld.%09u0",
	    (unsigned long long)st->ino, (unsigned long long)st->size,
	    (long long)st->mtime, st->mtime_ns, (long long)st->ctime,
	    st->ctime_ns);
}

/*
 * The first byte of the answer says that the rest follows.  A change while it
 * is read shows in the ctime next night.
 */
static int
open_rest(struct lane *l, const struct item *it, uint64_t off,
    struct err *e)
{
	static const char script[] =
	    "cd -- \"$1\" && [ \"$(find \"$2\" -maxdepth 0"
	    " -printf '%i %s %T@ %C@')\" = \"$3\" ] || exit 3\n"
	    "printf y && exec tail -c +\"$4\" -- \"$2\"\n";
	struct buf command = BUF_INIT, is = BUF_INIT;
	char from[24], answer;
	const char *args[] = { l->pending[0]->root, it->name, NULL, from };
	int rc = -1;

	describe(&is, &it->st);
	args[2] = buf_cstr(&is);
	snprintf(from, sizeof(from), "%llu", (unsigned long long)off + 1);
	remote_command(&command, script, args, 4);
	if (buf_ok(&is, e) == 0 && buf_ok(&command, e) == 0 &&
	    (l->rest = remote_exec_new(l->remote, buf_cstr(&command),
	    e)) != NULL && remote_exec_end_input(l->rest, e) == 0)
		rc = remote_exec_read_full(l->rest, &answer, 1, e);
	if (rc == -1 && l->remote != NULL && !remote_lost(l->remote)) {
		lane_resumed(l);
		rc = 1;
	}
	buf_fini(&command);
	buf_fini(&is);
	return (rc);
}

int
lane_resume(struct lane *l, size_t at, uint64_t off, struct err *e)
{
	int rc;

	do {
		if (lane_again(l, at + 1, e) == -1)
			return (-1);
		rc = open_rest(l, &l->pending[0]->items[at], off, e);
		if (rc == -1)
			(void)lost(l, e);
	} while (rc == -1);
	return (rc);
}

/* Seconds, for a disk as slow as a node's may be. */
static unsigned
digest_limit(uint64_t size)
{
	uint64_t s = DIGEST_S + size / DIGEST_RATE;

	return (s < DIGEST_MOST_S ? (unsigned)s : DIGEST_MOST_S);
}

int
lane_digest(struct lane *l, const char *name, uint64_t size,
    uint8_t id[DIGEST_LEN], struct err *e)
{
	static const char script[] =
	    "cd -- \"$1\" && exec sha256sum -b -- \"$2\"\n";
	const char *args[] = { l->pending[0]->root, name };
	struct buf command = BUF_INIT, out = BUF_INIT;
	/* Nothing comes while a file is read, however large it is. */
	struct remote_io io = { .max = 64 << 10, .out = &out,
	    .limit_s = digest_limit(size) };
	const char *hex;
	int rc = -1;

	remote_command(&command, script, args, 2);
	if (buf_ok(&command, e) == 0 && connect_lane(l, e) == 0)
		rc = remote_run(l->remote, buf_cstr(&command), &io, e);
	/* Too slow: it is fetched instead. */
	if (rc == -1 && l->remote != NULL && !remote_lost(l->remote) &&
	    cancel_check(e) == 0) {
		e->kind = ERR_NONE;
		rc = 0;
	}
	if (rc == -1)
		(void)lost(l, e);
	/* A name with a newline or a backslash puts a backslash in front. */
	hex = buf_cstr(&out);
	if (rc == 0 && io.status == 0) {
		hex += hex[0] == '\\';
		rc = strlen(hex) > DIGEST_HEX && digest_parse(hex, id) == 0;
	}
	buf_fini(&command);
	buf_fini(&out);
	return (rc);
}

/* tar has given nothing: report why. */
static int
report_single(struct lane *l, const struct item *it, struct err *e)
{
	struct tarsaid one;
	int rc, status;

	if (tarstream_wait(l->single, &status, e) == -1)
		return (lost(l, e));
	tarsaid_init(&one);
	rc = tarsaid_miss(&one, &it->ent.path, e);
	if (rc == 0)
		rc = tarsaid_report(&one, tarstream_said(l->single),
		    l->pool, e);
	tarsaid_fini(&one);
	return (rc);
}

int
lane_single(struct lane *l, const struct item *it,
    const struct tarin **head, struct err *e)
{
	int rc;

	if (connect_lane(l, e) == -1 || (l->single = tarstream_new(l->remote,
	    l->pending[0]->root, e)) == NULL || tarstream_ask(l->single,
	    it->name, strlen(it->name) + 1, e) == -1 ||
	    tarstream_last(l->single, e) == -1)
		return (lost(l, e));
	if ((rc = tarstream_next(l->single, head, e)) == -1)
		return (lost(l, e));
	return (rc == 1 ? 1 : report_single(l, it, e));
}

/*
 * Only tar's word on names is wanted here; a tar that still runs is not
 * waited for.
 */
void
lane_single_done(struct lane *l)
{
	tarstream_free(l->single);
	l->single = NULL;
	if (l->remote != NULL && remote_lost(l->remote))
		l->broken = 1;
}

/* tar has no more to say: report what it left out, or found changing. */
static int
finish_stream(struct lane *l, struct err *e)
{
	int status;

	if (tarstream_wait(l->stream, &status, e) == -1) {
		/* All members are here; only its words are lost. */
		l->broken = 1;
		e->kind = ERR_NONE;
	}
	if (tarsaid_report(&l->missing, tarstream_said(l->stream), l->pool,
	    e) == -1)
		return (-1);
	tarstream_free(l->stream);
	l->stream = NULL;
	l->head = NULL;
	return (0);
}

int
lane_done(struct lane *l, struct err *e)
{
	memmove(l->pending, l->pending + 1,
	    (LANE_AHEAD - 1) * sizeof(l->pending[0]));
	l->npending--;
	if (l->npending > 0 || l->stream == NULL ||
	    !tarstream_is_last(l->stream))
		return (0);
	if (l->broken) {
		/* Lost behind the last member: some of what tar said is. */
		if (tarsaid_report(&l->missing, tarstream_said(l->stream),
		    l->pool, e) == -1)
			return (-1);
		tarstream_free(l->stream);
		l->stream = NULL;
		l->broken = 0;
		return (0);
	}
	return (finish_stream(l, e));
}
