#include "formats/cutter.h"

static uint64_t
splitmix64(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (z ^ z >> 31);
}

void
cutter_init(struct cutter *c, uint32_t min_bytes, uint32_t avg_bytes,
    uint32_t max_bytes)
{
	uint64_t state = 0x78636174766c7431;	/* "xcatvlt1" */
	unsigned bits = (unsigned)__builtin_ctz(avg_bytes);
	size_t i;

	c->min_bytes = min_bytes;
	c->avg_bytes = avg_bytes;
	c->max_bytes = max_bytes;
	c->mask_small = ~(uint64_t)0 << (64 - (bits + 2));
	c->mask_large = ~(uint64_t)0 << (64 - (bits - 2));
	for (i = 0; i < 256; i++)
		c->gear[i] = splitmix64(&state);
}

/* Length up to the first match of the hash in [i, end), or 0. */
static size_t
scan(const struct cutter *c, const uint8_t *p, size_t i, size_t end,
    uint64_t mask, uint64_t *hash)
{
	const uint64_t *gear = c->gear;
	uint64_t h = *hash;

	for (; i + 4 <= end; i += 4) {
		h = (h << 1) + gear[p[i]];
		if ((h & mask) == 0)
			return (i + 1);
		h = (h << 1) + gear[p[i + 1]];
		if ((h & mask) == 0)
			return (i + 2);
		h = (h << 1) + gear[p[i + 2]];
		if ((h & mask) == 0)
			return (i + 3);
		h = (h << 1) + gear[p[i + 3]];
		if ((h & mask) == 0)
			return (i + 4);
	}
	for (; i < end; i++) {
		h = (h << 1) + gear[p[i]];
		if ((h & mask) == 0)
			return (i + 1);
	}
	*hash = h;
	return (0);
}

size_t
cutter_next(const struct cutter *c, const uint8_t *p, size_t len, int last)
{
	size_t avg, end, cut;
	uint64_t h = 0;

	if (len < c->min_bytes)
		return (last ? len : 0);
	end = len < c->max_bytes ? len : c->max_bytes;
	avg = end < c->avg_bytes ? end : c->avg_bytes;
	if ((cut = scan(c, p, c->min_bytes, avg, c->mask_small, &h)) != 0)
		return (cut);
	if ((cut = scan(c, p, avg, end, c->mask_large, &h)) != 0)
		return (cut);
	if (end == c->max_bytes)
		return (end);
	return (last ? len : 0);
}
