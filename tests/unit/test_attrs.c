#include "formats/mtree.h"
#include "restore/attrs.h"
#include "tests/unit/unit.h"

/* Attributes as a node tells them, and what its commands say of files. */

#define LABEL "security.selinux"
#define LABEL_TEXT "73656375726974792e73656c696e7578=6100 "

static void
test_text(void **state)
{
	struct buf lines = BUF_INIT, text = BUF_INIT;
	struct err e = { 0 };
	struct span sp;

	(void)state;
	mtree_encode_xattr(&lines, LABEL, "a", 2);
	mtree_encode_xattr(&lines, "trusted.x", "\0\377", 2);
	mtree_encode_xattr(&lines, "user.e", "", 0);
	sp.p = buf_cstr(&lines);
	sp.len = lines.len;
	assert_int_equal(attrs_text(&text, &sp, &e), 0);
	assert_string_equal(buf_cstr(&text), "747275737465642e78=00ff "
	    "757365722e65= " LABEL_TEXT);
	buf_clear(&text);
	sp.len = 0;
	assert_int_equal(attrs_text(&text, &sp, &e), 0);
	assert_int_equal(text.len, 0);
	buf_fini(&text);
	buf_fini(&lines);
}

static void
test_same(void **state)
{
	(void)state;
	assert_int_equal(attrs_same("", ""), 1);
	assert_int_equal(attrs_same("61=62 ", "61=62 "), 1);
	assert_int_equal(attrs_same("61=62 ", "61=62 63= "), 0);
	assert_int_equal(attrs_same("61=62 63= ", "61=62 "), 0);
	assert_int_equal(attrs_same("", "61=62 "), 0);
	/* A label that the snapshot has not is the host's own. */
	assert_int_equal(attrs_same("", LABEL_TEXT), 1);
	assert_int_equal(attrs_same("61=62 ", "61=62 " LABEL_TEXT), 1);
	assert_int_equal(attrs_same("61=62 " LABEL_TEXT, "61=62 "), 0);
	assert_int_equal(attrs_same("", LABEL_TEXT "61=62 "), 0);
	assert_int_equal(attrs_same("", "73656375726974792e73656c696e7578=6"),
	    0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_same),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
