#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backup/program.h"
#include "base/cancel.h"
#include "base/io.h"

#define WAIT_MS 200
#define ERRORS_MAX ((size_t)64 << 10)
#define PIECE 16384

extern char **environ;

struct stream {
	int fd;			/* -1: at its end */
	struct buf *to;
	size_t max;
	int drop;		/* what is beyond max, instead of failing */
};

static int
start(const char *const *argv, int out, int errors, pid_t *pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, pipe_only;
	char **args = NULL;
	size_t n = 0, i;
	int no_memory = 0, rc;

	while (argv[n] != NULL)
		n++;
	if (n == 0)
		return (EINVAL);
	if ((args = calloc(n + 1, sizeof(*args))) == NULL)
		return (ENOMEM);
	for (i = 0; i < n; i++)
		if ((args[i] = strdup(argv[i])) == NULL)
			no_memory = 1;
	sigemptyset(&none);
	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	rc = no_memory ? ENOMEM : 0;
	if (rc == 0)
		rc = posix_spawnattr_setsigmask(&attr, &none);
	if (rc == 0)
		rc = posix_spawnattr_setsigdefault(&attr, &pipe_only);
	if (rc == 0)
		rc = posix_spawnattr_setpgroup(&attr, 0);
	if (rc == 0)
		rc = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
		    POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	if (rc == 0)
		rc = posix_spawn_file_actions_addopen(&files, 0, "/dev/null",
		    O_RDONLY, 0);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&files, out, 1);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&files, errors, 2);
	if (rc == 0)
		rc = posix_spawnp(pid, argv[0], &files, &attr, args, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	for (i = 0; i < n; i++)
		free(args[i]);
	free(args);
	return (rc);
}

/* 0, or -1 when there is more than it may say. */
static int
take(struct stream *s)
{
	char piece[PIECE];
	ssize_t n;

	if ((n = read(s->fd, piece, sizeof(piece))) == -1 &&
	    (errno == EINTR || errno == EAGAIN))
		return (0);
	if (n <= 0) {
		close(s->fd);
		s->fd = -1;
		return (0);
	}
	if ((size_t)n > s->max - s->to->len) {
		if (!s->drop)
			return (-1);
		n = (ssize_t)(s->max - s->to->len);
	}
	buf_append(s->to, piece, (size_t)n);
	return (0);
}

static int
listen_to(const char *name, struct stream s[2], unsigned limit_s,
    struct err *e)
{
	struct timespec begun, now;
	struct pollfd p[2];
	int i;

	clock_gettime(CLOCK_MONOTONIC, &begun);
	while (s[0].fd != -1 || s[1].fd != -1) {
		for (i = 0; i < 2; i++) {
			p[i].fd = s[i].fd;
			p[i].events = POLLIN;
			p[i].revents = 0;
		}
		if (poll(p, 2, WAIT_MS) == -1 && errno != EINTR)
			return (err_sys(e, "%s: poll", name));
		if (cancel_check(e) == -1)
			return (-1);
		for (i = 0; i < 2; i++)
			if (s[i].fd != -1 && p[i].revents != 0 &&
			    take(&s[i]) == -1)
				return (err_set(e, ERR_FAILED, "%s: it says "
				    "too much", name));
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - begun.tv_sec > (time_t)limit_s)
			return (err_set(e, ERR_FAILED, "%s: it did not end "
			    "within %u s", name, limit_s));
	}
	return (0);
}

static int
judge(const char *name, int how, struct buf *errors, struct err *e)
{
	struct buf text = BUF_INIT;
	const char *said = buf_cstr(errors), *nl;
	int status;

	if (WIFEXITED(how) && WEXITSTATUS(how) == 0)
		return (0);
	status = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
	nl = strchr(said, '\n');
	buf_put_printable(&text, said, nl != NULL ? (size_t)(nl - said) :
	    strlen(said));
	err_set(e, ERR_FAILED, "%s: it ended with status %d%s%s", name,
	    status, text.len > 0 ? ": " : "", buf_cstr(&text));
	buf_fini(&text);
	return (-1);
}

static int
run(const char *const *argv, struct stream s[2], int out, int errors,
    unsigned limit_s, struct err *e)
{
	pid_t pid;
	int rc, how = 0;

	rc = start(argv, out, errors, &pid);
	close(out);
	close(errors);
	if (rc != 0) {
		errno = rc;
		return (err_sys(e, "%s", argv[0]));
	}
	rc = listen_to(argv[0], s, limit_s, e);
	if (rc == -1)
		(void)kill(-pid, SIGKILL);
	while (waitpid(pid, &how, 0) == -1)
		if (errno != EINTR)
			return (err_sys(e, "%s: wait", argv[0]));
	return (rc == 0 ? judge(argv[0], how, s[1].to, e) : -1);
}

int
program_run(const char *const *argv, struct buf *out, size_t max,
    unsigned limit_s, struct err *e)
{
	struct buf errors = BUF_INIT;
	struct stream s[2] = {
		{ .fd = -1, .to = out, .max = out->len + max },
		{ .fd = -1, .to = &errors, .max = ERRORS_MAX, .drop = 1 },
	};
	int a[2], b[2], i, rc;

	if (pipe2(a, O_CLOEXEC) == -1)
		return (err_sys(e, "pipe"));
	if (pipe2(b, O_CLOEXEC) == -1) {
		close(a[0]);
		close(a[1]);
		return (err_sys(e, "pipe"));
	}
	s[0].fd = a[0];
	s[1].fd = b[0];
	rc = run(argv, s, a[1], b[1], limit_s, e);
	for (i = 0; i < 2; i++)
		if (s[i].fd != -1)
			close(s[i].fd);
	if (rc == 0)
		rc = buf_ok(out, e);
	buf_fini(&errors);
	return (rc);
}
