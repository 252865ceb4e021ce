#include <string.h>

#include "formats/gnutar.h"

#define BLOCK 512
#define RECORD 10240
#define NAME_MAX_BYTES 100

/* Octal digits and a NUL where they fit, else GNU's binary form. */
static void
put_number(uint8_t *p, size_t len, uint64_t v)
{
	uint64_t left = v;
	size_t i;

	for (i = len - 1; i-- > 0; left >>= 3)
		p[i] = (uint8_t)('0' + (left & 7));
	p[len - 1] = '\0';
	if (left == 0)
		return;
	for (i = len; i-- > 0; v >>= 8)
		p[i] = (uint8_t)v;
	p[0] = 0x80;
}

static void
put_header(struct buf *out, const struct gnutar_member *m, char type,
    size_t name_len)
{
	uint8_t h[BLOCK];
	unsigned sum = 0;
	size_t i;

	memset(h, 0, sizeof(h));
	memcpy(h, m->name, name_len < NAME_MAX_BYTES ? name_len :
	    NAME_MAX_BYTES);
	put_number(h + 100, 8, m->mode & 07777);
	put_number(h + 108, 8, 0);
	put_number(h + 116, 8, 0);
	put_number(h + 124, 12, m->size);
	put_number(h + 136, 12, m->mtime > 0 ? (uint64_t)m->mtime : 0);
	memset(h + 148, ' ', 8);
	h[156] = (uint8_t)type;
	memcpy(h + 257, "ustar  ", 8);
	memcpy(h + 265, "root", 4);
	memcpy(h + 297, "root", 4);
	for (i = 0; i < sizeof(h); i++)
		sum += h[i];
	/* Six digits, a NUL, and the blank that is there. */
	put_number(h + 148, 7, sum);
	buf_append(out, h, sizeof(h));
}

static void
put_zeros(struct buf *out, size_t n)
{
	uint8_t *p = buf_reserve(out, n);

	if (p == NULL)
		return;
	memset(p, 0, n);
	buf_advance(out, n);
}

int
gnutar_encode(struct buf *out, const struct gnutar_member *m, struct err *e)
{
	struct gnutar_member longer = { .name = "././@LongLink" };
	size_t n = strlen(m->name);

	if (n > NAME_MAX_BYTES) {
		longer.mode = 0644;
		longer.size = n + 1;
		put_header(out, &longer, 'L', strlen(longer.name));
		buf_append(out, m->name, n + 1);
		put_zeros(out, -(n + 1) & (BLOCK - 1));
	}
	put_header(out, m, m->is_dir ? '5' : '0', n);
	return (buf_ok(out, e));
}

void
gnutar_encode_end(struct buf *out, uint64_t bytes)
{
	size_t over = (size_t)((bytes + 2 * BLOCK) % RECORD);

	put_zeros(out, 2 * BLOCK + (over > 0 ? RECORD - over : 0));
}
