#include <string.h>

#include "imgxfer/carve.h"

#define SIZE_AT 124		/* ustar header: size, 12 bytes */

void
carve_init(struct carve *c, struct deposit *to, uint64_t large)
{
	memset(c, 0, sizeof(*c));
	c->to = to;
	c->large = large;
}

/* Octal digits, or GNU's binary form.  A wrong one only costs blobs. */
static uint64_t
size_of(const uint8_t h[USTAR_BLOCK])
{
	const uint8_t *p = h + SIZE_AT;
	uint64_t n = 0;
	size_t i;

	if (p[0] == 0x80) {
		for (i = 4; i < 12; i++)
			n = n << 8 | p[i];
		return (n);
	}
	for (i = 0; i < 12 && p[i] >= '0' && p[i] <= '7'; i++)
		n = n << 3 | (uint64_t)(p[i] - '0');
	return (n);
}

static int
take_header(struct carve *c, struct err *e)
{
	c->have = 0;
	/* Zeros end an archive; both formats of tar have the magic. */
	if (memcmp(c->head + 257, "ustar", 5) != 0) {
		c->lost = 1;
		return (0);
	}
	c->members++;
	/* Links and directories may have a size, but no contents. */
	if (c->head[156] >= '1' && c->head[156] <= '6')
		return (0);
	c->data = size_of(c->head);
	c->padding = -c->data & (USTAR_BLOCK - 1);
	c->cut = c->data >= c->large;
	return (c->cut ? deposit_cut(c->to, e) : 0);
}

static size_t
least(uint64_t a, size_t b)
{
	return (a < b ? (size_t)a : b);
}

int
carve_write(struct carve *c, const void *from, size_t len, struct err *e)
{
	const uint8_t *p = from;
	size_t n;

	for (; len > 0; p += n, len -= n) {
		if (c->lost)
			n = len;
		else if (c->data > 0)
			n = least(c->data, len);
		else if (c->padding > 0)
			n = least(c->padding, len);
		else {
			n = least(USTAR_BLOCK - c->have, len);
			memcpy(c->head + c->have, p, n);
		}
		if (deposit_write(c->to, p, n, e) == -1)
			return (-1);
		if (c->lost)
			continue;
		if (c->data > 0) {
			c->data -= n;
			if (c->data == 0 && c->cut &&
			    deposit_cut(c->to, e) == -1)
				return (-1);
		} else if (c->padding > 0)
			c->padding -= n;
		else if ((c->have += n) == USTAR_BLOCK &&
		    take_header(c, e) == -1)
			return (-1);
	}
	return (0);
}
