#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "remote/exec.h"
#include "remote/internal.h"

/* One write to libssh, which copies and encrypts it all before it sends. */
#define WRITE_CHUNK ((size_t)64 << 10)

/*
 * What the far side may send before it hears from us.  libssh lets it be
 * 1.25 MiB and tops it up at half of that, which a long way makes slow.
 */
#define WINDOW ((uint32_t)4 << 20)

/* So long an ended channel may take to close. */
#define CLOSE_MS 2000

struct remote_exec {
	struct remote *r;
	ssh_channel channel;
	struct ssh_channel_callbacks_struct callbacks;
	uint8_t *into;		/* where arriving bytes go, or NULL */
	size_t room, got;
	size_t waiting;		/* bytes of output left with libssh */
	struct buf kept;	/* output that came while writing */
	size_t taken;		/* how much of kept has been read */
	int keeping;		/* writing: arriving bytes go there */
	struct buf said;	/* on standard error */
	uint32_t unseen;	/* arrived since the window was widened */
	int wants_room;		/* write_some() left something */
	int opened, eof, closed;
	int status;		/* -1: not known yet */
	int64_t active_ms;	/* when something last came or went */
};

static size_t
smaller(size_t a, size_t b)
{
	return (a < b ? a : b);
}

/*
 * Called by libssh with all output that it holds for the channel; returns
 * how much was taken.  What is left with it closes the window, in the end.
 */
static int
on_data(ssh_session s, ssh_channel c, void *data, uint32_t len, int is_stderr,
    void *user)
{
	struct remote_exec *x = user;
	size_t n;

	(void)s;
	(void)c;
	x->active_ms = session_now();
	/* What was left with it the last time is not new. */
	x->unseen += len - (is_stderr ? 0 : (uint32_t)x->waiting);
	if (is_stderr) {
		buf_append(&x->said, data, smaller(len,
		    REMOTE_STDERR_MAX - x->said.len));
		return ((int)len);
	}
	if (x->keeping) {
		n = smaller(len, REMOTE_KEPT_MAX - smaller(REMOTE_KEPT_MAX,
		    x->kept.len));
		buf_append(&x->kept, data, n);
	} else {
		n = smaller(len, x->room - x->got);
		if (n > 0)
			memcpy(x->into + x->got, data, n);
		x->got += n;
	}
	x->waiting = len - n;
	return ((int)n);
}

static void
on_eof(ssh_session s, ssh_channel c, void *user)
{
	struct remote_exec *x = user;

	(void)s;
	(void)c;
	x->active_ms = session_now();
	x->eof = 1;
}

static void
on_close(ssh_session s, ssh_channel c, void *user)
{
	on_eof(s, c, user);
	((struct remote_exec *)user)->closed = 1;
}

static void
on_status(ssh_session s, ssh_channel c, int status, void *user)
{
	struct remote_exec *x = user;

	(void)s;
	(void)c;
	x->active_ms = session_now();
	x->status = status & 0xff;
}

static void
on_signal(ssh_session s, ssh_channel c, const char *name, int core,
    const char *message, const char *lang, void *user)
{
	/* Those of RFC 4254, section 6.10. */
	static const struct {
		const char *name;
		int number;
	} signals[] = {
		{ "ABRT", SIGABRT }, { "ALRM", SIGALRM }, { "FPE", SIGFPE },
		{ "HUP", SIGHUP }, { "ILL", SIGILL }, { "INT", SIGINT },
		{ "KILL", SIGKILL }, { "PIPE", SIGPIPE },
		{ "QUIT", SIGQUIT }, { "SEGV", SIGSEGV },
		{ "TERM", SIGTERM }, { "USR1", SIGUSR1 },
		{ "USR2", SIGUSR2 }, { "BUS@openssh.com", SIGBUS },
	};
	struct remote_exec *x = user;
	size_t i;

	(void)s;
	(void)c;
	(void)core;
	(void)message;
	(void)lang;
	x->active_ms = session_now();
	x->status = 255;
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (strcmp(signals[i].name, name) == 0)
			x->status = 128 + signals[i].number;
}

/* Open the channel and ask for the command. */
static int
start(struct remote_exec *x, const char *command, struct err *e)
{
	struct remote *r = x->r;
	int64_t deadline = session_now() + 1000 * (int64_t)r->target.idle_s;
	int rc;

	while ((rc = ssh_channel_open_session(x->channel)) == SSH_AGAIN)
		if (session_again(r, deadline, e) == -1)
			return (-1);
	if (rc != SSH_OK && remote_lost(r))
		return (session_lost(r, e));
	if (rc != SSH_OK)
		return (err_set(e, ERR_FAILED, "%s: no further channel: %s",
		    r->name, session_reason(r)));
	x->opened = 1;
	if (ssh_set_channel_callbacks(x->channel, &x->callbacks) != SSH_OK)
		return (err_nomem(e));
	while ((rc = ssh_channel_request_exec(x->channel, command)) ==
	    SSH_AGAIN)
		if (session_again(r, deadline, e) == -1)
			return (-1);
	if (rc == SSH_OK)
		return (0);
	if (remote_lost(r))
		return (session_lost(r, e));
	return (err_set(e, ERR_FAILED, "%s: the server runs no commands: %s",
	    r->name, session_reason(r)));
}

struct remote_exec *
remote_exec_new(struct remote *r, const char *command, struct err *e)
{
	struct remote_exec *x;

	if (remote_lost(r)) {
		session_lost(r, e);
		return (NULL);
	}
	if ((x = calloc(1, sizeof(*x))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	x->r = r;
	x->unseen = WINDOW;
	x->status = -1;
	x->callbacks.userdata = x;
	x->callbacks.channel_data_function = on_data;
	x->callbacks.channel_eof_function = on_eof;
	x->callbacks.channel_close_function = on_close;
	x->callbacks.channel_exit_status_function = on_status;
	x->callbacks.channel_exit_signal_function = on_signal;
	ssh_callbacks_init(&x->callbacks);
	if ((x->channel = ssh_channel_new(r->ssh)) == NULL)
		err_nomem(e);
	else if (start(x, command, e) == 0)
		return (x);
	remote_exec_free(x);
	return (NULL);
}

/* Output that is here already. */
static ssize_t
read_held(struct remote_exec *x, void *p, size_t len, struct err *e)
{
	int n;

	if (x->taken < x->kept.len) {
		len = smaller(len, x->kept.len - x->taken);
		memcpy(p, x->kept.data + x->taken, len);
		x->taken += len;
		if (x->taken == x->kept.len) {
			x->taken = 0;
			buf_fini(&x->kept);
		}
		return ((ssize_t)len);
	}
	if (x->waiting == 0)
		return (0);
	/* No callback is wanted for what it may find on the way. */
	n = ssh_channel_read_nonblocking(x->channel, p,
	    (uint32_t)smaller(len, x->waiting), 0);
	if (n <= 0)
		return (session_lost(x->r, e));
	x->waiting -= (size_t)n;
	return (n);
}

int
remote_exec_ended(const struct remote_exec *x)
{
	return (x->eof && x->waiting == 0 && x->taken == x->kept.len);
}

static int
idle_error(const struct remote_exec *x, struct err *e)
{
	return (err_set(e, ERR_FAILED, "%s: connection lost: nothing came "
	    "for %u s", x->r->name, x->r->target.idle_s));
}

static int
is_idle(const struct remote_exec *x, int64_t now)
{
	return (now - x->active_ms >= 1000 * (int64_t)x->r->target.idle_s);
}

static int
has_room(const struct remote_exec *x)
{
	return (ssh_channel_window_size(x->channel) > 0 &&
	    !session_unsent(x->r));
}

/*
 * Widen the window.  libssh does when more is asked for at once than the
 * window holds; it is only asked, as there is nothing to be had: what arrives
 * at this moment is kept by the callback.
 */
static int
widen(struct remote_exec *x, struct err *e)
{
	uint8_t none;
	int n;

	x->keeping = 1;
	n = ssh_channel_read_timeout(x->channel, &none, WINDOW, 0, 0);
	x->keeping = 0;
	x->unseen = 0;
	if (n == SSH_ERROR && remote_lost(x->r))
		return (session_lost(x->r, e));
	return (0);
}

static int
wants_window(const struct remote_exec *x)
{
	return (x->unseen >= WINDOW / 2 && x->waiting == 0 &&
	    x->kept.len == 0 && !x->eof);
}

/* Pump until something is in x->into, or there is no point in waiting. */
static int
await_output(struct remote_exec *x, int wait_ms, struct err *e)
{
	int64_t begun = session_now(), now = begun, left;
	int rc = 0;

	if (wait_ms == -1)
		x->active_ms = begun;
	while (x->got < x->room && !x->eof) {
		if (x->wants_room && x->got == 0 && has_room(x))
			break;
		left = x->got > 0 ? 0 : wait_ms == -1 ? SESSION_TICK_MS :
		    wait_ms - (now - begun);
		rc = session_pump(x->r, (int)(left > 0 ? left : 0), e);
		if (rc == -1 || (rc == 1 && x->got > 0))
			break;
		if (rc == 0)
			continue;
		now = session_now();
		if (wait_ms != -1 && now - begun >= wait_ms)
			break;
		if (wait_ms == -1 && is_idle(x, now))
			return (idle_error(x, e));
	}
	return (rc == -1 && x->got == 0 ? -1 : 0);
}

ssize_t
remote_exec_read(struct remote_exec *x, void *p, size_t len, int wait_ms,
    struct err *e)
{
	size_t got;
	int rc;

	if (len == 0 || remote_exec_ended(x))
		return (0);
	if (wants_window(x) && widen(x, e) == -1)
		return (-1);
	if (x->kept.nomem)
		return (err_nomem(e));
	if (x->taken < x->kept.len || x->waiting > 0)
		return (read_held(x, p, len, e));
	x->into = p;
	x->room = len;
	x->got = 0;
	rc = await_output(x, wait_ms, e);
	got = x->got;
	x->into = NULL;
	x->room = x->got = 0;
	return (rc == -1 ? -1 : (ssize_t)got);
}

int
remote_exec_read_full(struct remote_exec *x, void *p, size_t len,
    struct err *e)
{
	uint8_t *b = p;
	ssize_t n;

	while (len > 0) {
		if ((n = remote_exec_read(x, b, len, -1, e)) == -1)
			return (-1);
		if (n == 0 && remote_exec_ended(x))
			return (err_set(e, ERR_FAILED, "%s: the command ended "
			    "in the middle of its output", x->r->name));
		b += n;
		len -= (size_t)n;
	}
	return (0);
}

/* As much as fits now. */
static ssize_t
put(struct remote_exec *x, const void *p, size_t len, struct err *e)
{
	int n;

	/* A closed channel makes it fail. */
	if (!x->closed && !has_room(x))
		return (0);
	n = ssh_channel_write(x->channel, p, (uint32_t)smaller(len,
	    smaller(WRITE_CHUNK, ssh_channel_window_size(x->channel))));
	if (n >= 0)
		return (n);
	if (remote_lost(x->r))
		return (session_lost(x->r, e));
	return (err_set(e, ERR_FAILED, "%s: the command ended before it had "
	    "read all of its input", x->r->name));
}

ssize_t
remote_exec_write_some(struct remote_exec *x, const void *p, size_t len,
    struct err *e)
{
	size_t done = 0;
	ssize_t n = 0;

	x->wants_room = 0;
	while (done < len) {
		if (session_pump(x->r, 0, e) == -1 || (n = put(x,
		    (const uint8_t *)p + done, len - done, e)) == -1)
			return (-1);
		if (n == 0)
			break;
		done += (size_t)n;
	}
	x->wants_room = done < len;
	return ((ssize_t)done);
}

static int
write_all(struct remote_exec *x, const uint8_t *p, size_t len, struct err *e)
{
	uint64_t out;
	ssize_t n;

	while (len > 0) {
		if ((n = put(x, p, len, e)) == -1)
			return (-1);
		p += n;
		len -= (size_t)n;
		if (n > 0) {
			x->active_ms = session_now();
			continue;
		}
		out = x->r->bytes.out_bytes;
		if (session_pump(x->r, SESSION_TICK_MS, e) == -1)
			return (-1);
		if (x->r->bytes.out_bytes != out)
			x->active_ms = session_now();
		else if (is_idle(x, session_now()))
			return (idle_error(x, e));
		if (x->kept.nomem)
			return (err_nomem(e));
	}
	return (0);
}

int
remote_exec_write(struct remote_exec *x, const void *p, size_t len,
    struct err *e)
{
	int rc;

	x->keeping = 1;
	x->active_ms = session_now();
	rc = write_all(x, p, len, e);
	x->keeping = 0;
	return (rc);
}

int
remote_exec_end_input(struct remote_exec *x, struct err *e)
{
	x->wants_room = 0;
	if (x->closed)
		return (0);
	/* "Again" only tells that it still waits to be sent. */
	if (ssh_channel_send_eof(x->channel) == SSH_ERROR)
		return (session_lost(x->r, e));
	return (0);
}

int
exec_is_over(const struct remote_exec *x)
{
	return (x->closed);
}

/*
 * The channel closes behind all output and the status; but one that somebody
 * left behind holds open is not waited for longer than CLOSE_MS.
 */
int
exec_await_end(struct remote_exec *x, int64_t deadline_ms, int *status,
    struct err *e)
{
	static _Thread_local uint8_t scrap[65536];
	int64_t now, over = 0;
	int rc;

	x->active_ms = session_now();
	while (!x->closed) {
		if (remote_exec_ended(x))
			rc = session_pump(x->r, SESSION_TICK_MS, e);
		else
			rc = remote_exec_read(x, scrap, sizeof(scrap),
			    SESSION_TICK_MS, e) == -1 ? -1 : 0;
		if (rc == -1)
			return (-1);
		now = session_now();
		if (x->status != -1 && over == 0)
			over = now;
		if (over != 0 && now - over >= CLOSE_MS)
			break;
		if (deadline_ms != 0 && now >= deadline_ms)
			return (1);
		if (deadline_ms == 0 && is_idle(x, now))
			return (idle_error(x, e));
	}
	if (x->status == -1)
		return (err_set(e, ERR_FAILED, "%s: the command ended, but "
		    "the server did not tell how", x->r->name));
	*status = x->status;
	return (0);
}

int
remote_exec_wait(struct remote_exec *x, int *status, struct err *e)
{
	return (exec_await_end(x, 0, status, e));
}

struct buf *
remote_exec_stderr(struct remote_exec *x)
{
	return (&x->said);
}

void
remote_exec_free(struct remote_exec *x)
{
	struct err ignored;
	int i;

	if (x == NULL)
		return;
	if (x->channel != NULL) {
		(void)ssh_remove_channel_callbacks(x->channel, &x->callbacks);
		/* When busy it says "again", and may have left out the end. */
		for (i = 0; i < 10 && x->opened && !remote_lost(x->r) &&
		    ssh_channel_close(x->channel) == SSH_AGAIN; i++)
			(void)session_pump(x->r, SESSION_TICK_MS, &ignored);
		ssh_channel_free(x->channel);
	}
	buf_fini(&x->kept);
	buf_fini(&x->said);
	free(x);
}
