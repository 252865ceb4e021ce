#include <stdlib.h>
#include <string.h>

#include "backup/wanted.h"
#include "base/cancel.h"
#include "formats/pathtext.h"
#include "remote/exec.h"
#include "remote/quote.h"

#define ANSWER_MAX ((size_t)8 << 20)
#define ASK_S 180
#define WANTED_MAX 8192		/* paths altogether */
/* A command is one argument of the node's shell: at most 128 KiB. */
#define ARGS_BYTES ((size_t)48 << 10)

extern const char backup_wanted_sh[];

void
wanted_fini(struct wanted *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		free(w->paths[i]);
	free(w->paths);
	free(w->kind);
	memset(w, 0, sizeof(*w));
}

const char *
wanted_refusal(const char *path)
{
	static const char *const wholes[] = {
		"/bin", "/boot", "/etc", "/home", "/lib", "/lib32", "/lib64",
		"/libx32", "/media", "/mnt", "/opt", "/opt/xcat",
		"/opt/xcat/share", "/opt/xcat/share/xcat", "/root", "/sbin",
		"/srv", "/tmp", "/usr", "/usr/bin", "/usr/include",
		"/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libexec",
		"/usr/local", "/usr/sbin", "/usr/share", "/usr/src", "/var",
		"/var/cache", "/var/lib", "/var/log", "/var/spool",
		"/var/tmp",
	};
	static const char *const volatiles[] = {
		"/dev", "/proc", "/run", "/sys", "/var/run",
	};
	size_t i, n;

	if (strcmp(path, "/") == 0)
		return ("the whole system would come with it");
	for (i = 0; i < sizeof(wholes) / sizeof(wholes[0]); i++)
		if (strcmp(path, wholes[i]) == 0)
			return ("a directory of the system would come with "
			    "it as a whole");
	for (i = 0; i < sizeof(volatiles) / sizeof(volatiles[0]); i++) {
		n = strlen(volatiles[i]);
		if (strncmp(path, volatiles[i], n) == 0 &&
		    (path[n] == '/' || path[n] == '\0'))
			return ("nothing there lasts");
	}
	return (NULL);
}

/* A path as wanted_ask() promises it. */
static int
is_clean(const char *path, size_t len)
{
	return (path[0] == '/' && (len == 1 || path[len - 1] != '/') &&
	    strstr(path, "//") == NULL && strstr(path, "/./") == NULL &&
	    strstr(path, "/../") == NULL &&
	    (len < 2 || strcmp(path + len - 2, "/.") != 0) &&
	    (len < 3 || strcmp(path + len - 3, "/..") != 0));
}

static int
add(struct wanted *w, const char *path, char kind, struct err *e)
{
	char **paths, *kinds;
	size_t cap;

	if (w->n == w->cap) {
		cap = w->cap + 256;
		paths = realloc(w->paths, cap * sizeof(*paths));
		if (paths == NULL)
			return (err_nomem(e));
		w->paths = paths;
		if ((kinds = realloc(w->kind, cap)) == NULL)
			return (err_nomem(e));
		w->kind = kinds;
		w->cap = cap;
	}
	if ((w->paths[w->n] = strdup(path)) == NULL)
		return (err_nomem(e));
	w->kind[w->n++] = kind;
	return (0);
}

static void
tell(struct report *report, int trouble, const char *path, const char *why)
{
	struct buf text = BUF_INIT;

	pathtext_encode(&text, path, strlen(path));
	if (trouble)
		report_add(report, "missing", buf_cstr(&text), "%s", why);
	else
		report_note(report, "left out", buf_cstr(&text), "%s", why);
	buf_fini(&text);
}

static int
take(struct wanted *w, char letter, const char *path,
    const struct wanted_question *q, struct report *report, struct err *e)
{
	const char *why;

	if (letter == 'n') {
		if (q->trusted)
			tell(report, 1, path,
			    "there is no such path on the node");
		return (0);
	}
	if (!q->trusted && letter == 'd' &&
	    (why = wanted_refusal(path)) != NULL) {
		tell(report, 0, path, why);
		return (0);
	}
	/* Files and links in there: /etc/resolv.conf may lead there. */
	if (!q->trusted && wanted_refusal(path) != NULL)
		return (0);
	return (add(w, path, letter, e));
}

static int
take_answer(struct wanted *w, struct buf *out,
    const struct wanted_question *q, struct report *report, struct err *e)
{
	const char *p = buf_cstr(out), *end = p + out->len;
	size_t len;

	while (end - p > 2 && p[1] == '\0' &&
	    memchr(p + 2, '\0', (size_t)(end - p - 2)) != NULL) {
		len = strlen(p + 2);
		if (strchr("dlon", p[0]) == NULL || p[0] == '\0' ||
		    (p[0] != 'n' && !is_clean(p + 2, len)))
			break;
		if (w->n >= WANTED_MAX) {
			tell(report, 1, p + 2, "there are too many paths "
			    "besides the volumes; this one and those behind "
			    "it are not stored");
			return (0);
		}
		if (take(w, p[0], p + 2, q, report, e) == -1)
			return (-1);
		p += len + 3;
	}
	if (p < end)
		tell(report, 1, "/", "the node's answer about its paths is "
		    "not understood");
	return (0);
}

static int
ask(struct wanted *w, struct remote *r, const char *const *args,
    size_t nargs, const struct wanted_question *q, struct report *report,
    struct err *e)
{
	struct buf command = BUF_INIT, out = BUF_INIT;
	struct remote_io io = {
		.max = ANSWER_MAX, .out = &out, .limit_s = ASK_S,
	};
	int rc;

	remote_command(&command, backup_wanted_sh, args, nargs);
	rc = buf_ok(&command, e);
	if (rc == 0 && remote_run(r, buf_cstr(&command), &io, e) == -1) {
		if (remote_lost(r) || cancel_check(e) == -1)
			rc = -1;
		else
			tell(report, 1, "/", e->msg);
	} else if (rc == 0 && io.status != 0)
		tell(report, 1, "/", "the node could not say what it has "
		    "besides its volumes");
	/* As far as it came. */
	if (rc == 0)
		rc = take_answer(w, &out, q, report, e);
	buf_fini(&command);
	buf_fini(&out);
	return (rc);
}

int
wanted_ask(struct wanted *w, struct remote *r,
    const struct wanted_question *q, struct report *report, struct err *e)
{
	static const char *const words[] = {
		[WANTED_PATTERNS] = "patterns", [WANTED_HOMES] = "homes",
		[WANTED_UNOWNED] = "unowned", [WANTED_PATHS] = "paths",
	};
	const char **args;
	size_t i = 0, n, bytes;
	int rc = 0;

	if ((args = calloc(q->nargs + 1, sizeof(*args))) == NULL)
		return (err_nomem(e));
	args[0] = words[q->kind];
	while (rc == 0 && i < q->nargs) {
		for (n = 1, bytes = 0; i < q->nargs && (n == 1 ||
		    bytes < ARGS_BYTES); i++) {
			bytes += strlen(q->args[i]) + 3;
			args[n++] = q->args[i];
		}
		rc = ask(w, r, args, n, q, report, e);
	}
	free(args);
	return (rc);
}
