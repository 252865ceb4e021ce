#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "imgxfer/source.h"

static ssize_t
tee_read(void *arg, void *p, size_t len, struct err *e)
{
	const struct source_tee *t = arg;
	ssize_t n = t->from->read(t->from->arg, p, len, e);

	if (n > 0 && t->to->write(t->to->arg, p, (size_t)n, e) == -1)
		return (-1);
	return (n);
}

struct source
source_tee(struct source_tee *t)
{
	struct source s = { t->from->name, tee_read, t };

	return (s);
}

static ssize_t
file_read(void *arg, void *p, size_t len, struct err *e)
{
	const struct source_file *f = arg;
	ssize_t n;

	/* What is there now: a pipe's reader should not wait for more. */
	do
		n = read(f->fd, p, len);
	while (n == -1 && errno == EINTR);
	return (n == -1 ? err_sys(e, "%s", f->path) : n);
}

int
source_file_open(struct source_file *f, const char *path,
    struct source *out, struct err *e)
{
	f->path = path;
	if (strcmp(path, "-") == 0) {
		f->path = "standard input";
		f->fd = STDIN_FILENO;
	} else if ((f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)) == -1)
		return (err_sys(e, "%s", path));
	/* A hint; pipes have none. */
	(void)posix_fadvise(f->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	out->name = f->path;
	out->read = file_read;
	out->arg = f;
	return (0);
}

void
source_file_close(struct source_file *f)
{
	if (f->fd > STDIN_FILENO)
		(void)close(f->fd);
	f->fd = -1;
}

static ssize_t
bytes_read(void *arg, void *p, size_t len, struct err *e)
{
	struct source_bytes *b = arg;

	(void)e;
	len = len < b->len ? len : b->len;
	len = b->step == 0 || len < b->step ? len : b->step;
	if (len > 0)
		memcpy(p, b->p, len);
	b->p += len;
	b->len -= len;
	return ((ssize_t)len);
}

struct source
source_bytes(struct source_bytes *b, const char *name)
{
	struct source s = { name, bytes_read, b };

	return (s);
}

int
source_drain(const struct source *s, struct err *e)
{
	unsigned char p[16384];
	ssize_t n;

	while ((n = s->read(s->arg, p, sizeof(p), e)) > 0)
		;
	return (n == 0 ? 0 : -1);
}
