#include <stdlib.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>
#include <isa-l/igzip_lib.h>

#include "imgxfer/unpack.h"

struct unpack {
	struct pull *in;
	const char *form;
	uint64_t start, out;	/* in->taken when it began; bytes given */
	int done;
	struct err failed;	/* what every further read says */
	/* gzip */
	struct inflate_state *z;
	int open;		/* within a member */
	unsigned members;
	uint64_t zeros;
	/* the others */
	struct archive *a;
	size_t lent;		/* of in, given to libarchive */
	const uint8_t *block;	/* libarchive's */
	size_t left;
	struct err *e;		/* of the read that is going on */
	int in_failed;
};

static const struct form {
	const char *name, *magic;
	size_t len;
} forms[] = {
	{ "gzip", "\x1f\x8b", 2 },
	{ "xz", "\xfd" "7zXZ\0", 6 },
	{ "zstd", "\x28\xb5\x2f\xfd", 4 },
	{ "bzip2", "BZh", 3 },
	{ "lzma", "\x5d\0\0", 3 },
	{ "lz4", "\x04\x22\x4d\x18", 4 },
};

static const char *
form_of(const uint8_t *p, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (len >= forms[i].len &&
		    memcmp(p, forms[i].magic, forms[i].len) == 0)
			return (forms[i].name);
	return ("none");
}

/*
 * The dictionary that an xz stream asks for (The .xz File Format, 2.1, 3.1
 * and 5.3.1): the last filter of the first block is LZMA2, whose property is
 * one byte.  0 when it cannot be told.
 */
static uint64_t
xz_window(const uint8_t *p, size_t len)
{
	size_t at, end;

	if (len < 24 || p[12] == 0)
		return (0);
	end = 12 + ((size_t)p[12] + 1) * 4 - 4;
	if (end > len)
		end = len;
	for (at = 14; at + 2 < end; at++)
		if (p[at] == 0x21 && p[at + 1] == 1 && p[at + 2] <= 40)
			return (p[at + 2] == 40 ? UINT32_MAX :
			    (uint64_t)(2 | (p[at + 2] & 1)) <<
			    (p[at + 2] / 2 + 11));
	return (0);
}

static la_ssize_t
lend(struct archive *a, void *arg, const void **block)
{
	struct unpack *u = arg;
	const uint8_t *data;
	ssize_t n;

	(void)a;
	pull_skip(u->in, u->lent);
	u->lent = 0;
	if ((n = pull_peek(u->in, 1, &data, u->e)) == -1) {
		u->in_failed = 1;
		return (-1);
	}
	*block = data;
	u->lent = (size_t)n;
	return (n);
}

static int
filter_error(struct unpack *u, const char *what, struct err *e)
{
	const char *why = archive_error_string(u->a);

	if (u->in_failed)
		return (-1);	/* e says so */
	return (err_set(e, ERR_DAMAGED, "%s %s%s%s", u->form, what,
	    why != NULL ? ": " : "", why != NULL ? why : ""));
}

static int
filter_open(struct unpack *u, struct err *e)
{
	struct archive_entry *ent;

	if ((u->a = archive_read_new()) == NULL)
		return (err_nomem(e));
	u->e = e;
	/* Just the one that was seen: bytes within stay as they are. */
	if (strcmp(u->form, "xz") == 0)
		archive_read_support_filter_xz(u->a);
	else if (strcmp(u->form, "zstd") == 0)
		archive_read_support_filter_zstd(u->a);
	else if (strcmp(u->form, "bzip2") == 0)
		archive_read_support_filter_bzip2(u->a);
	else if (strcmp(u->form, "lzma") == 0)
		archive_read_support_filter_lzma(u->a);
	else
		archive_read_support_filter_lz4(u->a);
	archive_read_support_format_raw(u->a);
	archive_read_support_format_empty(u->a);
	if (archive_read_open(u->a, u, NULL, lend, NULL) != ARCHIVE_OK)
		return (filter_error(u, "stream is cut off or garbled", e));
	switch (archive_read_next_header(u->a, &ent)) {
	case ARCHIVE_OK:
	case ARCHIVE_WARN:
		return (0);
	case ARCHIVE_EOF:
		u->done = 1;
		return (0);
	default:
		return (filter_error(u, "stream is cut off or garbled", e));
	}
}

static ssize_t
filter_read(struct unpack *u, void *p, size_t len, struct err *e)
{
	const void *block;
	la_int64_t off;
	int rc;

	u->e = e;
	while (u->left == 0) {
		rc = archive_read_data_block(u->a, &block, &u->left, &off);
		if (rc == ARCHIVE_EOF)
			return (0);
		if (rc != ARCHIVE_OK) {
			u->left = 0;
			return (filter_error(u, "stream is cut off or "
			    "garbled", e));
		}
		u->block = block;
	}
	if (len > u->left)
		len = u->left;
	memcpy(p, u->block, len);
	u->block += len;
	u->left -= len;
	return ((ssize_t)len);
}

static int
gunzip_open(struct unpack *u, struct err *e)
{
	if ((u->z = calloc(1, sizeof(*u->z))) == NULL)
		return (err_nomem(e));
	return (0);
}

/* Between members: another one, or the end, before which zeros may lie. */
static int
gunzip_next(struct unpack *u, struct err *e)
{
	const uint8_t *p;
	ssize_t n;
	size_t i;

	for (;;) {
		if ((n = pull_peek(u->in, 2, &p, e)) == -1)
			return (-1);
		if (n == 0) {
			u->done = 1;
			return (0);
		}
		if (p[0] == 0x1f && (n == 1 || p[1] == 0x8b) &&
		    u->zeros == 0) {
			isal_inflate_init(u->z);
			u->z->crc_flag = ISAL_GZIP;
			u->open = 1;
			u->members++;
			return (0);
		}
		for (i = 0; i < (size_t)n && p[i] == 0; i++)
			;
		if (i == 0)
			return (err_set(e, ERR_DAMAGED, "bytes behind the "
			    "end of the gzip stream"));
		u->zeros += i;
		pull_skip(u->in, i);
	}
}

static const char *
gunzip_why(int rc)
{
	switch (rc) {
	case ISAL_INCORRECT_CHECKSUM:
		return ("its checksum is not that of its bytes");
	case ISAL_INVALID_WRAPPER:
	case ISAL_UNSUPPORTED_METHOD:
		return ("its header is garbled");
	default:
		return ("it is garbled");
	}
}

static ssize_t
gunzip_read(struct unpack *u, void *to, size_t len, struct err *e)
{
	struct inflate_state *z = u->z;
	const uint8_t *p;
	ssize_t n;
	size_t got;
	int rc;

	if (len > UINT32_MAX)
		len = UINT32_MAX;
	for (;;) {
		if (!u->open && (gunzip_next(u, e) == -1))
			return (-1);
		if (u->done)
			return (0);
		if ((n = pull_peek(u->in, 1, &p, e)) == -1)
			return (-1);
		/* next_in is not const there, and not written to. */
		memcpy(&z->next_in, &p, sizeof(p));
		z->avail_in = (uint32_t)n;
		z->next_out = to;
		z->avail_out = (uint32_t)len;
		rc = isal_inflate(z);
		got = len - z->avail_out;
		if (rc != ISAL_DECOMP_OK)
			return (err_set(e, ERR_DAMAGED, "gzip stream: %s",
			    gunzip_why(rc)));
		pull_skip(u->in, (size_t)n - z->avail_in);
		if (z->block_state == ISAL_BLOCK_FINISH)
			u->open = 0;
		else if (n == 0 && got == 0)
			return (err_set(e, ERR_DAMAGED, "gzip stream: it is "
			    "cut off"));
		if (got > 0)
			return ((ssize_t)got);
	}
}

static ssize_t
plain_read(struct unpack *u, void *to, size_t len, struct err *e)
{
	struct source s = pull_source(u->in);

	return (s.read(s.arg, to, len, e));
}

static ssize_t
unpack_read(void *arg, void *p, size_t len, struct err *e)
{
	struct unpack *u = arg;
	uint64_t packed;
	ssize_t n;

	if (u->failed.kind != ERR_NONE) {
		*e = u->failed;
		return (-1);
	}
	if (u->done)
		return (0);
	if (u->a != NULL)
		n = filter_read(u, p, len, e);
	else if (u->z != NULL)
		n = gunzip_read(u, p, len, e);
	else
		n = plain_read(u, p, len, e);
	packed = u->in->taken - u->start + u->lent;
	if (n > 0) {
		u->out += (uint64_t)n;
		if (u->out > UNPACK_FLOOR && u->out / UNPACK_RATIO > packed)
			n = err_set(e, ERR_DAMAGED, "a bomb: %llu bytes "
			    "unpack to more than %llu",
			    (unsigned long long)packed,
			    (unsigned long long)u->out);
	}
	u->done = n == 0;
	if (n == -1)
		u->failed = *e;
	return (n);
}

struct unpack *
unpack_new(struct pull *p, struct err *e)
{
	struct unpack *u;
	const uint8_t *head;
	ssize_t n;
	int rc = 0;

	if ((n = pull_peek(p, 64, &head, e)) == -1)
		return (NULL);
	if ((u = calloc(1, sizeof(*u))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	u->in = p;
	u->start = p->taken;
	u->form = form_of(head, (size_t)n);
	if (strcmp(u->form, "gzip") == 0)
		rc = gunzip_open(u, e);
	else if (strcmp(u->form, "xz") == 0 &&
	    xz_window(head, (size_t)n) > UNPACK_WINDOW)
		rc = err_set(e, ERR_DAMAGED, "xz stream: it asks for a "
		    "dictionary of more than %llu MiB",
		    (unsigned long long)(UNPACK_WINDOW >> 20));
	else if (strcmp(u->form, "none") != 0)
		rc = filter_open(u, e);
	/* What is wrong with the bytes, the first read will say. */
	if (rc == -1 && e->kind == ERR_DAMAGED)
		u->failed = *e;
	else if (rc == -1) {
		unpack_free(u);
		return (NULL);
	}
	return (u);
}

void
unpack_free(struct unpack *u)
{
	if (u == NULL)
		return;
	if (u->a != NULL)
		archive_read_free(u->a);
	free(u->z);
	free(u);
}

struct source
unpack_source(struct unpack *u)
{
	struct source s = { u->in->from->name, unpack_read, u };

	return (s);
}

const char *
unpack_form(const struct unpack *u)
{
	return (u->form);
}

unsigned
unpack_members(const struct unpack *u)
{
	return (u->members);
}

uint64_t
unpack_zeros(const struct unpack *u)
{
	return (u->zeros);
}

int
unpack_whole(const struct unpack *u)
{
	return (u->members > 0 && !u->open);
}
