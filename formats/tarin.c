#include <stdlib.h>
#include <string.h>

#include "formats/mtree.h"
#include "formats/scan.h"
#include "formats/tarin.h"

/* Header fields; the same offsets as in ustar.c, and the rest of them. */
enum {
	OFF_MODE = 100, OFF_UID = 108, OFF_GID = 116, OFF_SIZE = 124,
	OFF_MTIME = 136, OFF_CHKSUM = 148, OFF_TYPE = 156, OFF_LINK = 157,
	OFF_MAGIC = 257, OFF_MAJOR = 329, OFF_MINOR = 337, OFF_PREFIX = 345,
};

/* What an extended header has said of the next member. */
enum {
	SEEN_PATH = 1, SEEN_LINK = 2, SEEN_SIZE = 4, SEEN_UID = 8,
	SEEN_GID = 16, SEEN_MTIME = 32, SEEN_CTIME = 64, SEEN_SPARSE = 128,
	SEEN_REAL = 256, SEEN_ANY = 512,
};

void
tarin_init(struct tarin *t)
{
	memset(t, 0, sizeof(*t));
}

void
tarin_fini(struct tarin *t)
{
	buf_fini(&t->name);
	buf_fini(&t->link);
	buf_fini(&t->xattrs);
	buf_fini(&t->segments);
}

static enum tarin_next
bad(struct err *e, const char *why)
{
	err_set(e, ERR_DAMAGED, "tar archive: %s", why);
	return (TARIN_BAD);
}

/* Octal digits between spaces and a NUL or space; or base 256. */
static int
get_number(const uint8_t *p, size_t len, uint64_t *v)
{
	size_t i = 0;
	uint64_t n = 0;

	if (p[0] & 0x80) {
		if (p[0] != 0x80)
			return (-1);
		for (i = 1; i < len; i++) {
			if (n >> 56 != 0)
				return (-1);
			n = n << 8 | p[i];
		}
		*v = n;
		return (0);
	}
	while (i < len && p[i] == ' ')
		i++;
	for (; i < len && p[i] >= '0' && p[i] <= '7'; i++)
		n = n << 3 | (uint64_t)(p[i] - '0');
	if (i < len && p[i] != '\0' && p[i] != ' ')
		return (-1);
	*v = n;
	return (0);
}

static int
get_u32(const uint8_t *p, size_t len, uint32_t *v)
{
	uint64_t n;

	if (get_number(p, len, &n) == -1 || n > UINT32_MAX)
		return (-1);
	*v = (uint32_t)n;
	return (0);
}

static int
good_checksum(const uint8_t h[USTAR_BLOCK])
{
	uint64_t want;
	unsigned sum = 8 * ' ';
	size_t i;

	for (i = 0; i < USTAR_BLOCK; i++)
		if (i < OFF_CHKSUM || i >= OFF_CHKSUM + 8)
			sum += h[i];
	return (get_number(h + OFF_CHKSUM, 8, &want) == 0 && want == sum);
}

static int
is_zero(const uint8_t h[USTAR_BLOCK])
{
	size_t i;

	for (i = 0; i < USTAR_BLOCK; i++)
		if (h[i] != 0)
			return (0);
	return (1);
}

static int
set_text(struct buf *b, const void *p, size_t len, struct err *e)
{
	if (len > TARIN_NAME_MAX || memchr(p, '\0', len) != NULL)
		return (bad(e, "a name that is too long or holds a NUL"));
	buf_clear(b);
	buf_append(b, p, len);
	(void)buf_cstr(b);
	return (buf_ok(b, e));
}

/* Name and link target, unless the extended header has them. */
static int
take_names(struct tarin *t, const uint8_t h[USTAR_BLOCK], struct err *e)
{
	char name[155 + 1 + 100];
	size_t n = 0;

	if (!(t->seen & SEEN_PATH)) {
		n = strnlen((const char *)h + OFF_PREFIX, 155);
		memcpy(name, h + OFF_PREFIX, n);
		if (n > 0)
			name[n++] = '/';
		memcpy(name + n, h, strnlen((const char *)h, 100));
		n += strnlen((const char *)h, 100);
		if (set_text(&t->name, name, n, e) == -1)
			return (-1);
	}
	if (!(t->seen & SEEN_LINK))
		return (set_text(&t->link, h + OFF_LINK,
		    strnlen((const char *)h + OFF_LINK, 100), e));
	return (0);
}

static int
take_numbers(struct tarin *t, const uint8_t h[USTAR_BLOCK])
{
	uint64_t mtime;

	if (get_u32(h + OFF_MODE, 8, &t->mode) == -1 ||
	    get_number(h + OFF_SIZE, 12, &t->stored) == -1)
		return (-1);
	t->mode &= 07777;
	if (!(t->seen & SEEN_UID) && get_u32(h + OFF_UID, 8, &t->uid) == -1)
		return (-1);
	if (!(t->seen & SEEN_GID) && get_u32(h + OFF_GID, 8, &t->gid) == -1)
		return (-1);
	if (!(t->seen & SEEN_MTIME)) {
		if (get_number(h + OFF_MTIME, 12, &mtime) == -1 ||
		    mtime > INT64_MAX)
			return (-1);
		t->mtime = (int64_t)mtime;
		t->mtime_ns = 0;
	}
	t->has_ctime = (t->seen & SEEN_CTIME) != 0;
	t->major = t->minor = 0;
	if (t->type == '3' || t->type == '4')
		return (get_u32(h + OFF_MAJOR, 8, &t->major) == -1 ||
		    get_u32(h + OFF_MINOR, 8, &t->minor) == -1 ? -1 : 0);
	return (0);
}

static enum tarin_next
take_member(struct tarin *t, const uint8_t h[USTAR_BLOCK], struct err *e)
{
	if (take_numbers(t, h) == -1)
		return (bad(e, "a header field out of range"));
	if (take_names(t, h, e) == -1)
		return (TARIN_BAD);
	if (t->seen & SEEN_SIZE)
		t->stored = t->pax_size;
	if (t->type != '0')
		t->stored = 0;
	t->size = t->stored;
	t->sparse = t->type == '0' && (t->seen & SEEN_SPARSE);
	if (t->sparse) {
		if (!(t->seen & SEEN_REAL))
			return (bad(e, "a sparse file without its size"));
		t->size = t->pax_real;
		t->map_left = SIZE_MAX;
		t->map_number = 0;
		t->map_odd = t->map_digits = 0;
	}
	t->seen = 0;
	return (TARIN_MEMBER);
}

enum tarin_next
tarin_block(struct tarin *t, const uint8_t h[USTAR_BLOCK], struct err *e)
{
	if (!(t->seen & SEEN_ANY)) {
		buf_clear(&t->xattrs);
		t->nxattrs = 0;
	}
	buf_clear(&t->segments);
	t->sparse = 0;
	if (is_zero(h))
		return (TARIN_END);
	if (memcmp(h + OFF_MAGIC, "ustar", 5) != 0 || !good_checksum(h))
		return (bad(e, "not a header where one should be"));
	t->type = (char)h[OFF_TYPE];
	if (t->type == 'x' || t->type == 'g') {
		if (get_number(h + OFF_SIZE, 12, &t->stored) == -1 ||
		    t->stored > TARIN_EXTENDED_MAX)
			return (bad(e, "an extended header that is too long"));
		return (TARIN_EXTENDED);
	}
	if (t->type == '\0' || t->type == '7')
		t->type = '0';
	if (t->type < '0' || t->type > '6')
		return (bad(e, "a member of unknown type"));
	return (take_member(t, h, e));
}

/*
 * Seconds with a fraction, of either sign: "-1.5" is half a second after
 * second -2.
 */
static int
get_time(const struct span *v, int64_t *sec, uint32_t *ns)
{
	struct scan s = { v->p, v->p + v->len };
	int minus = scan_char(&s, '-'), digits = 0;
	uint64_t n;

	if (!scan_u64(&s, &n) || n > INT64_MAX - 1)
		return (-1);
	*sec = (int64_t)n;
	*ns = 0;
	if (scan_char(&s, '.'))
		for (; s.p < s.end && *s.p >= '0' && *s.p <= '9'; s.p++)
			if (digits++ < 9)
				*ns = *ns * 10 + (uint32_t)(*s.p - '0');
	for (; digits < 9; digits++)
		*ns *= 10;
	if (s.p != s.end)
		return (-1);
	if (minus) {
		*sec = -*sec;
		if (*ns > 0) {
			*sec -= 1;
			*ns = 1000000000 - *ns;
		}
	}
	return (0);
}

static int
get_u64(const struct span *v, uint64_t *n)
{
	struct scan s = { v->p, v->p + v->len };

	return (scan_u64(&s, n) && s.p == s.end ? 0 : -1);
}

static int
get_id(const struct span *v, uint32_t *id)
{
	uint64_t n;

	if (get_u64(v, &n) == -1 || n > UINT32_MAX)
		return (-1);
	*id = (uint32_t)n;
	return (0);
}

/* GNU tar writes "=" and "%" of an attribute's name as %3D and %25. */
static void
put_attribute_name(struct buf *out, const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (len - i >= 3 && memcmp(p + i, "%3D", 3) == 0) {
			buf_putc(out, '=');
			i += 2;
		} else if (len - i >= 3 && memcmp(p + i, "%25", 3) == 0) {
			buf_putc(out, '%');
			i += 2;
		} else
			buf_putc(out, p[i]);
	}
}

static int
take_xattr(struct tarin *t, const struct span *key, const struct span *v,
    struct err *e)
{
	uint32_t len = (uint32_t)v->len;

	if (key->len == 0 || memchr(key->p, '\0', key->len) != NULL)
		return (bad(e, "an attribute without a proper name"));
	put_attribute_name(&t->xattrs, key->p, key->len);
	buf_putc(&t->xattrs, '\0');
	buf_append(&t->xattrs, &len, sizeof(len));
	buf_append(&t->xattrs, v->p, v->len);
	t->nxattrs++;
	return (buf_ok(&t->xattrs, e));
}

static int
is_key(const struct span *key, const char *name)
{
	return (key->len == strlen(name) &&
	    memcmp(key->p, name, key->len) == 0);
}

static int
take_sparse(struct tarin *t, const struct span *key, const struct span *v,
    struct err *e)
{
	uint64_t n;

	if (is_key(key, "GNU.sparse.name")) {
		t->seen |= SEEN_PATH;
		return (set_text(&t->name, v->p, v->len, e));
	}
	if (is_key(key, "GNU.sparse.realsize")) {
		t->seen |= SEEN_REAL;
		return (get_u64(v, &t->pax_real));
	}
	if (is_key(key, "GNU.sparse.major")) {
		t->seen |= SEEN_SPARSE;
		return (get_u64(v, &n) == 0 && n == 1 ? 0 : -1);
	}
	if (is_key(key, "GNU.sparse.minor"))
		return (get_u64(v, &n) == 0 && n == 0 ? 0 : -1);
	return (-1);
}

/* One record of an extended header; what nobody needs is passed over. */
static int
take_record(struct tarin *t, const struct span *key, const struct span *v,
    struct err *e)
{
	static const char xattr[] = "SCHILY.xattr.";
	struct span name;

	if (key->len > sizeof(xattr) - 1 &&
	    memcmp(key->p, xattr, sizeof(xattr) - 1) == 0) {
		name.p = key->p + sizeof(xattr) - 1;
		name.len = key->len - (sizeof(xattr) - 1);
		return (take_xattr(t, &name, v, e));
	}
	if (is_key(key, "path")) {
		/* A sparse file's path is made up; its name comes besides. */
		if (t->seen & SEEN_PATH)
			return (0);
		t->seen |= SEEN_PATH;
		return (set_text(&t->name, v->p, v->len, e));
	}
	if (is_key(key, "linkpath")) {
		t->seen |= SEEN_LINK;
		return (set_text(&t->link, v->p, v->len, e));
	}
	if (is_key(key, "size")) {
		t->seen |= SEEN_SIZE;
		return (get_u64(v, &t->pax_size));
	}
	if (is_key(key, "mtime")) {
		t->seen |= SEEN_MTIME;
		return (get_time(v, &t->mtime, &t->mtime_ns));
	}
	if (is_key(key, "ctime")) {
		t->seen |= SEEN_CTIME;
		return (get_time(v, &t->ctime, &t->ctime_ns));
	}
	if (is_key(key, "uid")) {
		t->seen |= SEEN_UID;
		return (get_id(v, &t->uid));
	}
	if (is_key(key, "gid")) {
		t->seen |= SEEN_GID;
		return (get_id(v, &t->gid));
	}
	if (key->len > 11 && memcmp(key->p, "GNU.sparse.", 11) == 0)
		return (take_sparse(t, key, v, e));
	return (0);
}

int
tarin_extended(struct tarin *t, const void *p, size_t len, struct err *e)
{
	struct scan s = { p, (const char *)p + len };
	struct span key, value;
	const char *start, *eq;
	uint64_t n;

	if (t->type == 'g')
		return (0);
	t->seen |= SEEN_ANY;
	while (s.p < s.end) {
		start = s.p;
		if (!scan_u64(&s, &n) || !scan_char(&s, ' ') ||
		    n > (uint64_t)(s.end - start) ||
		    n <= (uint64_t)(s.p - start) || start[n - 1] != '\n')
			return (bad(e, "a broken extended header"));
		eq = memchr(s.p, '=', (size_t)(start + n - 1 - s.p));
		if (eq == NULL)
			return (bad(e, "a broken extended header"));
		key.p = s.p;
		key.len = (size_t)(eq - s.p);
		value.p = eq + 1;
		value.len = (size_t)(start + n - 1 - value.p);
		e->kind = ERR_NONE;
		if (take_record(t, &key, &value, e) == -1) {
			if (e->kind == ERR_NONE)
				(void)bad(e, "an extended header's value is "
				    "out of range");
			return (-1);
		}
		s.p = start + n;
	}
	return (0);
}

/* A number of the map: how many pairs, then offset and length by turns. */
static int
take_map_number(struct tarin *t, struct err *e)
{
	struct tarin_segment seg;
	const struct tarin_segment *last;
	const void *p;
	uint64_t end, v = t->map_number;

	t->map_number = 0;
	t->map_digits = 0;
	if (t->map_left == SIZE_MAX) {
		if (v > TARIN_SEGMENTS_MAX)
			return (bad(e, "a sparse file in too many pieces"));
		t->map_left = 2 * (size_t)v;
		return (0);
	}
	t->map_left--;
	t->map_odd = !t->map_odd;
	if (t->map_odd) {
		t->map_off = v;
		return (0);
	}
	seg.off = t->map_off;
	seg.len = v;
	if (__builtin_add_overflow(seg.off, seg.len, &end) || end > t->size)
		return (bad(e, "a sparse file's map goes beyond its end"));
	if (t->segments.len > 0) {
		p = t->segments.data + t->segments.len - sizeof(*last);
		last = p;
		if (seg.off < last->off + last->len)
			return (bad(e, "a sparse file's map is not in order"));
	}
	buf_append(&t->segments, &seg, sizeof(seg));
	return (buf_ok(&t->segments, e));
}

/* All of the map is there: contents must be as long as its pieces. */
static int
finish_map(const struct tarin *t, struct err *e)
{
	const struct tarin_segment *seg;
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < t->segments.len / sizeof(*seg); i++) {
		seg = (const struct tarin_segment *)(const void *)
		    t->segments.data + i;
		sum += seg->len;
	}
	if (sum != t->stored)
		return (bad(e, "a sparse file's map does not fit it"));
	return (0);
}

int
tarin_map(struct tarin *t, const uint8_t block[USTAR_BLOCK], struct err *e)
{
	size_t i;

	if (t->stored < USTAR_BLOCK)
		return (bad(e, "a sparse file's map has no end"));
	t->stored -= USTAR_BLOCK;
	for (i = 0; i < USTAR_BLOCK && t->map_left > 0; i++) {
		if (block[i] >= '0' && block[i] <= '9') {
			if (++t->map_digits > 19)
				return (bad(e, "a sparse file's map is "
				    "broken"));
			t->map_number = t->map_number * 10 +
			    (uint64_t)(block[i] - '0');
		} else if (block[i] != '\n' || t->map_digits == 0)
			return (bad(e, "a sparse file's map is broken"));
		else if (take_map_number(t, e) == -1)
			return (-1);
	}
	if (t->map_left > 0)
		return (1);
	return (finish_map(t, e));
}

struct attribute {
	const char *name;
	const uint8_t *value;
	uint32_t len;
};

static int
compare_attributes(const void *a, const void *b)
{
	return (strcmp(((const struct attribute *)a)->name,
	    ((const struct attribute *)b)->name));
}

int
tarin_encode_xattrs(struct buf *out, const struct tarin *t, struct err *e)
{
	const uint8_t *p = t->xattrs.data;
	struct attribute *list;
	size_t i;

	if (t->nxattrs == 0)
		return (0);
	if ((list = calloc(t->nxattrs, sizeof(*list))) == NULL)
		return (err_nomem(e));
	for (i = 0; i < t->nxattrs; i++) {
		list[i].name = (const char *)p;
		p += strlen(list[i].name) + 1;
		memcpy(&list[i].len, p, sizeof(list[i].len));
		list[i].value = p + sizeof(list[i].len);
		p = list[i].value + list[i].len;
	}
	qsort(list, t->nxattrs, sizeof(*list), compare_attributes);
	for (i = 0; i < t->nxattrs; i++)
		mtree_encode_xattr(out, list[i].name, list[i].value,
		    list[i].len);
	free(list);
	return (buf_ok(out, e));
}
