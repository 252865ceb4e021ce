#include <stdlib.h>
#include <string.h>

#include "imgxfer/recent.h"

int
recent_init(struct recent *r, size_t size, struct err *e)
{
	memset(r, 0, sizeof(*r));
	if ((r->p = malloc(size)) == NULL)
		return (err_nomem(e));
	r->size = size;
	return (0);
}

void
recent_fini(struct recent *r)
{
	free(r->p);
	memset(r, 0, sizeof(*r));
}

void
recent_put(struct recent *r, const void *p, size_t len)
{
	const uint8_t *from = p;
	size_t at, n;

	/* Of a piece that is larger than all that is kept, the end stays. */
	if (len > r->size) {
		n = len - r->size;
		from += n;
		len -= n;
		r->end += n;
	}
	for (; len > 0; from += n, len -= n) {
		at = (size_t)(r->end % r->size);
		n = r->size - at < len ? r->size - at : len;
		memcpy(r->p + at, from, n);
		r->end += n;
	}
}

int
recent_get(const struct recent *r, uint64_t off, void *p, size_t len,
    struct err *e)
{
	uint8_t *to = p;
	size_t at, n;

	if (off > r->end || r->end - off < len || r->end - off > r->size)
		return (err_set(e, ERR_FAILED, "more was lost with the "
		    "connection than is kept to be sent again"));
	for (; len > 0; off += n, to += n, len -= n) {
		at = (size_t)(off % r->size);
		n = r->size - at < len ? r->size - at : len;
		memcpy(to, r->p + at, n);
	}
	return (0);
}
