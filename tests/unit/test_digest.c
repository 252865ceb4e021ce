#include "base/digest.h"
#include "tests/unit/unit.h"

struct vector {
	const char *text;
	size_t times;		/* the text repeated */
	const char *hex;
};

/* FIPS 180-4 examples and the empty message. */
static const struct vector vectors[] = {
	{ "", 1, "e3b0c44298fc1c149afbf4c8996fb924"
	    "27ae41e4649b934ca495991b7852b855" },
	{ "abc", 1, "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
	    "248d6a61d20638b8e5c026930c3e6039"
	    "a33ce45964ff2167f6ecedd419db06c1" },
	{ "a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67"
	    "f1809a48a497200e046d39ccc7112cd0" },
};

static void
test_vectors(void **state)
{
	struct digest *d = digest_new();
	uint8_t out[DIGEST_LEN];
	char hex[DIGEST_HEX + 1];
	size_t i, k;

	(void)state;
	assert_non_null(d);
	for (i = 0; i < COUNT(vectors); i++) {
		digest_reset(d);
		for (k = 0; k < vectors[i].times; k++)
			digest_update(d, vectors[i].text,
			    strlen(vectors[i].text));
		digest_final(d, out);
		digest_hexz(out, hex);
		assert_string_equal(hex, vectors[i].hex);
	}
	digest_free(d);
}

/* The first use needs no reset, and one object serves many messages. */
static void
test_reuse(void **state)
{
	struct digest *d = digest_new();
	uint8_t first[DIGEST_LEN], again[DIGEST_LEN];
	char hex[DIGEST_HEX + 1];

	(void)state;
	assert_non_null(d);
	digest_update(d, "ab", 2);
	digest_update(d, "c", 1);
	digest_final(d, first);
	digest_hexz(first, hex);
	assert_string_equal(hex, vectors[1].hex);
	digest_bytes(d, "other", 5, again);
	assert_memory_not_equal(first, again, DIGEST_LEN);
	digest_bytes(d, "abc", 3, again);
	assert_memory_equal(first, again, DIGEST_LEN);
	digest_free(d);
	digest_free(NULL);
}

static void
test_pieces(void **state)
{
	struct digest *d = digest_new();
	struct rng r = { 7 };
	uint8_t data[5000], whole[DIGEST_LEN], pieces[DIGEST_LEN];
	size_t off, n, round;

	(void)state;
	rng_fill(&r, data, sizeof(data));
	digest_bytes(d, data, sizeof(data), whole);
	for (round = 0; round < 20; round++) {
		digest_reset(d);
		for (off = 0; off < sizeof(data); off += n) {
			n = 1 + rng_below(&r, 300);
			if (n > sizeof(data) - off)
				n = sizeof(data) - off;
			digest_update(d, data + off, n);
		}
		digest_final(d, pieces);
		assert_memory_equal(whole, pieces, DIGEST_LEN);
	}
	digest_free(d);
}

static void
test_hex(void **state)
{
	struct rng r = { 3 };
	uint8_t id[DIGEST_LEN], back[DIGEST_LEN];
	char hex[DIGEST_HEX + 2], want[3];
	size_t i, k;

	(void)state;
	for (i = 0; i < 300; i++) {
		rng_fill(&r, id, sizeof(id));
		hex[DIGEST_HEX] = '!';
		digest_hex(id, hex);
		assert_int_equal(hex[DIGEST_HEX], '!');
		digest_hexz(id, hex);
		assert_int_equal(strlen(hex), DIGEST_HEX);
		for (k = 0; k < DIGEST_LEN; k++) {
			snprintf(want, sizeof(want), "%02x", id[k]);
			assert_memory_equal(hex + 2 * k, want, 2);
		}
		assert_int_equal(digest_parse(hex, back), 0);
		assert_memory_equal(id, back, DIGEST_LEN);
	}
}

/* Every byte but the sixteen digits is refused, in every place. */
static void
test_parse_refuses(void **state)
{
	char hex[DIGEST_HEX + 1];
	uint8_t out[DIGEST_LEN];
	size_t at;
	int c;

	(void)state;
	for (at = 0; at < DIGEST_HEX; at++)
		for (c = 0; c < 256; c++) {
			memset(hex, 'a', DIGEST_HEX);
			hex[DIGEST_HEX] = '\0';
			hex[at] = (char)c;
			assert_int_equal(digest_parse(hex, out),
			    (c >= '0' && c <= '9') ||
			    (c >= 'a' && c <= 'f') ? 0 : -1);
		}
	assert_int_equal(digest_parse("abc", out), -1);
	assert_int_equal(digest_parse("", out), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_reuse),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_parse_refuses),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
