#include <string.h>

#include "backup/tarsaid.h"
#include "formats/gnuname.h"
#include "formats/pathtext.h"

void
tarsaid_init(struct tarsaid *t)
{
	memset(t, 0, sizeof(*t));
}

void
tarsaid_fini(struct tarsaid *t)
{
	buf_fini(&t->missing);
}

int
tarsaid_miss(struct tarsaid *t, const struct span *path, struct err *e)
{
	buf_append(&t->missing, path->p, path->len);
	buf_putc(&t->missing, '\0');
	return (buf_ok(&t->missing, e));
}

int
tarsaid_parse(const char *line, size_t len, struct buf *name,
    struct span *text)
{
	size_t n = gnuname_take(line, len, ": ", name);

	text->p = line + n;
	text->len = len - n;
	return (n > 0);
}

static int
holds(const struct span *text, const char *words)
{
	return (memmem(text->p, text->len, words, strlen(words)) != NULL);
}

/* Take a path off the list of missing ones: 1 when it was there. */
static int
take_off(struct tarsaid *t, const struct buf *path)
{
	char *p = (char *)t->missing.data, *end = p + t->missing.len;
	size_t n;

	for (; p < end; p += n + 1) {
		n = strlen(p);
		if (n != path->len || memcmp(p, path->data, n) != 0)
			continue;
		memmove(p, p + n + 1, (size_t)(end - p) - n - 1);
		t->missing.len -= n + 1;
		return (1);
	}
	return (0);
}

static void
report_missing(struct pool *p, const struct span *path,
    const struct span *text)
{
	struct buf why = BUF_INIT;

	buf_put_printable(&why, text->p, text->len);
	if (holds(text, "No such file") || holds(text, "removed before"))
		pool_report(p, "vanished", path,
		    "it was there when its directory was read");
	else
		pool_unreadable(p, path, buf_cstr(&why));
	buf_fini(&why);
}

/* A line of tar's without its "tar: ". */
static void
report_line(struct tarsaid *t, struct pool *p, const char *line, size_t len)
{
	struct buf name = BUF_INIT, path = BUF_INIT, why = BUF_INIT;
	struct span text, sp;

	if (!tarsaid_parse(line, len, &name, &text))
		goto out;
	pathtext_encode(&path, name.data, name.len);
	sp.p = buf_cstr(&path);
	sp.len = path.len;
	if (path.nomem || !pathtext_is_path(sp.p, sp.len))
		goto out;
	if (take_off(t, &path)) {
		report_missing(p, &sp, &text);
		goto out;
	}
	if (holds(&text, "changed as we read") || holds(&text, "shrank by")) {
		pool_report(p, "changed", &sp, "while it was read; stored as "
		    "read, and read again next time");
		goto out;
	}
	buf_put_printable(&why, text.p, text.len);
	pool_unreadable(p, &sp, buf_cstr(&why));
out:
	buf_fini(&name);
	buf_fini(&path);
	buf_fini(&why);
}

int
tarsaid_report(struct tarsaid *t, const struct buf *said, struct pool *p,
    struct err *e)
{
	const char *at = (const char *)said->data, *end = at + said->len;
	const char *nl;
	struct span sp;

	for (; at < end; at = nl + 1) {
		if ((nl = memchr(at, '\n', (size_t)(end - at))) == NULL)
			nl = end;
		if (nl - at > 5 && memcmp(at, "tar: ", 5) == 0)
			report_line(t, p, at + 5, (size_t)(nl - at) - 5);
	}
	for (at = (const char *)t->missing.data, end = at + t->missing.len;
	    at < end; at += sp.len + 1) {
		sp.p = at;
		sp.len = strlen(at);
		pool_unreadable(p, &sp, "tar on the node did not give "
		    "it, and did not say why");
	}
	buf_clear(&t->missing);
	return (buf_ok(said, e));
}
