#include <archive.h>
#include <archive_entry.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define ZLIB_CONST
#include <zlib.h>

#include "imgxfer/outer.h"

#define BLOCK ((size_t)128 << 10)

struct outer {
	const struct source *from;
	unsigned char *block;
	size_t at, len;		/* of what was read of the source */
	int eof;		/* of the source */
	struct err err;		/* of the source, met within libarchive */
	const char *compression, *effort;
	z_stream z;
	int is_gzip, in_member;
	struct archive *archive;	/* neither gzip nor none */
};

static int
refill(struct outer *o, struct err *e)
{
	ssize_t n;

	if (o->at < o->len || o->eof)
		return (0);
	if ((n = o->from->read(o->from->arg, o->block, BLOCK, e)) == -1)
		return (-1);
	o->at = 0;
	o->len = (size_t)n;
	o->eof = n == 0;
	return (0);
}

void
outer_free(struct outer *o)
{
	if (o == NULL)
		return;
	if (o->is_gzip)
		(void)inflateEnd(&o->z);
	if (o->archive != NULL)
		(void)archive_read_free(o->archive);
	free(o->block);
	free(o);
}

static la_ssize_t
give_archive(struct archive *a, void *arg, const void **p)
{
	struct outer *o = arg;
	size_t n;

	(void)a;
	if (refill(o, &o->err) == -1)
		return (-1);
	n = o->len - o->at;
	*p = o->block + o->at;
	o->at = o->len;
	return ((la_ssize_t)n);
}

static int
archive_trouble(struct outer *o, struct err *e)
{
	const char *why = archive_error_string(o->archive);

	if (o->err.kind != ERR_NONE) {
		*e = o->err;
		return (-1);
	}
	return (err_set(e, ERR_DAMAGED, "%s: %.300s", o->from->name,
	    why != NULL ? why : "cannot be unpacked"));
}

static int
open_archive(struct outer *o, struct err *e)
{
	struct archive_entry *ent;

	if ((o->archive = archive_read_new()) == NULL ||
	    archive_read_support_filter_all(o->archive) < ARCHIVE_WARN ||
	    archive_read_support_format_raw(o->archive) != ARCHIVE_OK)
		return (err_nomem(e));
	if (archive_read_open(o->archive, o, NULL, give_archive, NULL) !=
	    ARCHIVE_OK || archive_read_next_header(o->archive, &ent) !=
	    ARCHIVE_OK)
		return (archive_trouble(o, e));
	o->compression = archive_filter_name(o->archive, 0);
	if (strcmp(o->compression, "none") == 0)
		return (err_set(e, ERR_DAMAGED, "%s: neither a tar archive "
		    "nor a compressed one", o->from->name));
	return (0);
}

/* RFC 1952, section 2.3.1: XFL. */
static void
look_at_gzip(struct outer *o)
{
	o->compression = "gzip";
	o->effort = o->block[8] == 2 ? "best" : o->block[8] == 4 ? "fast" :
	    "default";
}

static int
fill_first(struct outer *o, struct err *e)
{
	ssize_t n;

	while (o->len < USHRT_MAX && !o->eof) {
		n = o->from->read(o->from->arg, o->block + o->len,
		    BLOCK - o->len, e);
		if (n == -1)
			return (-1);
		o->len += (size_t)n;
		o->eof = n == 0;
	}
	return (0);
}

static int
open_outer(struct outer *o, struct err *e)
{
	static const unsigned char gzip[] = { 0x1f, 0x8b, 8 };

	if (fill_first(o, e) == -1)
		return (-1);
	if (o->len < 10)
		return (err_set(e, ERR_DAMAGED, "%s: no bundle: it has %zu "
		    "bytes", o->from->name, o->len));
	if (memcmp(o->block, gzip, sizeof(gzip)) == 0) {
		look_at_gzip(o);
		if (inflateInit2(&o->z, 15 + 16) != Z_OK)
			return (err_nomem(e));
		o->is_gzip = o->in_member = 1;
		return (0);
	}
	if (o->len > 262 && memcmp(o->block + 257, "ustar", 5) == 0)
		return (0);
	return (open_archive(o, e));
}

struct outer *
outer_new(const struct source *from, struct err *e)
{
	struct outer *o;

	if ((o = calloc(1, sizeof(*o))) == NULL ||
	    (o->block = malloc(BLOCK)) == NULL) {
		free(o);
		err_nomem(e);
		return (NULL);
	}
	o->from = from;
	o->compression = "none";
	o->effort = "";
	if (open_outer(o, e) == 0)
		return (o);
	outer_free(o);
	return (NULL);
}

/* Members may follow one another, and zeros the last: 1, 0 at the end. */
static int
next_member(struct outer *o, struct err *e)
{
	for (;;) {
		if (refill(o, e) == -1)
			return (-1);
		if (o->at == o->len)
			return (0);
		if (o->block[o->at] == 0x1f)
			break;
		if (o->block[o->at++] != 0)
			return (err_set(e, ERR_DAMAGED, "%s: something "
			    "follows the end of the gzip stream",
			    o->from->name));
	}
	if (inflateReset(&o->z) != Z_OK)
		return (err_set(e, ERR_FAILED, "zlib cannot go on"));
	o->in_member = 1;
	return (1);
}

static ssize_t
read_gzip(struct outer *o, void *p, size_t len, struct err *e)
{
	size_t had;
	int rc = Z_OK;

	o->z.next_out = p;
	o->z.avail_out = (uInt)len;
	while (o->z.avail_out == len) {
		if (!o->in_member && (rc = next_member(o, e)) <= 0)
			return (rc);
		if (refill(o, e) == -1)
			return (-1);
		if (o->at == o->len)
			return (err_set(e, ERR_DAMAGED, "%s: cut off: the "
			    "gzip stream does not end", o->from->name));
		had = o->len - o->at;
		o->z.next_in = o->block + o->at;
		o->z.avail_in = (uInt)had;
		rc = inflate(&o->z, Z_NO_FLUSH);
		o->at += had - o->z.avail_in;
		if (rc == Z_STREAM_END)
			o->in_member = 0;
		else if (rc != Z_OK && rc != Z_BUF_ERROR)
			return (err_set(e, ERR_DAMAGED, "%s: garbled: gzip: "
			    "%s", o->from->name, o->z.msg != NULL ? o->z.msg :
			    "cannot be unpacked"));
	}
	return ((ssize_t)(len - o->z.avail_out));
}

static ssize_t
read_plain(struct outer *o, void *p, size_t len, struct err *e)
{
	size_t n;

	if (refill(o, e) == -1)
		return (-1);
	n = o->len - o->at < len ? o->len - o->at : len;
	memcpy(p, o->block + o->at, n);
	o->at += n;
	return ((ssize_t)n);
}

ssize_t
outer_read(void *outer, void *p, size_t len, struct err *e)
{
	struct outer *o = outer;
	la_ssize_t n;

	if (len > UINT_MAX)
		len = UINT_MAX;
	if (o->is_gzip)
		return (read_gzip(o, p, len, e));
	if (o->archive == NULL)
		return (read_plain(o, p, len, e));
	if ((n = archive_read_data(o->archive, p, len)) < 0)
		return (archive_trouble(o, e));
	return ((ssize_t)n);
}

const char *
outer_compression(const struct outer *o)
{
	return (o->compression);
}

const char *
outer_effort(const struct outer *o)
{
	return (o->effort);
}
