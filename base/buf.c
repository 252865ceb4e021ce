#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

void
buf_fini(struct buf *b)
{
	free(b->data);
	memset(b, 0, sizeof(*b));
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
	b->nomem = 0;
}

uint8_t *
buf_reserve(struct buf *b, size_t len)
{
	uint8_t *p;
	size_t need, cap;

	if (b->nomem)
		return (NULL);
	if (b->data != NULL && len <= b->cap - b->len)
		return (b->data + b->len);
	if (__builtin_add_overflow(b->len, len, &need))
		goto nomem;
	cap = b->cap < 256 ? 256 : b->cap;
	while (cap < need)
		if (__builtin_mul_overflow(cap, (size_t)2, &cap))
			goto nomem;
	if ((p = realloc(b->data, cap)) == NULL)
		goto nomem;
	b->data = p;
	b->cap = cap;
	return (b->data + b->len);

nomem:
	b->nomem = 1;
	return (NULL);
}

void
buf_advance(struct buf *b, size_t len)
{
	b->len += len;
}

void
buf_append(struct buf *b, const void *data, size_t len)
{
	uint8_t *p;

	if (len == 0 || (p = buf_reserve(b, len)) == NULL)
		return;
	memcpy(p, data, len);
	b->len += len;
}

void
buf_puts(struct buf *b, const char *s)
{
	buf_append(b, s, strlen(s));
}

void
buf_putc(struct buf *b, char c)
{
	buf_append(b, &c, 1);
}

void
buf_putu(struct buf *b, uint64_t v)
{
	char tmp[20], *p = tmp + sizeof(tmp);

	do
		*--p = (char)('0' + v % 10);
	while ((v /= 10) != 0);
	buf_append(b, p, (size_t)(tmp + sizeof(tmp) - p));
}

void
buf_putd(struct buf *b, int64_t v)
{
	if (v < 0) {
		buf_putc(b, '-');
		buf_putu(b, 0 - (uint64_t)v);
	} else
		buf_putu(b, (uint64_t)v);
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	uint8_t *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || (p = buf_reserve(b, (size_t)n + 1)) == NULL) {
		b->nomem = 1;
		return;
	}
	va_start(ap, fmt);
	vsnprintf((char *)p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

const char *
buf_cstr(struct buf *b)
{
	uint8_t *p;

	if ((p = buf_reserve(b, 1)) == NULL)
		return ("");
	*p = '\0';
	return ((const char *)b->data);
}

int
buf_ok(const struct buf *b, struct err *e)
{
	return (b->nomem ? err_nomem(e) : 0);
}

void
buf_put_printable(struct buf *b, const void *p, size_t len)
{
	const uint8_t *from = p;
	uint8_t *to;
	size_t i;

	if ((to = buf_reserve(b, len)) == NULL)
		return;
	for (i = 0; i < len; i++)
		to[i] = from[i] < 0x20 || from[i] > 0x7e ? '?' : from[i];
	buf_advance(b, len);
}
