#include <string.h>

#include "formats/gnuname.h"
#include "restore/reasons.h"

struct reason {
	size_t off, len;	/* in what was said */
};

/* Up to the end of the last line that fits. */
void
reasons_add(struct reasons *r, const struct buf *said)
{
	const char *p = (const char *)said->data, *nl = NULL;
	size_t room = REASONS_BYTES - r->said.len, n = said->len;

	if (n > room)
		n = (nl = memrchr(p, '\n', room)) == NULL ? 0 :
		    (size_t)(nl - p) + 1;
	if (n == 0)
		return;
	buf_append(&r->said, p, n);
	if (p[n - 1] != '\n' && r->said.len < REASONS_BYTES)
		buf_putc(&r->said, '\n');
}

void
reasons_clear(struct reasons *r)
{
	nametab_fini(&r->table);
	r->known = 0;
	buf_clear(&r->said);
}

void
reasons_fini(struct reasons *r)
{
	reasons_clear(r);
	buf_fini(&r->said);
}

static void
remember(struct reasons *r, const struct buf *name, size_t off, size_t len)
{
	struct reason *it;

	if (nametab_find(&r->table, name->data, name->len) != NULL ||
	    (it = nametab_add(&r->table, name->data, name->len,
	    sizeof(*it))) == NULL)
		return;
	it->off = off;
	it->len = len;
}

/* The lines that have come since. */
static void
learn(struct reasons *r)
{
	const char *start = (const char *)r->said.data, *nl, *p;
	struct buf of = BUF_INIT;
	size_t n;

	for (; r->known < r->said.len; r->known = (size_t)(nl - start) + 1) {
		p = start + r->known;
		if ((nl = memchr(p, '\n', r->said.len - r->known)) == NULL)
			nl = start + r->said.len;
		p = memmem(p, (size_t)(nl - p), ": ", 2);
		if (p == NULL)
			continue;
		p += 2;
		buf_clear(&of);
		n = gnuname_take(p, (size_t)(nl - p), ": ", &of);
		if (n > 0 && of.len > 0 && !of.nomem)
			remember(r, &of, (size_t)(p + n - start),
			    (size_t)(nl - p) - n);
	}
	buf_fini(&of);
}

const char *
reasons_of(struct reasons *r, const char *name, struct buf *out)
{
	const struct reason *it;

	learn(r);
	if ((it = nametab_find(&r->table, name, strlen(name))) == NULL)
		return (NULL);
	buf_clear(out);
	buf_put_printable(out, (const char *)r->said.data + it->off, it->len);
	return (buf_cstr(out));
}
