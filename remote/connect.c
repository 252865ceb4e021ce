#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cancel.h"
#include "remote/internal.h"

/* Those with hardware behind them first. */
#define CIPHERS "aes256-gcm@openssh.com,aes128-gcm@openssh.com," \
	"chacha20-poly1305@openssh.com,aes256-ctr,aes192-ctr,aes128-ctr"

/* What was sent is not even acknowledged for so long: the peer is dead. */
#define DEAD_S 120u

static unsigned
connect_limit(const struct remote *r)
{
	return (r->target.connect_s > 0 ? r->target.connect_s :
	    REMOTE_CONNECT_S);
}

/* Wait for a connection that is being made.  errno, 0 when it is made. */
static int
finish(int fd, int64_t deadline, int *cancelled, struct err *e)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int error = 0;

	for (;;) {
		if ((*cancelled = cancel_check(e)) == -1)
			return (EINTR);
		if (session_now() >= deadline)
			return (ETIMEDOUT);
		if (poll(&p, 1, SESSION_TICK_MS) > 0)
			break;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		return (errno);
	return (error);
}

/* The first of the addresses that answers.  A descriptor, or -1. */
static int
reach(const struct addrinfo *list, int64_t deadline, int *why,
    int *cancelled, struct err *e)
{
	const struct addrinfo *a;
	int fd;

	*why = EADDRNOTAVAIL;
	for (a = list; a != NULL && !*cancelled; a = a->ai_next) {
		fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC |
		    SOCK_NONBLOCK, a->ai_protocol);
		if (fd == -1) {
			*why = errno;
			continue;
		}
		*why = 0;
		if (connect(fd, a->ai_addr, a->ai_addrlen) == -1)
			*why = errno == EINPROGRESS ?
			    finish(fd, deadline, cancelled, e) : errno;
		if (*why == 0)
			return (fd);
		close(fd);
	}
	return (-1);
}

/*
 * libssh would try only the first address of a name, so we connect.  (The
 * look-up is the one thing here that no signal interrupts.)
 */
static int
dial(struct remote *r, const char *host, unsigned port, int64_t deadline,
    struct err *e)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list;
	int fd, rc, why, cancelled = 0;
	char service[16];

	snprintf(service, sizeof(service), "%u", port);
	if ((rc = getaddrinfo(host, service, &hints, &list)) != 0)
		return (err_set(e, ERR_FAILED, "%s: %s", r->name,
		    rc == EAI_NONAME || rc == EAI_NODATA ? "no such host" :
		    gai_strerror(rc)));
	fd = reach(list, deadline, &why, &cancelled, e);
	freeaddrinfo(list);
	if (fd != -1)
		return (fd);
	if (cancelled)
		return (-1);
	switch (why) {
	case ECONNREFUSED:
		return (err_set(e, ERR_FAILED, "%s: connection refused: no "
		    "ssh server listens there", r->name));
	case ETIMEDOUT:
		return (err_set(e, ERR_FAILED, "%s: timed out: no answer "
		    "within %u s", r->name, connect_limit(r)));
	default:
		errno = why;
		return (err_sys(e, "%s: cannot connect", r->name));
	}
}

/*
 * A dead peer is found by the kernel; and a send that would wait longer than
 * a tick gives up with what it has sent, as libssh makes the socket a
 * blocking one.
 */
static void
tune(int fd, unsigned idle_s)
{
	struct timeval tick = { .tv_usec = SESSION_TICK_MS * 1000 };
	const int on = 1, idle = 30, interval = 10, count = 6;
	const unsigned silent = idle_s < DEAD_S ? idle_s * 1000 : DEAD_S * 1000;

	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tick, sizeof(tick));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval,
	    sizeof(interval));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silent,
	    sizeof(silent));
}

static int
set(struct remote *r, enum ssh_options_e option, const void *value,
    const char *what, struct err *e)
{
	if (ssh_options_set(r->ssh, option, value) == SSH_OK)
		return (0);
	return (err_set(e, ERR_USAGE, "%s: %s is not a %s ssh can use",
	    r->target.host, what, what));
}

/* What ssh_config says is read before what the target says, which wins. */
static int
set_options(struct remote *r, struct err *e)
{
	const struct remote_target *t = &r->target;
	const char *dir = getenv("XCATVAULT_SSH_DIR");
	const int on = 1, none = 0;

	if (dir != NULL && dir[0] == '\0')
		dir = NULL;
	if (set(r, SSH_OPTIONS_SSH_DIR, dir, "folder", e) == -1 ||
	    set(r, SSH_OPTIONS_HOST, t->host, "host name", e) == -1 ||
	    set(r, SSH_OPTIONS_USER, "root", "user", e) == -1 ||
	    set(r, SSH_OPTIONS_CIPHERS_C_S, CIPHERS, "cipher", e) == -1 ||
	    set(r, SSH_OPTIONS_CIPHERS_S_C, CIPHERS, "cipher", e) == -1)
		return (-1);
	if (ssh_options_parse_config(r->ssh, NULL) != SSH_OK)
		return (err_set(e, ERR_USAGE, "%s: the ssh configuration "
		    "cannot be used: %s", t->host, session_reason(r)));
	if (t->user != NULL &&
	    set(r, SSH_OPTIONS_USER, t->user, "user", e) == -1)
		return (-1);
	if (t->port != 0 &&
	    set(r, SSH_OPTIONS_PORT, &t->port, "port", e) == -1)
		return (-1);
	/* Not for ssh_config to loosen. */
	if (set(r, SSH_OPTIONS_STRICTHOSTKEYCHECK, &on, "setting", e) == -1 ||
	    set(r, SSH_OPTIONS_NODELAY, &on, "setting", e) == -1 ||
	    set(r, SSH_OPTIONS_COMPRESSION, "no", "setting", e) == -1 ||
	    set(r, SSH_OPTIONS_LOG_VERBOSITY, &none, "setting", e) == -1)
		return (-1);
	ssh_set_log_level(SSH_LOG_NONE);
	return (0);
}

/* Sets r->name; *host is for ssh_string_free_char(). */
static int
set_name(struct remote *r, char **host, unsigned *port, struct err *e)
{
	char *user = NULL;
	int rc;

	if (ssh_options_get(r->ssh, SSH_OPTIONS_HOST, host) != SSH_OK ||
	    ssh_options_get(r->ssh, SSH_OPTIONS_USER, &user) != SSH_OK ||
	    ssh_options_get_port(r->ssh, port) != SSH_OK) {
		ssh_string_free_char(user);
		return (err_nomem(e));
	}
	rc = asprintf(&r->name, strchr(*host, ':') != NULL ? "%s@[%s]:%u" :
	    "%s@%s:%u", user, *host, *port);
	ssh_string_free_char(user);
	if (rc == -1) {
		r->name = NULL;
		return (err_nomem(e));
	}
	return (0);
}

/* Turn by turn until keys have been exchanged. */
static int
handshake(struct remote *r, int64_t deadline, struct err *e)
{
	int rc;

	while ((rc = ssh_connect(r->ssh)) == SSH_AGAIN) {
		if (r->event == NULL && ((r->event = ssh_event_new()) == NULL ||
		    ssh_event_add_session(r->event, r->ssh) != SSH_OK))
			return (err_nomem(e));
		if (session_again(r, deadline, e) == -1)
			return (-1);
	}
	if (rc != SSH_OK)
		return (err_set(e, ERR_FAILED, "%s: no ssh connection: %s",
		    r->name, session_reason(r)));
	if (r->event == NULL && ((r->event = ssh_event_new()) == NULL ||
	    ssh_event_add_session(r->event, r->ssh) != SSH_OK))
		return (err_nomem(e));
	return (0);
}

int
connect_session(struct remote *r, struct err *e)
{
	int64_t deadline = session_now() + 1000 * (int64_t)connect_limit(r);
	char *host = NULL, *proxy = NULL;
	unsigned port = 0;
	int fd = -1, rc = -1;

	if ((r->ssh = ssh_new()) == NULL)
		return (err_nomem(e));
	ssh_set_blocking(r->ssh, 0);
	ssh_set_counters(r->ssh, &r->bytes, NULL);
	if (set_options(r, e) == -1 || set_name(r, &host, &port, e) == -1)
		goto out;
	(void)ssh_options_get(r->ssh, SSH_OPTIONS_PROXYCOMMAND, &proxy);
	if (proxy == NULL) {
		if ((fd = dial(r, host, port, deadline, e)) == -1)
			goto out;
		if (set(r, SSH_OPTIONS_FD, &fd, "socket", e) == -1) {
			close(fd);
			goto out;
		}
		tune(fd, r->target.idle_s);
	}
	rc = handshake(r, deadline, e);
	if (rc == 0 && proxy != NULL)
		tune(ssh_get_fd(r->ssh), r->target.idle_s);
out:
	ssh_string_free_char(host);
	ssh_string_free_char(proxy);
	return (rc);
}
