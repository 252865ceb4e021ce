#include "formats/osfs.h"
#include "tests/unit/unit.h"

/* A place of a few paths; what ends in "/" is a directory. */
struct place {
	const char *const *paths;
	size_t n;
	size_t fail_after;	/* that many listings; 0: never */
	size_t listed;
};

static int
look(void *arg, const char *path, struct osfs_found *f, struct err *e)
{
	const struct place *p = arg;
	size_t i, len = strlen(path);

	(void)e;
	while (len > 1 && path[len - 1] == '/')
		len--;
	memset(f, 0, sizeof(*f));
	f->what = OSFS_MISSING;
	f->path = path;
	if (len == 1)
		len = 0;	/* the root is "" and "/" */
	for (i = 0; i < p->n; i++) {
		if (strncmp(p->paths[i], path, len) != 0)
			continue;
		if (strcmp(p->paths[i] + len, "/") == 0)
			f->what = OSFS_DIR;
		else if (p->paths[i][len] == '\0')
			f->what = OSFS_FILE;
		else
			continue;
		f->own = p->paths[i];
		break;
	}
	return (0);
}

static int
list(void *arg, const struct osfs_found *f, osfs_name *fn, void *fn_arg,
    struct err *e)
{
	struct place *p = arg;
	const char *top = f->own;
	char name[64];
	size_t i, len, n;
	int rc = 0;

	if (f->what != OSFS_DIR)
		return (0);
	if (++p->listed == p->fail_after)
		return (err_set(e, ERR_FAILED, "lost"));
	for (i = 0, len = strlen(top); i < p->n && rc == 0; i++) {
		if (strncmp(p->paths[i], top, len) != 0)
			continue;
		n = strcspn(p->paths[i] + len, "/");
		if (n == 0 || p->paths[i][len + n + (p->paths[i][len + n] ==
		    '/')] != '\0')
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)n,
		    p->paths[i] + len);
		rc = fn(fn_arg, name, e);
	}
	return (rc);
}

static const char *const paths[] = { "/", "/a/", "/a/one.rpm", "/a/.hid",
    "/a/sub/", "/a/sub/x[1]", "/b/", "/b/two.rpm" };

static struct osfs
place(struct place *p)
{
	*p = (struct place){ paths, COUNT(paths), 0, 0 };
	return ((struct osfs){ .arg = p, .at = "here", .lost = "lost",
	    .look = look, .list = list });
}

static void
test_glob(void **state)
{
	static const struct {
		const char *pattern;
		int want;
	} all[] = {
		{ "/a/*.rpm", 1 }, { "/a/*.deb", 0 }, { "/*/two.*", 1 },
		{ "/*/*/x*", 1 }, { "/a/?hid", 0 }, { "/a/.h*", 1 },
		{ "/[ab]/one.rpm", 1 }, { "/[!a]/one.rpm", 0 },
		{ "/a/sub/x[[]1]", 1 }, { "//a//*.rpm", 1 }, { "/a/", 1 },
		{ "/a/sub", 1 }, { "/none/*", 0 }, { "/a/one.rpm/*", 0 },
		{ "/*", 1 }, { "/a/s*/", 1 },
	};
	struct place p;
	struct osfs fs = place(&p);
	struct err e = { 0 };
	char *deep;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(all); i++)
		if (osfs_glob(&fs, all[i].pattern, &e) != all[i].want)
			fail_msg("%s: not %d", all[i].pattern, all[i].want);
	/* Longer than any path there is: nothing matches. */
	assert_non_null(deep = calloc(1, 20001));
	for (i = 0; i < 20000; i += 2)
		memcpy(deep + i, "/*", 2);
	assert_int_equal(osfs_glob(&fs, deep, &e), 0);
	deep[400] = '\0';
	memset(deep + 2, 'x', 300);
	assert_int_equal(osfs_glob(&fs, deep, &e), 0);
	free(deep);
}

static void
test_entries(void **state)
{
	struct place p;
	struct osfs fs = place(&p);
	struct osfs_found f;
	struct err e = { 0 };

	(void)state;
	look(&p, "/a", &f, &e);
	assert_int_equal(osfs_has_entries(&fs, &f, &e), 1);
	look(&p, "/a/one.rpm", &f, &e);
	assert_int_equal(osfs_has_entries(&fs, &f, &e), 0);
	look(&p, "/none", &f, &e);
	assert_int_equal(osfs_has_entries(&fs, &f, &e), 0);
}

static void
test_lost(void **state)
{
	struct place p;
	struct osfs fs = place(&p);
	struct err e = { 0 };

	(void)state;
	p.fail_after = 1;
	check_failed(osfs_glob(&fs, "/*/two.*", &e), &e, ERR_FAILED);
	p.listed = 0;
	p.fail_after = 2;
	check_failed(osfs_glob(&fs, "/*/t*", &e), &e, ERR_FAILED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_glob),
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_lost),
	};

	return (cmocka_run_group_tests_name("osfs", tests, NULL, NULL));
}
