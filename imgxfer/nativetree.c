#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "base/cancel.h"
#include "formats/scan.h"
#include "imgxfer/nativetree.h"
#include "remote/exec.h"
#include "remote/quote.h"

#define STORED_MAX 65535	/* bytes of a stored block, RFC 1951 */
#define COUNT_S 7200

struct sending {
	const struct nativetree *to;
	uint64_t left;		/* of what was counted */
	uint64_t bytes;		/* of it, in all */
	uint32_t crc;
	uint8_t block[5 + STORED_MAX];
	size_t have;		/* behind the block's head */
};

static const char count_script[] =
    "cd -- \"$1\" || exit 90\n"
    "{ find rootimg | cpio --quiet -H newc -o || echo 'cpio failed' >&2; } |\n"
    "    wc -c\n";
static const char send_script[] =
    "cd -- \"$1\" || exit 90\n"
    "find rootimg | cpio --quiet -H newc -o\n";

static int
said(struct remote *r, const char *dir, int status, const struct buf *text,
    struct err *e)
{
	struct buf b = BUF_INIT;

	buf_put_printable(&b, text->data, text->len < 300 ? text->len : 300);
	err_set(e, ERR_FAILED, "%s: %s/rootimg: cannot be packed (status "
	    "%d)%s%s", remote_name(r), dir, status, b.len > 0 ? ": " : "",
	    buf_cstr(&b));
	buf_fini(&b);
	return (-1);
}

static int
count(struct remote *r, const char *dir, uint64_t *bytes, struct err *e)
{
	const char *args[] = { dir };
	struct buf command = BUF_INIT, out = BUF_INIT, errors = BUF_INIT;
	struct remote_io io = { .max = 64, .out = &out, .errors = &errors,
		.limit_s = COUNT_S };
	struct scan s;
	int rc = -1;

	remote_command(&command, count_script, args, 1);
	if (buf_ok(&command, e) == 0)
		rc = remote_run(r, buf_cstr(&command), &io, e);
	s.p = (const char *)out.data;
	s.end = s.p + out.len;
	while (s.p < s.end && *s.p == ' ')
		s.p++;
	if (rc == 0 && (io.status != 0 || errors.len > 0 ||
	    !scan_u64(&s, bytes) || *bytes == 0))
		rc = said(r, dir, io.status, &errors, e);
	buf_fini(&command);
	buf_fini(&out);
	buf_fini(&errors);
	return (rc);
}

static int
put_block(struct sending *s, int last, struct err *e)
{
	s->block[0] = (uint8_t)(last != 0);
	s->block[1] = (uint8_t)s->have;
	s->block[2] = (uint8_t)(s->have >> 8);
	s->block[3] = (uint8_t)~s->block[1];
	s->block[4] = (uint8_t)~s->block[2];
	if (s->to->write(s->to->arg, s->block, 5 + s->have, e) == -1)
		return (-1);
	s->have = 0;
	return (0);
}

static int
take(struct sending *s, const uint8_t *p, size_t len, struct err *e)
{
	size_t n;

	if (len > s->left)
		return (err_set(e, ERR_FAILED, "the tree rootimg grew while "
		    "it was read"));
	s->left -= len;
	s->crc = (uint32_t)crc32(s->crc, p, (uInt)len);
	for (; len > 0; p += n, len -= n) {
		if (s->have == STORED_MAX && put_block(s, 0, e) == -1)
			return (-1);
		n = STORED_MAX - s->have < len ? STORED_MAX - s->have : len;
		memcpy(s->block + 5 + s->have, p, n);
		s->have += n;
	}
	return (0);
}

static int
receive(struct sending *s, struct remote_exec *x, struct err *e)
{
	uint8_t p[65536];
	ssize_t n;

	for (;;) {
		if (cancel_check(e) == -1 ||
		    (n = remote_exec_read(x, p, sizeof(p), -1, e)) == -1)
			return (-1);
		if (n == 0 && remote_exec_ended(x))
			break;
		if (take(s, p, (size_t)n, e) == -1)
			return (-1);
	}
	if (s->left > 0)
		return (err_set(e, ERR_FAILED, "the tree rootimg shrank "
		    "while it was read"));
	return (put_block(s, 1, e));
}

/* RFC 1952: no name, no time, Unix. */
static int
put_head(struct sending *s, struct err *e)
{
	static const uint8_t head[] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3 };
	uint64_t blocks = (s->bytes + STORED_MAX - 1) / STORED_MAX;

	if (s->to->begin(s->to->arg, sizeof(head) + s->bytes + 5 * blocks + 8,
	    e) == -1)
		return (-1);
	return (s->to->write(s->to->arg, head, sizeof(head), e));
}

static int
put_tail(struct sending *s, struct err *e)
{
	uint8_t tail[8];
	size_t i;

	for (i = 0; i < 4; i++) {
		tail[i] = (uint8_t)(s->crc >> 8 * i);
		tail[4 + i] = (uint8_t)(s->bytes >> 8 * i);
	}
	return (s->to->write(s->to->arg, tail, sizeof(tail), e));
}

static int
send_tree(struct sending *s, struct remote *r, const char *dir,
    struct err *e)
{
	const char *args[] = { dir };
	struct buf command = BUF_INIT;
	struct remote_exec *x = NULL;
	int rc = -1, status;

	remote_command(&command, send_script, args, 1);
	if (buf_ok(&command, e) == 0 && put_head(s, e) == 0 &&
	    (x = remote_exec_new(r, buf_cstr(&command), e)) != NULL &&
	    remote_exec_end_input(x, e) == 0 && receive(s, x, e) == 0 &&
	    (rc = remote_exec_wait(x, &status, e)) == 0 &&
	    (status != 0 || remote_exec_stderr(x)->len > 0))
		rc = said(r, dir, status, remote_exec_stderr(x), e);
	remote_exec_free(x);
	buf_fini(&command);
	return (rc == 0 ? put_tail(s, e) : -1);
}

int
nativetree_send(struct remote *r, const char *rootimgdir,
    const struct nativetree *to, struct err *e)
{
	struct sending *s;
	int rc;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return (err_nomem(e));
	s->to = to;
	s->crc = (uint32_t)crc32(0, NULL, 0);
	if ((rc = count(r, rootimgdir, &s->bytes, e)) == 0) {
		s->left = s->bytes;
		rc = send_tree(s, r, rootimgdir, e);
	}
	free(s);
	return (rc);
}
