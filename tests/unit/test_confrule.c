#include "base/confrule.h"
#include "tests/unit/unit.h"

static void
check_rule(const char *(*rule)(const char *), const char *const *good,
    size_t ngood, const char *const *wrong, size_t nwrong)
{
	size_t i;

	for (i = 0; i < ngood; i++)
		if (rule(good[i]) != NULL)
			fail_msg("\"%s\" refused: %s", good[i],
			    rule(good[i]));
	for (i = 0; i < nwrong; i++)
		if (rule(wrong[i]) == NULL)
			fail_msg("\"%s\" accepted", wrong[i]);
}

#define CHECK(rule) \
	check_rule(rule, good, COUNT(good), wrong, COUNT(wrong))

static void
test_text(void **state)
{
	static const char *const good[] = {
		"x", "two words", "\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80",
	};
	static const char *const wrong[] = {
		"", "a\nb", "a\tb", "\x7f", "\xff", "\xc3", "\xc0\x80",
		"\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe0\x80\x80",
	};
	char longest[4098];

	(void)state;
	CHECK(confrule_text);
	memset(longest, 'a', sizeof(longest));
	longest[4097] = '\0';
	assert_non_null(confrule_text(longest));
	longest[4096] = '\0';
	assert_null(confrule_text(longest));
}

static void
test_path(void **state)
{
	static const char *const good[] = {
		"/", "/install", "/var/log/xcat", "/.dbbackup", "/a b/...",
		"/-x", "/..a", "/a.",
	};
	static const char *const wrong[] = {
		"", "install", "./x", "/install/", "//", "//a", "/a//b",
		"/a/./b", "/a/..", "/..", "/.", "/../a", "~/x", "/a\nb",
	};

	(void)state;
	CHECK(confrule_path);
}

static void
test_site(void **state)
{
	static const char *const good[] = {
		"mn1", "a", "MN_1-b.c", "1", "latest1",
	};
	static const char *const wrong[] = {
		"", ".", "..", ".a", "-a", "a/b", "a b", "latest", "\xc3\xbc",
	};
	char longest[66];

	(void)state;
	CHECK(confrule_site);
	memset(longest, 'a', sizeof(longest));
	longest[65] = '\0';
	assert_non_null(confrule_site(longest));
	longest[64] = '\0';
	assert_null(confrule_site(longest));
}

static void
test_address(void **state)
{
	static const char *const good[] = {
		"mn1", "root@mn1", "root@mn1:2200", "mn1:22", "10.0.0.1:1",
		"root@[::1]:2200", "[fe80::1]", "a@b@c", "mn1:65535",
	};
	static const char *const wrong[] = {
		"", "-oProxyCommand=x", "root@-x", "@mn1", "root@", "mn1:",
		"mn1:0", "mn1:65536", "mn1:22x", "mn1:-1", "::1",
		"[::1", "[]:22", "[x]", "[::1]22", "mn1/x", "a b", "a\"b",
		"a\nb", "mn1:000022", "ro/ot@mn1", "it's",
	};

	(void)state;
	CHECK(confrule_address);
}

static void
test_vault(void **state)
{
	static const char *const good[] = {
		"/srv/vault", "ssh://host/srv/vault", "ssh://u@h:22/v",
		"ssh://[::1]:22/v", "ssh://h/with blank",
	};
	static const char *const wrong[] = {
		"", "srv/vault", "ssh://", "ssh://host", "ssh://host/",
		"ssh:///dir", "ssh://-h/dir", "ssh://h/a/../b", "/a/",
		"http://h/v", "ssh://h:x/v", "ssh://a b/v", "ssh://h//v",
	};

	(void)state;
	CHECK(confrule_vault);
}

static void
test_container(void **state)
{
	static const char *const good[] = { "xcatmn", "a.b-c_d", "0f3" };
	static const char *const wrong[] = { "", "-x", "a b", ".x", "a/b" };

	(void)state;
	CHECK(confrule_container);
}

static void
test_within(void **state)
{
	(void)state;
	assert_true(confrule_within("/a", "/a"));
	assert_true(confrule_within("/a/b", "/a"));
	assert_true(confrule_within("/a", "/"));
	assert_true(confrule_within("/", "/"));
	assert_false(confrule_within("/ab", "/a"));
	assert_false(confrule_within("/a", "/a/b"));
	assert_false(confrule_within("/", "/a"));
}

static void
test_nearest(void **state)
{
	static const struct {
		const char *name;
		int other;
	} words[] = { { "volumes", 1 }, { "vault", 2 }, { "log", 3 } };
#define NEAREST(w) confrule_nearest(w, words, COUNT(words), sizeof(words[0]))

	(void)state;
	assert_string_equal(NEAREST("volume"), "volumes");
	assert_string_equal(NEAREST("vaults"), "vault");
	assert_string_equal(NEAREST("logs"), "log");
	assert_null(NEAREST("x"));
	assert_null(NEAREST(""));
	assert_null(NEAREST("something_else_that_is_very_very_long_indeed"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_site),
		cmocka_unit_test(test_address),
		cmocka_unit_test(test_vault),
		cmocka_unit_test(test_container),
		cmocka_unit_test(test_within),
		cmocka_unit_test(test_nearest),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
