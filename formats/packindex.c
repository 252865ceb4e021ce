#include <stdlib.h>
#include <string.h>

#include "formats/frame.h"
#include "formats/packindex.h"
#include "formats/scan.h"
#include "formats/ustar.h"

void
packindex_fini(struct packindex *x)
{
	free(x->frames);
	free(x->blobs);
	memset(x, 0, sizeof(*x));
}

/* Room for one more element: capacities are the powers of two from 64. */
static void *
grown(void *p, size_t n, size_t size)
{
	if (n == 0)
		return (realloc(p, 64 * size));
	if (n < 64 || (n & (n - 1)) != 0)
		return (p);
	return (realloc(p, 2 * n * size));
}

int
packindex_add_frame(struct packindex *x, uint64_t off, uint32_t stored,
    uint32_t raw, struct err *e)
{
	struct packindex_frame *f;

	f = grown(x->frames, x->nframes, sizeof(*f));
	if (f == NULL)
		return (err_nomem(e));
	x->frames = f;
	f += x->nframes++;
	f->off = off;
	f->stored = stored;
	f->raw = raw;
	f->first = (uint32_t)x->nblobs;
	f->count = 0;
	return (0);
}

int
packindex_add_blob(struct packindex *x, const uint8_t id[DIGEST_LEN],
    uint32_t len, struct err *e)
{
	struct packindex_frame *f = &x->frames[x->nframes - 1];
	struct packindex_blob *b;
	uint64_t off = USTAR_BLOCK;

	b = grown(x->blobs, x->nblobs, sizeof(*b));
	if (b == NULL)
		return (err_nomem(e));
	x->blobs = b;
	b += x->nblobs;
	if (f->count > 0)
		off += (uint64_t)b[-1].off + USTAR_PADDED(b[-1].len);
	if (off + USTAR_PADDED(len) > FRAME_RAW_MAX)
		return (err_set(e, ERR_DAMAGED, "frame is too long"));
	memcpy(b->id, id, DIGEST_LEN);
	b->frame = (uint32_t)(x->nframes - 1);
	b->off = (uint32_t)off;
	b->len = len;
	x->nblobs++;
	f->count++;
	return (0);
}

void
packindex_encode(struct buf *out, const struct packindex *x)
{
	const struct packindex_frame *f;
	const struct packindex_blob *b;
	size_t i, j;

	buf_puts(out, x->kind == PACK_CATALOG ?
	    "# xcatvault pack 1 catalog\n" : "# xcatvault pack 1 data\n");
	for (i = 0; i < x->nframes; i++) {
		f = &x->frames[i];
		buf_puts(out, "# frame ");
		buf_putu(out, f->off);
		buf_putc(out, ' ');
		buf_putu(out, f->stored);
		buf_putc(out, ' ');
		buf_putu(out, f->raw);
		for (j = f->first; j < f->first + f->count; j++) {
			buf_putc(out, ' ');
			buf_putu(out, x->blobs[j].len);
		}
		buf_putc(out, '\n');
		for (j = f->first; j < f->first + f->count; j++) {
			b = &x->blobs[j];
			digest_put(out, b->id);
			buf_puts(out, "  ");
			buf_putu(out, j);
			buf_putc(out, '\n');
		}
	}
}

static int
bad(struct err *e, const char *what)
{
	return (err_set(e, ERR_DAMAGED, "INDEX: %s", what));
}

/*
 * One "# frame" line and the lines of its blobs.  The lengths come before
 * the ids, so two scanners walk side by side.
 */
static int
decode_frame(struct packindex *x, struct scan *s, struct err *e)
{
	struct packindex_frame *f;
	uint8_t id[DIGEST_LEN];
	uint64_t off, stored, raw, len, number, end = 0;
	struct scan lens;

	if (!scan_text(s, "# frame ") || !scan_u64(s, &off) ||
	    !scan_char(s, ' ') || !scan_u64(s, &stored) ||
	    !scan_char(s, ' ') || !scan_u64(s, &raw))
		return (bad(e, "bad frame line"));
	if (x->nframes > 0) {
		f = &x->frames[x->nframes - 1];
		end = f->off + f->stored;
	}
	if (off != end || stored == 0 || raw > FRAME_RAW_MAX ||
	    stored > frame_bound(raw))
		return (bad(e, "frame does not follow the one before"));
	if (packindex_add_frame(x, off, (uint32_t)stored, (uint32_t)raw,
	    e) == -1)
		return (-1);
	lens = *s;
	if (!scan_line(s))
		return (bad(e, "unfinished line"));
	while (scan_char(&lens, ' ')) {
		if (!scan_u64(&lens, &len) || len == 0 || len > BLOB_MAX ||
		    !scan_digest(s, id) || !scan_text(s, "  ") ||
		    !scan_u64(s, &number) || !scan_char(s, '\n') ||
		    number != x->nblobs)
			return (bad(e, "bad blob line"));
		if (packindex_add_blob(x, id, (uint32_t)len, e) == -1)
			return (-1);
	}
	if (!scan_char(&lens, '\n') || x->nblobs == 0)
		return (bad(e, "bad list of lengths"));
	f = &x->frames[x->nframes - 1];
	if (f->count == 0 || x->blobs[x->nblobs - 1].off +
	    USTAR_PADDED(x->blobs[x->nblobs - 1].len) != f->raw)
		return (bad(e, "lengths do not add up to the frame"));
	return (0);
}

int
packindex_decode(struct packindex *x, const void *text, size_t len,
    uint64_t data_bytes, struct err *e)
{
	struct packindex_frame *f;
	struct scan s = { text, (const char *)text + len };

	memset(x, 0, sizeof(*x));
	if (scan_text(&s, "# xcatvault pack 1 data\n"))
		x->kind = PACK_DATA;
	else if (scan_text(&s, "# xcatvault pack 1 catalog\n"))
		x->kind = PACK_CATALOG;
	else
		return (bad(e, "not of a version known here"));
	while (s.p < s.end)
		if (decode_frame(x, &s, e) == -1)
			goto fail;
	f = x->nframes > 0 ? &x->frames[x->nframes - 1] : NULL;
	if (f == NULL || f->off + f->stored != data_bytes) {
		bad(e, "frames do not fill the pack");
		goto fail;
	}
	return (0);
fail:
	packindex_fini(x);
	return (-1);
}
