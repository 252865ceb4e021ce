#include "formats/mtree.h"
#include "formats/pathtext.h"
#include "tests/unit/unit.h"

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HEY "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define INO "#i 12 1700000000.000000005\n"
#define TAIL " mode=0644 uid=0 gid=0 nlink=1 size=5 time=1.000000000 " \
    "sha256digest=" HEX "\n"
#define FILE5 "./f type=file" TAIL
#define DIR_TAIL " mode=0755 uid=0 gid=0 time=1.000000000\n"
#define DIR0 ". type=dir" DIR_TAIL
#define NODE " mode=0600 uid=0 gid=0 time=1.000000000"

static struct span
span(const char *text)
{
	struct span sp = { text, strlen(text) };

	return (sp);
}

static int
decode(const char *text, struct entry *ent, struct err *e)
{
	struct scan s = { text, text + strlen(text) };

	memset(ent, 0xee, sizeof(*ent));
	return (mtree_decode(&s, ent, e));
}

static void
check_span(const struct span *sp, const char *want)
{
	assert_int_equal(sp->len, strlen(want));
	if (sp->len > 0)
		assert_memory_equal(sp->p, want, sp->len);
}

/* The text decodes, whole, and encodes to itself. */
static struct entry
check_good(const char *text)
{
	struct buf b = BUF_INIT;
	struct entry ent;
	struct err e = { 0 };

	if (decode(text, &ent, &e) != 1)
		fail_msg("refused: %s: %s", text, e.msg);
	check_span(&ent.text, text);
	mtree_encode(&b, &ent);
	assert_string_equal(buf_cstr(&b), text);
	buf_fini(&b);
	return (ent);
}

static void
check_bad(const char *text)
{
	struct entry ent;
	struct err e = { 0 };
	int rc = decode(text, &ent, &e);

	if (rc != -1)
		fail_msg("accepted: %s", text);
	check_failed(rc, &e, ERR_DAMAGED);
}

static struct entry
sample(enum entry_type type, const char *path)
{
	struct entry ent;

	memset(&ent, 0, sizeof(ent));
	ent.type = type;
	ent.path = span(path);
	ent.mode = 0644;
	ent.uid = 1000;
	ent.gid = 100;
	ent.ino = 77;
	ent.mtime = 1700000000;
	ent.mtime_ns = 123456789;
	ent.ctime = 1700000001;
	ent.ctime_ns = 5;
	return (ent);
}

static void
check_encoded(const struct entry *ent, const char *want)
{
	struct buf b = BUF_INIT;

	mtree_encode(&b, ent);
	assert_string_equal(buf_cstr(&b), want);
	buf_fini(&b);
	check_good(want);
}

#define SAMPLE_I "#i 77 1700000001.000000005\n"
#define SAMPLE_ID " mode=0644 uid=1000 gid=100"
#define SAMPLE_T " time=1700000000.123456789"

static void
test_types(void **state)
{
	struct entry ent = sample(ENTRY_DIR, ".");

	(void)state;
	check_encoded(&ent, SAMPLE_I ". type=dir" SAMPLE_ID SAMPLE_T "\n");
	ent = sample(ENTRY_FILE, "./f");
	ent.nlink = 2;
	ent.size = 12345678901234;
	ent.digest[0] = 0xab;
	check_encoded(&ent, SAMPLE_I "./f type=file" SAMPLE_ID
	    " nlink=2 size=12345678901234" SAMPLE_T " sha256digest=ab000000"
	    "00000000000000000000000000000000000000000000000000000000\n");
	ent = sample(ENTRY_LINK, "./l\\040k");
	ent.link = span("../a\\040b");
	check_encoded(&ent, SAMPLE_I "./l\\040k type=link" SAMPLE_ID SAMPLE_T
	    " link=../a\\040b\n");
	ent = sample(ENTRY_CHAR, "./c");
	ent.major = 5;
	check_encoded(&ent, SAMPLE_I "./c type=char" SAMPLE_ID SAMPLE_T
	    " device=native,5,0\n");
	ent = sample(ENTRY_BLOCK, "./b");
	ent.major = UINT32_MAX;
	ent.minor = 1048575;
	check_encoded(&ent, SAMPLE_I "./b type=block" SAMPLE_ID SAMPLE_T
	    " device=native,4294967295,1048575\n");
	ent = sample(ENTRY_FIFO, "./p");
	check_encoded(&ent, SAMPLE_I "./p type=fifo" SAMPLE_ID SAMPLE_T
	    "\n");
}

static void
test_modes(void **state)
{
	static const uint32_t modes[] = { 0, 07, 0644, 01777, 04755, 07777 };
	struct entry ent = sample(ENTRY_DIR, "./d"), got;
	struct buf b = BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(modes); i++) {
		ent.mode = modes[i];
		buf_clear(&b);
		mtree_encode(&b, &ent);
		got = check_good(buf_cstr(&b));
		assert_int_equal(got.mode, modes[i]);
	}
	buf_fini(&b);
}

static void
test_times(void **state)
{
	static const struct { int64_t sec; uint32_t ns; } times[] = {
		{ 0, 0 }, { -1, 999999999 }, { -1, 0 }, { -2208988800, 1 },
		{ 253402300800, 999999999 }, { INT64_MAX, 999999999 },
		{ -INT64_MAX, 1 }, { INT64_MIN, 0 },
	};
	struct entry ent = sample(ENTRY_FIFO, "./p"), got;
	struct buf b = BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(times); i++) {
		ent.mtime = times[i].sec;
		ent.mtime_ns = times[i].ns;
		ent.ctime = times[COUNT(times) - 1 - i].sec;
		ent.ctime_ns = times[COUNT(times) - 1 - i].ns;
		buf_clear(&b);
		mtree_encode(&b, &ent);
		got = check_good(buf_cstr(&b));
		assert_true(got.mtime == ent.mtime);
		assert_true(got.ctime == ent.ctime);
		assert_int_equal(got.mtime_ns, ent.mtime_ns);
		assert_int_equal(got.ctime_ns, ent.ctime_ns);
	}
	buf_fini(&b);
	check_good("#i 1 -1.999999999\n. type=dir mode=0755 uid=0 gid=0 "
	    "time=-62135596801.500000000\n");
}

static void
test_largest_numbers(void **state)
{
	struct entry ent;

	(void)state;
	ent = check_good("#i 18446744073709551615 1.000000000\n"
	    "./f type=file mode=0644 uid=4294967295 gid=4294967294 "
	    "nlink=18446744073709551615 size=9223372036854775807 "
	    "time=1.000000000 sha256digest=" HEX "\n");
	assert_true(ent.ino == UINT64_MAX && ent.nlink == UINT64_MAX);
	assert_true(ent.uid == UINT32_MAX && ent.gid == UINT32_MAX - 1);
	assert_true(ent.size == INT64_MAX);
}

static void
test_contents(void **state)
{
	struct entry ent;
	uint8_t id[DIGEST_LEN];
	struct scan s;

	(void)state;
	ent = check_good(INO "#b " HEX " " HEY "\n" FILE5);
	s = mtree_scan(&ent.blobs);
	assert_int_equal(mtree_next_blob(&s, id), 1);
	assert_int_equal(id[0], 0);
	assert_int_equal(mtree_next_blob(&s, id), 1);
	assert_int_equal(id[0], 0xff);
	assert_ptr_equal(s.p, s.end);
	assert_int_equal(mtree_next_blob(&s, id), 0);
	assert_int_equal(ent.list_depth, 0);
	ent = check_good(INO "#t 2 " HEY "\n" FILE5);
	assert_int_equal(ent.list_depth, 2);
	assert_int_equal(ent.list[0], 0xff);
	assert_int_equal(ent.digest[0], 0);
	assert_int_equal(ent.blobs.len, 0);
	ent = check_good(INO "#l ./e\n#b " HEX " " HEY "\n" FILE5);
	check_span(&ent.hardlink, "./e");
	ent = check_good(INO FILE5);
	assert_int_equal(ent.hardlink.len + ent.blobs.len + ent.holes.len +
	    ent.xattrs.len + ent.list_depth, 0);
}

static void
test_holes(void **state)
{
	static const uint64_t want[] = { 0, 1, 2, 3 };
	struct entry ent;
	struct scan s;
	uint64_t off, len;
	size_t i;

	(void)state;
	ent = check_good(INO "#h 0 1 2 3\n" FILE5);
	s = mtree_scan(&ent.holes);
	for (i = 0; i < 4; i += 2) {
		assert_int_equal(mtree_next_hole(&s, &off, &len), 1);
		assert_true(off == want[i] && len == want[i + 1]);
	}
	assert_int_equal(mtree_next_hole(&s, &off, &len), 0);
	check_good(INO "#h 0 5\n" FILE5);
	check_good(INO "#h 4 1\n" FILE5);
	check_bad(INO "#h 5 1\n" FILE5);
	check_bad(INO "#h 0 6\n" FILE5);
	check_bad(INO "#h 1 0\n" FILE5);
	check_bad(INO "#h 0 2 1 1\n" FILE5);
	check_bad(INO "#h 2 1 0 1\n" FILE5);
	check_bad(INO "#h 1 18446744073709551615\n" FILE5);
	check_bad(INO "#h 18446744073709551615 1\n" FILE5);
	check_bad(INO "#h 0\n" FILE5);
	check_bad(INO "#h 0 1 2\n" FILE5);
	check_bad(INO "#h 0 1 \n" FILE5);
	check_bad(INO "#h  0 1\n" FILE5);
	check_bad(INO "#h 0  1\n" FILE5);
	check_bad(INO "#h 00 1\n" FILE5);
	check_bad(INO "#h 0 1x\n" FILE5);
	check_bad(INO "#h \n" FILE5);
}

/* n ids, as "#b" has them. */
static void
put_blobs(struct buf *b, size_t n)
{
	size_t i;

	buf_puts(b, INO "#b");
	for (i = 0; i < n; i++)
		buf_puts(b, " " HEX);
	buf_puts(b, "\n" FILE5);
}

static void
test_blob_counts(void **state)
{
	struct buf b = BUF_INIT;
	size_t n;

	(void)state;
	for (n = 1; n < 40; n++) {
		buf_clear(&b);
		put_blobs(&b, n);
		if (n >= 2 && n <= ENTRY_INLINE_BLOBS)
			check_good(buf_cstr(&b));
		else
			check_bad(buf_cstr(&b));
	}
	buf_fini(&b);
}

/* Each text is wrong in one place. */
static const char *const wrongs[] = {
	/* the inode's line */
	"\n", "x", FILE5, DIR0, "#", "#i", "#i ", "#i 1", "#i 1\n" FILE5,
	"#i 1 1\n" FILE5, "#i 1 1.00000000\n" FILE5,
	"#i 1 1.0000000000\n" FILE5, "#i x 1.000000000\n" FILE5,
	"#i 01 1.000000000\n" FILE5, "#i -1 1.000000000\n" FILE5,
	"#i 18446744073709551616 1.000000000\n" FILE5,
	"#i  1 1.000000000\n" FILE5, "#i 1 1.000000000 \n" FILE5,
	"#i 1 -0.000000000\n" FILE5, "#i 1 1.000000000\r\n" FILE5,
	INO, INO INO FILE5, INO "#\n" FILE5, INO "# note\n" FILE5,
	INO "#z 1\n" FILE5,
	/* comments out of order, twice, empty */
	INO "#b " HEX " " HEY "\n#l ./e\n" FILE5,
	INO "#h 0 1\n#b " HEX " " HEY "\n" FILE5,
	INO "#x user.a YQ==\n#h 0 1\n" FILE5,
	INO "#l ./e\n#l ./e\n" FILE5, INO "#l \n" FILE5, INO "#b \n" FILE5,
	INO "#x \n" FILE5,
	/* hard links */
	INO "#l e\n" FILE5, INO "#l ./e f\n" FILE5, INO "#l ../e\n" FILE5,
	INO "#l ./a/../e\n" FILE5, INO "#l /e\n" FILE5,
	INO "#l .\n" FILE5,
	/* blobs */
	INO "#b " HEX "  " HEY "\n" FILE5, INO "#b " HEX " " HEY " \n" FILE5,
	INO "#b  " HEX " " HEY "\n" FILE5, INO "#b " HEX HEY "\n" FILE5,
	INO "#b " HEX " " HEY "0\n" FILE5, INO "#b " HEX " x\n" FILE5,
	INO "#b " HEX "," HEY "\n" FILE5,
	/* list trees */
	INO "#t 0 " HEX "\n" FILE5, INO "#t 9 " HEX "\n" FILE5,
	INO "#t 01 " HEX "\n" FILE5, INO "#t " HEX "\n" FILE5,
	INO "#t 1 " HEX "0\n" FILE5, INO "#t 1  " HEX "\n" FILE5,
	INO "#t 1 " HEX " \n" FILE5, INO "#t 4294967297 " HEX "\n" FILE5,
	INO "#b " HEX " " HEY "\n#t 1 " HEX "\n" FILE5,
	/* what only files have */
	INO "#l ./e\n" DIR0, INO "#b " HEX " " HEY "\n" DIR0,
	INO "#t 1 " HEX "\n" DIR0, INO "#h 0 1\n" DIR0,
	/* extended attributes */
	INO "#x user.a\n" FILE5, INO "#x user.a \n" FILE5,
	INO "#x  YQ==\n" FILE5, INO "#x user.a  YQ==\n" FILE5,
	INO "#x user.a YQ== \n" FILE5, INO "#x user.\xc3\xa9 YQ==\n" FILE5,
	INO "#x user.\\141 YQ==\n" FILE5, INO "#x user.a YQ==", INO "#x user",
	/* paths */
	INO ". type=file" TAIL, INO ". type=link" NODE " link=x\n",
	INO "type=file" TAIL, INO " type=file" TAIL, INO "f type=file" TAIL,
	INO "/f type=file" TAIL, INO ".. type=file" TAIL,
	INO "./ type=file" TAIL, INO "./a/../b type=file" TAIL,
	INO "./a//b type=file" TAIL, INO "./a/ type=file" TAIL,
	INO "./a/. type=file" TAIL, INO "./a\\056 type=file" TAIL,
	INO "./a\\ type=file" TAIL, INO "./a? type=file" TAIL,
	INO "./\x01 type=file" TAIL, INO "./\xc3\xa9 type=file" TAIL,
	INO "./f\ttype=file" TAIL,
	/* types */
	INO "./f" TAIL, INO "./f type=" TAIL, INO "./f type=socket" TAIL,
	INO "./f type=FILE" TAIL, INO "./f type=fil" TAIL,
	INO "./f type=files" TAIL, INO "./f  type=file" TAIL,
	INO "./f type=dir" TAIL, INO "./f type=file" DIR_TAIL,
	INO "./f type=link" NODE "\n", INO "./f type=char" NODE "\n",
	INO "./f type=fifo" NODE " link=a\n",
	/* links and devices */
	INO "./f type=link" NODE " link=\n", INO "./f type=link" NODE " link=a",
	INO "./f type=link" NODE " link=a b\n",
	INO "./f type=link" NODE " link=a\\\n",
	INO "./f type=link" NODE " link=\xff\n",
	INO "./f type=char" NODE " device=native,1\n",
	INO "./f type=char" NODE " device=native,1,\n",
	INO "./f type=char" NODE " device=native,1,2,3\n",
	INO "./f type=char" NODE " device=native,4294967296,2\n",
	INO "./f type=block" NODE " device=linux,1,2\n",
	INO "./f type=block" NODE " device=259\n",
};

static void
test_refuses(void **state)
{
	struct entry ent;
	struct err e = { 0 };
	size_t i;

	(void)state;
	check_good(INO FILE5);
	check_good(INO DIR0);
	for (i = 0; i < COUNT(wrongs); i++)
		check_bad(wrongs[i]);
	assert_int_equal(decode("", &ent, &e), 0);
}

/* What is between "type=file " and the end, wrong in one place. */
static const char *const wrong_fields[] = {
	"", "mode=0644", "uid=0",
	"mode=644 uid=0 gid=0 nlink=1 size=5 time=1.000000000 ",
	"mode=00644 uid=0 gid=0 nlink=1 size=5 time=1.000000000 ",
	"mode=10000 uid=0 gid=0 nlink=1 size=5 time=1.000000000 ",
	"mode=0648 uid=0 gid=0 nlink=1 size=5 time=1.000000000 ",
	"mode= uid=0 gid=0 nlink=1 size=5 time=1.000000000 ",
	"mode=0644 uid=-1 gid=0 nlink=1 size=5 time=1.000000000 ",
	"mode=0644 uid=4294967296 gid=0 nlink=1 size=5 time=1.000000000 ",
	"mode=0644 uid=00 gid=0 nlink=1 size=5 time=1.000000000 ",
	"mode=0644 uid=0 gid=4294967296 nlink=1 size=5 time=1.000000000 ",
	"mode=0644 gid=0 uid=0 nlink=1 size=5 time=1.000000000 ",
	"mode=0644 uid=0 gid=0 size=5 nlink=1 time=1.000000000 ",
	"mode=0644 uid=0 gid=0 size=5 time=1.000000000 ",
	"mode=0644 uid=0 gid=0 nlink=01 size=5 time=1.000000000 ",
	"mode=0644 uid=0 gid=0 nlink=1 time=1.000000000 ",
	"mode=0644 uid=0 gid=0 nlink=1 size=-5 time=1.000000000 ",
	"mode=0644 uid=0 gid=0 nlink=1 size=5 time=1 ",
	"mode=0644 uid=0 gid=0 nlink=1 size=5 time=1.5 ",
	"mode=0644 uid=0 gid=0 nlink=1 size=5 time=-0.000000001 ",
	"mode=0644 uid=0 gid=0 nlink=1 size=5 ",
	"mode=0644  uid=0 gid=0 nlink=1 size=5 time=1.000000000 ",
	"mode=0644 uid=0 gid=0 nlink=1 size=5 time=1.000000000",
	"mode=0644 uid=0 gid=0 nlink=1 size=5 time=1.000000000  ",
	"mode=0644 uid=0 gid=0 flags=none nlink=1 size=5 time=1.000000000 ",
};

static void
test_refuses_fields(void **state)
{
	char text[400];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(wrong_fields); i++) {
		snprintf(text, sizeof(text), INO "./f type=file %s"
		    "sha256digest=" HEX "\n", wrong_fields[i]);
		check_bad(text);
	}
	check_bad(INO "./f type=file mode=0644 uid=0 gid=0 nlink=1 "
	    "size=9223372036854775808 time=1.000000000 sha256digest=" HEX
	    "\n");
	check_bad(INO "./f type=file mode=0644 uid=0 gid=0 nlink=1 size=5 "
	    "time=1.000000000 sha256digest=\n");
	check_bad(INO "./f type=file mode=0644 uid=0 gid=0 nlink=1 size=5 "
	    "time=1.000000000 sha256digest=" HEX "0\n");
	check_bad(INO "./f type=file mode=0644 uid=0 gid=0 nlink=1 size=5 "
	    "time=1.000000000 sha256digest=" HEX " \n");
	check_bad(INO "./f type=file mode=0644 uid=0 gid=0 nlink=1 size=5 "
	    "time=1.000000000 sha256digest=" HEX);
}

/* Every proper beginning of an entry, in memory of just that length. */
static void
test_truncated(void **state)
{
	static const char text[] = INO "#l ./e\n#b " HEX " " HEY
	    "\n#h 0 1\n#x user.a YQ==\n#x user.b =\n" FILE5;
	struct entry ent;
	struct err e = { 0 };
	struct scan s;
	char *copy;
	size_t n;

	(void)state;
	check_good(text);
	for (n = 1; n < sizeof(text) - 1; n++) {
		copy = malloc(n);
		assert_non_null(copy);
		memcpy(copy, text, n);
		s.p = copy;
		s.end = copy + n;
		check_failed(mtree_decode(&s, &ent, &e), &e, ERR_DAMAGED);
		free(copy);
	}
}

static void
test_sequence(void **state)
{
	static const char text[] = INO DIR0 INO "#x user.a =\n" FILE5
	    INO "./g type=fifo" NODE "\n";
	struct scan s = { text, text + sizeof(text) - 1 };
	struct entry ent;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(mtree_decode(&s, &ent, &e), 1);
	check_span(&ent.path, ".");
	check_span(&ent.text, INO DIR0);
	assert_int_equal(mtree_decode(&s, &ent, &e), 1);
	check_span(&ent.path, "./f");
	check_span(&ent.xattrs, "#x user.a =\n");
	assert_int_equal(mtree_decode(&s, &ent, &e), 1);
	check_span(&ent.path, "./g");
	assert_int_equal(ent.xattrs.len, 0);
	assert_int_equal(mtree_decode(&s, &ent, &e), 0);
	assert_ptr_equal(s.p, s.end);
}

/* RFC 4648 section 10, and the sign for nothing. */
static void
test_base64(void **state)
{
	static const char *const pairs[][2] = {
		{ "", "=" }, { "f", "Zg==" }, { "fo", "Zm8=" },
		{ "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" },
		{ "\xfb\xff\xfe", "+//+" },
	};
	struct buf b = BUF_INIT;
	char want[64];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(pairs); i++) {
		buf_clear(&b);
		mtree_encode_xattr(&b, "user.a b", pairs[i][0],
		    strlen(pairs[i][0]));
		snprintf(want, sizeof(want), "#x user.a\\040b %s\n",
		    pairs[i][1]);
		assert_string_equal(buf_cstr(&b), want);
	}
	buf_fini(&b);
}

static void
test_xattr_round_trip(void **state)
{
	struct buf lines = BUF_INIT, name = BUF_INIT, value = BUF_INIT;
	struct rng r = { 51 };
	struct err e = { 0 };
	uint8_t v[300];
	char n[12];
	struct span sp;
	struct scan s;
	size_t i, len;

	(void)state;
	for (i = 0; i < 500; i++) {
		len = rng_below(&r, sizeof(v));
		rng_fill(&r, v, len);
		snprintf(n, sizeof(n), "user.\t%zu", i);
		buf_clear(&lines);
		mtree_encode_xattr(&lines, n, v, len);
		mtree_encode_xattr(&lines, "last", NULL, 0);
		sp.p = (char *)lines.data;
		sp.len = lines.len;
		s = mtree_scan(&sp);
		assert_int_equal(mtree_next_xattr(&s, &name, &value, &e), 1);
		assert_string_equal((char *)name.data, n);
		assert_int_equal(value.len, len);
		if (len > 0)
			assert_memory_equal(value.data, v, len);
		assert_int_equal(mtree_next_xattr(&s, &name, &value, &e), 1);
		assert_string_equal((char *)name.data, "last");
		assert_int_equal(value.len, 0);
		assert_int_equal(mtree_next_xattr(&s, &name, &value, &e), 0);
	}
	buf_fini(&lines);
	buf_fini(&name);
	buf_fini(&value);
}

/* A value has one text; the entry around another one is refused too. */
static void
test_base64_refuses(void **state)
{
	static const char *const values[] = {
		"A", "AA", "AAA", "AAAAA", "==", "====", "A===", "AA=A",
		"AA==AAAA", "AAA=AAAA", "A=AA", "AA-A", "AA_A", "=AAA",
		"AAAA=", "AA==\t", "AB==", "AAB=",
	};
	struct buf name = BUF_INIT, value = BUF_INIT;
	struct err e = { 0 };
	char line[60], text[400];
	struct span sp;
	struct scan s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(values); i++) {
		snprintf(line, sizeof(line), "#x a %s\n", values[i]);
		sp = span(line);
		s = mtree_scan(&sp);
		check_failed(mtree_next_xattr(&s, &name, &value, &e), &e,
		    ERR_DAMAGED);
		snprintf(text, sizeof(text), INO "%s" FILE5, line);
		check_bad(text);
	}
	buf_fini(&name);
	buf_fini(&value);
}

static void
test_type_names(void **state)
{
	(void)state;
	assert_string_equal(mtree_type_name(ENTRY_DIR), "dir");
	assert_string_equal(mtree_type_name(ENTRY_FILE), "file");
	assert_string_equal(mtree_type_name(ENTRY_LINK), "link");
	assert_string_equal(mtree_type_name(ENTRY_CHAR), "char");
	assert_string_equal(mtree_type_name(ENTRY_BLOCK), "block");
	assert_string_equal(mtree_type_name(ENTRY_FIFO), "fifo");
}

static void
random_entry(struct rng *r, struct entry *ent, struct buf *path)
{
	char name[20];
	size_t n = 1 + rng_below(r, sizeof(name) - 1), i;

	*ent = sample((enum entry_type)rng_below(r, 6), "");
	for (i = 0; i < n; i++)
		name[i] = (char)(1 + rng_below(r, 255));
	name[0] = name[0] == '.' ? 'x' : name[0];
	for (i = 0; i < n; i++)
		name[i] = name[i] == '/' ? '\n' : name[i];
	buf_clear(path);
	buf_puts(path, "./");
	pathtext_encode(path, name, n);
	(void)buf_cstr(path);
	ent->path.p = (char *)path->data;
	ent->path.len = path->len;
	ent->link = ent->path;
	ent->mode = (uint32_t)rng_below(r, 010000);
	ent->uid = (uint32_t)rng_next(r);
	ent->ino = rng_next(r);
	ent->size = rng_next(r) >> 1;
	ent->mtime = (int64_t)rng_next(r) >> rng_below(r, 64);
	ent->mtime_ns = (uint32_t)rng_below(r, 1000000000);
	ent->minor = (uint32_t)rng_next(r);
	rng_fill(r, ent->digest, sizeof(ent->digest));
}

static void
test_random_entries(void **state)
{
	struct buf path = BUF_INIT, text = BUF_INIT;
	struct rng r = { 52 };
	struct entry ent, got;
	size_t i;

	(void)state;
	for (i = 0; i < 5000; i++) {
		random_entry(&r, &ent, &path);
		buf_clear(&text);
		mtree_encode(&text, &ent);
		got = check_good(buf_cstr(&text));
		assert_true(got.mtime == ent.mtime);
		assert_int_equal(got.mode, ent.mode);
	}
	buf_fini(&path);
	buf_fini(&text);
}

/* bsdtar(1) reads a catalog with "#mtree" in front, odd names and all. */
static void
test_bsdtar_reads_it(void **state)
{
	static const char text[] = "#mtree\n" INO DIR0
	    INO "#x user.a YQ==\n#x user.b =\n" "./a\\040b type=file" TAIL
	    INO "./c\\043 type=link" NODE " link=a\\040b\n"
	    INO "./d type=dir" DIR_TAIL
	    INO "./d/e type=fifo mode=0600 uid=0 gid=0 "
	    "time=-1.500000000\n";
	const char *dir;
	char cmd[600];
	FILE *f;

	(void)state;
	need("bsdtar");
	dir = scratch_begin();
	snprintf(cmd, sizeof(cmd), "%s/c", dir);
	assert_non_null(f = fopen(cmd, "w"));
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	snprintf(cmd, sizeof(cmd), "cd '%s' && bsdtar -tf c >got && printf "
	    "'%%s\\n' . './a b' ./c# ./d ./d/e | cmp - got", dir);
	assert_int_equal(shell(cmd), 0);
	snprintf(cmd, sizeof(cmd), "bsdtar -tvf '%s/c' | grep -q "
	    "'^l.* -> a b$'", dir);
	assert_int_equal(shell(cmd), 0);
	scratch_end(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_largest_numbers),
		cmocka_unit_test(test_contents),
		cmocka_unit_test(test_holes),
		cmocka_unit_test(test_blob_counts),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_refuses_fields),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_sequence),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_xattr_round_trip),
		cmocka_unit_test(test_base64_refuses),
		cmocka_unit_test(test_type_names),
		cmocka_unit_test(test_random_entries),
		cmocka_unit_test(test_bsdtar_reads_it),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
