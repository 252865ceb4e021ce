#include "formats/pathtext.h"
#include "tests/unit/unit.h"

static int
special(int c)
{
	return (c <= 0x20 || c >= 0x7f || (c != 0 && strchr("\\#*?[", c)));
}

/* Every byte has one text, and the decoder knows no other. */
static void
test_every_byte(void **state)
{
	struct buf text = BUF_INIT, raw = BUF_INIT;
	char want[5];
	uint8_t c;
	int i;

	(void)state;
	for (i = 1; i < 256; i++) {
		c = (uint8_t)i;
		buf_clear(&text);
		buf_clear(&raw);
		pathtext_encode(&text, &c, 1);
		if (special(i))
			snprintf(want, sizeof(want), "\\%03o", c);
		else
			snprintf(want, sizeof(want), "%c", c);
		assert_string_equal(buf_cstr(&text), want);
		assert_int_equal(pathtext_decode(&raw,
		    (const char *)text.data, text.len), 0);
		assert_int_equal(raw.len, 1);
		assert_int_equal(raw.data[0], i);
		/* The other way to write it. */
		if (special(i))
			snprintf(want, sizeof(want), "%c", c);
		else
			snprintf(want, sizeof(want), "\\%03o", c);
		assert_int_equal(pathtext_valid(want, strlen(want)), 0);
		buf_clear(&raw);
		assert_int_equal(pathtext_decode(&raw, want, strlen(want)),
		    -1);
	}
	buf_fini(&text);
	buf_fini(&raw);
}

static void
test_malformed(void **state)
{
	static const char *const texts[] = {
		"\\", "\\0", "\\04", "a\\04", "\\0400\\", "\\000", "\\400",
		"\\777", "\\08 ", "\\800", "\\x20", "\\0 0", "\\\\", "\\134\\",
		"\\141", "\\057", "\\056", "a b", "tab\t", "caf\xc3\xa9",
		"\x7f", "#", "*", "?", "[",
	};
	struct buf out = BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(texts); i++) {
		assert_int_equal(pathtext_valid(texts[i], strlen(texts[i])),
		    0);
		buf_clear(&out);
		assert_int_equal(pathtext_decode(&out, texts[i],
		    strlen(texts[i])), -1);
		assert_int_equal(pathtext_is_path(texts[i],
		    strlen(texts[i])), 0);
	}
	assert_int_equal(pathtext_valid("a\0b", 3), 0);
	buf_clear(&out);
	assert_int_equal(pathtext_decode(&out, "a\0b", 3), -1);
	buf_fini(&out);
}

static void
test_empty(void **state)
{
	struct buf text = BUF_INIT, raw = BUF_INIT;

	(void)state;
	pathtext_encode(&text, "", 0);
	assert_int_equal(text.len, 0);
	assert_int_equal(pathtext_valid("", 0), 1);
	assert_int_equal(pathtext_decode(&raw, "", 0), 0);
	assert_int_equal(raw.len, 0);
	buf_fini(&text);
	buf_fini(&raw);
}

static void
test_is_path(void **state)
{
	static const char *const paths[] = {
		".", "./a", "./a/b", "./...", "./a/...", "./.a", "./a.",
		"./..a", "./a..", "./\\040", "./a=b", "./~", "./-",
	};
	static const char *const others[] = {
		"", "/", "/a", "a", "a/b", "..", "../a", ".a", "./", "./.",
		"./..", "./a/", "./a//b", ".//a", "./a/.", "./a/..",
		"./a/./b", "./a/../b", "./../a", "./a b", "./\\056\\056/a",
		"./\\057", "~", "./a\\", "./a/..\\",
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(paths); i++)
		assert_int_equal(pathtext_is_path(paths[i],
		    strlen(paths[i])), 1);
	for (i = 0; i < COUNT(others); i++)
		assert_int_equal(pathtext_is_path(others[i],
		    strlen(others[i])), 0);
	/* Bounded by its length, not by a NUL. */
	assert_int_equal(pathtext_is_path("./a/", 3), 1);
	assert_int_equal(pathtext_is_path("./a\0b", 5), 0);
}

/* A random name: few letters, so that prefixes and ties are common. */
static size_t
random_name(struct rng *r, char *out, size_t max)
{
	static const char letters[] =
	    "ab/.-0 \\#\x01\x1f\x20\x21\x2e\x30\x7e\x7f\x80\xc3\xff[*?";
	size_t i, n = rng_below(r, max);

	for (i = 0; i < n; i++)
		out[i] = rng_below(r, 8) > 0 ?
		    letters[rng_below(r, sizeof(letters) - 1)] :
		    (char)(1 + rng_below(r, 255));
	return (n);
}

static void
test_round_trip(void **state)
{
	struct buf text = BUF_INIT, raw = BUF_INIT;
	struct rng r = { 5 };
	char name[40];
	size_t i, n;

	(void)state;
	for (i = 0; i < 20000; i++) {
		n = random_name(&r, name, sizeof(name));
		buf_clear(&text);
		buf_clear(&raw);
		buf_puts(&text, "kept");
		buf_puts(&raw, "kept");
		pathtext_encode(&text, name, n);
		assert_int_equal(pathtext_valid((char *)text.data + 4,
		    text.len - 4), 1);
		assert_int_equal(pathtext_decode(&raw,
		    (char *)text.data + 4, text.len - 4), 0);
		assert_int_equal(raw.len, n + 4);
		assert_memory_equal(raw.data, "kept", 4);
		assert_memory_equal(raw.data + 4, name, n);
	}
	buf_fini(&text);
	buf_fini(&raw);
}

/* Whatever decodes encodes to the same text. */
static void
test_canonical(void **state)
{
	static const char letters[] = "\\\\\\0124037a/.#";
	struct buf text = BUF_INIT, raw = BUF_INIT;
	struct rng r = { 6 };
	char t[16];
	size_t i, k, n, good = 0;

	(void)state;
	for (i = 0; i < 200000; i++) {
		n = rng_below(&r, sizeof(t));
		for (k = 0; k < n; k++)
			t[k] = letters[rng_below(&r, sizeof(letters) - 1)];
		buf_clear(&text);
		buf_clear(&raw);
		if (!pathtext_valid(t, n)) {
			assert_int_equal(pathtext_decode(&raw, t, n), -1);
			continue;
		}
		good++;
		(void)buf_cstr(&raw);
		assert_int_equal(pathtext_decode(&raw, t, n), 0);
		pathtext_encode(&text, raw.data, raw.len);
		assert_int_equal(text.len, n);
		if (n > 0)
			assert_memory_equal(text.data, t, n);
	}
	assert_true(good > 1000);
	buf_fini(&text);
	buf_fini(&raw);
}

static int
sign(int v)
{
	return ((v > 0) - (v < 0));
}

/* Both comparisons, both ways round, on raw names; their common sign. */
static int
compare(const char *a, size_t alen, const char *b, size_t blen)
{
	struct buf x = BUF_INIT, y = BUF_INIT;
	int raw, text;

	pathtext_encode(&x, a, alen);
	pathtext_encode(&y, b, blen);
	(void)buf_cstr(&x);
	(void)buf_cstr(&y);
	raw = sign(pathtext_compare_raw(a, alen, b, blen));
	text = sign(pathtext_compare((char *)x.data, x.len, (char *)y.data,
	    y.len));
	assert_int_equal(raw, text);
	assert_int_equal(-raw, sign(pathtext_compare_raw(b, blen, a, alen)));
	assert_int_equal(-raw, sign(pathtext_compare((char *)y.data, y.len,
	    (char *)x.data, x.len)));
	buf_fini(&x);
	buf_fini(&y);
	return (raw);
}

/* In catalog order. */
static const char *const ordered[] = {
	".", "./\x01", "./\x01/z", "./\x02", "./ ", "./ /a", "./ a", "./!",
	"./#", "./-", "./.a", "./0", "./A", "./[", "./\\", "./\\/x", "./\\0",
	"./\\\\", "./]", "./a", "./a/b", "./a/b/c", "./a/b ", "./a/b!",
	"./a/z", "./a\x01", "./a\x01/x", "./a ", "./a b", "./a!", "./a#",
	"./a-", "./a-/b", "./a.", "./a.b", "./a0", "./aa", "./a\x7f",
	"./a\x80", "./a\xff", "./b", "./~", "./\x7f", "./\x80",
	"./\xc3\xa9", "./\xc3\xaa", "./\xff", "./\xff\x01", "./\xff\xff",
};

static void
test_order(void **state)
{
	size_t i, k;

	(void)state;
	for (i = 0; i < COUNT(ordered); i++)
		for (k = 0; k < COUNT(ordered); k++)
			assert_int_equal(compare(ordered[i],
			    strlen(ordered[i]), ordered[k],
			    strlen(ordered[k])), (i > k) - (i < k));
}

static void
test_random_order(void **state)
{
	struct rng r = { 9 };
	char a[24], b[24];
	size_t i, alen, blen, n;
	int c;

	(void)state;
	for (i = 0; i < 100000; i++) {
		alen = random_name(&r, a, sizeof(a));
		blen = random_name(&r, b, sizeof(b));
		/* A common beginning, most of the time. */
		n = rng_below(&r, sizeof(a));
		if (n <= alen && n <= blen)
			memcpy(b, a, n);
		c = compare(a, alen, b, blen);
		assert_int_equal(c == 0,
		    alen == blen && memcmp(a, b, alen) == 0);
	}
}

/*
 * The order is that of a walk: component by component, bytewise, a folder
 * directly before what is in it.
 */
static int
walk_order(const char *a, const char *b)
{
	size_t na, nb, n;
	int c;

	for (;;) {
		na = strcspn(a, "/");
		nb = strcspn(b, "/");
		n = na < nb ? na : nb;
		if ((c = memcmp(a, b, n)) != 0)
			return (c);
		if (na != nb)
			return (na < nb ? -1 : 1);
		if (a[na] == '\0' || b[nb] == '\0')
			return ((a[na] != '\0') - (b[nb] != '\0'));
		a += na + 1;
		b += nb + 1;
	}
}

static void
random_path(struct rng *r, char *out)
{
	static const char letters[] = "ab .!-\x01\x80\xff";
	size_t depth = rng_below(r, 4), k;

	*out++ = '.';
	while (depth-- > 0) {
		*out++ = '/';
		for (k = 1 + rng_below(r, 3); k > 0; k--)
			*out++ = letters[rng_below(r, sizeof(letters) - 1)];
	}
	*out = '\0';
}

static void
test_walk_order(void **state)
{
	struct rng r = { 10 };
	char a[20], b[20];
	size_t i;

	(void)state;
	for (i = 0; i < 100000; i++) {
		random_path(&r, a);
		random_path(&r, b);
		assert_int_equal(compare(a, strlen(a), b, strlen(b)),
		    sign(walk_order(a, b)));
	}
}

/* FNV-1a, 64 bits; the vectors of its authors. */
static void
test_hash(void **state)
{
	(void)state;
	assert_true(pathtext_hash("", 0) == 0xcbf29ce484222325);
	assert_true(pathtext_hash("a", 1) == 0xaf63dc4c8601ec8c);
	assert_true(pathtext_hash("foobar", 6) == 0x85944171f73967e8);
	assert_true(pathtext_hash("foobarbaz", 6) == 0x85944171f73967e8);
	assert_true(pathtext_hash("\xff", 1) == 0xaf64724c8602eb6e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_is_path),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_random_order),
		cmocka_unit_test(test_walk_order),
		cmocka_unit_test(test_hash),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
