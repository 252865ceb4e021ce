#include <string.h>

#include "formats/scan.h"
#include "formats/xcatpaths.h"

static void
trim(struct span *s)
{
	while (s->len > 0 && strchr(" \t\r\n", s->p[0]) != NULL) {
		s->p++;
		s->len--;
	}
	while (s->len > 0 && strchr(" \t\r\n", s->p[s->len - 1]) != NULL)
		s->len--;
}

static void
drop_marks(struct span *s)
{
	static const char *const marks[] = { "dud:", "rpm:", "s:", "d:" };
	size_t i = 0, n;

	while (i < sizeof(marks) / sizeof(marks[0])) {
		n = strlen(marks[i]);
		if (s->len < n || memcmp(s->p, marks[i], n) != 0) {
			i++;
			continue;
		}
		s->p += n;
		s->len -= n;
		trim(s);
		i = 0;
	}
}

static int
usable(const struct span *s)
{
	size_t i;

	if (s->len == 0 || s->p[0] != '/' || s->len >= XCATPATHS_LEN_MAX)
		return (0);
	for (i = 0; i < s->len; i++)
		if ((unsigned char)s->p[i] < 0x20 || s->p[i] == 0x7f ||
		    s->p[i] == '$')
			return (0);
	return (1);
}

/* Length of the clean path, or 0: there is ".." in it, or it is "/". */
static size_t
clean(const struct span *s, char out[XCATPATHS_LEN_MAX])
{
	size_t at = 0, begin, n = 0;

	while (at < s->len) {
		while (at < s->len && s->p[at] == '/')
			at++;
		begin = at;
		while (at < s->len && s->p[at] != '/')
			at++;
		if (at - begin == 2 && memcmp(s->p + begin, "..", 2) == 0)
			return (0);
		if (at == begin || (at - begin == 1 && s->p[begin] == '.'))
			continue;
		out[n++] = '/';
		memcpy(out + n, s->p + begin, at - begin);
		n += at - begin;
	}
	out[n] = '\0';
	return (n);
}

int
xcatpaths_each(const char *value, size_t len, int words,
    int (*fn)(void *arg, const char *path), void *arg)
{
	char path[XCATPATHS_LEN_MAX];
	const char *comma, *end = value + len;
	struct span s;
	size_t i;
	int rc;

	for (;; value = comma + 1) {
		if ((comma = memchr(value, ',', (size_t)(end - value))) == NULL)
			comma = end;
		s.p = value;
		s.len = (size_t)(comma - value);
		trim(&s);
		drop_marks(&s);
		for (i = 0; words && i < s.len; i++)
			if (s.p[i] == ' ' || s.p[i] == '\t')
				s.len = i;
		if (usable(&s) && clean(&s, path) > 0 &&
		    (rc = fn(arg, path)) != 0)
			return (rc);
		if (comma == end)
			return (0);
	}
}
