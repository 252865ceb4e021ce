#include "formats/mtree.h"
#include "formats/tarin.h"
#include "tests/fuzz/fuzz.h"

/*
 * An archive as a node sends it.  With an odd first byte each header's magic
 * and checksum are put right, so that the fields behind them are reached.
 */
static void
seal(uint8_t h[USTAR_BLOCK])
{
	memcpy(h + 257, "ustar\00000", 8);
	seal_header(h);
}

static void
check_text(const struct buf *b)
{
	MUST(b->len <= TARIN_NAME_MAX);
	if (b->len > 0)
		MUST(strlen((const char *)b->data) == b->len);
}

/* Each line is an attribute, and they are in order. */
static void
check_xattrs(const struct tarin *t)
{
	struct buf b = BUF_INIT;
	struct err e = { 0 };
	size_t i, lines = 0;

	MUST(tarin_encode_xattrs(&b, t, &e) == 0);
	for (i = 0; i < b.len; i++)
		lines += b.data[i] == '\n';
	MUST(lines == t->nxattrs);
	MUST(b.len == 0 || (memcmp(b.data, "#x ", 3) == 0 &&
	    b.data[b.len - 1] == '\n'));
	buf_fini(&b);
}

static void
check_map(const struct tarin *t)
{
	const void *segments = t->segments.data;
	const struct tarin_segment *seg = segments;
	size_t i, n = t->segments.len / sizeof(*seg);
	uint64_t end = 0, sum = 0;

	for (i = 0; i < n; i++) {
		MUST(seg[i].off >= end);
		end = seg[i].off + seg[i].len;
		MUST(end >= seg[i].off && end <= t->size);
		sum += seg[i].len;
	}
	MUST(sum == t->stored);
}

static void
check_member(const struct tarin *t)
{
	check_text(&t->name);
	check_text(&t->link);
	MUST(t->type >= '0' && t->type <= '6' && t->mode <= 07777);
	MUST(t->mtime_ns < 1000000000 && t->ctime_ns < 1000000000);
	MUST(t->type == '0' || (t->stored == 0 && !t->sparse));
	check_xattrs(t);
}

struct input {
	const uint8_t *p, *end;
	int sealed;
};

/* Exactly so many bytes, in memory of just their length; NULL: no more. */
static uint8_t *
take(struct input *in, uint64_t len)
{
	uint8_t *p;

	if (len > (uint64_t)(in->end - in->p))
		return (NULL);
	p = malloc(len > 0 ? (size_t)len : 1);
	MUST(p != NULL);
	memcpy(p, in->p, (size_t)len);
	in->p += len;
	return (p);
}

static enum tarin_next
header(struct tarin *t, struct input *in, struct err *e)
{
	uint8_t *h = take(in, USTAR_BLOCK);
	enum tarin_next next = TARIN_END;

	if (h == NULL)
		return (TARIN_END);
	if (in->sealed)
		seal(h);
	next = tarin_block(t, h, e);
	if (next == TARIN_BAD)
		must_explain(e, ERR_DAMAGED);
	free(h);
	return (next);
}

static int
extended(struct tarin *t, struct input *in, struct err *e)
{
	size_t len = (size_t)t->stored;
	uint8_t *p;
	int rc;

	MUST(t->stored <= TARIN_EXTENDED_MAX);
	if ((p = take(in, len)) == NULL)
		return (-1);
	if ((rc = tarin_extended(t, p, len, e)) == -1)
		must_explain(e, ERR_DAMAGED);
	free(p);
	p = take(in, USTAR_PADDED(len) - len);
	rc = p == NULL ? -1 : rc;
	free(p);
	return (rc);
}

static int
map(struct tarin *t, struct input *in, struct err *e)
{
	uint8_t *block;
	int rc = 1;

	while (rc == 1 && (block = take(in, USTAR_BLOCK)) != NULL) {
		if ((rc = tarin_map(t, block, e)) == -1)
			must_explain(e, ERR_DAMAGED);
		free(block);
	}
	if (rc == 0)
		check_map(t);
	return (rc);
}

/* A member's contents and padding; 0 when there are no more. */
static int
member(struct tarin *t, struct input *in, struct err *e)
{
	uint64_t left;
	uint8_t *p;

	check_member(t);
	if (t->sparse && map(t, in, e) != 0)
		return (0);
	left = (uint64_t)(in->end - in->p);
	if (t->stored > left)
		return (0);
	left = USTAR_PADDED((size_t)t->stored);
	if ((p = take(in, left)) == NULL)
		return (0);
	free(p);
	return (1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data + 1, data + size, 0 };
	struct err e = { 0 };
	enum tarin_next next;
	struct tarin t;

	if (size == 0)
		return (0);
	in.sealed = data[0] & 1;
	tarin_init(&t);
	while ((next = header(&t, &in, &e)) > TARIN_END)
		if (next == TARIN_EXTENDED ? extended(&t, &in, &e) == -1 :
		    !member(&t, &in, &e))
			break;
	tarin_fini(&t);
	return (0);
}
