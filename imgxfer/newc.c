#include <string.h>

#include "imgxfer/newc.h"

#define HEAD ((size_t)4096)

static int
hex8(const uint8_t *p, uint32_t *v)
{
	int i;

	*v = 0;
	for (i = 0; i < 8; i++) {
		*v <<= 4;
		if (p[i] >= '0' && p[i] <= '9')
			*v |= (uint32_t)(p[i] - '0');
		else if ((p[i] | 0x20) >= 'a' && (p[i] | 0x20) <= 'f')
			*v |= (uint32_t)((p[i] | 0x20) - 'a' + 10);
		else
			return (0);
	}
	return (1);
}

static size_t
padded(size_t n)
{
	return ((n + 3) & ~(size_t)3);
}

static int
cut(const struct pull *p, struct err *e)
{
	err_set(e, ERR_DAMAGED, "cpio: it is cut off at byte %llu",
	    (unsigned long long)p->taken);
	return (-1);
}

/* Take the rest of an entry. */
static int
skip(struct pull *p, size_t left, struct err *e)
{
	const uint8_t *data;
	ssize_t n;

	while (left > 0) {
		if ((n = pull_peek(p, 1, &data, e)) == -1)
			return (-1);
		if (n == 0)
			return (cut(p, e));
		if ((size_t)n > left)
			n = (ssize_t)left;
		pull_skip(p, (size_t)n);
		left -= (size_t)n;
	}
	return (0);
}

/* A header and the name behind it; the name's bytes stay to be taken. */
static int
header(struct pull *p, struct newc *ent, size_t *name_size, struct err *e)
{
	const uint8_t *h;
	uint32_t name;
	ssize_t n;

	if ((n = pull_peek(p, NEWC_HEADER, &h, e)) == -1)
		return (-1);
	if (n < NEWC_HEADER)
		return (cut(p, e));
	if (memcmp(h, "07070", 5) != 0 || (h[5] != '1' && h[5] != '2') ||
	    !hex8(h + 14, &ent->mode) || !hex8(h + 54, &ent->size) ||
	    !hex8(h + 94, &name) || name == 0 || name > NEWC_NAME_MAX) {
		err_set(e, ERR_DAMAGED, "cpio: no header at byte %llu",
		    (unsigned long long)p->taken);
		return (-1);
	}
	*name_size = name;
	return (0);
}

int
newc_walk(struct pull *p, void (*on_entry)(void *arg,
    const struct newc *ent, const uint8_t *head, size_t len), void *arg,
    struct err *e)
{
	struct newc ent;
	const uint8_t *h;
	size_t name = 0, front, want, have;
	ssize_t n;

	for (;;) {
		if (header(p, &ent, &name, e) == -1)
			return (-1);
		front = padded(NEWC_HEADER + name);
		want = front + (ent.size < HEAD ? ent.size : HEAD);
		if ((n = pull_peek(p, want, &h, e)) == -1)
			return (-1);
		have = (size_t)n;
		if (have < want)
			return (cut(p, e));
		ent.name = (const char *)h + NEWC_HEADER;
		ent.name_len = strnlen(ent.name, name);
		ent.name_size = name;
		if (ent.size == 0 && ent.name_len == 10 &&
		    memcmp(ent.name, "TRAILER!!!", 10) == 0) {
			pull_skip(p, front);
			return (0);
		}
		have -= front;
		on_entry(arg, &ent, h + front, have < ent.size ? have :
		    ent.size);
		pull_skip(p, front);
		if (skip(p, padded(ent.size), e) == -1)
			return (-1);
	}
}
