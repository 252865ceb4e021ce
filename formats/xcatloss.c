#include <string.h>

#include "formats/xcatloss.h"

static int
is_blank(uint8_t c)
{
	return (c == ' ' || (c >= '\t' && c <= '\r'));
}

/*
 * tabrestore takes lines one by one and cuts the blanks at the end of all
 * that it has of a value so far, newlines among them, before it appends the
 * next; the last line has the closing quote behind it and loses nothing.
 */
static unsigned
end_line(struct buf *out, size_t begin)
{
	unsigned loss = 0;
	uint8_t c;

	for (; out->len > begin; out->len--) {
		c = out->data[out->len - 1];
		if (!is_blank(c))
			break;
		loss |= c == '\n' ? XCATLOSS_LINES : XCATLOSS_BLANKS;
	}
	buf_putc(out, '\n');
	return (loss);
}

unsigned
xcatloss_apply(struct buf *out, const struct span *value)
{
	const char *p = value->p, *end = p + value->len;
	size_t begin = out->len;
	unsigned loss = 0;

	/* The lines travel as XML, which knows no CR. */
	for (; p < end; p++) {
		if (*p == '\r') {
			loss |= XCATLOSS_CR;
			if (p + 1 < end && p[1] == '\n')
				continue;
			buf_putc(out, '\n');
		} else if (*p == '\n')
			loss |= end_line(out, begin);
		else
			buf_putc(out, *p);
	}
	return (loss);
}

unsigned
xcatloss_settle(struct buf *out, const struct span *value)
{
	struct buf once = BUF_INIT;
	struct span sp;
	unsigned loss;

	/* What it makes has no CR, and then nothing is left to change. */
	if (value->len == 0 || memchr(value->p, '\r', value->len) == NULL)
		return (xcatloss_apply(out, value));
	loss = xcatloss_apply(&once, value);
	sp.p = (const char *)once.data;
	sp.len = once.len;
	out->nomem |= once.nomem;
	loss |= xcatloss_apply(out, &sp);
	buf_fini(&once);
	return (loss);
}

int
xcatloss_explains(const struct span *was, const struct span *now,
    unsigned *loss)
{
	struct buf b = BUF_INIT;
	int same;

	*loss = xcatloss_apply(&b, was);
	same = !b.nomem && b.len == now->len &&
	    (b.len == 0 || memcmp(b.data, now->p, b.len) == 0);
	buf_fini(&b);
	return (same);
}

const char *
xcatloss_name(enum xcatloss loss)
{
	switch (loss) {
	case XCATLOSS_CR:
		return ("carriage returns");
	case XCATLOSS_BLANKS:
		return ("blanks at line ends");
	default:
		return ("blank lines");
	}
}
