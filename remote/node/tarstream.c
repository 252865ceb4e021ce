#include <stdlib.h>
#include <string.h>

#include "remote/node/tarstream.h"
#include "remote/quote.h"

#define BUFFER_BYTES ((size_t)128 << 10)
#define STALL_MS 20		/* nothing came for so long: see the header */

/*
 * Names begin with "./", and --null takes them as they are.  Records of 32
 * KiB keep the writes few; hard links among the names are given in full,
 * because a second name may be asked for long after the first.
 */
static const char tar_script[] =
    "cd -- \"$1\" || exit 90\n"
    "exec tar --create --format=posix --sparse --xattrs"
    " --xattrs-include='*' --no-recursion --hard-dereference --null"
    " --files-from=- --ignore-failed-read --quoting-style=escape"
    " --blocking-factor=64 --file=-\n";

struct tarstream {
	struct remote_exec *exec;
	int last;		/* standard input has been ended */
	uint8_t *buf;
	size_t have, used;
	struct tarin head;
	uint64_t left;		/* of the member in the archive */
	size_t padding;		/* behind it */
	size_t segment;		/* of a sparse file, at hand */
	uint64_t pos;		/* in the member's file */
};

struct tarstream *
tarstream_new(struct remote *r, const char *root, struct err *e)
{
	const char *args[] = { root };
	struct buf command = BUF_INIT;
	struct tarstream *t;

	t = calloc(1, sizeof(*t));
	if (t == NULL || (t->buf = malloc(BUFFER_BYTES)) == NULL) {
		err_nomem(e);
		free(t);
		return (NULL);
	}
	tarin_init(&t->head);
	remote_command(&command, tar_script, args, 1);
	if (buf_ok(&command, e) == 0)
		t->exec = remote_exec_new(r, buf_cstr(&command), e);
	buf_fini(&command);
	if (t->exec == NULL) {
		tarstream_free(t);
		return (NULL);
	}
	return (t);
}

void
tarstream_free(struct tarstream *t)
{
	if (t == NULL)
		return;
	remote_exec_free(t->exec);
	tarin_fini(&t->head);
	free(t->buf);
	free(t);
}

int
tarstream_ask(struct tarstream *t, const void *names, size_t len,
    struct err *e)
{
	return (remote_exec_write(t->exec, names, len, e));
}

int
tarstream_last(struct tarstream *t, struct err *e)
{
	if (t->last)
		return (0);
	t->last = 1;
	return (remote_exec_end_input(t->exec, e));
}

int
tarstream_is_last(const struct tarstream *t)
{
	return (t->last);
}

struct buf *
tarstream_said(struct tarstream *t)
{
	return (remote_exec_stderr(t->exec));
}

/* tar has ended before its archive has: say why, if it did. */
static int
broke_off(struct tarstream *t, struct err *e)
{
	struct buf *said = tarstream_said(t), clean = BUF_INIT;
	const char *first = buf_cstr(said), *nl = strchr(first, '\n');
	int status = 0;

	if (remote_exec_wait(t->exec, &status, e) == -1)
		return (-1);
	buf_put_printable(&clean, first, nl != NULL ? (size_t)(nl - first) :
	    strlen(first));
	err_set(e, ERR_FAILED, "tar ended with status %d in the middle of "
	    "its archive: %.300s", status, buf_cstr(&clean));
	buf_fini(&clean);
	return (-1);
}

/* Some bytes, at least one. */
static int
fetch(struct tarstream *t, void *p, size_t len, size_t *got, struct err *e)
{
	ssize_t n;

	for (;;) {
		n = remote_exec_read(t->exec, p, len, t->last ? -1 :
		    STALL_MS, e);
		if (n == -1)
			return (-1);
		*got = (size_t)n;
		if (n > 0)
			return (0);
		if (remote_exec_ended(t->exec))
			return (broke_off(t, e));
		if (!t->last && tarstream_last(t, e) == -1)
			return (-1);
	}
}

/* Exactly len bytes of the archive; large pieces go past the buffer. */
static int
take(struct tarstream *t, void *p, size_t len, struct err *e)
{
	uint8_t *to = p;
	size_t n;

	while (len > 0) {
		if (t->have == t->used && len >= BUFFER_BYTES / 2) {
			if (fetch(t, to, len, &n, e) == -1)
				return (-1);
			to += n;
			len -= n;
			continue;
		}
		if (t->have == t->used) {
			t->used = 0;
			if (fetch(t, t->buf, BUFFER_BYTES, &t->have,
			    e) == -1) {
				t->have = 0;
				return (-1);
			}
		}
		n = t->have - t->used < len ? t->have - t->used : len;
		memcpy(to, t->buf + t->used, n);
		t->used += n;
		to += n;
		len -= n;
	}
	return (0);
}

static int
skip(struct tarstream *t, uint64_t len, struct err *e)
{
	uint8_t waste[4096];
	size_t n;

	for (; len > 0; len -= n) {
		n = len < sizeof(waste) ? (size_t)len : sizeof(waste);
		if (take(t, waste, n, e) == -1)
			return (-1);
	}
	return (0);
}

static int
take_extended(struct tarstream *t, struct err *e)
{
	size_t len = (size_t)t->head.stored;
	uint8_t *p;
	int rc;

	if ((p = malloc(USTAR_PADDED(len) + 1)) == NULL)
		return (err_nomem(e));
	rc = take(t, p, USTAR_PADDED(len), e);
	if (rc == 0)
		rc = tarin_extended(&t->head, p, len, e);
	free(p);
	return (rc);
}

static int
take_map(struct tarstream *t, struct err *e)
{
	uint8_t block[USTAR_BLOCK];
	int rc;

	do {
		if (take(t, block, sizeof(block), e) == -1)
			return (-1);
	} while ((rc = tarin_map(&t->head, block, e)) == 1);
	return (rc);
}

int
tarstream_next(struct tarstream *t, const struct tarin **head,
    struct err *e)
{
	uint8_t block[USTAR_BLOCK];
	enum tarin_next next;

	if (skip(t, t->left + t->padding, e) == -1)
		return (-1);
	t->left = 0;
	t->padding = 0;
	for (;;) {
		if (take(t, block, sizeof(block), e) == -1)
			return (-1);
		next = tarin_block(&t->head, block, e);
		if (next == TARIN_BAD)
			return (-1);
		if (next == TARIN_END)
			return (0);
		if (next == TARIN_MEMBER)
			break;
		if (take_extended(t, e) == -1)
			return (-1);
	}
	t->padding = USTAR_PADDED(t->head.stored % USTAR_BLOCK) -
	    t->head.stored % USTAR_BLOCK;
	if (t->head.sparse && take_map(t, e) == -1)
		return (-1);
	t->left = t->head.stored;
	t->segment = 0;
	t->pos = 0;
	*head = &t->head;
	return (1);
}

/* Contents as they come, up to len. */
static int
take_contents(struct tarstream *t, void *p, size_t len, struct err *e)
{
	if (len > t->left)
		return (err_set(e, ERR_DAMAGED, "tar archive: a file of "
		    "fewer bytes than it says"));
	t->left -= len;
	t->pos += len;
	return (take(t, p, len, e));
}

static int
read_sparse(struct tarstream *t, uint8_t *p, size_t len, struct err *e)
{
	const struct tarin_segment *seg;
	size_t n, count = t->head.segments.len / sizeof(*seg);
	uint64_t gap;

	while (len > 0) {
		seg = (const struct tarin_segment *)(const void *)
		    t->head.segments.data + t->segment;
		if (t->segment < count && t->pos >= seg->off + seg->len) {
			t->segment++;
			continue;
		}
		if (t->segment < count && t->pos >= seg->off) {
			gap = seg->off + seg->len - t->pos;
			n = gap < len ? (size_t)gap : len;
			if (take_contents(t, p, n, e) == -1)
				return (-1);
		} else {
			gap = t->segment < count ? seg->off - t->pos : len;
			n = gap < len ? (size_t)gap : len;
			memset(p, 0, n);
			t->pos += n;
		}
		p += n;
		len -= n;
	}
	return (0);
}

int
tarstream_read(struct tarstream *t, void *p, size_t len, struct err *e)
{
	if (t->head.sparse)
		return (read_sparse(t, p, len, e));
	return (take_contents(t, p, len, e));
}

int
tarstream_wait(struct tarstream *t, int *status, struct err *e)
{
	if (tarstream_last(t, e) == -1)
		return (-1);
	return (remote_exec_wait(t->exec, status, e));
}
