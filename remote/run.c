#include <string.h>

#include "remote/exec.h"
#include "remote/internal.h"

#define PIECE ((size_t)64 << 10)

/* A command that is run to its end. */
struct run {
	struct remote *r;
	struct remote_exec *x;
	struct remote_io *io;
	size_t sent;		/* of its input */
	int ended_input;
	size_t got;		/* of its output */
	int64_t deadline_ms;	/* 0: none */
};

static int
send_input(struct run *u, struct err *e)
{
	const uint8_t *in = u->io->in;
	ssize_t n;

	if (u->ended_input)
		return (0);
	if (u->sent < u->io->in_len) {
		n = remote_exec_write_some(u->x, in + u->sent,
		    u->io->in_len - u->sent, e);
		/* Not all commands read to the end; the status tells. */
		if (n == -1 && exec_is_over(u->x)) {
			u->ended_input = 1;
			return (0);
		}
		if (n == -1)
			return (-1);
		u->sent += (size_t)n;
	}
	if (u->sent < u->io->in_len)
		return (0);
	u->ended_input = 1;
	return (remote_exec_end_input(u->x, e));
}

static int
too_late(const struct run *u, struct err *e)
{
	return (err_set(e, ERR_FAILED, "%s: a command did not end within "
	    "%u s", remote_name(u->r), u->io->limit_s));
}

/* How long a read may wait; -1 with an error when the time is over. */
static int
time_left(struct run *u, int *wait_ms, struct err *e)
{
	int64_t left;

	*wait_ms = -1;
	if (u->deadline_ms == 0)
		return (0);
	left = u->deadline_ms - session_now();
	if (left <= 0)
		return (too_late(u, e));
	*wait_ms = left < 1000 ? (int)left : 1000;
	return (0);
}

static int
take_output(struct run *u, struct err *e)
{
	struct remote_io *io = u->io;
	uint8_t scrap[4096], *p = scrap;
	size_t room = sizeof(scrap);
	int wait_ms;
	ssize_t n;

	if (time_left(u, &wait_ms, e) == -1)
		return (-1);
	if (io->out != NULL) {
		room = PIECE;
		if ((p = buf_reserve(io->out, room)) == NULL)
			return (err_nomem(e));
	}
	if ((n = remote_exec_read(u->x, p, room, wait_ms, e)) == -1)
		return (-1);
	u->got += (size_t)n;
	if (io->out != NULL && u->got > io->max)
		return (err_set(e, ERR_FAILED, "%s: a command printed more "
		    "than %zu bytes", remote_name(u->r), io->max));
	if (io->out != NULL)
		buf_advance(io->out, (size_t)n);
	return (0);
}

/* One that closes its output first may still be reading. */
static int
rest_of_input(struct run *u, struct err *e)
{
	int wait_ms;

	while (!u->ended_input && !exec_is_over(u->x)) {
		if (time_left(u, &wait_ms, e) == -1 ||
		    send_input(u, e) == -1 ||
		    session_pump(u->r, SESSION_TICK_MS, e) == -1)
			return (-1);
	}
	return (0);
}

static int
converse(struct run *u, struct err *e)
{
	int rc;

	while (!remote_exec_ended(u->x))
		if (send_input(u, e) == -1 || take_output(u, e) == -1)
			return (-1);
	if (rest_of_input(u, e) == -1)
		return (-1);
	rc = exec_await_end(u->x, u->deadline_ms, &u->io->status, e);
	return (rc == 1 ? too_late(u, e) : rc);
}

int
remote_run(struct remote *r, const char *command, struct remote_io *io,
    struct err *e)
{
	struct run u = { .r = r, .io = io };
	struct buf *said;
	int rc;

	io->status = -1;
	if (io->limit_s > 0)
		u.deadline_ms = session_now() + 1000 * (int64_t)io->limit_s;
	if ((u.x = remote_exec_new(r, command, e)) == NULL)
		return (-1);
	rc = converse(&u, e);
	if (io->errors != NULL) {
		said = remote_exec_stderr(u.x);
		buf_append(io->errors, said->data, said->len);
		if (rc == 0)
			rc = buf_ok(io->errors, e);
	}
	remote_exec_free(u.x);
	return (rc);
}
