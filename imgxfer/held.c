#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "formats/scan.h"
#include "imgxfer/held.h"
#include "imgxfer/heldsaid.h"
#include "remote/exec.h"
#include "remote/quote.h"

#define LINE_BYTES 8192
#define LINE_MAX_BYTES ((size_t)64 << 10)
#define BEAT_S 1		/* how often the node hears of us */
#define STALL_S 120		/* without a byte the connection is dead */
#define RETRY_MS 1000
#define REMOVAL_S 60		/* that the guard may take to clean up */
#define AGAIN_BYTES ((size_t)4 << 20)

extern const char imgxfer_held_pl[];

struct held {
	struct remote *r;	/* kept when lost: new ones are made of it */
	int up;			/* control is there, and r lives */
	int stalled;		/* r may live, but is of no use */
	struct remote_exec *control, *data;
	struct buf lines;
	char *path;		/* of the bundle */
	unsigned grace_s, reconnected;
	int64_t beaten, moved;	/* seconds: we were heard, it went on */

	struct heldsaid said;	/* what the guard has said */
	int ending;		/* it has been told to end */

	uint64_t off;		/* of the bundle: read, or written */
	pthread_t keeper;	/* held_keep() */
	atomic_int kept;
};

static int64_t
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (t.tv_sec);
}

static void
nap(void)
{
	struct timespec t = { RETRY_MS / 1000, RETRY_MS % 1000 * 1000000L };

	(void)nanosleep(&t, NULL);
}

/* ------------------------------------------------------------- connection */

static void
hang_up(struct held *h)
{
	remote_exec_free(h->data);
	remote_exec_free(h->control);
	h->data = h->control = NULL;
	h->up = h->stalled = 0;
}

/* What the script has to say on standard error, behind its end. */
static int
explain(struct held *h, struct err *e)
{
	struct buf *b = remote_exec_stderr(h->control);
	char *line;
	const char *p = buf_cstr(b);

	line = heldsaid_printable(p, strcspn(p, "\n"));
	err_set(e, ERR_FAILED, "%s: %s", remote_name(h->r), line != NULL &&
	    line[0] != '\0' ? line : "the helper on the node has ended");
	free(line);
	return (-1);
}

/*
 * Let the node know that we are still here; the first time that we have
 * heard of its directory, and not before.
 */
static int
beat(struct held *h, struct err *e)
{
	int64_t now = seconds();

	if (!h->said.greeted || (h->beaten > 0 && now - h->beaten < BEAT_S))
		return (0);
	h->beaten = now;
	if (remote_exec_write_some(h->control, "\n", 1, e) != -1)
		return (0);
	h->stalled = 1;
	return (-1);
}

/*
 * Hear what the guard has to say, for at most wait_ms.  -1 also when it has
 * nothing more to say.
 */
static int
listen(struct held *h, int wait_ms, struct err *e)
{
	const char *nl;
	size_t len;
	ssize_t n;
	void *p;

	if (beat(h, e) == -1)
		return (-1);
	if ((p = buf_reserve(&h->lines, LINE_BYTES)) == NULL)
		return (err_nomem(e));
	n = remote_exec_read(h->control, p, LINE_BYTES, wait_ms, e);
	if (n == -1)
		return (-1);
	if (n == 0 && remote_exec_ended(h->control)) {
		h->stalled = 1;
		return (explain(h, e));
	}
	buf_advance(&h->lines, (size_t)n);
	if (h->lines.len > LINE_MAX_BYTES &&
	    memchr(h->lines.data, '\n', h->lines.len) == NULL)
		return (err_set(e, ERR_FAILED, "%s: it said a line that has "
		    "no end", remote_name(h->r)));
	while ((nl = memchr(h->lines.data, '\n', h->lines.len)) != NULL) {
		len = (size_t)(nl - (const char *)h->lines.data);
		if (heldsaid_line(&h->said, (const char *)h->lines.data, len,
		    e) == -1)
			return (err_wrap(e, "%s", remote_name(h->r)));
		h->lines.len -= len + 1;
		memmove(h->lines.data, nl + 1, h->lines.len);
	}
	return (0);
}

static int
name_bundle(struct held *h, struct err *e)
{
	struct buf b = BUF_INIT;

	buf_printf(&b, "%s/bundle.tgz", h->said.dir);
	if (buf_ok(&b, e) == 0 && (h->path = strdup(buf_cstr(&b))) == NULL)
		err_nomem(e);
	buf_fini(&b);
	return (h->path != NULL ? 0 : -1);
}

/* Start the script, and hear of its directory. */
static int
begin(struct held *h, const char *const *args, size_t nargs,
    const struct buf *in, struct err *e)
{
	struct buf command = BUF_INIT;
	const char *all[8] = { imgxfer_held_pl };
	int64_t until = seconds() + STALL_S;
	size_t i;
	int rc = -1;

	for (i = 0; i < nargs; i++)
		all[i + 1] = args[i];
	remote_xcat_command(&command, "exec perl -e \"$@\"\n", 0, all,
	    nargs + 1);
	heldsaid_forget(&h->said);
	buf_clear(&h->lines);
	h->beaten = 0;
	h->said.greeted = 0;
	if (buf_ok(&command, e) == 0 && (h->control =
	    remote_exec_new(h->r, buf_cstr(&command), e)) != NULL &&
	    (in == NULL || remote_exec_write(h->control, in->data, in->len,
	    e) == 0)) {
		do
			rc = listen(h, 500, e);
		while (rc == 0 && !h->said.greeted && seconds() < until);
		if (rc == 0 && !h->said.greeted)
			rc = err_set(e, ERR_FAILED, "%s: the helper on the "
			    "node does not answer", remote_name(h->r));
		if (rc == 0 && h->path == NULL)
			rc = name_bundle(h, e);
		if (rc == 0)
			rc = beat(h, e);
	}
	buf_fini(&command);
	h->up = rc == 0;
	return (rc);
}

/*
 * Whether the call that failed may be made again: the connection has been
 * made anew.  -1: it may not, e says why.
 */
static int
recover(struct held *h, struct err *e)
{
	const char *args[] = { "rejoin", h->said.dir };
	struct err lost = *e, why;
	struct remote *fresh;

	if (cancel_check(e) == -1)
		return (-1);
	/* The node is well, and has said no. */
	if (h->up && !h->stalled && !remote_lost(h->r))
		return (-1);
	hang_up(h);
	while (seconds() - h->moved <= (int64_t)h->grace_s) {
		if ((fresh = remote_sibling(h->r, &why)) != NULL) {
			remote_close(h->r);
			h->r = fresh;
			if (begin(h, args, 2, NULL, &why) == 0) {
				h->reconnected++;
				return (0);
			}
			hang_up(h);
			if (!remote_lost(h->r) && cancel_check(e) == 0) {
				*e = lost;
				h->said.gone = 1;
				return (err_wrap(e, "what was made on the "
				    "node is gone"));
			}
		}
		if (cancel_check(e) == -1)
			return (-1);
		nap();
	}
	*e = lost;
	return (-1);
}

static void
move_on(struct held *h)
{
	h->moved = seconds();
}

/* Until it has been said; a node that beats is a node that works. */
static int
attend(struct held *h, const int *what, struct err *e)
{
	while (!*what) {
		if (!h->up || listen(h, 500, e) == -1) {
			if (*what)
				break;
			if (recover(h, e) == -1)
				return (-1);
		} else
			move_on(h);
	}
	return (0);
}

/* -------------------------------------------------------------- life cycle */

static int
put_files(struct buf *in, const struct held_options *opt, struct err *e)
{
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < opt->nfiles; i++)
		bytes += strlen(opt->files[i]) + 1;
	buf_putu(in, bytes);
	buf_putc(in, '\n');
	for (i = 0; i < opt->nfiles; i++)
		buf_append(in, opt->files[i], strlen(opt->files[i]) + 1);
	return (buf_ok(in, e));
}

struct held *
held_new(const struct remote *to, const struct held_options *opt,
    struct err *e)
{
	char grace[16], limit[16];
	const char *args[] = { "start", opt->base, grace,
	    opt->image != NULL ? opt->image : "", limit,
	    opt->tmpdir != NULL ? opt->tmpdir : "" };
	struct buf in = BUF_INIT;
	struct held *h;
	int rc = -1;

	if ((h = calloc(1, sizeof(*h))) == NULL ||
	    heldsaid_init(&h->said, opt->nfiles, e) == -1) {
		free(h);
		err_nomem(e);
		return (NULL);
	}
	h->grace_s = opt->grace_s > 0 ? opt->grace_s : HELD_GRACE_S;
	snprintf(grace, sizeof(grace), "%u", h->grace_s);
	snprintf(limit, sizeof(limit), "%u",
	    opt->limit_s > 0 ? opt->limit_s : HELD_LIMIT_S);
	move_on(h);
	if (put_files(&in, opt, e) == 0 &&
	    (h->r = remote_sibling(to, e)) != NULL)
		rc = begin(h, args, 6, &in, e);
	buf_fini(&in);
	if (rc == 0)
		return (h);
	held_free(h);
	return (NULL);
}

int
held_end(struct held *h, struct err *e)
{
	int64_t until = seconds() + REMOVAL_S;

	remote_exec_free(h->data);
	h->data = NULL;
	while (!h->said.gone && seconds() < until) {
		if (h->up && !h->ending && remote_exec_write(h->control,
		    "end\n", 4, e) == 0)
			h->ending = 1;
		if (h->up && h->ending && listen(h, 500, e) == 0)
			continue;
		if (h->said.gone)
			break;
		/* It may have been removed before we heard of it. */
		h->ending = 0;
		if (recover(h, e) == -1 && !h->said.gone)
			return (err_wrap(e, "the node removes %s by itself, "
			    "as soon as it can", h->said.dir));
	}
	if (!h->said.gone)
		return (err_set(e, ERR_FAILED, "%s: whether %s is removed is "
		    "not known", remote_name(h->r), h->said.dir));
	if (h->said.left.len > 0)
		return (err_set(e, ERR_FAILED, "%s: left there: %s",
		    remote_name(h->r), buf_cstr(&h->said.left)));
	return (0);
}

/* Tell the guard, if that can be told, and wait for it. */
static void
give_up(struct held *h)
{
	struct err ignored;
	int64_t until = seconds() + REMOVAL_S;

	if (!h->up || h->said.gone)
		return;
	remote_persist(h->r);
	remote_exec_free(h->data);
	h->data = NULL;
	if (remote_exec_write(h->control, "end\n", 4, &ignored) == 0)
		while (!h->said.gone && seconds() < until)
			if (listen(h, 500, &ignored) == -1)
				break;
}

void
held_free(struct held *h)
{
	if (h == NULL)
		return;
	give_up(h);
	hang_up(h);
	remote_close(h->r);
	heldsaid_fini(&h->said);
	free(h->path);
	buf_fini(&h->lines);
	free(h);
}

const char *
held_path(const struct held *h)
{
	return (h->path);
}

unsigned
held_reconnected(const struct held *h)
{
	return (h->reconnected);
}

/* ----------------------------------------------------------- keeping it */

static void *
keep_on(void *arg)
{
	struct held *h = arg;
	struct err e;

	while (atomic_load(&h->kept))
		if (!h->up || listen(h, 100, &e) == -1) {
			if (recover(h, &e) == -1)
				break;
		} else
			move_on(h);
	return (NULL);
}

int
held_keep(struct held *h, struct err *e)
{
	atomic_store(&h->kept, 1);
	if (pthread_create(&h->keeper, NULL, keep_on, h) == 0)
		return (0);
	atomic_store(&h->kept, 0);
	return (err_set(e, ERR_FAILED, "no thread can be started"));
}

void
held_unkeep(struct held *h)
{
	if (atomic_exchange(&h->kept, 0) == 1)
		pthread_join(h->keeper, NULL);
}

/* ---------------------------------------------------------- what was made */

int
held_export(struct held *h, struct held_export *out, struct err *e)
{
	if (attend(h, &h->said.exported, e) == -1)
		return (-1);
	*out = h->said.export;
	return (0);
}

int
held_digest(struct held *h, uint8_t out[DIGEST_LEN], struct err *e)
{
	while (!h->said.has_digest && !h->said.no_digest)
		if (!h->up || listen(h, 500, e) == -1) {
			if (recover(h, e) == -1)
				return (-1);
		} else
			move_on(h);
	if (h->said.no_digest)
		return (err_set(e, ERR_FAILED, "%s: the SHA-256 of %s could "
		    "not be computed there", remote_name(h->r), h->path));
	memcpy(out, h->said.digest, DIGEST_LEN);
	return (0);
}

int
held_sums(struct held *h, const struct held_sum **sums, struct err *e)
{
	if (attend(h, &h->said.summed, e) == -1)
		return (-1);
	*sums = h->said.sums;
	return (0);
}

/* ---------------------------------------------------------------- reading */

static struct remote_exec *
open_reading(struct held *h, struct err *e)
{
	static const char script[] = "exec tail -c \"+$2\" -- \"$1\"\n";
	char at[24];
	const char *args[] = { h->path, at };
	struct buf command = BUF_INIT;
	struct remote_exec *x = NULL;

	snprintf(at, sizeof(at), "%llu", (unsigned long long)h->off + 1);
	remote_command(&command, script, args, 2);
	if (buf_ok(&command, e) == 0)
		x = remote_exec_new(h->r, buf_cstr(&command), e);
	buf_fini(&command);
	return (x);
}

/* Some bytes; 0: none came for a second, or it has ended. */
static ssize_t
read_some(struct held *h, struct remote_exec *x, void *p, size_t len,
    struct err *e)
{
	ssize_t n;

	if (beat(h, e) == -1)
		return (-1);
	n = remote_exec_read(x, p, len, 1000, e);
	if (n > 0)
		move_on(h);
	else if (n == 0 && remote_exec_ended(x))
		return (err_set(e, ERR_FAILED, "%s: %s is shorter than it "
		    "was", remote_name(h->r), h->path));
	else if (n == 0 && seconds() - h->moved > STALL_S) {
		h->stalled = 1;
		return (err_set(e, ERR_FAILED, "%s: nothing came for %d s",
		    remote_name(h->r), STALL_S));
	}
	return (n);
}

static ssize_t
source_read(void *arg, void *p, size_t len, struct err *e)
{
	struct held *h = arg;
	uint64_t left = h->said.export.bytes - h->off;
	ssize_t n;

	if (left == 0)
		return (0);
	if (left < len)
		len = (size_t)left;
	for (;;) {
		if (h->up && (h->data != NULL || (h->data =
		    open_reading(h, e)) != NULL)) {
			n = read_some(h, h->data, p, len, e);
			if (n > 0) {
				h->off += (uint64_t)n;
				return (n);
			}
			if (n == 0)
				continue;
		}
		if (recover(h, e) == -1 ||
		    attend(h, &h->said.exported, e) == -1)
			return (-1);
	}
}

struct source
held_source(struct held *h)
{
	struct source s = { h->path, source_read, h };

	return (s);
}

/* ---------------------------------------------------------------- writing */

static int
open_writing(struct held *h, uint64_t off, struct err *e)
{
	static const char script[] =
	    "umask 077\n"
	    "exec dd of=\"$1\" bs=1048576 iflag=fullblock oflag=seek_bytes "
	    "seek=\"$2\" conv=notrunc,fsync status=none\n";
	char at[24];
	const char *args[] = { h->path, at };
	struct buf command = BUF_INIT;

	snprintf(at, sizeof(at), "%llu", (unsigned long long)off);
	remote_command(&command, script, args, 2);
	if (buf_ok(&command, e) == 0)
		h->data = remote_exec_new(h->r, buf_cstr(&command), e);
	buf_fini(&command);
	return (h->data != NULL ? 0 : -1);
}

/* How much of it has arrived. */
static int
arrived(struct held *h, uint64_t *bytes, struct err *e)
{
	static const char script[] =
	    "[ ! -e \"$1\" ] || exec stat -c %s -- \"$1\"\necho 0\n";
	const char *args[] = { h->path };
	struct buf command = BUF_INIT, out = BUF_INIT;
	struct remote_io io = { .max = 64, .out = &out, .limit_s = 60 };
	struct scan s;
	int rc = -1;

	remote_command(&command, script, args, 1);
	if (buf_ok(&command, e) == 0)
		rc = remote_run(h->r, buf_cstr(&command), &io, e);
	if (rc == 0) {
		s.p = (const char *)out.data;
		s.end = s.p + out.len;
		if (!scan_u64(&s, bytes))
			rc = err_set(e, ERR_FAILED, "%s: the size of %s "
			    "cannot be told", remote_name(h->r), h->path);
	}
	buf_fini(&command);
	buf_fini(&out);
	return (rc);
}

/* The far side's reason, when it has ended. */
static int
refused(struct held *h, struct err *e)
{
	struct err ignored;
	char *line;
	const char *p;
	int status;

	if (!h->up || remote_lost(h->r) ||
	    remote_exec_wait(h->data, &status, &ignored) == -1)
		return (-1);
	p = buf_cstr(remote_exec_stderr(h->data));
	line = heldsaid_printable(p, strcspn(p, "\n"));
	err_set(e, ERR_FAILED, "%s: writing failed: %s",
	    remote_name(h->r), line != NULL ? line : "");
	free(line);
	return (-1);
}

static int
write_some(struct held *h, const void *p, size_t len, struct err *e)
{
	if (beat(h, e) == -1)
		return (-1);
	if (remote_exec_write(h->data, p, len, e) == -1)
		return (refused(h, e));
	move_on(h);
	return (0);
}

/*
 * That may take long, and the node is to hear of us meanwhile.  The
 * connection may be another one then.
 */
static int
read_lost(struct held *h, const struct held_again *again, uint64_t off,
    void *p, size_t len, struct err *e)
{
	int rc;

	if (held_keep(h, e) == -1)
		return (-1);
	rc = again->read(again->arg, off, p, len, e);
	held_unkeep(h);
	move_on(h);
	return (rc);
}

/* A connection is there, and all up to off has been sent through it. */
static int
catch_up(struct held *h, const struct held_again *again, struct err *e)
{
	uint8_t *p;
	uint64_t at = 0, n;
	int rc = 0;

	if (h->data != NULL)
		return (0);
	if (!h->up || (h->off > 0 && arrived(h, &at, e) == -1))
		return (-1);
	/* Some of the piece that failed may be there: it comes again. */
	at = at < h->off ? at : h->off;
	if (open_writing(h, at, e) == -1)
		return (-1);
	if (at == h->off)
		return (0);
	if ((p = malloc(AGAIN_BYTES)) == NULL)
		return (err_nomem(e));
	for (; rc == 0 && at < h->off; at += n) {
		n = h->off - at < AGAIN_BYTES ? h->off - at : AGAIN_BYTES;
		rc = read_lost(h, again, at, p, (size_t)n, e);
		if (rc == 0 && h->data == NULL)
			break;
		if (rc == 0)
			rc = write_some(h, p, (size_t)n, e);
	}
	free(p);
	if (rc == -1 || h->data != NULL)
		return (rc);
	/* It was cut meanwhile. */
	return (h->up ? catch_up(h, again, e) : err_set(e, ERR_FAILED,
	    "%s: connection lost", remote_name(h->r)));
}

int
held_put(struct held *h, const void *p, size_t len,
    const struct held_again *again, struct err *e)
{
	while (catch_up(h, again, e) == -1 ||
	    write_some(h, p, len, e) == -1)
		if (recover(h, e) == -1)
			return (-1);
	h->off += len;
	return (0);
}

static int
finish_writing(struct held *h, struct err *e)
{
	int status;

	if (remote_exec_end_input(h->data, e) == -1)
		return (-1);
	while (!remote_exec_ended(h->data)) {
		char none[64];

		if (beat(h, e) == -1 || remote_exec_read(h->data, none,
		    sizeof(none), 1000, e) == -1)
			return (-1);
	}
	move_on(h);
	if (remote_exec_wait(h->data, &status, e) == -1)
		return (-1);
	if (status != 0)
		return (refused(h, e));
	remote_exec_free(h->data);
	h->data = NULL;
	return (0);
}

int
held_put_end(struct held *h, const struct held_again *again, struct err *e)
{
	uint64_t bytes = 0;

	for (;;) {
		if (catch_up(h, again, e) == 0 &&
		    finish_writing(h, e) == 0 && arrived(h, &bytes, e) == 0 &&
		    remote_exec_write(h->control, "digest\n", 7, e) == 0)
			break;
		if (recover(h, e) == -1)
			return (-1);
	}
	return (bytes == h->off ? 0 : err_set(e, ERR_FAILED, "%s: %llu of "
	    "%llu bytes arrived", remote_name(h->r),
	    (unsigned long long)bytes, (unsigned long long)h->off));
}
