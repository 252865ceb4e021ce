#include <string.h>

#include "base/cancel.h"
#include "restore/sieve.h"

struct sieve {
	content_fn *fn;
	void *arg;
	struct scan holes;
	uint64_t at;		/* in the file */
	uint64_t hole_off, hole_end;	/* the next hole, or the one at "at" */
};

static void
next_hole(struct sieve *s)
{
	uint64_t len = 0;

	if (s->holes.p == s->holes.end ||
	    !mtree_next_hole(&s->holes, &s->hole_off, &len))
		s->hole_off = UINT64_MAX;
	s->hole_end = s->hole_off == UINT64_MAX ? UINT64_MAX :
	    s->hole_off + len;
}

static int
is_zero(const uint8_t *p, size_t len)
{
	return (len == 0 || (p[0] == 0 && memcmp(p, p + 1, len - 1) == 0));
}

static int
sift(void *arg, const void *piece, size_t len, struct err *e)
{
	struct sieve *s = arg;
	const uint8_t *p = piece;
	uint64_t edge;
	size_t n;

	if (cancel_check(e) == -1)
		return (-1);
	for (; len > 0; p += n, len -= n, s->at += n) {
		if (s->at == s->hole_end)
			next_hole(s);
		edge = s->at < s->hole_off ? s->hole_off : s->hole_end;
		n = edge - s->at < len ? (size_t)(edge - s->at) : len;
		if (s->at < s->hole_off) {
			if (s->fn(s->arg, p, n, e) == -1)
				return (-1);
		} else if (!is_zero(p, n))
			return (err_set(e, ERR_DAMAGED, "data where the "
			    "catalog has a hole"));
	}
	return (0);
}

int
sieve_read(struct content *c, const struct entry *ent, content_fn *fn,
    void *arg, struct err *e)
{
	struct sieve s = { fn, arg, mtree_scan(&ent->holes), 0, 0, 0 };

	return (content_read(c, ent, sift, &s, e));
}
