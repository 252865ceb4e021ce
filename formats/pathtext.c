#include <string.h>

#include "formats/pathtext.h"

static int
must_escape(uint8_t c)
{
	return (c <= 0x20 || c >= 0x7f || c == '\\' || c == '#' || c == '*' ||
	    c == '?' || c == '[');
}

void
pathtext_encode(struct buf *out, const void *raw, size_t len)
{
	const uint8_t *s = raw;
	uint8_t *p, *start;
	size_t i;

	if ((start = p = buf_reserve(out, 4 * len)) == NULL)
		return;
	for (i = 0; i < len; i++) {
		if (!must_escape(s[i])) {
			*p++ = s[i];
			continue;
		}
		*p++ = '\\';
		*p++ = (uint8_t)('0' + (s[i] >> 6));
		*p++ = (uint8_t)('0' + (s[i] >> 3 & 7));
		*p++ = (uint8_t)('0' + (s[i] & 7));
	}
	buf_advance(out, (size_t)(p - start));
}

/*
 * The next raw byte of a text of len bytes, and in *used how many bytes of
 * text it took.  -1 when the text is not well formed.
 */
static int
next_byte(const char *text, size_t len, size_t *used)
{
	uint8_t c = (uint8_t)text[0];
	unsigned v;
	size_t i;

	*used = 1;
	if (c != '\\')
		return (must_escape(c) ? -1 : c);
	if (len < 4)
		return (-1);
	for (v = 0, i = 1; i < 4; i++) {
		if (text[i] < '0' || text[i] > '7')
			return (-1);
		v = v << 3 | (unsigned)(text[i] - '0');
	}
	*used = 4;
	if (v == 0 || v > 255 || !must_escape((uint8_t)v))
		return (-1);
	return ((int)v);
}

int
pathtext_decode(struct buf *out, const char *text, size_t len)
{
	size_t i, used;
	uint8_t *p;
	int c;

	if ((p = buf_reserve(out, len)) == NULL)
		return (-1);
	for (i = 0; i < len; i += used) {
		if ((c = next_byte(text + i, len - i, &used)) == -1)
			return (-1);
		*p++ = (uint8_t)c;
		out->len++;
	}
	return (0);
}

char *
pathtext_dup(const char *text)
{
	struct buf b = BUF_INIT;
	char *path = NULL;

	if (pathtext_decode(&b, text, strlen(text)) == 0)
		path = strdup(buf_cstr(&b));
	buf_fini(&b);
	return (path);
}

json_t *
pathtext_json(const char *raw)
{
	struct buf b = BUF_INIT;
	json_t *j = NULL;

	pathtext_encode(&b, raw, strlen(raw));
	(void)buf_cstr(&b);
	if (!b.nomem)
		j = json_string((const char *)b.data);
	buf_fini(&b);
	return (j);
}

int
pathtext_valid(const char *text, size_t len)
{
	size_t i, used;

	for (i = 0; i < len; i += used)
		if (next_byte(text + i, len - i, &used) == -1)
			return (0);
	return (1);
}

int
pathtext_is_path(const char *text, size_t len)
{
	size_t i, n;

	if (len == 0 || text[0] != '.' || (len > 1 && text[1] != '/'))
		return (0);
	if (!pathtext_valid(text, len))
		return (0);
	/* "/" and "." are never escaped, so components show in the text. */
	for (i = 1; i < len; i += 1 + n) {
		for (n = 0; i + 1 + n < len && text[i + 1 + n] != '/'; n++)
			;
		if (n == 0 || (n == 1 && text[i + 1] == '.') ||
		    (n == 2 && text[i + 1] == '.' && text[i + 2] == '.'))
			return (0);
	}
	return (1);
}

/* "/" sorts before every byte, so that a directory's own come next. */
static int
rank(int c)
{
	return (c == '/' ? 0 : c + 1);
}

int
pathtext_compare_raw(const void *a, size_t alen, const void *b, size_t blen)
{
	const uint8_t *x = a, *y = b;
	size_t i, n = alen < blen ? alen : blen;

	for (i = 0; i < n && x[i] == y[i]; i++)
		;
	if (i < n)
		return (rank(x[i]) - rank(y[i]));
	return (alen < blen ? -1 : alen > blen);
}

int
pathtext_compare(const char *a, size_t alen, const char *b, size_t blen)
{
	size_t i, n = alen < blen ? alen : blen, ua, ub;
	int ca, cb;

	for (i = 0; i < n && a[i] == b[i]; i++)
		;
	if (i == n)
		return (alen < blen ? -1 : alen > blen);
	/* The difference may lie inside an escape: go back to its start. */
	if (i >= 1 && a[i - 1] == '\\')
		i -= 1;
	else if (i >= 2 && a[i - 2] == '\\')
		i -= 2;
	else if (i >= 3 && a[i - 3] == '\\')
		i -= 3;
	ca = next_byte(a + i, alen - i, &ua);
	cb = next_byte(b + i, blen - i, &ub);
	return (rank(ca) - rank(cb));
}

uint64_t
pathtext_hash(const char *text, size_t len)
{
	uint64_t h = 0xcbf29ce484222325;
	size_t i;

	for (i = 0; i < len; i++)
		h = (h ^ (uint8_t)text[i]) * 0x100000001b3;
	return (h);
}
