#include <string.h>

#include "imgxfer/bundle.h"

#define BLOCK 512

void
bundle_init(struct bundle *b, struct pull *in)
{
	memset(b, 0, sizeof(*b));
	b->in = in;
}

void
bundle_fini(struct bundle *b)
{
	buf_fini(&b->name);
	buf_fini(&b->link);
	buf_fini(&b->uname);
	buf_fini(&b->gname);
}

static int
bad(const struct bundle *b, const char *what, struct err *e)
{
	err_set(e, ERR_DAMAGED, "%s (at byte %llu of the archive)", what,
	    (unsigned long long)b->in->taken);
	return (-1);
}

/* Exactly n bytes, or it is cut off. */
static int
need(const struct bundle *b, size_t n, const uint8_t **p, struct err *e)
{
	ssize_t have = pull_peek(b->in, n, p, e);

	if (have == -1)
		return (-1);
	if ((size_t)have < n)
		return (bad(b, "the archive is cut off", e));
	return (0);
}

/* A number: octal digits, or GNU's base-256 when its first bit is set. */
static int
number(const uint8_t *p, size_t len, uint64_t *v)
{
	size_t i = 0;

	*v = 0;
	if (p[0] == 0x80) {
		for (i = 1; i < len; i++) {
			if (*v >> 55 != 0)
				return (-1);
			*v = *v << 8 | p[i];
		}
		return (0);
	}
	while (i < len && p[i] == ' ')
		i++;
	for (; i < len && p[i] >= '0' && p[i] <= '7'; i++)
		*v = *v << 3 | (uint64_t)(p[i] - '0');
	for (; i < len; i++)
		if (p[i] != ' ' && p[i] != '\0')
			return (-1);
	return (0);
}

static int
sum_fits(const uint8_t *h)
{
	uint64_t want, sum = 0;
	size_t i;

	if (number(h + 148, 8, &want) == -1)
		return (0);
	for (i = 0; i < BLOCK; i++)
		sum += i >= 148 && i < 156 ? ' ' : h[i];
	return (sum == want);
}

static int
is_zero(const uint8_t *p, size_t n)
{
	while (n > 0 && *p == 0) {
		p++;
		n--;
	}
	return (n == 0);
}

/* Take what remains of a member's contents, and its padding. */
static int
skip_rest(struct bundle *b, struct err *e)
{
	const uint8_t *p;

	while (b->left > 0)
		if (bundle_data(b, &p, e) == -1)
			return (-1);
	if (b->padding > 0) {
		if (need(b, (size_t)b->padding, &p, e) == -1)
			return (-1);
		pull_skip(b->in, (size_t)b->padding);
		b->padding = 0;
	}
	return (0);
}

/* An extended header's contents, to be skipped by the caller. */
static int
extended(struct bundle *b, uint64_t size, const uint8_t **p, struct err *e)
{
	if (size == 0 || size > BUNDLE_PAX_MAX)
		return (bad(b, "an extended header is too large, or empty",
		    e));
	return (need(b, (size_t)(size + BLOCK - 1) / BLOCK * BLOCK, p, e));
}

static int
set_text(const struct bundle *b, struct buf *to, int *has, const void *p,
    size_t len, struct err *e)
{
	if (*has)
		return (bad(b, "a member has two names", e));
	if (len == 0 || len > BUNDLE_NAME_MAX || memchr(p, '\0', len) != NULL)
		return (bad(b, "a name is empty, too long or has a byte 0 in "
		    "it", e));
	*has = 1;
	buf_clear(to);
	buf_append(to, p, len);
	return (buf_ok(to, e));
}

static int
is_key(const uint8_t *p, size_t len, const char *key)
{
	return (strlen(key) == len && memcmp(p, key, len) == 0);
}

static int
has_prefix(const uint8_t *p, size_t len, const char *with)
{
	return (strlen(with) <= len && memcmp(p, with, strlen(with)) == 0);
}

static int
set_number(const struct bundle *b, uint64_t *to, int *has, const uint8_t *p,
    size_t len, struct err *e)
{
	size_t i;

	if (*has || len == 0 || len > 18)
		return (bad(b, "a pax header is garbled", e));
	*has = 1;
	for (*to = 0, i = 0; i < len; i++) {
		if (p[i] < '0' || p[i] > '9')
			return (bad(b, "a pax header is garbled", e));
		*to = *to * 10 + (uint64_t)(p[i] - '0');
	}
	return (0);
}

/* One record "KEY=VALUE" of a pax header. */
static int
pax_record(struct bundle *b, const uint8_t *p, size_t len, struct err *e)
{
	static const char *const idle[] = { "mtime", "atime", "ctime",
		"comment" };
	const uint8_t *eq = memchr(p, '=', len), *value;
	size_t key, n, i;

	if (eq == NULL)
		return (bad(b, "a pax header is garbled", e));
	key = (size_t)(eq - p);
	value = eq + 1;
	n = len - key - 1;
	if (is_key(p, key, "path"))
		return (set_text(b, &b->name, &b->has_name, value, n, e));
	if (is_key(p, key, "linkpath"))
		return (set_text(b, &b->link, &b->has_link, value, n, e));
	if (is_key(p, key, "uname"))
		return (set_text(b, &b->uname, &b->has_uname, value, n, e));
	if (is_key(p, key, "gname"))
		return (set_text(b, &b->gname, &b->has_gname, value, n, e));
	if (is_key(p, key, "size"))
		return (set_number(b, &b->size, &b->has_size, value, n, e));
	if (is_key(p, key, "uid"))
		return (set_number(b, &b->uid, &b->has_uid, value, n, e));
	if (is_key(p, key, "gid"))
		return (set_number(b, &b->gid, &b->has_gid, value, n, e));
	for (i = 0; i < sizeof(idle) / sizeof(idle[0]); i++)
		if (is_key(p, key, idle[i]))
			return (0);
	if (has_prefix(p, key, "SCHILY.") || has_prefix(p, key, "RHT.") ||
	    has_prefix(p, key, "LIBARCHIVE."))
		return (0);
	return (bad(b, "a pax header has a record that imgexport's tar does "
	    "not write", e));
}

/* "LENGTH KEY=VALUE\n", one behind the other. */
static int
pax(struct bundle *b, const uint8_t *p, size_t len, struct err *e)
{
	size_t n, i;

	while (len > 0) {
		for (n = 0, i = 0; i < len && i < 6 && p[i] >= '0' &&
		    p[i] <= '9'; i++)
			n = n * 10 + (size_t)(p[i] - '0');
		if (i == 0 || i == len || p[i] != ' ' || n < i + 3 ||
		    n > len || p[n - 1] != '\n')
			return (bad(b, "a pax header is garbled", e));
		if (pax_record(b, p + i + 1, n - i - 2, e) == -1)
			return (-1);
		p += n;
		len -= n;
	}
	return (0);
}

static int
take_extended(struct bundle *b, char type, uint64_t size, struct err *e)
{
	const uint8_t *p;
	size_t len = (size_t)size;
	int rc;

	if (extended(b, size, &p, e) == -1)
		return (-1);
	if (type == 'x')
		rc = pax(b, p, len, e);
	else {
		/* GNU's ends in a NUL. */
		len -= p[len - 1] == '\0';
		rc = type == 'L' ?
		    set_text(b, &b->name, &b->has_name, p, len, e) :
		    set_text(b, &b->link, &b->has_link, p, len, e);
	}
	pull_skip(b->in, (size_t)(size + BLOCK - 1) / BLOCK * BLOCK);
	return (rc);
}

/* What the header itself says, where no extended one did. */
static int
plain_names(struct bundle *b, const uint8_t *h, int gnu, struct err *e)
{
	struct buf name = BUF_INIT;
	int rc = 0;

	if (!b->has_name) {
		if (!gnu && h[345] != 0) {
			buf_append(&name, h + 345,
			    strnlen((const char *)h + 345, 155));
			buf_putc(&name, '/');
		}
		buf_append(&name, h, strnlen((const char *)h, 100));
		rc = buf_ok(&name, e);
		if (rc == 0)
			rc = set_text(b, &b->name, &b->has_name,
			    name.data, name.len, e);
		buf_fini(&name);
	}
	if (rc == 0 && !b->has_link) {
		buf_clear(&b->link);
		buf_append(&b->link, h + 157,
		    strnlen((const char *)h + 157, 100));
	}
	return (rc);
}

static void
plain_text(struct buf *to, const uint8_t *p, size_t max)
{
	buf_clear(to);
	buf_append(to, p, strnlen((const char *)p, max));
}

static int
owners(struct bundle *b, const uint8_t *h, struct err *e)
{
	if ((!b->has_uid && number(h + 108, 8, &b->uid) == -1) ||
	    (!b->has_gid && number(h + 116, 8, &b->gid) == -1))
		return (bad(b, "a header is garbled", e));
	if (!b->has_uname)
		plain_text(&b->uname, h + 265, 32);
	if (!b->has_gname)
		plain_text(&b->gname, h + 297, 32);
	return (0);
}

/* Whether a name is IMAGE/manifest.xml, however it begins. */
static int
is_manifest(const void *p, size_t len)
{
	static const char last[] = "/manifest.xml";
	const size_t n = sizeof(last) - 1;
	const char *s = p;

	while (len > 0 && (s[0] == '/' || (len > 1 && s[0] == '.' &&
	    s[1] == '/'))) {
		s++;
		len--;
	}
	return (len > n && memcmp(s + len - n, last, n) == 0 &&
	    memchr(s, '/', len - n) == NULL);
}

/* What only reads the header itself must take the same file for it. */
static int
judge_manifest(const struct bundle *b, const uint8_t *h, struct err *e)
{
	int plain = is_manifest(h, strnlen((const char *)h, 100));

	if (!plain && !is_manifest(b->name.data, b->name.len))
		return (0);
	if (b->extended || !plain || h[345] != 0)
		return (bad(b, "manifest.xml is named by an extended header, "
		    "or has one: other programs may take another file for it",
		    e));
	return (0);
}

static enum bundle_next
take_member(struct bundle *b, const uint8_t *h, uint64_t size, int gnu,
    struct bundle_member *m, struct err *e)
{
	char type = h[156] == '\0' ? '0' : (char)h[156];
	uint64_t mode;

	if (type < '0' || type > '6') {
		bad(b, "a member of a type that imgexport does not write", e);
		return (BUNDLE_BAD);
	}
	if (number(h + 100, 8, &mode) == -1) {
		bad(b, "a header is garbled", e);
		return (BUNDLE_BAD);
	}
	if (plain_names(b, h, gnu, e) == -1 || owners(b, h, e) == -1 ||
	    judge_manifest(b, h, e) == -1)
		return (BUNDLE_BAD);
	if (b->has_size && b->size != size) {
		bad(b, "a member has two sizes", e);
		return (BUNDLE_BAD);
	}
	/* As old tars have it. */
	if (type == '0' && b->name.data[b->name.len - 1] == '/')
		type = '5';
	if (type != '0' && size != 0) {
		bad(b, "contents where none may be", e);
		return (BUNDLE_BAD);
	}
	b->left = size;
	b->padding = (BLOCK - size % BLOCK) % BLOCK;
	m->name = buf_cstr(&b->name);
	m->link = buf_cstr(&b->link);
	m->type = type;
	m->mode = (unsigned)(mode & 07777);
	m->uid = b->uid;
	m->gid = b->gid;
	m->uname = buf_cstr(&b->uname);
	m->gname = buf_cstr(&b->gname);
	m->size = size;
	if (buf_ok(&b->name, e) == -1 || buf_ok(&b->link, e) == -1 ||
	    buf_ok(&b->uname, e) == -1 || buf_ok(&b->gname, e) == -1)
		return (BUNDLE_BAD);
	return (BUNDLE_MEMBER);
}

/* A block of zeros: at least one more, and nothing else. */
static enum bundle_next
take_end(struct bundle *b, struct err *e)
{
	const uint8_t *p;
	uint64_t zeros = 0;
	ssize_t n;

	while ((n = pull_peek(b->in, 1, &p, e)) > 0) {
		if (!is_zero(p, (size_t)n)) {
			bad(b, "bytes behind the end of the archive", e);
			return (BUNDLE_BAD);
		}
		zeros += (uint64_t)n;
		pull_skip(b->in, (size_t)n);
	}
	if (n == 0 && zeros < (uint64_t)2 * BLOCK) {
		bad(b, "the archive is cut off: its end is missing", e);
		return (BUNDLE_BAD);
	}
	return (n == -1 ? BUNDLE_BAD : BUNDLE_END);
}

enum bundle_next
bundle_next(struct bundle *b, struct bundle_member *m, struct err *e)
{
	const uint8_t *h;
	uint8_t head[BLOCK];
	uint64_t size;
	int gnu;

	if (skip_rest(b, e) == -1)
		return (BUNDLE_BAD);
	b->extended = b->has_name = b->has_link = b->has_size = 0;
	b->has_uid = b->has_gid = b->has_uname = b->has_gname = 0;
	for (;;) {
		if (need(b, BLOCK, &h, e) == -1)
			return (BUNDLE_BAD);
		if (is_zero(h, BLOCK)) {
			if (b->extended) {
				bad(b, "an extended header without its "
				    "member", e);
				return (BUNDLE_BAD);
			}
			return (take_end(b, e));
		}
		gnu = memcmp(h + 257, "ustar  ", 8) == 0;
		if ((!gnu && memcmp(h + 257, "ustar\00000", 8) != 0) ||
		    !sum_fits(h) || number(h + 124, 12, &size) == -1) {
			bad(b, b->in->taken == 0 ? "this is no tar archive" :
			    "the archive is garbled: no header where one "
			    "must be", e);
			return (BUNDLE_BAD);
		}
		memcpy(head, h, BLOCK);
		pull_skip(b->in, BLOCK);
		if (strchr("LKx", head[156]) == NULL || head[156] == '\0')
			return (take_member(b, head, size, gnu, m, e));
		b->extended = 1;
		if (take_extended(b, (char)head[156], size, e) == -1)
			return (BUNDLE_BAD);
	}
}

ssize_t
bundle_data(struct bundle *b, const uint8_t **p, struct err *e)
{
	ssize_t n;

	if (b->left == 0)
		return (0);
	if ((n = pull_peek(b->in, 1, p, e)) == -1)
		return (-1);
	if (n == 0)
		return (bad(b, "the archive is cut off", e));
	if ((uint64_t)n > b->left)
		n = (ssize_t)b->left;
	/* The bytes stay where they are until the next peek. */
	pull_skip(b->in, (size_t)n);
	b->left -= (uint64_t)n;
	return (n);
}
