#include <string.h>

#include "formats/dbtext.h"

/* Length of the character at p that prints, or 0. */
static size_t
printable(const unsigned char *p, size_t len)
{
	size_t n, i;
	unsigned point;

	if (p[0] < 0x80)
		return (p[0] >= 0x20 && p[0] != 0x7f);
	n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4 || n > len)
		return (0);
	point = p[0] & (0x7fU >> n);
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return (0);
		point = point << 6 | (p[i] & 0x3f);
	}
	if ((n == 3 && point < 0x800) || (n == 4 && point < 0x10000) ||
	    point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
		return (0);
	/* Controls, and what turns the direction of a line. */
	if (point < 0xa0 || (point >= 0x2028 && point <= 0x202e) ||
	    (point >= 0x2066 && point <= 0x2069))
		return (0);
	return (n);
}

static int
needs_quotes(const struct span *v)
{
	size_t i, n;

	if (v->len == 0)
		return (1);
	for (i = 0; i < v->len; i += n) {
		if ((n = printable((const unsigned char *)v->p + i,
		    v->len - i)) == 0 ||
		    strchr(" \"\\();", v->p[i]) != NULL)
			return (1);
	}
	return (0);
}

static void
put_byte(struct buf *out, unsigned char c)
{
	switch (c) {
	case '\n':
		buf_puts(out, "\\n");
		break;
	case '\t':
		buf_puts(out, "\\t");
		break;
	case '\r':
		buf_puts(out, "\\r");
		break;
	default:
		buf_printf(out, "\\x%02x", c);
	}
}

void
dbtext_put(struct buf *out, const struct span *v)
{
	int quotes = needs_quotes(v);
	size_t i, n;

	if (quotes)
		buf_putc(out, '"');
	for (i = 0; i < v->len; i += n) {
		n = printable((const unsigned char *)v->p + i, v->len - i);
		if (n == 0) {
			put_byte(out, (unsigned char)v->p[i]);
			n = 1;
			continue;
		}
		if (v->p[i] == '"' || v->p[i] == '\\')
			buf_putc(out, '\\');
		buf_append(out, v->p + i, n);
	}
	if (quotes)
		buf_putc(out, '"');
}

json_t *
dbtext_json(const struct span *v)
{
	struct buf b = BUF_INIT;
	json_t *j = NULL;
	size_t i, n;

	if (memchr(v->p, '\0', v->len) == NULL &&
	    (j = json_stringn(v->p, v->len)) != NULL)
		return (j);
	for (i = 0; i < v->len; i += n) {
		n = printable((const unsigned char *)v->p + i, v->len - i);
		if (n > 0)
			buf_append(&b, v->p + i, n);
		else
			put_byte(&b, (unsigned char)v->p[i]);
		n = n > 0 ? n : 1;
	}
	if (!b.nomem)
		j = json_stringn((const char *)b.data, b.len);
	buf_fini(&b);
	return (j);
}

json_t *
dbtext_string_json(const char *value)
{
	struct span sp = { value, strlen(value) };

	return (dbtext_json(&sp));
}
