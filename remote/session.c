#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cancel.h"
#include "remote/exec.h"
#include "remote/internal.h"

/* So often an idle connection shows whatever lies between that it is used. */
#define KEEP_ALIVE_MS 15000

int64_t
session_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return ((int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000);
}

void
session_clean(char *s)
{
	/* Above ASCII too: bytes that end one character may begin a CSI. */
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || (unsigned char)*s >= 0x7f)
			*s = '?';
}

const char *
session_reason(const struct remote *r)
{
	static _Thread_local char text[300];
	const char *said = ssh_get_error(r->ssh);

	if (strcmp(said, "Socket error: disconnected") == 0)
		return ("the other side closed it");
	if (strncmp(said, "Socket error: ", 14) == 0)
		said += 14;
	if (strncmp(said, "Received SSH_MSG_DISCONNECT: ", 29) == 0)
		said += 29;
	snprintf(text, sizeof(text), "%s", said);
	session_clean(text);
	return (text[0] != '\0' ? text : "no reason given");
}

int
session_lost(struct remote *r, struct err *e)
{
	/* What libssh says later is no longer the reason. */
	if (!r->lost)
		snprintf(r->why, sizeof(r->why), "%s", session_reason(r));
	r->lost = 1;
	return (err_set(e, ERR_FAILED, "%s: connection lost: %s", r->name,
	    r->why));
}

static int
is_gone(const struct remote *r)
{
	return (r->lost || (ssh_get_status(r->ssh) &
	    (SSH_CLOSED | SSH_CLOSED_ERROR)) != 0);
}

int
session_unsent(const struct remote *r)
{
	return ((ssh_get_status(r->ssh) & SSH_WRITE_PENDING) != 0);
}

static void
keep_alive(struct remote *r)
{
	int64_t now = session_now();

	if (now - r->poked_ms < KEEP_ALIVE_MS)
		return;
	r->poked_ms = now;
	if (!session_unsent(r))
		(void)ssh_send_ignore(r->ssh, "");
}

static int
check(const struct remote *r, struct err *e)
{
	if (atomic_load(&r->stopped))
		return (err_set(e, ERR_FAILED, "%s: stopped", r->name));
	return (r->persists ? 0 : cancel_check(e));
}

int
session_pump(struct remote *r, int wait_ms, struct err *e)
{
	int rc;

	if (check(r, e) == -1)
		return (-1);
	if (is_gone(r))
		return (session_lost(r, e));
	rc = ssh_event_dopoll(r->event, wait_ms < SESSION_TICK_MS ? wait_ms :
	    SESSION_TICK_MS);
	if (rc == SSH_ERROR || is_gone(r))
		return (session_lost(r, e));
	if (rc != SSH_AGAIN)
		return (0);
	if (wait_ms > 0)
		keep_alive(r);
	return (1);
}

int
session_again(struct remote *r, int64_t deadline_ms, struct err *e)
{
	if (check(r, e) == -1)
		return (-1);
	if (session_now() >= deadline_ms)
		return (err_set(e, ERR_FAILED, "%s: timed out: no answer in "
		    "time", r->name));
	(void)ssh_event_dopoll(r->event, SESSION_TICK_MS);
	return (0);
}

static void
quiet(int priority, const char *function, const char *buffer, void *user)
{
	(void)priority;
	(void)function;
	(void)buffer;
	(void)user;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
start_libssh(void)
{
	(void)ssh_init();
}

static char *
copy(const char *s, int *nomem)
{
	char *p = NULL;

	if (s != NULL && (p = strdup(s)) == NULL)
		*nomem = 1;
	return (p);
}

/* Reach it; no login yet.  The caller closes it, whatever comes back. */
static struct remote *
start(const struct remote_target *t, struct err *e)
{
	struct remote *r;
	int nomem = 0;

	(void)pthread_once(&once, start_libssh);
	/* Both are a thread's own in libssh. */
	(void)ssh_set_log_level(SSH_LOG_NONE);
	(void)ssh_set_log_callback(quiet);
	if ((r = calloc(1, sizeof(*r))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	r->target = *t;
	r->target.host = r->host = copy(t->host, &nomem);
	r->target.user = r->user = copy(t->user, &nomem);
	r->target.identity = r->identity = copy(t->identity, &nomem);
	r->target.password_file = r->password_file =
	    copy(t->password_file, &nomem);
	if (r->target.idle_s == 0)
		r->target.idle_s = REMOTE_IDLE_S;
	r->poked_ms = session_now();
	if (nomem)
		err_nomem(e);
	else if (connect_session(r, e) == 0)
		return (r);
	remote_close(r);
	return (NULL);
}

static int
check_target(const struct remote_target *t, struct err *e)
{
	if (t->host == NULL || t->host[0] == '\0' || t->host[0] == '-')
		return (err_set(e, ERR_USAGE, "\"%s\" is not a host",
		    t->host != NULL ? t->host : ""));
	if (t->identity != NULL && access(t->identity, R_OK) == -1) {
		err_sys(e, "%s: the key to log in with", t->identity);
		e->kind = ERR_USAGE;
		return (-1);
	}
	return (0);
}

struct remote *
remote_open(const struct remote_target *t, struct err *e)
{
	char *password = NULL;
	struct remote *r;

	if (check_target(t, e) == -1)
		return (NULL);
	if (t->password_file != NULL &&
	    (password = auth_load_password(t->password_file, e)) == NULL)
		return (NULL);
	if ((r = start(t, e)) == NULL) {
		auth_forget(password);
		return (NULL);
	}
	r->password = password;
	if (hostkey_check(r, e) == 0 && auth_login(r, 0, e) == 0)
		return (r);
	remote_close(r);
	return (NULL);
}

struct remote *
remote_sibling(const struct remote *r, struct err *e)
{
	struct remote_target t = r->target;
	struct remote *s;
	int nomem = 0;

	t.ask = 0;
	if ((s = start(&t, e)) == NULL)
		return (NULL);
	memcpy(s->expected, r->expected, sizeof(s->expected));
	s->password = copy(r->password, &nomem);
	s->passphrase = copy(r->passphrase, &nomem);
	if (nomem)
		err_nomem(e);
	else if (hostkey_check(s, e) == 0 &&
	    auth_login(s, r->worked, e) == 0)
		return (s);
	remote_close(s);
	return (NULL);
}

void
remote_expect_key(struct remote *r, const char *fingerprint)
{
	snprintf(r->expected, sizeof(r->expected), "%s", fingerprint);
}

int
remote_trust(const struct remote_target *t, int record,
    struct remote_host_key *key, struct err *e)
{
	char agreed[sizeof(key->fingerprint)] = "";
	struct remote *r;
	int rc;

	if (record)
		snprintf(agreed, sizeof(agreed), "%s", key->fingerprint);
	memset(key, 0, sizeof(*key));
	if (t->host == NULL || t->host[0] == '\0' || t->host[0] == '-')
		return (check_target(t, e));
	if ((r = start(t, e)) == NULL)
		return (-1);
	rc = hostkey_record(r, record ? agreed : NULL, key, e);
	remote_close(r);
	return (rc);
}

void
remote_close(struct remote *r)
{
	if (r == NULL)
		return;
	if (r->event != NULL) {
		(void)ssh_event_remove_session(r->event, r->ssh);
		ssh_event_free(r->event);
	}
	if (r->ssh != NULL) {
		ssh_disconnect(r->ssh);
		ssh_free(r->ssh);
	}
	auth_forget(r->password);
	auth_forget(r->passphrase);
	free(r->host);
	free(r->user);
	free(r->identity);
	free(r->password_file);
	free(r->name);
	free(r);
}

const char *
remote_name(const struct remote *r)
{
	return (r->name);
}

const char *
remote_fingerprint(const struct remote *r)
{
	return (r->fingerprint);
}

int
remote_weak_password(const struct remote *r)
{
	return (r->weak);
}

int
remote_lost(const struct remote *r)
{
	return (is_gone(r));
}

int
remote_alive(struct remote *r)
{
	struct err ignored;
	int i;

	/* Whoever floods us may not keep us. */
	for (i = 0; i < 1000 && !is_gone(r); i++)
		if (session_pump(r, 0, &ignored) != 0)
			break;
	return (!is_gone(r));
}

int
remote_fd(const struct remote *r)
{
	return (ssh_get_fd(r->ssh));
}

void
remote_persist(struct remote *r)
{
	r->persists = 1;
}

void
remote_stop(struct remote *r)
{
	atomic_store(&r->stopped, 1);
}

short
remote_events(const struct remote *r)
{
	return (session_unsent(r) ? POLLIN | POLLOUT : POLLIN);
}
