#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backup/facts.h"
#include "base/cancel.h"
#include "formats/nodefacts.h"
#include "remote/exec.h"
#include "remote/quote.h"

#define READ_BYTES 16384
#define AROUND_S 300		/* all but the check of packages */
#define CHANGED_MAX ((size_t)1 << 20)
#define PACKAGES_CHANGED "packages-changed.txt"

extern const char backup_facts_sh[];

struct gather {
	int dirfd;
	struct buf *changed;
	struct report *report;
	FILE *file;
	char name[NODEFACTS_NAME_MAX];
	size_t lines;
};

static int
failed(struct gather *g, struct err *e)
{
	return (err_sys(e, "cannot write %s", g->name));
}

static int
begin(void *arg, const char *name, struct err *e)
{
	struct gather *g = arg;
	int fd;

	snprintf(g->name, sizeof(g->name), "%s", name);
	g->lines = 0;
	fd = openat(g->dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
	    0600);
	if (fd == -1)
		return (failed(g, e));
	if ((g->file = fdopen(fd, "w")) == NULL) {
		close(fd);
		return (failed(g, e));
	}
	return (0);
}

static void
note_changed(struct gather *g, const char *p, size_t len)
{
	const char *path;
	size_t n;
	int config;

	if ((path = nodefacts_changed(p, len, &config)) == NULL)
		return;
	n = (size_t)(p + len - path);
	if (memchr(path, '\0', n) != NULL || (!config &&
	    (n < 5 || memcmp(path, "/etc/", 5) != 0) &&
	    (n < 10 || memcmp(path, "/opt/xcat/", 10) != 0)))
		return;
	if (g->changed->len + n < CHANGED_MAX) {
		buf_append(g->changed, path, n);
		buf_putc(g->changed, '\0');
	}
}

static int
line(void *arg, const char *p, size_t len, struct err *e)
{
	struct gather *g = arg;

	g->lines++;
	if (strcmp(g->name, PACKAGES_CHANGED) == 0)
		note_changed(g, p, len);
	if (fwrite(p, 1, len, g->file) != len || putc('\n', g->file) == EOF)
		return (failed(g, e));
	return (0);
}

/* A command that is not there, or has nothing to say, leaves no file. */
static int
end(void *arg, unsigned status, int cut, struct err *e)
{
	struct gather *g = arg;
	FILE *f = g->file;

	g->file = NULL;
	if (fclose(f) == EOF)
		return (failed(g, e));
	if (status == 124 || status == 137)
		report_note(g->report, "facts", g->name, "did not end in "
		    "time, and is not complete");
	if (cut)
		report_note(g->report, "facts", g->name, "is cut off: there "
		    "is too much");
	if (g->lines == 0 && status != 0 &&
	    unlinkat(g->dirfd, g->name, 0) == -1)
		return (failed(g, e));
	return (0);
}

static int
read_facts(struct remote_exec *x, struct nodefacts *f, struct err *e)
{
	struct timespec start, now;
	char piece[READ_BYTES];
	ssize_t n;
	int rc = 0;

	clock_gettime(CLOCK_MONOTONIC, &start);
	while (rc == 0 && !remote_exec_ended(x)) {
		n = remote_exec_read(x, piece, sizeof(piece), 1000, e);
		if (n == -1)
			return (-1);
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - start.tv_sec > FACTS_VERIFY_S + AROUND_S)
			return (err_set(e, ERR_FAILED, "the node takes too "
			    "long to tell of itself"));
		rc = nodefacts_feed(f, piece, (size_t)n, e);
	}
	if (rc == 0 && !f->over)
		rc = err_set(e, ERR_FAILED, "what the node tells of itself "
		    "ends too early");
	return (rc);
}

int
facts_gather(struct remote *r, int dirfd, struct buf *changed,
    struct report *report, struct err *e)
{
	struct gather g = {
		.dirfd = dirfd, .changed = changed, .report = report,
	};
	const struct nodefacts_sink sink = { &g, begin, line, end };
	struct nodefacts f;
	struct remote_exec *x = NULL;
	struct buf command = BUF_INIT;
	char seconds[16];
	const char *args[] = { seconds };
	int rc;

	snprintf(seconds, sizeof(seconds), "%d", FACTS_VERIFY_S);
	nodefacts_init(&f, &sink);
	remote_command(&command, backup_facts_sh, args, 1);
	rc = buf_ok(&command, e);
	if (rc == 0 &&
	    (x = remote_exec_new(r, buf_cstr(&command), e)) == NULL)
		rc = -1;
	if (rc == 0 && (rc = remote_exec_end_input(x, e)) == 0)
		rc = read_facts(x, &f, e);
	if (g.file != NULL)
		(void)fclose(g.file);
	if (rc == -1 && !remote_lost(r) && e->errnum == 0 &&
	    cancel_check(e) == 0) {
		report_add(report, "facts", "/", "%s", e->msg);
		rc = 0;
	}
	remote_exec_free(x);
	nodefacts_fini(&f);
	buf_fini(&command);
	return (rc);
}
