#ifndef REMOTE_EXEC_H_
#define REMOTE_EXEC_H_

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "remote/session.h"

/*
 * A command that runs on the host of a session, with its standard input and
 * output as streams.  Belongs to the session's thread.  Several may run in
 * one session, turn by turn.  What it says on standard error is kept, up to
 * REMOTE_STDERR_MAX bytes; more is read and thrown away, so that it never
 * stands still for that.
 *
 * Bytes move only within these calls.  Whoever does something else for long
 * leaves the far side waiting with at most 4 MiB sent.
 *
 * All calls fail with ERR_FAILED: "USER@HOST:PORT: connection lost: ..." when
 * the connection is gone (remote_lost() is true then) or, in calls that may
 * wait for the idle time-out, when nothing came of the command, and it took
 * nothing, for so long (remote_lost() is false: the host may be well); and
 * when the run is cancelled (base/cancel.h), at once.  After an error there
 * is only remote_exec_free().
 */
#define REMOTE_STDERR_MAX ((size_t)1 << 20)
#define REMOTE_KEPT_MAX ((size_t)64 << 20)

struct remote_exec;

/*
 * Start it.  command: a whole shell command, from remote/quote.h.  A shell
 * of Linux takes one of less than 128 KiB.  A command that is not there is
 * no error here: its exit status is 127.
 */
struct remote_exec *remote_exec_new(struct remote *r, const char *command,
    struct err *e);

/*
 * Read what has arrived, at most len bytes, waiting up to wait_ms for the
 * first of them (-1: the idle time-out, which then is an error).  Bytes; 0
 * when nothing came in time or at the end, which remote_exec_ended() tells;
 * -1.  Quickest with 64 KiB or more.
 */
ssize_t remote_exec_read(struct remote_exec *x, void *p, size_t len,
    int wait_ms, struct err *e);
int remote_exec_ended(const struct remote_exec *x);

/* Exactly len bytes; ERR_FAILED when the stream ends before. */
int remote_exec_read_full(struct remote_exec *x, void *p, size_t len,
    struct err *e);

/*
 * Write all of it; what arrives meanwhile is kept for the next read, up to
 * REMOTE_KEPT_MAX bytes: a command that prints more before it has read its
 * input stands still, which ends in the idle time-out.  ERR_FAILED when it
 * ends before it has read all.  remote_exec_end_input() is the end of the
 * command's standard input.
 */
int remote_exec_write(struct remote_exec *x, const void *p, size_t len,
    struct err *e);
int remote_exec_end_input(struct remote_exec *x, struct err *e);

/*
 * Write as much of it as fits without waiting, 0 to len bytes; what arrives
 * meanwhile stays for the next read.  Where something was left,
 * remote_exec_read() also returns, with 0, once there is room again: so a
 * loop of both never locks up, however much goes either way.
 */
ssize_t remote_exec_write_some(struct remote_exec *x, const void *p,
    size_t len, struct err *e);

/*
 * Wait for the command to end, passing over what it still prints.  *status:
 * its exit status, or 128 + the signal's number.  One that has ended but
 * left somebody behind who holds its output open is waited for no longer
 * than 2 s.
 */
int remote_exec_wait(struct remote_exec *x, int *status, struct err *e);

/* What it has said so far on standard error; the exec's own. */
struct buf *remote_exec_stderr(struct remote_exec *x);

/* Closes the channel: a command still running gets SIGPIPE, if it prints. */
void remote_exec_free(struct remote_exec *x);

/* True when the connection itself is gone, so that a sibling may help. */
int remote_lost(const struct remote *r);

/*
 * The same asked of a connection that nobody has listened to for a while: what
 * has arrived meanwhile is looked at, the end among it.  Not while a command
 * of it runs.
 */
int remote_alive(struct remote *r);

/*
 * From here on a signal ends none of the session's calls on commands,
 * running or to be started: for what must still be done when the run is
 * cancelled.
 */
void remote_persist(struct remote *r);

/*
 * From any thread: the call on a command that the session's own thread is in,
 * and each one after, ends soon with ERR_FAILED, as a signal would end it.
 */
void remote_stop(struct remote *r);

/*
 * Descriptor to poll along with others of the caller's, once
 * remote_exec_read() with wait_ms 0 has returned 0 (bytes may have been taken
 * from it already), and the events to poll it for: arriving bytes, and room
 * for bytes that still wait to be sent.
 */
int remote_fd(const struct remote *r);
short remote_events(const struct remote *r);

/*
 * Run a command to its end: input in (may be NULL), at most max bytes of
 * output appended to out (more is an error; out NULL: thrown away), what it
 * says on standard error appended to errors (may be NULL), also on failure.
 * A command need not read all of its input; its status tells.  limit_s: 0
 * for the idle time-out, or how long it may take altogether, silent or not;
 * then "USER@HOST:PORT: a command did not end within N s".
 */
struct remote_io {
	const void *in;
	size_t in_len;
	size_t max;
	struct buf *out;
	struct buf *errors;
	unsigned limit_s;
	int status;		/* set: as remote_exec_wait() does; -1: none */
};
int remote_run(struct remote *r, const char *command, struct remote_io *io,
    struct err *e);

#endif
