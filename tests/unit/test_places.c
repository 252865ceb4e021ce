#include "backup/places.h"
#include "base/buf.h"
#include "tests/unit/unit.h"

/* "/etc: ./hosts ./ssh; /tftpboot: ." of the selections, in their order */
static const char *
selections(const struct places *p)
{
	static struct buf out;
	size_t i, k;

	buf_clear(&out);
	for (i = 0; i < p->n; i++) {
		if (p->at[i].only == NULL)
			continue;
		assert_string_equal(p->at[i].source, p->at[i].path);
		buf_printf(&out, "%s%s:", out.len > 0 ? "; " : "",
		    p->at[i].path);
		for (k = 0; k < p->at[i].nonly; k++)
			buf_printf(&out, " %s", p->at[i].only[k]);
	}
	return (buf_cstr(&out));
}

static void
add(struct places *p, const char *path)
{
	struct err e = { 0 };

	assert_int_equal(places_add(p, path, path, &e), 0);
}

/* A name with a "*" behind it is no directory. */
static void
check(struct places *p, const char *const *names, size_t n, const char *want)
{
	char **paths = calloc(n, sizeof(*paths));
	int *dir = calloc(n, sizeof(*dir));
	struct err e = { 0 };
	char *name;
	size_t i;

	assert_non_null(paths);
	assert_non_null(dir);
	for (i = 0; i < n; i++) {
		name = strdup(names[i]);
		assert_non_null(name);
		dir[i] = name[strlen(name) - 1] != '*';
		if (!dir[i])
			name[strlen(name) - 1] = '\0';
		paths[i] = name;
	}
	assert_int_equal(places_select(p, (const char *const *)paths,
	    dir, n, &e), 0);
	assert_string_equal(selections(p), want);
	for (i = 0; i < n; i++)
		free(paths[i]);
	free(paths);
	free(dir);
}

static void
test_volumes(void **state)
{
	struct places p = { NULL, 0, 0 };
	struct err e = { 0 };

	(void)state;
	add(&p, "/install");
	add(&p, "/install2");
	add(&p, "/var/log/xcat");
	check_failed(places_add(&p, "/install", "/x", &e), &e, ERR_USAGE);
	check_failed(places_add(&p, "/install/a", "/x", &e), &e, ERR_USAGE);
	check_failed(places_add(&p, "/var/log", "/x", &e), &e, ERR_USAGE);
	check_failed(places_add(&p, "/", "/x", &e), &e, ERR_USAGE);
	assert_string_equal(places_holding(&p, "/install/a/b")->path,
	    "/install");
	assert_string_equal(places_holding(&p, "/install")->path, "/install");
	assert_null(places_holding(&p, "/install3"));
	assert_null(places_holding(&p, "/var/log"));
	assert_string_equal(places_below(&p, "/var")->path, "/var/log/xcat");
	assert_string_equal(places_below(&p, "/install2")->path, "/install2");
	assert_null(places_below(&p, "/inst"));
	assert_null(places_below(&p, "/install/a"));
	places_remove(&p, 0);
	assert_int_equal(p.n, 2);
	assert_null(places_holding(&p, "/install"));
	places_fini(&p);
	assert_int_equal(p.n, 0);
}

static void
test_groups(void **state)
{
	static const char *const names[] = {
		"/etc/ssh", "/root/.xcat", "/etc/hosts*", "/tftpboot",
		"/root/.ssh", "/srv/a/b/c*",
	};
	struct places p = { NULL, 0, 0 };

	(void)state;
	check(&p, names, COUNT(names), "/etc: ./hosts ./ssh; "
	    "/root: ./.ssh ./.xcat; /srv: ./a/b/c; /tftpboot: .");
	places_fini(&p);
}

/* Volumes are never within a selection, nor selected from. */
static void
test_nested(void **state)
{
	static const char *const names[] = {
		"/install/custom", "/install", "/var/spool/cron",
		"/var/log/messages*", "/var/log/xcat/x*", "/var/lib/dhcp",
		"/var", "/var/log", "/data/a/b/c", "/data/a/file*",
	};
	struct places p = { NULL, 0, 0 };

	(void)state;
	add(&p, "/install");
	add(&p, "/var/log/xcat");
	add(&p, "/data/a/vol");
	/*
	 * /var and /var/log hold a volume: what is below them is taken all
	 * the same.  A file beside a volume has no directory of its own.
	 */
	check(&p, names, COUNT(names), "/data/a/b: ./c; /var/lib: ./dhcp; "
	    "/var/spool: ./cron");
	assert_int_equal(p.n, 6);
	assert_true(places_stores(&p, "/data/a/b/c"));
	assert_true(places_stores(&p, "/data/a/b/c/d"));
	assert_true(places_stores(&p, "/install/x"));
	assert_false(places_stores(&p, "/data/a/b"));
	assert_false(places_stores(&p, "/data/a/b/cc"));
	assert_false(places_stores(&p, "/data/a/file"));
	assert_false(places_stores(&p, "/var"));
	places_fini(&p);
}

static void
test_covered(void **state)
{
	static const char *const names[] = {
		"/etc/xcat/ca/key*", "/etc/xcat-x", "/etc/xcat", "/etc/xcat",
		"/etc/xcat.d", "/etc/xcat/ca", "/opt/a", "/opt/a/b", "/opt",
	};
	struct places p = { NULL, 0, 0 };

	(void)state;
	check(&p, names, COUNT(names),
	    "/etc: ./xcat ./xcat-x ./xcat.d; /opt: .");
	places_fini(&p);
}

/* There is no selecting from "/". */
static void
test_top(void **state)
{
	static const char *const names[] = { "/file*", "/dir", "/" };
	struct places p = { NULL, 0, 0 };

	(void)state;
	add(&p, "/install");
	check(&p, names, COUNT(names), "/dir: .");
	assert_true(places_stores(&p, "/dir"));
	assert_true(places_stores(&p, "/dir/x"));
	assert_false(places_stores(&p, "/file"));
	places_fini(&p);
	add(&p, "/");
	check(&p, names, COUNT(names), "");
	places_fini(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_volumes),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_covered),
		cmocka_unit_test(test_top),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
