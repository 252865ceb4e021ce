#include "formats/treenode.h"
#include "tests/unit/unit.h"

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static int
decode(const char *text, size_t len, struct treenode_line *line,
    struct err *e)
{
	struct scan s = { text, text + len };

	return (treenode_decode(&s, line, e));
}

static void
test_text(void **state)
{
	struct treenode_line line;
	struct buf b = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(decode(HEX "  ./a/b\n", 72, &line, &e), 1);
	assert_int_equal(line.id[1], 0x11);
	assert_int_equal(line.label.len, 5);
	assert_memory_equal(line.label.p, "./a/b", 5);
	treenode_encode(&b, line.id, line.label.p, line.label.len);
	assert_string_equal(buf_cstr(&b), HEX "  ./a/b\n");
	buf_fini(&b);
}

static void
test_round_trip(void **state)
{
	struct treenode_line line;
	struct buf b = BUF_INIT;
	struct rng r = { 41 }, again;
	struct err e = { 0 };
	struct scan s;
	uint8_t id[DIGEST_LEN];
	char label[30];
	size_t i, n;

	(void)state;
	again = r;
	for (i = 0; i < 500; i++) {
		rng_fill(&r, id, sizeof(id));
		n = (size_t)snprintf(label, sizeof(label), "%zu", i * i);
		treenode_encode(&b, id, label, n);
	}
	s.p = (char *)b.data;
	s.end = s.p + b.len;
	for (i = 0; i < 500; i++) {
		rng_fill(&again, id, sizeof(id));
		n = (size_t)snprintf(label, sizeof(label), "%zu", i * i);
		assert_int_equal(treenode_decode(&s, &line, &e), 1);
		assert_memory_equal(line.id, id, sizeof(id));
		assert_int_equal(line.label.len, n);
		assert_memory_equal(line.label.p, label, n);
	}
	assert_int_equal(treenode_decode(&s, &line, &e), 0);
	buf_fini(&b);
}

static void
test_refuses(void **state)
{
	static const char *const texts[] = {
		"\n", HEX, HEX "  ", HEX "  \n", HEX " x\n", HEX "x\n",
		HEX "\n", HEX "\t\tx\n", HEX "  x", " " HEX "  x\n",
		"A" HEX "  x\n", "g" HEX, "x\n", HEX "  x\0",
	};
	struct treenode_line line;
	struct err e = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(texts); i++)
		check_failed(decode(texts[i], strlen(texts[i]), &line, &e),
		    &e, ERR_DAMAGED);
	assert_int_equal(decode("", 0, &line, &e), 0);
}

/* Every proper beginning of a line, in memory of just that length. */
static void
test_truncated(void **state)
{
	static const char text[] = HEX "  ./a/b\n";
	struct treenode_line line;
	struct err e = { 0 };
	char *copy;
	size_t n;

	(void)state;
	for (n = 1; n < sizeof(text) - 1; n++) {
		copy = malloc(n);
		assert_non_null(copy);
		memcpy(copy, text, n);
		check_failed(decode(copy, n, &line, &e), &e, ERR_DAMAGED);
		free(copy);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_truncated),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
