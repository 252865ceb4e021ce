#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "remote/internal.h"

#define PASSWORD_MAX 1024
#define PASSWORD_TRIES 3

/* The password of the root account in xCAT's container images. */
#define WELL_KNOWN_PASSWORD "cluster"

/* A login under way. */
struct login {
	struct remote *r;
	unsigned only;		/* steps to take; 0: all */
	unsigned tried;
	int locked;		/* a key was passed over for its passphrase */
	int stopped;		/* e tells why it cannot go on */
	int64_t deadline_ms;	/* of the step */
	struct err *e;
};

void
auth_forget(char *secret)
{
	if (secret == NULL)
		return;
	explicit_bzero(secret, strlen(secret));
	free(secret);
}

static void
keep(char **place, char *secret)
{
	if (*place != secret)
		auth_forget(*place);
	*place = secret;
}

char *
auth_load_password(const char *path, struct err *e)
{
	char text[PASSWORD_MAX + 1], *password = NULL;
	struct stat st;
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd == -1) {
		err_sys(e, "%s", path);
		e->kind = ERR_USAGE;
		return (NULL);
	}
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
		err_set(e, ERR_USAGE, "%s: not a regular file", path);
	else if (st.st_uid != geteuid() && st.st_uid != 0)
		err_set(e, ERR_USAGE, "%s: a password file belongs to root "
		    "or to who uses it", path);
	else if ((st.st_mode & 077) != 0)
		err_set(e, ERR_USAGE, "%s: others than its owner may use "
		    "this password file; run: chmod 600 '%s'", path, path);
	else if ((n = io_read(fd, text, PASSWORD_MAX)) == -1)
		err_sys(e, "%s", path);
	else {
		text[n] = '\0';
		text[strcspn(text, "\r\n")] = '\0';
		if (text[0] == '\0' || n == PASSWORD_MAX)
			err_set(e, ERR_USAGE, "%s: no password in the first "
			    "line", path);
		else if ((password = strdup(text)) == NULL)
			err_nomem(e);
	}
	explicit_bzero(text, sizeof(text));
	close(fd);
	return (password);
}

/* Whether to call again, as libssh asks for. */
static int
again(struct login *l, int rc)
{
	if (rc != SSH_AUTH_AGAIN)
		return (0);
	if (session_again(l->r, l->deadline_ms, l->e) == 0)
		return (1);
	l->stopped = 1;
	return (0);
}

static void
step_begins(struct login *l, unsigned step)
{
	l->tried |= step;
	l->deadline_ms = session_now() + 1000 * AUTH_STEP_S;
}

/* 1: logged in; 0: on to the next step; -1: over. */
static int
step_ends(struct login *l, unsigned step, int rc)
{
	if (l->stopped)
		return (-1);
	if (rc == SSH_AUTH_SUCCESS || rc == SSH_AUTH_PARTIAL)
		l->r->worked |= step;
	if (rc == SSH_AUTH_SUCCESS)
		return (1);
	if (rc == SSH_AUTH_ERROR && remote_lost(l->r)) {
		err_set(l->e, ERR_FAILED, "%s: login refused: %s",
		    l->r->name, session_reason(l->r));
		return (-1);
	}
	return (0);
}

static int
wanted(const struct login *l, unsigned step)
{
	return (l->only == 0 || (l->only & step) != 0);
}

/*
 * A locked key's passphrase, for libssh: the one that is known, else asked
 * for.
 */
static int
passphrase(const char *prompt, char *buf, size_t len, int echo, int verify,
    void *user)
{
	struct login *l = user;
	char *key = NULL, text[300], *answer;
	int rc = -1;

	(void)prompt;
	(void)echo;
	(void)verify;
	if (l->r->target.ask) {
		(void)ssh_userauth_publickey_auto_get_current_identity(
		    l->r->ssh, &key);
		snprintf(text, sizeof(text), "passphrase of %s: ",
		    key != NULL ? key : l->r->target.identity);
		ssh_string_free_char(key);
		if ((answer = tty_ask(text)) != NULL)
			keep(&l->r->passphrase, answer);
	}
	if (l->r->passphrase == NULL || strlen(l->r->passphrase) >= len)
		l->locked = 1;
	else {
		snprintf(buf, len, "%s", l->r->passphrase);
		rc = 0;
	}
	return (rc);
}

static int
with_nothing(struct login *l)
{
	int rc;

	step_begins(l, AUTH_NOTHING);
	do
		rc = ssh_userauth_none(l->r->ssh, NULL);
	while (again(l, rc));
	return (step_ends(l, AUTH_NOTHING, rc));
}

static int
with_identity(struct login *l)
{
	const char *path = l->r->target.identity;
	ssh_key key = NULL;
	int rc;

	if (path == NULL || !wanted(l, AUTH_IDENTITY))
		return (0);
	if (ssh_pki_import_privkey_file(path, NULL, passphrase, l, &key) !=
	    SSH_OK) {
		if (l->locked)
			return (0);
		return (err_set(l->e, ERR_USAGE, "%s: no private key that "
		    "can be read, or the wrong passphrase for it", path));
	}
	step_begins(l, AUTH_IDENTITY);
	do
		rc = ssh_userauth_publickey(l->r->ssh, NULL, key);
	while (again(l, rc));
	ssh_key_free(key);
	return (step_ends(l, AUTH_IDENTITY, rc));
}

static int
with_keys(struct login *l)
{
	struct ssh_callbacks_struct *cb;
	int rc;

	if (!wanted(l, AUTH_KEYS))
		return (0);
	/* libssh keeps the pointer; r lives as long as its session. */
	cb = &l->r->callbacks;
	cb->userdata = l;
	cb->auth_function = passphrase;
	ssh_callbacks_init(cb);
	if (ssh_set_callbacks(l->r->ssh, cb) != SSH_OK)
		return (err_nomem(l->e));
	step_begins(l, AUTH_KEYS);
	do
		rc = ssh_userauth_publickey_auto(l->r->ssh, NULL, NULL);
	while (again(l, rc));
	cb->auth_function = NULL;
	cb->userdata = NULL;
	return (step_ends(l, AUTH_KEYS, rc));
}

/*
 * What PAM calls keyboard-interactive, when all that it asks for is one
 * password; a second question means that the first answer was wrong, or
 * wants what only a human has.
 */
static int
interactive(struct login *l, const char *password)
{
	ssh_session s = l->r->ssh;
	int rc, n, answered = 0;
	char echo;

	for (;;) {
		do
			rc = ssh_userauth_kbdint(s, NULL, NULL);
		while (again(l, rc));
		if (rc != SSH_AUTH_INFO)
			return (rc);
		if ((n = ssh_userauth_kbdint_getnprompts(s)) == 0)
			continue;
		if (n != 1 || answered++ ||
		    ssh_userauth_kbdint_getprompt(s, 0, &echo) == NULL ||
		    echo || ssh_userauth_kbdint_setanswer(s, 0, password) < 0)
			return (SSH_AUTH_DENIED);
	}
}

static int
with_password(struct login *l, const char *password)
{
	int rc, methods = ssh_userauth_list(l->r->ssh, NULL);

	step_begins(l, AUTH_PASSWORD);
	if ((methods & (int)SSH_AUTH_METHOD_PASSWORD) != 0)
		do
			rc = ssh_userauth_password(l->r->ssh, NULL, password);
		while (again(l, rc));
	else if ((methods & (int)SSH_AUTH_METHOD_INTERACTIVE) != 0)
		rc = interactive(l, password);
	else
		return (0);
	if (rc == SSH_AUTH_SUCCESS || rc == SSH_AUTH_PARTIAL)
		l->r->weak = strcmp(password, WELL_KNOWN_PASSWORD) == 0;
	return (step_ends(l, AUTH_PASSWORD, rc));
}

/* The known password, then those that are typed in. */
static int
with_passwords(struct login *l)
{
	char prompt[300], *password;
	int i, rc = 0, methods;

	if (!wanted(l, AUTH_PASSWORD))
		return (0);
	if (l->r->password != NULL)
		rc = with_password(l, l->r->password);
	methods = ssh_userauth_list(l->r->ssh, NULL);
	if (!l->r->target.ask || (methods &
	    (int)(SSH_AUTH_METHOD_PASSWORD | SSH_AUTH_METHOD_INTERACTIVE)) == 0)
		return (rc);
	snprintf(prompt, sizeof(prompt), "password of %s: ", l->r->name);
	for (i = 0; rc == 0 && i < PASSWORD_TRIES; i++) {
		if ((password = tty_ask(prompt)) == NULL)
			break;
		keep(&l->r->password, password);
		rc = with_password(l, password);
	}
	return (rc);
}

/* "a, b" of those bits that are set. */
static void
list(char *out, size_t size, unsigned bits, const char *const *names,
    size_t count)
{
	size_t i, n = 0;

	snprintf(out, size, "nothing");
	for (i = 0; i < count && n < size; i++)
		if ((bits & 1u << i) != 0)
			n += (size_t)snprintf(out + n, size - n, "%s%s",
			    n > 0 ? ", " : "", names[i]);
}

static int
refused(struct login *l)
{
	static const char *const steps[] = { NULL, "the identity",
	    "the agent and the keys of the ssh folder", "the password" };
	static const char *const methods[] = { NULL, "password", "publickey",
	    "hostbased", "keyboard-interactive", "gssapi-with-mic" };
	char tried[120], offered[120];
	const char *hint = "";

	list(tried, sizeof(tried), l->tried & ~(unsigned)AUTH_NOTHING, steps,
	    sizeof(steps) / sizeof(steps[0]));
	list(offered, sizeof(offered), (unsigned)ssh_userauth_list(l->r->ssh,
	    NULL) & ~SSH_AUTH_METHOD_NONE, methods,
	    sizeof(methods) / sizeof(methods[0]));
	if (l->locked)
		hint = "; a key was left out for want of its passphrase";
	return (err_set(l->e, ERR_FAILED, "%s: login refused: tried %s; the "
	    "server takes %s%s", l->r->name, tried, offered, hint));
}

int
auth_login(struct remote *r, unsigned only, struct err *e)
{
	struct login l = { .r = r, .only = only, .e = e };
	int rc;

	rc = with_nothing(&l);
	if (rc == 0)
		rc = with_identity(&l);
	if (rc == 0)
		rc = with_keys(&l);
	if (rc == 0)
		rc = with_passwords(&l);
	if (rc == 0)
		rc = refused(&l);
	/* One that was not needed is not kept. */
	if ((r->worked & AUTH_PASSWORD) == 0)
		keep(&r->password, NULL);
	return (rc == 1 ? 0 : -1);
}
