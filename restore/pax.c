#include <stdio.h>
#include <string.h>

#include "restore/pax.h"

/* The ustar header; POSIX, pax, "ustar Interchange Format". */
enum {
	AT_NAME = 0, AT_MODE = 100, AT_UID = 108, AT_GID = 116,
	AT_SIZE = 124, AT_MTIME = 136, AT_SUM = 148, AT_TYPE = 156,
	AT_LINK = 157, AT_MAGIC = 257, AT_MAJOR = 329, AT_MINOR = 337,
};
#define NAME_MAX_LEN 100	/* bytes of AT_NAME and of AT_LINK */
#define ID_MAX 07777777u	/* what seven octal digits hold */
#define SIZE_MAX_LEN 077777777777ull	/* and eleven */

/* The value of a system.posix_acl_* attribute; linux/posix_acl_xattr.h. */
#define ACL_VERSION 2
#define ACL_HEAD_LEN 4
#define ACL_ENTRY_LEN 8

static size_t
digits(size_t n)
{
	size_t d;

	for (d = 1; n >= 10; d++)
		n /= 10;
	return (d);
}

/* "LENGTH KEYWORD=VALUE\n", where the length counts itself. */
static void
put_record(struct buf *out, const char *key, const void *value, size_t len)
{
	size_t rest = strlen(key) + len + 3, total;

	total = rest + digits(rest);
	total = rest + digits(total);
	buf_putu(out, total);
	buf_putc(out, ' ');
	buf_puts(out, key);
	buf_putc(out, '=');
	buf_append(out, value, len);
	buf_putc(out, '\n');
}

static void
put_number(struct buf *out, const char *key, uint64_t v)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%llu", (unsigned long long)v);

	put_record(out, key, text, (size_t)n);
}

/* A decimal number: catalog times count up from a floored second. */
static void
put_time(struct buf *out, int64_t sec, uint32_t ns)
{
	const char *sign = sec < 0 ? "-" : "";
	uint64_t s = (uint64_t)sec;
	char text[40];
	size_t n;

	if (sec < 0) {
		s = 0 - s;
		if (ns > 0) {
			s--;
			ns = 1000000000u - ns;
		}
	}
	n = (size_t)snprintf(text, sizeof(text), "%s%llu.%09u", sign,
	    (unsigned long long)s, ns);
	while (text[n - 1] == '0')
		n--;
	if (text[n - 1] == '.')
		n--;
	put_record(out, "mtime", text, n);
}

static int
is_ascii(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if ((uint8_t)s[i] >= 0x80)
			return (0);
	return (1);
}

static uint32_t
get16(const uint8_t *p)
{
	return (p[0] | (uint32_t)p[1] << 8);
}

static uint32_t
get32(const uint8_t *p)
{
	return (get16(p) | get16(p + 2) << 16);
}

/* "user:" and the like for a tag of an ACL entry; named: it has an id. */
static const char *
acl_tag(uint32_t tag, int *named)
{
	*named = tag == 0x02 || tag == 0x08;
	switch (tag) {
	case 0x01:
	case 0x02:
		return ("user:");
	case 0x04:
	case 0x08:
		return ("group:");
	case 0x10:
		return ("mask:");
	case 0x20:
		return ("other:");
	default:
		return (NULL);
	}
}

/* An ACL in the text form of acl(5), ids as numbers.  0, or -1: not one. */
static int
acl_text(struct buf *out, const struct buf *value)
{
	const uint8_t *p = value->data, *end;
	const char *tag;
	uint32_t perm;
	int named;

	if (value->len <= ACL_HEAD_LEN || get32(p) != ACL_VERSION ||
	    (value->len - ACL_HEAD_LEN) % ACL_ENTRY_LEN != 0)
		return (-1);
	end = p + value->len;
	for (p += ACL_HEAD_LEN; p < end; p += ACL_ENTRY_LEN) {
		tag = acl_tag(get16(p), &named);
		perm = get16(p + 2);
		if (tag == NULL || perm > 7)
			return (-1);
		if (out->len > 0)
			buf_putc(out, ',');
		buf_puts(out, tag);
		if (named)
			buf_putu(out, get32(p + 4));
		buf_putc(out, ':');
		buf_putc(out, perm & 4 ? 'r' : '-');
		buf_putc(out, perm & 2 ? 'w' : '-');
		buf_putc(out, perm & 1 ? 'x' : '-');
	}
	return (0);
}

static void
put_acl_or_xattr(struct buf *out, const struct buf *name,
    const struct buf *value, struct buf *tmp)
{
	const char *n = (const char *)name->data, *key = NULL;
	size_t i;

	if (strcmp(n, "system.posix_acl_access") == 0)
		key = "SCHILY.acl.access";
	else if (strcmp(n, "system.posix_acl_default") == 0)
		key = "SCHILY.acl.default";
	buf_clear(tmp);
	if (key != NULL && acl_text(tmp, value) == 0) {
		put_record(out, key, tmp->data, tmp->len);
		return;
	}
	buf_clear(tmp);
	buf_puts(tmp, "SCHILY.xattr.");
	for (i = 0; i < name->len; i++) {
		/* As GNU tar escapes what would end the keyword. */
		if (n[i] == '=' || n[i] == '%')
			buf_printf(tmp, "%%%02X", n[i]);
		else
			buf_putc(tmp, n[i]);
	}
	put_record(out, buf_cstr(tmp), value->data, value->len);
	if (tmp->nomem)
		out->nomem = 1;
}

static int
put_xattrs(struct buf *out, const struct entry *ent, struct err *e)
{
	struct buf name = BUF_INIT, value = BUF_INIT, tmp = BUF_INIT;
	struct scan s = mtree_scan(&ent->xattrs);
	int rc;

	while ((rc = mtree_next_xattr(&s, &name, &value, e)) == 1)
		put_acl_or_xattr(out, &name, &value, &tmp);
	buf_fini(&name);
	buf_fini(&value);
	buf_fini(&tmp);
	return (rc);
}

static int
is_sparse(const struct pax_member *m)
{
	return (!m->hard && m->ent->holes.len > 0);
}

void
pax_round_holes(struct buf *out, const struct entry *ent)
{
	const uint64_t mask = PAX_BLOCK - 1;
	struct scan s = mtree_scan(&ent->holes);
	uint64_t off, len, end;

	buf_clear(out);
	while (s.p < s.end && mtree_next_hole(&s, &off, &len)) {
		end = off + len;
		off = (off + mask) & ~mask;
		if (end < ent->size)
			end &= ~mask;
		if (off >= end)
			continue;
		if (out->len > 0)
			buf_putc(out, ' ');
		buf_putu(out, off);
		buf_putc(out, ' ');
		buf_putu(out, end - off);
	}
}

uint64_t
pax_content_bytes(const struct entry *ent)
{
	struct scan s = mtree_scan(&ent->holes);
	uint64_t off, len, bytes = ent->size;

	while (s.p < s.end && mtree_next_hole(&s, &off, &len))
		bytes -= len;
	return (bytes);
}

size_t
pax_padding(uint64_t bytes)
{
	return ((size_t)(0 - bytes) & (PAX_BLOCK - 1));
}

static void
put_zeros(struct buf *out, size_t len)
{
	uint8_t *p = buf_reserve(out, len);

	if (p == NULL)
		return;
	memset(p, 0, len);
	buf_advance(out, len);
}

/* "COUNT\nOFFSET\nLENGTH\n..." of the pieces that are not holes. */
static void
put_map(struct buf *out, const struct entry *ent)
{
	struct scan s = mtree_scan(&ent->holes);
	struct buf pieces = BUF_INIT;
	uint64_t at = 0, off, len, count = 0;
	size_t start = out->len;

	while (s.p < s.end && mtree_next_hole(&s, &off, &len)) {
		if (off > at) {
			buf_printf(&pieces, "%llu\n%llu\n",
			    (unsigned long long)at,
			    (unsigned long long)(off - at));
			count++;
		}
		at = off + len;
	}
	/* The last piece, of no bytes if need be, tells where the end is. */
	buf_printf(&pieces, "%llu\n%llu\n", (unsigned long long)at,
	    (unsigned long long)(ent->size - at));
	buf_putu(out, count + 1);
	buf_putc(out, '\n');
	buf_append(out, pieces.data, pieces.len);
	if (pieces.nomem)
		out->nomem = 1;
	put_zeros(out, pax_padding(out->len - start));
	buf_fini(&pieces);
}

/* All records that the member needs; stored: bytes that follow its header. */
static int
put_records(struct buf *out, const struct pax_member *m, const char *name,
    size_t name_len, uint64_t stored, struct err *e)
{
	const struct entry *ent = m->ent;
	int device = ent->type == ENTRY_CHAR || ent->type == ENTRY_BLOCK;

	if (is_sparse(m)) {
		put_number(out, "GNU.sparse.major", 1);
		put_number(out, "GNU.sparse.minor", 0);
		if (is_ascii(name, name_len))
			put_record(out, "GNU.sparse.name", name, name_len);
		put_number(out, "GNU.sparse.realsize", ent->size);
	} else if (name_len > NAME_MAX_LEN && is_ascii(name, name_len))
		put_record(out, "path", name, name_len);
	if (m->link_len > NAME_MAX_LEN && is_ascii(m->link, m->link_len))
		put_record(out, "linkpath", m->link, m->link_len);
	if (stored > SIZE_MAX_LEN)
		put_number(out, "size", stored);
	if (ent->uid > ID_MAX)
		put_number(out, "uid", ent->uid);
	if (ent->gid > ID_MAX)
		put_number(out, "gid", ent->gid);
	if (device && ent->major > ID_MAX)
		put_number(out, "SCHILY.devmajor", ent->major);
	if (device && ent->minor > ID_MAX)
		put_number(out, "SCHILY.devminor", ent->minor);
	if (ent->mtime_ns != 0 || ent->mtime < 0 ||
	    (uint64_t)ent->mtime > SIZE_MAX_LEN)
		put_time(out, ent->mtime, ent->mtime_ns);
	return (m->hard ? 0 : put_xattrs(out, ent, e));
}

/* Octal digits that fill a field of len bytes up to its NUL. */
static void
set_octal(uint8_t *field, size_t len, uint64_t v)
{
	field[--len] = '\0';
	for (; len > 0; v >>= 3)
		field[--len] = (uint8_t)('0' + (v & 7));
}

static void
set_sum(uint8_t h[PAX_BLOCK])
{
	unsigned sum = 0;
	size_t i;

	memset(h + AT_SUM, ' ', 8);
	for (i = 0; i < PAX_BLOCK; i++)
		sum += h[i];
	set_octal(h + AT_SUM, 7, sum);
}

static char
type_flag(const struct pax_member *m)
{
	static const char flags[] = {
		[ENTRY_DIR] = '5', [ENTRY_FILE] = '0', [ENTRY_LINK] = '2',
		[ENTRY_CHAR] = '3', [ENTRY_BLOCK] = '4', [ENTRY_FIFO] = '6',
	};

	return (m->hard ? '1' : flags[m->ent->type]);
}

static void
copy_name(uint8_t *field, const char *name, size_t len)
{
	memcpy(field, name, len < NAME_MAX_LEN ? len : NAME_MAX_LEN);
}

/* What does not fit is 0 or cut here, and right in the records. */
static void
put_header(struct buf *out, const struct pax_member *m, const char *name,
    size_t name_len, uint64_t stored)
{
	static const char sparse[] = "./GNUSparseFile.0/file";
	const struct entry *ent = m->ent;
	uint64_t mtime = ent->mtime < 0 ? 0 : (uint64_t)ent->mtime;
	uint8_t h[PAX_BLOCK] = { 0 };

	/* So that nobody takes a sparse file's map for its contents. */
	if (is_sparse(m) && is_ascii(name, name_len))
		copy_name(h + AT_NAME, sparse, sizeof(sparse) - 1);
	else
		copy_name(h + AT_NAME, name, name_len);
	copy_name(h + AT_LINK, m->link, m->link_len);
	set_octal(h + AT_MODE, 8, ent->mode);
	set_octal(h + AT_UID, 8, ent->uid > ID_MAX ? 0 : ent->uid);
	set_octal(h + AT_GID, 8, ent->gid > ID_MAX ? 0 : ent->gid);
	set_octal(h + AT_SIZE, 12, stored > SIZE_MAX_LEN ? 0 : stored);
	set_octal(h + AT_MTIME, 12, mtime > SIZE_MAX_LEN ? 0 : mtime);
	h[AT_TYPE] = (uint8_t)type_flag(m);
	memcpy(h + AT_MAGIC, "ustar\0" "00", 8);
	set_octal(h + AT_MAJOR, 8, ent->major > ID_MAX ? 0 : ent->major);
	set_octal(h + AT_MINOR, 8, ent->minor > ID_MAX ? 0 : ent->minor);
	set_sum(h);
	buf_append(out, h, sizeof(h));
}

/* A member that says something of the next one. */
static void
put_extra(struct buf *out, char type, const char *name, const void *p,
    size_t len)
{
	uint8_t h[PAX_BLOCK] = { 0 };

	copy_name(h + AT_NAME, name, strlen(name));
	set_octal(h + AT_MODE, 8, 0600);
	set_octal(h + AT_UID, 8, 0);
	set_octal(h + AT_GID, 8, 0);
	set_octal(h + AT_SIZE, 12, len);
	set_octal(h + AT_MTIME, 12, 0);
	h[AT_TYPE] = (uint8_t)type;
	memcpy(h + AT_MAGIC, "ustar\0" "00", 8);
	set_sum(h);
	buf_append(out, h, sizeof(h));
	buf_append(out, p, len);
	put_zeros(out, pax_padding(len));
}

/*
 * Names of any bytes.  Values of records are UTF-8: bsdtar would normalise
 * them or find fault with them.  POSIX has the record hdrcharset=BINARY for
 * that, of which GNU tar complains.  What both take as it is, byte for byte,
 * is the ustar header, and for long names the members that GNU tar put
 * before records were invented ("L" and "K" by type).
 */
static void
put_long_name(struct buf *out, char type, const char *name, size_t len)
{
	if (len <= NAME_MAX_LEN || is_ascii(name, len))
		return;
	put_extra(out, type, "././@LongLink", name, len + 1);
}

int
pax_encode(struct buf *out, const struct pax_member *m, struct err *e)
{
	struct buf name = BUF_INIT, records = BUF_INIT, map = BUF_INIT;
	uint64_t stored = 0;
	int rc = -1;

	buf_append(&name, m->name, m->name_len);
	if (m->ent->type == ENTRY_DIR)
		buf_putc(&name, '/');
	(void)buf_cstr(&name);
	if (is_sparse(m))
		put_map(&map, m->ent);
	if (buf_ok(&name, e) == -1 || buf_ok(&map, e) == -1)
		goto out;
	if (m->ent->type == ENTRY_FILE && !m->hard)
		stored = map.len + pax_content_bytes(m->ent);
	if (put_records(&records, m, (const char *)name.data, name.len,
	    stored, e) == -1)
		goto out;
	put_long_name(out, 'L', (const char *)name.data, name.len);
	put_long_name(out, 'K', m->link, m->link_len);
	if (records.len > 0)
		put_extra(out, 'x', "././@PaxHeader", records.data,
		    records.len);
	put_header(out, m, (const char *)name.data, name.len, stored);
	buf_append(out, map.data, map.len);
	if (buf_ok(&records, e) == -1 || buf_ok(out, e) == -1)
		goto out;
	rc = 0;
out:
	buf_fini(&name);
	buf_fini(&records);
	buf_fini(&map);
	return (rc);
}

void
pax_encode_end(struct buf *out)
{
	put_zeros(out, (size_t)2 * PAX_BLOCK);
}
