#include "imgxfer/inspect.h"
#include "tests/unit/unit.h"

static void
test_paths(void **state)
{
	static const char *const good[] = {
		"/install/x", "/install/netboot/rocky9.4/x86_64/compute/kernel",
		"/opt/xcat/share/xcat/netboot/rh/compute.rhels8.pkglist",
		"/install/a_b-c+d@e:f=g%h", "/install/...",
	};
	static const char *const bad[] = {
		"", "/", "/install", "/install/", "/installer/x", "install/x",
		"/etc/passwd", "/install/..", "/install/../etc/x",
		"/install/./x", "/install//x", "/install/x/", "/install/a b",
		"/install/a,b", "/install/a;b", "/install/$a", "/install/`a`",
		"/install/a\nb", "/install/a'b", "/install/a\"b",
		"/install/a\\b", "/install/a*", "/install/~a", "/install/{a}",
		"/install/(a)", "/install/a&b", "/install/a|b",
		"/install/a<b", "/install/a>b", "/install/a#b",
		"/install/a!b", "/install/a?b", "/install/[a]",
		"/install/a\177", "/install/\303\244", "/opt/xcat/sbin/x",
	};
	char text[1200] = "/install/";
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(good); i++)
		assert_null(inspect_path(good[i], NULL));
	for (i = 0; i < COUNT(bad); i++)
		if (inspect_path(bad[i], NULL) == NULL)
			fail_msg("accepted: %s", bad[i]);
	memset(text + 9, 'x', 1024 - 9);
	text[1024] = '\0';
	assert_null(inspect_path(text, NULL));
	text[1024] = 'x';
	assert_non_null(inspect_path(text, NULL));
}

static void
test_roots(void **state)
{
	static const char *const roots[] = { "/data/", "/srv" };
	const struct inspect_options opt = { roots, COUNT(roots), 0 };

	(void)state;
	assert_null(inspect_path("/data/x", &opt));
	assert_null(inspect_path("/srv/a/b", &opt));
	assert_non_null(inspect_path("/srv", &opt));
	assert_non_null(inspect_path("/data/", &opt));
	assert_non_null(inspect_path("/database/x", &opt));
	assert_non_null(inspect_path("/install/x", &opt));
}

/* Those of a node: what was given or the usual ones, and its own. */
static void
test_node_roots(void **state)
{
	static const char *const given[] = { "/srv" };
	static const char *const no_paths[] = { NULL, "", "/", "//", "data",
	    "/a b", "/a/../b", "/a//b" };
	struct inspect_roots r;
	char longest[1100];
	size_t i;

	(void)state;
	inspect_roots(&r, NULL, 0, "/data/install/");
	assert_null(inspect_path("/data/install/x", &r.opt));
	assert_null(inspect_path("/install/x", &r.opt));
	assert_null(inspect_path("/opt/xcat/share/x", &r.opt));
	assert_non_null(inspect_path("/data/x", &r.opt));
	inspect_roots(&r, given, 1, "/data/install");
	assert_null(inspect_path("/data/install/x", &r.opt));
	assert_null(inspect_path("/srv/x", &r.opt));
	assert_non_null(inspect_path("/install/x", &r.opt));
	for (i = 0; i < COUNT(no_paths); i++) {
		inspect_roots(&r, given, 1, no_paths[i]);
		assert_int_equal(r.opt.nroots, 1);
	}
	memset(longest, 'a', sizeof(longest) - 1);
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	inspect_roots(&r, given, 1, longest);
	assert_int_equal(r.opt.nroots, 1);
}

static void
test_names(void **state)
{
	static const char *const bad[] = { "", ".", "..", ".x", "-x", "a/b",
		"a b", "a;b", "a\n", "a,b", "a:b", "\303\244" };
	char text[140];
	size_t i;

	(void)state;
	assert_null(inspect_name("rocky9.4-x86_64-netboot-compute"));
	assert_null(inspect_name("a+b_c"));
	for (i = 0; i < COUNT(bad); i++)
		assert_non_null(inspect_name(bad[i]));
	memset(text, 'x', 129);
	text[129] = '\0';
	assert_non_null(inspect_name(text));
	text[128] = '\0';
	assert_null(inspect_name(text));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_roots),
		cmocka_unit_test(test_node_roots),
		cmocka_unit_test(test_names),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
