#ifndef REMOTE_INTERNAL_H_
#define REMOTE_INTERNAL_H_

#include <stdatomic.h>
#include <stdint.h>

#include <libssh/callbacks.h>
#include <libssh/libssh.h>

#include "base/err.h"
#include "remote/exec.h"
#include "remote/session.h"

/* What the files of this folder share; no other folder includes this. */

/* A signal is noticed, and a time-out kept, to within this. */
#define SESSION_TICK_MS 200

/* So long may the far side think about one step of a login. */
#define AUTH_STEP_S 60

/* Steps of a login that have been let pass, as bits. */
enum {
	AUTH_NOTHING = 1,	/* nothing was asked for */
	AUTH_IDENTITY = 2,
	AUTH_KEYS = 4,		/* agent, keys of ssh_config and the folder */
	AUTH_PASSWORD = 8,
};

struct remote {
	ssh_session ssh;	/* never blocks */
	ssh_event event;	/* holds ssh, once connected */
	struct remote_target target;	/* its strings are these: */
	char *host, *user, *identity, *password_file;
	char *name;		/* user@host:port */
	char fingerprint[128];
	char expected[128];	/* another that is as good; or "" */
	char *password;		/* that worked, or from a file; or NULL */
	char *passphrase;	/* the last one asked for, or NULL */
	unsigned worked;	/* AUTH_ bits */
	int weak;
	int lost;
	char why[200];		/* it was lost */
	struct ssh_counter_struct bytes;	/* through the socket */
	struct ssh_callbacks_struct callbacks;	/* while it logs in */
	int persists;		/* signals end no calls */
	atomic_int stopped;	/* remote_stop() */
	int64_t poked_ms;	/* when the connection was last kept alive */
};

/* Milliseconds of a clock that only goes forward. */
int64_t session_now(void);

/*
 * Handle what has arrived and send what waits, for at most wait_ms (and a
 * tick) when there is neither.  1 when nothing happened, else 0; -1 when the
 * connection is lost or the run cancelled.
 */
int session_pump(struct remote *r, int wait_ms, struct err *e);

/*
 * The same between two calls of a libssh function that said "again", up to
 * the deadline; a lost connection is left to that function to tell.
 */
int session_again(struct remote *r, int64_t deadline_ms, struct err *e);

/* Whether bytes wait to be sent. */
int session_unsent(const struct remote *r);

/* "NAME: connection lost: WHY".  Always returns -1. */
int session_lost(struct remote *r, struct err *e);

/* A reason in libssh's words, cleaned; static per thread. */
const char *session_reason(const struct remote *r);

/* Replace what a terminal could take for a command, in place. */
void session_clean(char *s);

/*
 * Reach the host of r->target and exchange keys: r->ssh, r->event and
 * r->name are set.  On failure the caller closes r all the same.
 */
int connect_session(struct remote *r, struct err *e);

/* Whether the command and its channel are gone. */
int exec_is_over(const struct remote_exec *x);

/*
 * remote_exec_wait() until a deadline, and 1 when that is past; 0: with the
 * idle time-out.
 */
int exec_await_end(struct remote_exec *x, int64_t deadline_ms, int *status,
    struct err *e);

/* The host's key, to "type" and r->fingerprint, and how it is known. */
enum ssh_known_hosts_e hostkey_look(struct remote *r, char *type,
    size_t size);

/* 0 when it is the one known; else says what is wrong and what to do. */
int hostkey_check(struct remote *r, struct err *e);

/*
 * remote_trust(), of a host that is reached.  agreed: NULL to record nothing,
 * "" for any key, or the fingerprint it must have.
 */
int hostkey_record(struct remote *r, const char *agreed,
    struct remote_host_key *key, struct err *e);

/*
 * Log in.  Steps not in "only" are left out, unless it is 0.  r->password
 * and r->passphrase are used where set.
 */
int auth_login(struct remote *r, unsigned only, struct err *e);

/* The first line of a private file; ERR_USAGE when others may read it. */
char *auth_load_password(const char *path, struct err *e);

/* Cleanse and free a string; NULL is fine. */
void auth_forget(char *secret);

/*
 * Ask on the terminal, without echo.  The answer is the caller's, for
 * auth_forget(); NULL when there is no terminal or no answer.
 */
char *tty_ask(const char *prompt);

#endif
