#include <string.h>

#include "formats/nodefacts.h"

void
nodefacts_init(struct nodefacts *f, const struct nodefacts_sink *sink)
{
	memset(f, 0, sizeof(*f));
	f->sink = sink;
}

void
nodefacts_fini(struct nodefacts *f)
{
	buf_fini(&f->line);
}

static int
bad(struct err *e, const char *what)
{
	return (err_set(e, ERR_FAILED, "what the node tells of itself is "
	    "not understood: %s", what));
}

static int
is_name(const char *s)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
	size_t n = strlen(s);

	return (n > 0 && n < NODEFACTS_NAME_MAX && s[0] != '.' &&
	    strspn(s, allowed) == n);
}

/* "STATUS" or "STATUS cut" */
static int
take_end(struct nodefacts *f, const char *s, struct err *e)
{
	unsigned status = 0;
	size_t i;

	for (i = 0; i < 3 && s[i] >= '0' && s[i] <= '9'; i++)
		status = status * 10 + (unsigned)(s[i] - '0');
	if (i == 0 || (s[i] != '\0' && strcmp(s + i, " cut") != 0))
		return (bad(e, "the end of a text"));
	f->within = 0;
	return (f->sink->end(f->sink->arg, status, s[i] != '\0', e));
}

static int
take_line(struct nodefacts *f, const char *p, size_t len, struct err *e)
{
	if (f->over)
		return (bad(e, "more behind its end"));
	if (f->within && p[0] == '|') {
		f->bytes += len;
		if (f->bytes > NODEFACTS_FILE_MAX)
			return (bad(e, "a text is too long"));
		return (f->sink->line(f->sink->arg, p + 1, len - 1, e));
	}
	if (strlen(p) != len)
		return (bad(e, "a NUL"));
	if (f->within && strncmp(p, "end ", 4) == 0)
		return (take_end(f, p + 4, e));
	if (!f->within && strcmp(p, "end") == 0) {
		f->over = 1;
		return (0);
	}
	if (f->within || strncmp(p, "file ", 5) != 0 || !is_name(p + 5))
		return (bad(e, "a line of no kind"));
	if (f->files++ == NODEFACTS_FILES_MAX)
		return (bad(e, "too many texts"));
	f->within = 1;
	f->bytes = 0;
	return (f->sink->begin(f->sink->arg, p + 5, e));
}

int
nodefacts_feed(struct nodefacts *f, const void *data, size_t len,
    struct err *e)
{
	const char *p = data, *nl;
	size_t n;
	int rc;

	while (len > 0) {
		nl = memchr(p, '\n', len);
		n = nl != NULL ? (size_t)(nl - p) : len;
		if (n > NODEFACTS_LINE_MAX - f->line.len)
			return (bad(e, "a line is too long"));
		buf_append(&f->line, p, n);
		if (nl == NULL)
			return (buf_ok(&f->line, e));
		(void)buf_cstr(&f->line);
		if (buf_ok(&f->line, e) == -1)
			return (-1);
		rc = take_line(f, buf_cstr(&f->line), f->line.len, e);
		if (rc != 0)
			return (rc);
		buf_clear(&f->line);
		p += n + 1;
		len -= n + 1;
	}
	return (0);
}

/* "S.5....T.  c /etc/x" of rpm, "??5??????   /usr/x" of dpkg */
const char *
nodefacts_changed(const char *line, size_t len, int *config)
{
	size_t i = 0;

	while (i < len && line[i] != ' ')
		i++;
	if (i < 3 || i == len || line[2] != '5')
		return (NULL);
	while (i < len && line[i] == ' ')
		i++;
	*config = 0;
	if (i + 1 < len && line[i + 1] == ' ') {
		*config = line[i] == 'c';
		for (i++; i < len && line[i] == ' ';)
			i++;
	}
	return (i < len && line[i] == '/' ? line + i : NULL);
}
