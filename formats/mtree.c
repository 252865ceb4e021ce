#include <string.h>

#include "formats/mtree.h"
#include "formats/pathtext.h"

static const char base64[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static const char *const type_names[] = {
	[ENTRY_DIR] = "dir", [ENTRY_FILE] = "file", [ENTRY_LINK] = "link",
	[ENTRY_CHAR] = "char", [ENTRY_BLOCK] = "block", [ENTRY_FIFO] = "fifo",
};
#define NTYPES (sizeof(type_names) / sizeof(type_names[0]))

const char *
mtree_type_name(enum entry_type type)
{
	return (type_names[type]);
}

struct scan
mtree_scan(const struct span *sp)
{
	struct scan s = { sp->p, sp->p == NULL ? NULL : sp->p + sp->len };

	return (s);
}

static void
put_span(struct buf *out, const struct span *sp)
{
	buf_append(out, sp->p, sp->len);
}

static void
put_time(struct buf *out, int64_t sec, uint32_t ns)
{
	char frac[10];
	int i;

	buf_putd(out, sec);
	frac[0] = '.';
	for (i = 9; i >= 1; i--, ns /= 10)
		frac[i] = (char)('0' + ns % 10);
	buf_append(out, frac, sizeof(frac));
}

static void
put_labelled(struct buf *out, const char *label, const struct span *sp)
{
	if (sp->len == 0)
		return;
	buf_puts(out, label);
	put_span(out, sp);
	buf_putc(out, '\n');
}

static void
put_comments(struct buf *out, const struct entry *ent)
{
	buf_puts(out, "#i ");
	buf_putu(out, ent->ino);
	buf_putc(out, ' ');
	put_time(out, ent->ctime, ent->ctime_ns);
	buf_putc(out, '\n');
	put_labelled(out, "#l ", &ent->hardlink);
	put_labelled(out, "#b ", &ent->blobs);
	if (ent->list_depth > 0) {
		buf_puts(out, "#t ");
		buf_putu(out, ent->list_depth);
		buf_putc(out, ' ');
		digest_put(out, ent->list);
		buf_putc(out, '\n');
	}
	put_labelled(out, "#h ", &ent->holes);
	put_span(out, &ent->xattrs);
}

static void
put_mode(struct buf *out, uint32_t mode)
{
	char m[4];
	int i;

	for (i = 3; i >= 0; i--, mode >>= 3)
		m[i] = (char)('0' + (mode & 7));
	buf_append(out, m, sizeof(m));
}

void
mtree_encode(struct buf *out, const struct entry *ent)
{
	put_comments(out, ent);
	put_span(out, &ent->path);
	buf_puts(out, " type=");
	buf_puts(out, type_names[ent->type]);
	buf_puts(out, " mode=");
	put_mode(out, ent->mode);
	buf_puts(out, " uid=");
	buf_putu(out, ent->uid);
	buf_puts(out, " gid=");
	buf_putu(out, ent->gid);
	if (ent->type == ENTRY_FILE) {
		buf_puts(out, " nlink=");
		buf_putu(out, ent->nlink);
		buf_puts(out, " size=");
		buf_putu(out, ent->size);
	}
	buf_puts(out, " time=");
	put_time(out, ent->mtime, ent->mtime_ns);
	if (ent->type == ENTRY_FILE) {
		buf_puts(out, " sha256digest=");
		digest_put(out, ent->digest);
	} else if (ent->type == ENTRY_LINK) {
		buf_puts(out, " link=");
		put_span(out, &ent->link);
	} else if (ent->type == ENTRY_CHAR || ent->type == ENTRY_BLOCK) {
		buf_puts(out, " device=native,");
		buf_putu(out, ent->major);
		buf_putc(out, ',');
		buf_putu(out, ent->minor);
	}
	buf_putc(out, '\n');
}

static int
bad(const struct entry *ent, struct err *e, const char *what)
{
	return (err_set(e, ERR_DAMAGED, "catalog: %.*s: %s",
	    (int)(ent->path.len < 200 ? ent->path.len : 200),
	    ent->path.len > 0 ? ent->path.p : "", what));
}

static int
valid_blobs(const struct span *sp)
{
	struct scan s = mtree_scan(sp);
	uint8_t id[DIGEST_LEN];
	size_t n = 0;

	while (s.p < s.end) {
		if (!mtree_next_blob(&s, id))
			return (0);
		n++;
	}
	return (n >= 2 && n <= ENTRY_INLINE_BLOBS &&
	    sp->len == n * (DIGEST_HEX + 1) - 1);
}

/* Holes ascend, are not empty and lie within the file. */
static int
valid_holes(const struct span *sp, uint64_t size)
{
	struct scan s = mtree_scan(sp);
	uint64_t off, len, end = 0;

	while (s.p < s.end) {
		if (!mtree_next_hole(&s, &off, &len) || off < end ||
		    len == 0 || __builtin_add_overflow(off, len, &end) ||
		    end > size)
			return (0);
	}
	return (sp->len == 0 || sp->p[sp->len - 1] != ' ');
}

/* Value of a base64 digit, or -1. */
static int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (c - 'A');
	if (c >= 'a' && c <= 'z')
		return (c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (c - '0' + 52);
	return (c == '+' ? 62 : c == '/' ? 63 : -1);
}

/*
 * "=" alone is the empty value; else whole groups of four, unused bits zero
 * (RFC 4648).  out may be NULL, to check only.
 */
static int
decode_base64(struct buf *out, const char *p, size_t len)
{
	uint32_t v;
	size_t i, k, pad;
	int d;

	if (len == 1 && p[0] == '=')
		return (0);
	if (len == 0 || len % 4 != 0)
		return (-1);
	for (i = 0; i < len; i += 4) {
		for (v = 0, pad = 0, k = 0; k < 4; k++) {
			d = base64_value(p[i + k]);
			if (d == -1 && p[i + k] == '=' && i + 4 == len &&
			    k >= 2) {
				pad++;
				d = 0;
			} else if (d == -1 || pad > 0)
				return (-1);
			v = v << 6 | (uint32_t)d;
		}
		if ((v & ((1u << 8 * pad) - 1)) != 0)
			return (-1);
		for (k = 0; out != NULL && k < 3 - pad; k++)
			buf_putc(out, (char)(v >> (16 - 8 * k)));
	}
	return (0);
}

static int
next_xattr_line(struct scan *s, struct span *name, struct span *value)
{
	return (scan_text(s, "#x ") && scan_word(s, ' ', '\n', name) &&
	    scan_char(s, ' ') && scan_word(s, '\n', ' ', value) &&
	    scan_char(s, '\n'));
}

int
mtree_next_xattr(struct scan *s, struct buf *name, struct buf *value,
    struct err *e)
{
	struct span n, v;

	buf_clear(name);
	buf_clear(value);
	if (s->p == s->end)
		return (0);
	if (!next_xattr_line(s, &n, &v) ||
	    pathtext_decode(name, n.p, n.len) == -1 ||
	    decode_base64(value, v.p, v.len) == -1)
		return (err_set(e, ERR_DAMAGED, "catalog: bad extended "
		    "attribute"));
	(void)buf_cstr(name);
	if (buf_ok(name, e) == -1 || buf_ok(value, e) == -1)
		return (-1);
	return (1);
}

void
mtree_encode_xattr(struct buf *out, const char *name, const void *value,
    size_t len)
{
	const uint8_t *v = value;
	uint32_t w;
	size_t i, k, left;

	buf_puts(out, "#x ");
	pathtext_encode(out, name, strlen(name));
	buf_putc(out, ' ');
	if (len == 0)
		buf_putc(out, '=');
	for (i = 0; i < len; i += 3) {
		left = len - i < 3 ? len - i : 3;
		for (w = 0, k = 0; k < 3; k++)
			w = w << 8 | (k < left ? v[i + k] : 0);
		for (k = 0; k < 4; k++)
			buf_putc(out, k <= left ?
			    base64[w >> (18 - 6 * k) & 63] : '=');
	}
	buf_putc(out, '\n');
}

int
mtree_next_blob(struct scan *s, uint8_t id[DIGEST_LEN])
{
	if (!scan_digest(s, id))
		return (0);
	return (s->p == s->end || scan_char(s, ' '));
}

int
mtree_next_hole(struct scan *s, uint64_t *off, uint64_t *len)
{
	if (!scan_u64(s, off) || !scan_char(s, ' ') || !scan_u64(s, len))
		return (0);
	return (s->p == s->end || scan_char(s, ' '));
}

/* Rest of a line behind its label. */
static int
rest_of_line(struct scan *s, struct span *sp)
{
	return (scan_word(s, '\n', '\n', sp) && scan_char(s, '\n'));
}

static int
decode_comments(struct scan *s, struct entry *ent)
{
	struct span name, value;
	const char *start;

	if (!scan_text(s, "#i ") || !scan_u64(s, &ent->ino) ||
	    !scan_char(s, ' ') ||
	    !scan_time(s, &ent->ctime, &ent->ctime_ns) ||
	    !scan_char(s, '\n'))
		return (0);
	if (s->p == s->end || *s->p != '#')
		return (1);
	if (scan_text(s, "#l ") && !rest_of_line(s, &ent->hardlink))
		return (0);
	if (scan_text(s, "#b ") && !rest_of_line(s, &ent->blobs))
		return (0);
	if (scan_text(s, "#t ") && (!scan_u32(s, &ent->list_depth) ||
	    ent->list_depth == 0 || ent->list_depth > 8 ||
	    !scan_char(s, ' ') || !scan_digest(s, ent->list) ||
	    !scan_char(s, '\n')))
		return (0);
	if (scan_text(s, "#h ") && !rest_of_line(s, &ent->holes))
		return (0);
	start = s->p;
	while (s->p < s->end && *s->p == '#') {
		if (!next_xattr_line(s, &name, &value) ||
		    !pathtext_valid(name.p, name.len) ||
		    decode_base64(NULL, value.p, value.len) == -1)
			return (0);
	}
	ent->xattrs.p = start;
	ent->xattrs.len = (size_t)(s->p - start);
	return (1);
}

static int
decode_type(struct scan *s, enum entry_type *type)
{
	struct span w;
	size_t i;

	if (!scan_text(s, " type=") || !scan_word(s, ' ', '\n', &w))
		return (0);
	for (i = 0; i < NTYPES; i++)
		if (strlen(type_names[i]) == w.len &&
		    memcmp(type_names[i], w.p, w.len) == 0) {
			*type = (enum entry_type)i;
			return (1);
		}
	return (0);
}

static int
decode_line(struct scan *s, struct entry *ent)
{
	if (!scan_word(s, ' ', '\n', &ent->path) ||
	    !decode_type(s, &ent->type) || !scan_text(s, " mode=") ||
	    !scan_octal(s, &ent->mode) ||
	    !scan_text(s, " uid=") || !scan_u32(s, &ent->uid) ||
	    !scan_text(s, " gid=") || !scan_u32(s, &ent->gid))
		return (0);
	if (ent->type == ENTRY_FILE && (!scan_text(s, " nlink=") ||
	    !scan_u64(s, &ent->nlink) || !scan_text(s, " size=") ||
	    !scan_u64(s, &ent->size) || ent->size > INT64_MAX))
		return (0);
	if (!scan_text(s, " time=") ||
	    !scan_time(s, &ent->mtime, &ent->mtime_ns))
		return (0);
	if (ent->type == ENTRY_FILE && (!scan_text(s, " sha256digest=") ||
	    !scan_digest(s, ent->digest)))
		return (0);
	if (ent->type == ENTRY_LINK && (!scan_text(s, " link=") ||
	    !scan_word(s, ' ', '\n', &ent->link)))
		return (0);
	if ((ent->type == ENTRY_CHAR || ent->type == ENTRY_BLOCK) &&
	    (!scan_text(s, " device=native,") || !scan_u32(s, &ent->major) ||
	    !scan_char(s, ',') || !scan_u32(s, &ent->minor)))
		return (0);
	return (scan_char(s, '\n'));
}

/* What the grammar alone does not rule out. */
static int
check(const struct entry *ent, struct err *e)
{
	int extras = ent->blobs.len > 0 || ent->list_depth > 0 ||
	    ent->holes.len > 0;

	if (!pathtext_is_path(ent->path.p, ent->path.len))
		return (bad(ent, e, "not a path"));
	if (ent->type != ENTRY_FILE && extras)
		return (bad(ent, e, "contents for what is not a file"));
	if (ent->path.len == 1 && ent->type != ENTRY_DIR)
		return (bad(ent, e, "the top is no directory"));
	if ((ent->type == ENTRY_DIR && ent->hardlink.len > 0) ||
	    (ent->hardlink.len == 1 && ent->hardlink.p[0] == '.'))
		return (bad(ent, e, "hard link to a directory"));
	if (ent->hardlink.len > 0 &&
	    !pathtext_is_path(ent->hardlink.p, ent->hardlink.len))
		return (bad(ent, e, "hard link to what is not a path"));
	if (ent->type == ENTRY_LINK &&
	    !pathtext_valid(ent->link.p, ent->link.len))
		return (bad(ent, e, "bad link target"));
	if (ent->blobs.len > 0 &&
	    (ent->list_depth > 0 || !valid_blobs(&ent->blobs)))
		return (bad(ent, e, "bad list of blobs"));
	if (ent->holes.len > 0 && !valid_holes(&ent->holes, ent->size))
		return (bad(ent, e, "bad list of holes"));
	return (0);
}

int
mtree_decode(struct scan *s, struct entry *ent, struct err *e)
{
	const char *start = s->p;

	if (s->p == s->end)
		return (0);
	memset(ent, 0, sizeof(*ent));
	if (!decode_comments(s, ent) || !decode_line(s, ent))
		return (bad(ent, e, "malformed entry"));
	if (check(ent, e) == -1)
		return (-1);
	ent->text.p = start;
	ent->text.len = (size_t)(s->p - start);
	return (1);
}

int
mtree_skip(struct scan *s, struct span *text, struct span *path)
{
	text->p = s->p;
	while (s->p < s->end && *s->p == '#')
		if (!scan_line(s))
			return (0);
	if (!scan_word(s, ' ', '\n', path) || !scan_line(s))
		return (0);
	text->len = (size_t)(s->p - text->p);
	return (1);
}
