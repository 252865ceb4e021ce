#include <archive.h>
#include <archive_entry.h>

#include "formats/mtree.h"
#include "restore/pax.h"
#include "tests/unit/unit.h"

/*
 * What is written by hand is read back by libarchive.  What that reads wrong
 * (3.6.2: fractions of times before 1970, ids beyond INT_MAX in an ACL, the
 * mode beside one) or leaves as it is (escapes in names of attributes) is
 * taken from the bytes themselves.
 */
struct sample {
	struct entry ent;
	struct buf name, link;	/* raw */
	struct buf holes, xattrs;	/* catalog text */
	struct buf content;	/* the whole file, holes as zeros */
	int hard;
	struct buf out;		/* the archive, and what is in it: */
	const uint8_t *header;	/* ustar, of the member itself */
	size_t head_len;	/* through that */
	struct span records, long_name, long_link;
	struct archive *a;
	struct archive_entry *ae;
};

static void
sample_begin(struct sample *s, enum entry_type type, const char *name)
{
	memset(s, 0, sizeof(*s));
	s->ent.type = type;
	s->ent.mode = 0640;
	s->ent.uid = 1000;
	s->ent.gid = 100;
	s->ent.mtime = 1700000000;
	buf_puts(&s->name, name);
}

static void
sample_end(struct sample *s)
{
	buf_fini(&s->name);
	buf_fini(&s->link);
	buf_fini(&s->holes);
	buf_fini(&s->xattrs);
	buf_fini(&s->content);
	buf_fini(&s->out);
	if (s->a != NULL)
		assert_int_equal(archive_read_free(s->a), ARCHIVE_OK);
	s->a = NULL;
}

static struct sample only;

/* A new sample in place of the one before. */
static struct sample *
sample(enum entry_type type, const char *name)
{
	sample_end(&only);
	sample_begin(&only, type, name);
	return (&only);
}

static int
try_encode(struct buf *out, struct sample *s, struct err *e)
{
	struct pax_member m = { .ent = &s->ent, .hard = s->hard };

	m.name = buf_cstr(&s->name);
	m.name_len = s->name.len;
	m.link = buf_cstr(&s->link);
	m.link_len = s->link.len;
	s->ent.holes.p = buf_cstr(&s->holes);
	s->ent.holes.len = s->holes.len;
	s->ent.xattrs.p = buf_cstr(&s->xattrs);
	s->ent.xattrs.len = s->xattrs.len;
	return (pax_encode(out, &m, e));
}

static void
encode(struct buf *out, struct sample *s)
{
	struct err e = { 0 };

	assert_int_equal(try_encode(out, s, &e), 0);
	assert_int_equal(out->len % PAX_BLOCK, 0);
}

/* What export writes behind the headers. */
static void
put_content(struct buf *out, const struct sample *s)
{
	struct scan holes = mtree_scan(&s->ent.holes);
	uint64_t at = 0, off, len;
	size_t start = out->len, pad;

	if (s->ent.type != ENTRY_FILE || s->hard)
		return;
	while (mtree_next_hole(&holes, &off, &len)) {
		buf_append(out, s->content.data + at, off - at);
		at = off + len;
	}
	buf_append(out, s->content.data + at, s->ent.size - at);
	assert_true(out->len - start == pax_content_bytes(&s->ent));
	for (pad = pax_padding(out->len - start); pad > 0; pad--)
		buf_putc(out, '\0');
}

static uint64_t
octal(const uint8_t *p, size_t len)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < len - 1; i++) {
		assert_in_range(p[i], '0', '7');
		v = v << 3 | (uint64_t)(p[i] - '0');
	}
	assert_int_equal(p[len - 1], '\0');
	return (v);
}

/* Find the pieces of s->out. */
static void
parse(struct sample *s)
{
	size_t at = 0;
	struct span sp = { NULL, 0 };

	s->records = s->long_name = s->long_link = sp;
	for (;;) {
		assert_true(s->out.len - at >= PAX_BLOCK);
		s->header = s->out.data + at;
		s->head_len = at += PAX_BLOCK;
		assert_memory_equal(s->header + 257, "ustar\00000", 8);
		if (strchr("xLK", s->header[156]) == NULL)
			return;
		sp.p = (const char *)s->out.data + at;
		sp.len = octal(s->header + 124, 12);
		assert_true(sp.len > 0 && sp.len <= s->out.len - at);
		if (s->header[156] == 'x')
			s->records = sp;
		else if (s->header[156] == 'L')
			s->long_name = sp;
		else
			s->long_link = sp;
		at += sp.len + pax_padding(sp.len);
	}
}

/* The value of a record; all are looked at.  0 when it is not there. */
static int
record(const struct sample *s, const char *key, struct span *v)
{
	struct scan r = mtree_scan(&s->records);
	size_t n = strlen(key);
	const char *line;
	uint64_t len;
	int found = 0;

	memset(v, 0, sizeof(*v));
	for (; r.p < r.end; r.p = line + len) {
		line = r.p;
		assert_true(scan_u64(&r, &len) && scan_char(&r, ' '));
		assert_true(len > 4 && len <= (size_t)(r.end - line));
		assert_int_equal(line[len - 1], '\n');
		if (strncmp(r.p, key, n) != 0 || r.p[n] != '=')
			continue;
		assert_false(found);
		found = 1;
		v->p = r.p + n + 1;
		v->len = (size_t)(line + len - v->p) - 1;
	}
	return (found);
}

/* want: NULL when there must be none. */
static void
check_record(const struct sample *s, const char *key, const char *want)
{
	struct span v;

	assert_int_equal(record(s, key, &v), want != NULL);
	if (want == NULL || v.p == NULL)
		return;
	assert_int_equal(v.len, strlen(want));
	assert_memory_equal(v.p, want, v.len);
}

/* In the header's field, or in a record when it does not fit there. */
static void
check_number(const struct sample *s, const char *key, size_t at, size_t len,
    uint64_t want)
{
	int fits = want >> 3 * (len - 1) == 0;
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)want);
	assert_true(octal(s->header + at, len) == (fits ? want : 0));
	check_record(s, key, fits ? NULL : text);
}

static struct archive *
open_archive(const struct buf *b)
{
	struct archive *a = archive_read_new();

	assert_non_null(a);
	assert_int_equal(archive_read_support_format_tar(a), ARCHIVE_OK);
	assert_int_equal(archive_read_open_memory(a, b->data, b->len),
	    ARCHIVE_OK);
	return (a);
}

/* Without so much as a warning. */
static struct archive_entry *
next_entry(struct archive *a)
{
	struct archive_entry *ae;
	int rc = archive_read_next_header(a, &ae);

	if (rc != ARCHIVE_OK)
		fail_msg("libarchive: %d: %s", rc, archive_error_string(a));
	return (ae);
}

static void
read_back(struct sample *s)
{
	buf_clear(&s->out);
	encode(&s->out, s);
	if (s->content.len == s->ent.size) {
		put_content(&s->out, s);
		pax_encode_end(&s->out);
	}
	parse(s);
	if (s->a != NULL)
		archive_read_free(s->a);
	s->a = open_archive(&s->out);
	s->ae = next_entry(s->a);
}

/* want: NULL when there must be none. */
static void
check_name(const char *got, const struct buf *want, const char *tail)
{
	assert_int_equal(got != NULL, want != NULL);
	if (got == NULL || want == NULL)
		return;
	assert_true(strlen(got) >= want->len);
	assert_memory_equal(got, want->data, want->len);
	assert_string_equal(got + want->len, tail);
}

/* The attributes are those of the catalog, in any order. */
static void
check_xattrs(const struct sample *s)
{
	struct scan lines = mtree_scan(&s->ent.xattrs);
	struct buf name = BUF_INIT, value = BUF_INIT;
	struct err e = { 0 };
	const char *n = NULL;
	const void *v;
	int left = s->hard ? 0 : archive_entry_xattr_reset(s->ae);
	size_t len;

	while (!s->hard && mtree_next_xattr(&lines, &name, &value, &e) == 1) {
		archive_entry_xattr_reset(s->ae);
		do
			if (archive_entry_xattr_next(s->ae, &n, &v,
			    &len) != ARCHIVE_OK)
				fail_msg("lost: %s", buf_cstr(&name));
		while (strcmp(n, buf_cstr(&name)) != 0);
		assert_int_equal(len, value.len);
		assert_true(len == 0 || memcmp(v, value.data, len) == 0);
		left--;
	}
	assert_int_equal(left, 0);
	assert_int_equal(e.kind, ERR_NONE);
	buf_fini(&name);
	buf_fini(&value);
}

/* By hand from the record, which has no floored seconds. */
static void
check_mtime(const struct sample *s)
{
	uint64_t whole = octal(s->header + 136, 12), ns = 0;
	uint32_t want = s->ent.mtime_ns, unit = 100000000;
	struct scan t;
	struct span v;
	int minus = 0;

	if (record(s, "mtime", &v)) {
		t = mtree_scan(&v);
		minus = scan_char(&t, '-');
		assert_true(scan_u64(&t, &whole));
		if (t.p < t.end && scan_char(&t, '.'))
			for (; t.p < t.end; t.p++, unit /= 10)
				ns += (uint64_t)(*t.p - '0') * unit;
		assert_true(t.p == t.end);
	}
	if (minus && want > 0) {
		whole++;
		want = 1000000000 - want;
	}
	assert_true(ns == want);
	assert_true((minus ? 0 - whole : whole) == (uint64_t)s->ent.mtime);
	if ((minus && ns > 0) || s->ent.mtime == INT64_MIN)
		return;
	assert_true(archive_entry_mtime(s->ae) == s->ent.mtime);
	assert_int_equal(archive_entry_mtime_nsec(s->ae), want);
}

static void
check_member(struct sample *s)
{
	static const struct { char flag; unsigned type; } types[] = {
		[ENTRY_DIR] = { '5', AE_IFDIR },
		[ENTRY_FILE] = { '0', AE_IFREG },
		[ENTRY_LINK] = { '2', AE_IFLNK },
		[ENTRY_CHAR] = { '3', AE_IFCHR },
		[ENTRY_BLOCK] = { '4', AE_IFBLK },
		[ENTRY_FIFO] = { '6', AE_IFIFO },
	};
	const struct entry *ent = &s->ent;
	int file = ent->type == ENTRY_FILE && !s->hard;

	check_name(archive_entry_pathname(s->ae), &s->name,
	    ent->type == ENTRY_DIR ? "/" : "");
	check_name(archive_entry_hardlink(s->ae),
	    s->hard ? &s->link : NULL, "");
	check_name(archive_entry_symlink(s->ae),
	    !s->hard && ent->type == ENTRY_LINK ? &s->link : NULL, "");
	assert_int_equal(s->header[156],
	    s->hard ? '1' : types[ent->type].flag);
	assert_int_equal(octal(s->header + 100, 8), ent->mode);
	assert_int_equal(archive_entry_perm(s->ae), ent->mode);
	check_number(s, "uid", 108, 8, ent->uid);
	check_number(s, "gid", 116, 8, ent->gid);
	assert_true(archive_entry_uid(s->ae) == ent->uid);
	assert_true(archive_entry_gid(s->ae) == ent->gid);
	if (!file || s->holes.len == 0)
		check_number(s, "size", 124, 12, file ? ent->size : 0);
	check_mtime(s);
	check_xattrs(s);
	if (s->hard)
		return;
	assert_int_equal(archive_entry_filetype(s->ae), types[ent->type].type);
	if (file)
		assert_true((uint64_t)archive_entry_size(s->ae) == ent->size);
	if (ent->type != ENTRY_CHAR && ent->type != ENTRY_BLOCK)
		return;
	check_number(s, "SCHILY.devmajor", 329, 8, ent->major);
	check_number(s, "SCHILY.devminor", 337, 8, ent->minor);
	assert_true(archive_entry_rdevmajor(s->ae) == ent->major);
	assert_true(archive_entry_rdevminor(s->ae) == ent->minor);
}

static void
check_back(struct sample *s)
{
	read_back(s);
	check_member(s);
}

/* libarchive's pieces are just what lies outside of the holes. */
static void
check_pieces(const struct sample *s)
{
	struct scan holes = mtree_scan(&s->ent.holes);
	uint64_t hole, hole_len, end = 0, total = 0;
	la_int64_t off, len;

	archive_entry_sparse_reset(s->ae);
	while (archive_entry_sparse_next(s->ae, &off, &len) == ARCHIVE_OK) {
		assert_true((uint64_t)off >= end);
		end = (uint64_t)(off + len);
		total += (uint64_t)len;
		holes = mtree_scan(&s->ent.holes);
		while (len > 0 && mtree_next_hole(&holes, &hole, &hole_len))
			assert_true(hole >= end ||
			    hole + hole_len <= (uint64_t)off);
	}
	if (s->ent.holes.len > 0)
		assert_true(total == pax_content_bytes(&s->ent));
}

/* libarchive does not read a hole at the end, of which the size tells. */
static void
check_content(const struct sample *s, struct archive *a)
{
	uint8_t *got = calloc(1, s->content.len + 1);
	la_ssize_t n;

	assert_non_null(got);
	n = archive_read_data(a, got, s->content.len + 1);
	assert_in_range(n, 0, s->content.len);
	if (s->holes.len == 0)
		assert_int_equal(n, s->content.len);
	if (s->content.len > 0)
		assert_memory_equal(got, s->content.data, s->content.len);
	free(got);
}

/* What needs no records has none: one block, each field where it belongs. */
static void
test_plain(void **state)
{
	struct sample *s = sample(ENTRY_FILE, "./plain");
	size_t i;

	(void)state;
	buf_puts(&s->content, "hello\n");
	s->ent.size = 6;
	check_back(s);
	check_content(s, s->a);
	assert_int_equal(s->out.len, 4 * PAX_BLOCK);
	assert_memory_equal(s->header, "./plain\0", 8);
	assert_memory_equal(s->header + 100, "0000640\0" "0001750\0"
	    "0000144\0" "00000000006\0" "14524770400\0", 48);
	for (i = PAX_BLOCK + 6; i < s->out.len; i++)
		assert_int_equal(s->out.data[i], 0);
}

/* "./", and filler to make it len bytes; no "/" at the end. */
static void
long_name(struct buf *b, size_t len, const char *fill)
{
	size_t i, n = strlen(fill);

	buf_clear(b);
	buf_puts(b, "./");
	for (i = 2; i < len; i++)
		buf_putc(b, i == len - 1 && fill[i % n] == '/' ? '!' :
		    fill[i % n]);
}

static const char *const fills[] = {
	"a", "abc/defgh/", "new\nline ", "\x01\x7f\t\r\\=%", "gr\xc3\xbcn",
	"\xff\xfe\x80", "e\xcc\x81", "\xc3",
};

static const size_t lens[] = {
	3, 98, 99, 100, 101, 102, 155, 156, 254, 255, 256, 257, 511, 512, 513,
	1024, 4095, 4096,
};

/* Long ASCII names are records; others are what GNU tar has for them. */
static void
check_long(struct sample *s, const struct buf *name, size_t len)
{
	int link = name == &s->link, ascii = 1;
	struct span v;
	size_t i;

	for (i = 0; i < name->len; i++)
		ascii &= name->data[i] < 0x80;
	check_back(s);
	assert_int_equal(record(s, link ? "linkpath" : "path", &v),
	    ascii && len > 100);
	check_record(s, link ? "path" : "linkpath", NULL);
	v = link ? s->long_link : s->long_name;
	assert_int_equal(v.len, ascii || len <= 100 ? 0 : len + 1);
}

static void
test_names(void **state)
{
	struct sample *s;
	size_t i, k;

	(void)state;
	for (i = 0; i < COUNT(fills) * COUNT(lens); i++) {
		k = lens[i / COUNT(fills)];
		s = sample(ENTRY_FIFO, "");
		long_name(&s->name, k, fills[i % COUNT(fills)]);
		check_long(s, &s->name, k);
		s->ent.type = ENTRY_DIR;
		check_long(s, &s->name, k + 1);
		s = sample(ENTRY_LINK, "./l");
		long_name(&s->link, k, fills[i % COUNT(fills)]);
		check_long(s, &s->link, k);
		/* A hard link has no contents, attributes or holes. */
		s->hard = 1;
		s->ent.size = (uint64_t)1 << 40;
		buf_puts(&s->holes, "0 4096");
		mtree_encode_xattr(&s->xattrs, "user.a", "b", 1);
		check_long(s, &s->link, k);
		check_record(s, "GNU.sparse.major", NULL);
		check_record(s, "SCHILY.xattr.user.a", NULL);
		assert_int_equal(s->head_len, s->out.len);
		s->ent.type = i % 2 == 0 ? ENTRY_FILE : ENTRY_CHAR;
		check_long(s, &s->link, k);
	}
	check_back(sample(ENTRY_DIR, "."));
	s = sample(ENTRY_LINK, "./l");
	buf_puts(&s->link, "../dir/");
	check_back(s);
	for (i = 0; i < COUNT(fills); i++)
		for (k = 0; k < COUNT(fills); k++) {
			long_name(&s->name, 300, fills[i]);
			long_name(&s->link, 300, fills[k]);
			check_back(s);
		}
}

/* Headers only of what is large. */
static void
test_sizes_and_modes(void **state)
{
	static const uint64_t sizes[] = {
		1, 4294967296, 8589934591, 8589934592, (uint64_t)1 << 60,
	};
	struct sample *s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(sizes); i++) {
		s = sample(ENTRY_FILE, "./big");
		s->ent.size = sizes[i];
		check_back(s);
	}
	check_record(s, "size", "1152921504606846976");
	for (i = 0; i <= 07777; i++) {
		s = sample(i % 3 ? ENTRY_FILE : ENTRY_DIR, "./m");
		s->ent.mode = (uint32_t)i;
		check_back(s);
	}
}

static void
test_ids_and_nodes(void **state)
{
	static const uint32_t numbers[] = {
		0, 1, 255, 65534, 1048575, 2097151, 2097152, INT32_MAX,
		4294967294, UINT32_MAX,
	};
	struct sample *s;
	size_t i, k;

	(void)state;
	for (i = 0; i < COUNT(numbers); i++)
		for (k = 0; k < COUNT(numbers); k++) {
			s = sample(i % 2 ? ENTRY_CHAR : ENTRY_BLOCK, "./dev");
			s->ent.uid = s->ent.minor = numbers[i];
			s->ent.gid = s->ent.major = numbers[k];
			check_back(s);
		}
	check_back(sample(ENTRY_FIFO, "./fifo"));
}

/* POSIX: a decimal number, not one floored. */
static void
test_times(void **state)
{
	static const struct { int64_t s; uint32_t ns; const char *t; } all[] = {
		{ 0, 0, NULL }, { 0, 1, "0.000000001" },
		{ 1700000000, 0, NULL },
		{ 1700000000, 5, "1700000000.000000005" },
		{ 1, 500000000, "1.5" }, { 10, 120000000, "10.12" },
		{ 1700000000, 999999999, "1700000000.999999999" },
		{ 8589934591, 0, NULL }, { 8589934592, 0, "8589934592" },
		{ 253402300800, 999999999, "253402300800.999999999" },
		{ INT64_MAX, 0, "9223372036854775807" },
		{ INT64_MAX, 999999999, "9223372036854775807.999999999" },
		{ -1, 0, "-1" }, { -10, 0, "-10" },
		{ -1, 500000000, "-0.5" }, { -2, 500000000, "-1.5" },
		{ -1, 1, "-0.999999999" }, { -1, 999999999, "-0.000000001" },
		{ -2208988800, 900000000, "-2208988799.1" },
		{ INT64_MIN, 0, "-9223372036854775808" },
		{ INT64_MIN, 1, "-9223372036854775807.999999999" },
	};
	struct sample *s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(all); i++) {
		s = sample(ENTRY_FILE, "./t");
		s->ent.mtime = all[i].s;
		s->ent.mtime_ns = all[i].ns;
		check_back(s);
		check_record(s, "mtime", all[i].t);
	}
}

/* Lengths at which that of the record gets one more digit are among these. */
static void
test_xattr_values(void **state)
{
	static uint8_t value[11000];
	struct rng r = { 1 };
	struct sample *s;
	size_t len, step;

	(void)state;
	rng_fill(&r, value, sizeof(value));
	for (len = 0; len < sizeof(value); len += step) {
		step = len < 110 || (len > 950 && len < 1010) ||
		    (len > 9950 && len < 10010) ? 1 : 97;
		s = sample(ENTRY_FILE, "./x");
		mtree_encode_xattr(&s->xattrs, "user.a", value, len);
		mtree_encode_xattr(&s->xattrs, "trusted.bc", value, len);
		check_back(s);
	}
	s = sample(ENTRY_LINK, "./x");
	buf_puts(&s->link, "target");
	mtree_encode_xattr(&s->xattrs, "user.l", "a=b\n12 c=d\n\0\xff", 13);
	mtree_encode_xattr(&s->xattrs, "security.capability",
	    "\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
	mtree_encode_xattr(&s->xattrs, "user.nl\nname \xe9\xff", "v", 1);
	check_back(s);
	for (len = 0; len < 90; len++)
		buf_printf(&s->xattrs, "#x user.n%zu AAAA\n", len);
	check_back(s);
}

/* GNU tar turns these back; libarchive leaves them as they are. */
static void
test_xattr_names(void **state)
{
	struct sample *s = sample(ENTRY_FILE, "./x");

	(void)state;
	mtree_encode_xattr(&s->xattrs, "user.a=b", "1", 1);
	mtree_encode_xattr(&s->xattrs, "user.%3D%", "2", 1);
	mtree_encode_xattr(&s->xattrs, "user.\xc3\xbc = \xff", "3", 1);
	read_back(s);
	check_record(s, "SCHILY.xattr.user.a%3Db", "1");
	check_record(s, "SCHILY.xattr.user.%253D%25", "2");
	check_record(s, "SCHILY.xattr.user.\xc3\xbc %3D \xff", "3");
	assert_int_equal(archive_entry_xattr_count(s->ae), 3);
}

static void
check_acl(const struct sample *s, int type, const char *want)
{
	char *got = archive_entry_acl_to_text(s->ae, NULL,
	    type | ARCHIVE_ENTRY_ACL_STYLE_SEPARATOR_COMMA);

	assert_string_equal(got, want);
	free(got);
}

/* The kernel's: a version, then tag, permissions and id of each entry. */
static void
test_acl(void **state)
{
	static const char acl[] = "\2\0\0\0" "\1\0\7\0\xff\xff\xff\xff"
	    "\2\0\4\0\xe8\3\0\0" "\2\0\0\0\xfe\xff\xff\x7f"
	    "\4\0\5\0\xff\xff\xff\xff" "\10\0\3\0\0\0\0\0"
	    "\20\0\6\0\xff\xff\xff\xff" "\40\0\1\0\xff\xff\xff\xff";
	static const char text[] = "user::rwx,user:1000:r--,"
	    "user:2147483646:---,group::r-x,group:0:-wx,mask::rw-,other::--x";
	struct sample *s = sample(ENTRY_DIR, "./acl");

	(void)state;
	s->ent.mode = 02761;	/* the group's bits are the mask */
	mtree_encode_xattr(&s->xattrs, "system.posix_acl_access", acl,
	    sizeof(acl) - 1);
	mtree_encode_xattr(&s->xattrs, "system.posix_acl_default", acl,
	    sizeof(acl) - 1);
	read_back(s);
	check_record(s, "SCHILY.acl.access", text);
	check_record(s, "SCHILY.acl.default", text);
	assert_int_equal(octal(s->header + 100, 8), 02761);
	assert_int_equal(archive_entry_xattr_count(s->ae), 0);
	check_acl(s, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, text);
	check_acl(s, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, "user::rwx,"
	    "group::r-x,other::--x,user:1000:r--,user:2147483646:---,"
	    "group:0:-wx,mask::rw-");
	s = sample(ENTRY_FILE, "./acl");
	mtree_encode_xattr(&s->xattrs, "system.posix_acl_access",
	    "\2\0\0\0\2\0\4\0\xfe\xff\xff\xff", 12);
	read_back(s);
	check_record(s, "SCHILY.acl.access", "user:4294967294:r--");
}

/* What is not an ACL stays the attribute that it is. */
static void
test_not_acl(void **state)
{
	static const struct { const char *value; size_t len; } bad[] = {
		{ "", 0 }, { "\2", 1 }, { "\2\0\0\0", 4 },
		{ "\2\0\0\0\1\0\7\0\0\0\0", 11 },
		{ "\3\0\0\0\1\0\7\0\0\0\0\0", 12 },
		{ "\2\0\0\0\3\0\7\0\0\0\0\0", 12 },
		{ "\2\0\0\0\1\1\7\0\0\0\0\0", 12 },
		{ "\2\0\0\0\1\0\10\0\0\0\0\0", 12 },
		{ "\2\0\0\0\1\0\7\0\0\0\0\0\1\0\0\1\0\0\0\0", 20 },
	};
	struct sample *s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		s = sample(ENTRY_FILE, "./acl");
		mtree_encode_xattr(&s->xattrs, "system.posix_acl_access",
		    bad[i].value, bad[i].len);
		check_back(s);
		check_record(s, "SCHILY.acl.access", NULL);
	}
}

/* Contents that show where they come from, zeros in the holes. */
static void
fill_content(struct sample *s)
{
	struct span sp = { buf_cstr(&s->holes), s->holes.len };
	struct scan holes = mtree_scan(&sp);
	uint64_t off, len;
	size_t i;

	for (i = 0; i < s->ent.size; i++)
		buf_putc(&s->content, (char)(1 + i % 255));
	while (mtree_next_hole(&holes, &off, &len))
		memset(s->content.data + off, 0, len);
}

/* The name in the header must not pass the map off as the contents. */
static void
check_sparse(const char *name, uint64_t size, const char *holes,
    const char *map)
{
	struct sample *s = sample(ENTRY_FILE, name);
	size_t n = strlen(map);
	const uint8_t *p;
	struct span v;

	s->ent.size = size;
	buf_puts(&s->holes, holes);
	fill_content(s);
	check_back(s);
	check_record(s, "GNU.sparse.major", "1");
	check_record(s, "GNU.sparse.minor", "0");
	check_record(s, "path", NULL);
	if (record(s, "GNU.sparse.name", &v))
		assert_string_equal(s->header, "./GNUSparseFile.0/file");
	else
		assert_memory_equal(s->header, name, 3);
	p = s->out.data + s->head_len;
	assert_memory_equal(p, map, n);
	for (; n % PAX_BLOCK != 0; n++)
		assert_int_equal(p[n], 0);
	n += pax_content_bytes(&s->ent);
	check_number(s, "size", 124, 12, n);
	check_pieces(s);
	check_content(s, s->a);
}

static void
test_sparse(void **state)
{
	struct buf name = BUF_INIT;
	size_t i;

	(void)state;
	check_sparse("./s", 10000, "0 4096", "1\n4096\n5904\n");
	check_sparse("./s", 10000, "5000 5000", "2\n0\n5000\n10000\n0\n");
	check_sparse("./s", 10000, "0 10000", "1\n10000\n0\n");
	check_sparse("./s", 10000, "512 512 2000 1 3000 3000",
	    "4\n0\n512\n1024\n976\n2001\n999\n6000\n4000\n");
	check_sparse("./s", 10000, "0 10 10 20 40 60 9999 1",
	    "3\n30\n10\n100\n9899\n10000\n0\n");
	check_sparse("./s", 1, "0 1", "1\n1\n0\n");
	for (i = 0; i < 2 * COUNT(fills); i++) {
		long_name(&name, i % 2 == 0 ? 50 : 300, fills[i / 2]);
		check_sparse(buf_cstr(&name), 5000, "1000 3000",
		    "2\n0\n1000\n4000\n1000\n");
	}
	buf_fini(&name);
}

/* Maps about as long as a block, and much longer. */
static void
test_sparse_maps(void **state)
{
	struct buf holes = BUF_INIT, map = BUF_INIT;
	size_t n, i, step;

	(void)state;
	for (n = 1; n < 3000; n += step) {
		step = n > 50 && n < 80 ? 1 : n / 2 + 1;
		buf_clear(&holes);
		buf_clear(&map);
		buf_printf(&map, "%zu\n0\n1\n", n + 1);
		for (i = 0; i < n; i++) {
			buf_printf(&holes, "%s%zu 1", i == 0 ? "" : " ",
			    2 * i + 1);
			buf_printf(&map, "%zu\n%d\n", 2 * i + 2, i + 1 < n);
		}
		check_sparse("./many", 2 * n, buf_cstr(&holes),
		    buf_cstr(&map));
	}
	buf_fini(&holes);
	buf_fini(&map);
}

/* Headers only: sizes of files and of what is stored beyond eight GiB. */
static void
test_sparse_huge(void **state)
{
	struct sample *s = sample(ENTRY_FILE, "./huge");

	(void)state;
	s->ent.size = (uint64_t)1 << 45;
	buf_puts(&s->holes, "4096 35184372084736");
	check_back(s);
	check_pieces(s);
	check_number(s, "size", 124, 12, 512 + 4096);
	buf_clear(&s->holes);
	buf_puts(&s->holes, "4096 4096");
	check_back(s);
	check_pieces(s);
	check_record(s, "GNU.sparse.name", "./huge");
	check_record(s, "GNU.sparse.realsize", "35184372088832");
	check_number(s, "size", 124, 12, s->ent.size - 4096 + 512);
}

/* Nothing of a member with bad attributes gets into the archive. */
static void
test_damage(void **state)
{
	static const char *const bad[] = {
		"#x user.a A\n", "#x user.a\n", "#x user.a AAAA", "x\n",
		"#x user.ok AAAA\n#x user.\\777 AAAA\n",
	};
	struct err e = { 0 };
	struct sample *s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		s = sample(ENTRY_FILE, "./f");
		buf_puts(&s->xattrs, bad[i]);
		check_failed(try_encode(&s->out, s, &e), &e, ERR_DAMAGED);
		assert_int_equal(s->out.len, 0);
	}
}

static void
test_padding(void **state)
{
	(void)state;
	assert_int_equal(pax_padding(0), 0);
	assert_int_equal(pax_padding(512), 0);
	assert_int_equal(pax_padding(513), 511);
	assert_int_equal(pax_padding(((uint64_t)1 << 40) + 500), 12);
}

/* Without what would be escaped in the name of an attribute. */
static void
random_name(struct rng *r, struct buf *b, size_t number)
{
	int ascii = rng_below(r, 2) == 0;
	size_t len = rng_below(r, 4) == 0 ? rng_below(r, 1000) :
	    rng_below(r, 130);
	char c;

	buf_clear(b);
	buf_printf(b, "./%zu", number);
	while (b->len < len) {
		c = (char)(ascii ? 1 + rng_below(r, 127) :
		    1 + rng_below(r, 255));
		buf_putc(b, strchr("/=%", c) != NULL ? '_' : c);
		if (rng_below(r, 50) == 0)
			buf_puts(b, "/d");
	}
}

static void
random_xattrs(struct rng *r, struct buf *out)
{
	size_t n = rng_below(r, 3) == 0 ? rng_below(r, 5) : 0, len;
	struct buf name = BUF_INIT;
	uint8_t value[700];

	for (; n > 0; n--) {
		random_name(r, &name, n);
		len = rng_below(r, sizeof(value));
		rng_fill(r, value, len);
		mtree_encode_xattr(out, buf_cstr(&name), value, len);
	}
	buf_fini(&name);
}

/* With holes in half of the files. */
static void
random_content(struct rng *r, struct sample *s)
{
	size_t runs = rng_below(r, 12), len;
	int sparse = rng_below(r, 2) == 0;

	for (; runs > 0; runs--, s->ent.size += len) {
		len = 1 + rng_below(r, 1500);
		if (sparse && rng_below(r, 2) == 0)
			buf_printf(&s->holes, "%s%llu %zu", s->holes.len > 0 ?
			    " " : "", (unsigned long long)s->ent.size, len);
	}
	fill_content(s);
}

static void
random_sample(struct rng *r, struct sample *s, size_t number)
{
	static const int64_t times[] = {
		0, -5000000000, 1600000000, 8589934000, 1000000000000,
	};
	struct entry *ent = &s->ent;

	sample_begin(s, (enum entry_type)rng_below(r, 6), "");
	if (rng_below(r, 3) == 0)
		ent->type = ENTRY_FILE;
	random_name(r, &s->name, number);
	ent->mode = (uint32_t)rng_below(r, 010000);
	ent->uid = (uint32_t)(rng_next(r) >> rng_below(r, 33) >> 32);
	ent->gid = (uint32_t)(rng_next(r) >> rng_below(r, 33) >> 32);
	ent->mtime = times[rng_below(r, COUNT(times))] +
	    (int64_t)rng_below(r, 1000);
	if (rng_below(r, 3) > 0)
		ent->mtime_ns = (uint32_t)rng_below(r, 1000000000);
	ent->major = (uint32_t)(rng_next(r) >> 32 >> rng_below(r, 32));
	ent->minor = (uint32_t)(rng_next(r) >> 32 >> rng_below(r, 32));
	if (ent->type == ENTRY_LINK)
		random_name(r, &s->link, rng_below(r, 9999));
	else if (ent->type == ENTRY_FILE)
		random_content(r, s);
	random_xattrs(r, &s->xattrs);
}

#define SAMPLES 400

/* An archive of all sorts of members, one after the other. */
static void
test_random(void **state)
{
	static struct sample all[SAMPLES];
	struct rng r = { 20 };
	struct sample *s, *whole = sample(ENTRY_FILE, "");
	size_t i, k;

	(void)state;
	for (s = all, i = 0; i < SAMPLES; s++, i++) {
		random_sample(&r, s, i);
		k = rng_below(&r, i + 1);
		if (s->ent.type != ENTRY_DIR && k < i &&
		    all[k].ent.type != ENTRY_DIR && rng_below(&r, 4) == 0) {
			s->hard = 1;
			buf_clear(&s->link);
			buf_puts(&s->link, buf_cstr(&all[k].name));
		}
		encode(&s->out, s);
		parse(s);
		buf_append(&whole->out, s->out.data, s->out.len);
		put_content(&whole->out, s);
	}
	pax_encode_end(&whole->out);
	whole->a = open_archive(&whole->out);
	for (s = all; s < all + SAMPLES; s++) {
		s->ae = next_entry(whole->a);
		check_member(s);
		if (s->ent.type == ENTRY_FILE && !s->hard) {
			check_pieces(s);
			check_content(s, whole->a);
		}
		sample_end(s);
	}
	assert_int_equal(archive_read_next_header(whole->a, &whole->ae),
	    ARCHIVE_EOF);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_sizes_and_modes),
		cmocka_unit_test(test_ids_and_nodes),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_xattr_values),
		cmocka_unit_test(test_xattr_names),
		cmocka_unit_test(test_acl),
		cmocka_unit_test(test_not_acl),
		cmocka_unit_test(test_sparse),
		cmocka_unit_test(test_sparse_maps),
		cmocka_unit_test(test_sparse_huge),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_random),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);

	sample_end(&only);
	return (rc);
}
