#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "remote/exec.h"
#include "remote/quote.h"
#include "remote/session.h"
#include "vault/store_ssh.h"
#include "vault/store_wire.h"

#define SCHEME "ssh://"

/* Where "make install" puts it need not be in the PATH of a command. */
static const char script[] =
    "PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin\n"
    "exec \"$1\" serve -- \"$2\"";

struct ssh_link {
	struct mux_link link;
	struct remote *remote;
	struct remote_exec *exec;
	char *program;
};

int
store_ssh_is_name(const char *name)
{
	return (strncmp(name, SCHEME, sizeof(SCHEME) - 1) == 0);
}

/* The first line of what was said on standard error. */
static void
first_line(struct remote_exec *x, char *line, size_t size)
{
	const char *text = buf_cstr(remote_exec_stderr(x));

	if (strncmp(text, "xcatvault: ", 11) == 0)
		text += 11;
	snprintf(line, size, "%.*s", (int)strcspn(text, "\r\n"), text);
}

/* The far side's program has ended, which it never does before we go. */
static int
ended(struct ssh_link *s, struct err *e)
{
	const char *host = remote_name(s->remote);
	char line[300];
	int status;

	if (remote_exec_wait(s->exec, &status, e) == -1)
		return (-1);
	first_line(s->exec, line, sizeof(line));
	if (status == 127)
		return (err_set(e, ERR_FAILED, "%s: there is no \"%s\" there: "
		    "install xcatvault on that host, or name it by "
		    "XCATVAULT_REMOTE_PROGRAM", host, s->program));
	if (line[0] != '\0')
		return (err_set(e, ERR_FAILED, "%s: %s", host, line));
	return (err_set(e, ERR_FAILED, "%s: \"%s serve\" there ended (status "
	    "%d)", host, s->program, status));
}

static ssize_t
link_read(struct mux_link *l, void *p, size_t len, struct err *e)
{
	struct ssh_link *s = (struct ssh_link *)l;
	ssize_t n;

	n = remote_exec_read(s->exec, p, len, 0, e);
	/*
	 * Once the server has spoken, it is for the callers to stop when a
	 * signal comes: they have to leave the vault in order.
	 */
	if (n > 0)
		remote_persist(s->remote);
	if (n == 0 && remote_exec_ended(s->exec))
		return (ended(s, e));
	return (n);
}

static ssize_t
link_write(struct mux_link *l, const void *p, size_t len, struct err *e)
{
	struct ssh_link *s = (struct ssh_link *)l;
	ssize_t n;

	n = remote_exec_write_some(s->exec, p, len, e);
	/* Why it ended says more than that it takes no more. */
	if (n == -1 && remote_exec_ended(s->exec))
		return (ended(s, e));
	return (n);
}

static int
link_fd(const struct mux_link *l, short *events)
{
	const struct ssh_link *s = (const struct ssh_link *)l;

	*events = remote_events(s->remote);
	return (remote_fd(s->remote));
}

static void
link_close(struct mux_link *l)
{
	struct ssh_link *s = (struct ssh_link *)l;

	remote_exec_free(s->exec);
	remote_close(s->remote);
	free(s->program);
	free(s);
}

/* Log in and start the server. */
static struct ssh_link *
link_open(const struct remote_target *t, const char *path, struct err *e)
{
	const char *program = getenv("XCATVAULT_REMOTE_PROGRAM");
	const char *args[2];
	struct buf command = BUF_INIT;
	struct ssh_link *s;

	if (program == NULL || *program == '\0')
		program = "xcatvault";
	if ((s = calloc(1, sizeof(*s))) == NULL ||
	    (s->program = strdup(program)) == NULL) {
		free(s);
		err_nomem(e);
		return (NULL);
	}
	s->link.read = link_read;
	s->link.write = link_write;
	s->link.fd = link_fd;
	s->link.close = link_close;
	args[0] = s->program;
	args[1] = path;
	remote_command(&command, script, args, 2);
	if (buf_ok(&command, e) == 0 &&
	    (s->remote = remote_open(t, e)) != NULL)
		s->exec = remote_exec_new(s->remote, buf_cstr(&command), e);
	buf_fini(&command);
	if (s->exec == NULL) {
		link_close(&s->link);
		return (NULL);
	}
	return (s);
}

/* The directory: "/dir", or "/~/dir" below the home, where commands start. */
static const char *
check_path(char *path, const char *name, struct err *e)
{
	size_t n = path != NULL ? strlen(path) : 0;

	while (n > 1 && path[n - 1] == '/')
		path[--n] = '\0';
	if (n <= 1) {
		err_set(e, ERR_USAGE, "vault %s: no directory named "
		    "(ssh://[USER@]HOST[:PORT]/DIR)", name);
		return (NULL);
	}
	if (strncmp(path, "/~/", 3) == 0) {
		path[1] = '.';
		return (path + 1);
	}
	return (path);
}

struct store *
store_ssh_open(const char *name, int create, struct err *e)
{
	struct remote_target t = { .ask = 1 };
	struct store_wire_target to = { .name = name, .create = create };
	char *user, *host, *path;
	struct ssh_link *link;
	struct store *s = NULL;

	if (remote_parse(name, &user, &host, &t.port, &path, e) == -1)
		return (NULL);
	t.user = user;
	t.host = host;
	if ((to.path = check_path(path, name, e)) != NULL &&
	    (link = link_open(&t, to.path, e)) != NULL) {
		to.peer = remote_name(link->remote);
		s = store_wire_open(&link->link, &to, e);
	}
	free(user);
	free(host);
	free(path);
	return (s);
}
