#include "base/buf.h"
#include "formats/xcatpaths.h"
#include "formats/xcatschema.h"
#include "tests/unit/unit.h"

static int
secret(const char *table, const char *column, const char *key)
{
	return (xcatschema_is_secret(table, column, key,
	    key != NULL ? strlen(key) : 0));
}

struct core {
	size_t n;
	char last[65];
};

/* The tables are searched by halves: each must be found, in order. */
static void
check_core(void *arg, const char *table)
{
	struct core *c = arg;
	const char *keys[XCATSCHEMA_KEYS_MAX];

	assert_true(xcatschema_known(table));
	assert_true(xcatschema_keys(table, 1, keys) > 0);
	assert_true(xcatschema_valid_table(table, strlen(table)));
	assert_false(xcatschema_is_skipped(table));
	assert_true(strcmp(c->last, table) < 0);
	snprintf(c->last, sizeof(c->last), "%s", table);
	c->n++;
}

static void
test_tables(void **state)
{
	struct core c = { 0 };

	(void)state;
	xcatschema_each_core(check_core, &c);
	assert_int_equal(c.n, 66);
	assert_true(xcatschema_known("openbmc"));
	assert_true(xcatschema_known("zvmivp"));
	assert_false(xcatschema_known("Site"));
	assert_false(xcatschema_known(""));
	assert_true(xcatschema_is_skipped("auditlog"));
	assert_true(xcatschema_is_skipped("eventlog.csv"));
	assert_true(xcatschema_is_skipped("x_tealcheckpoint"));
	assert_true(xcatschema_is_skipped("isnm_perf_sum"));
	assert_false(xcatschema_is_skipped("isnm_config"));
	assert_true(xcatschema_is_volatile("notification"));
	assert_true(xcatschema_is_volatile("auditlog"));
	assert_false(xcatschema_is_volatile("nodelist"));
	assert_false(xcatschema_is_volatile("unheard_of"));
}

static void
test_keys(void **state)
{
	const char *keys[XCATSCHEMA_KEYS_MAX];

	(void)state;
	assert_int_equal(xcatschema_keys("nodelist", 1, keys), 1);
	assert_string_equal(keys[0], "node");
	assert_int_equal(xcatschema_keys("switch", 0, keys), 3);
	assert_string_equal(keys[2], "port");
	assert_int_equal(xcatschema_keys("passwd", 1, keys), 2);
	assert_string_equal(keys[1], "username");
	assert_int_equal(xcatschema_keys("auditlog", 1, keys), 0);
	assert_int_equal(xcatschema_keys("auditlog", 0, keys), 1);
	assert_int_equal(xcatschema_keys("unheard_of", 0, keys), 0);
	assert_true(xcatschema_is_required("litetree", "directory"));
	assert_false(xcatschema_is_required("nodelist", "node"));
}

static void
test_secrets(void **state)
{
	(void)state;
	assert_true(secret("passwd", "password", "system"));
	assert_false(secret("passwd", "username", "system"));
	assert_true(secret("pdu", "community", NULL));
	assert_true(secret("token", "tokenid", NULL));
	assert_true(secret("prodkey", "key", "x"));
	assert_true(secret("ipmi", "password", NULL));
	assert_true(secret("site", "value", "snmpc"));
	assert_true(secret("site", "value", "ldap_passwd"));
	assert_false(secret("site", "value", "master"));
	assert_false(secret("site", "value", "genpasswords"));
	assert_false(secret("site", "key", "snmpc"));
	assert_true(secret("monsetting", "value", "DBPassword"));
	assert_false(secret("monsetting", "value", "interval"));
	/* An unknown table: by the name of the column. */
	assert_true(secret("mine", "Admin_Password", NULL));
	assert_false(secret("mine", "node", NULL));
	assert_false(secret("zone", "sshkeydir", NULL));
}

static void
test_names(void **state)
{
	char name[70];

	(void)state;
	memset(name, 'a', sizeof(name));
	assert_true(xcatschema_valid_table("site", 4));
	assert_true(xcatschema_valid_table("x_y9", 4));
	assert_true(xcatschema_valid_table(name, 64));
	assert_false(xcatschema_valid_table(name, 65));
	assert_false(xcatschema_valid_table("", 0));
	assert_false(xcatschema_valid_table("9a", 2));
	assert_false(xcatschema_valid_table("a.b", 3));
	assert_false(xcatschema_valid_table("a-b", 3));
	assert_false(xcatschema_valid_table("a\0b", 3));
}

static int
collect(void *arg, const char *path)
{
	struct buf *b = arg;

	buf_printf(b, "<%s>", path);
	return (strcmp(path, "/stop") == 0 ? 7 : 0);
}

static void
expect_paths(const char *value, int words, const char *want)
{
	struct buf b = BUF_INIT;

	assert_int_equal(xcatpaths_each(value, strlen(value), words, collect,
	    &b), 0);
	assert_string_equal(buf_cstr(&b), want);
	buf_fini(&b);
}

static void
test_paths(void **state)
{
	struct buf b = BUF_INIT;
	char *huge = malloc(XCATPATHS_LEN_MAX + 2);

	(void)state;
	expect_paths("", 0, "");
	expect_paths("/a/b", 0, "</a/b>");
	expect_paths("/a, /b/ ,c,/d//e/./f/", 0, "</a></b></d/e/f>");
	expect_paths(",,", 0, "");
	expect_paths("/", 0, "");
	expect_paths("//", 0, "");
	expect_paths("/a/../b,/..,/a/..b", 0, "</a/..b>");
	expect_paths("http://x/y,/z", 0, "</z>");
	expect_paths("dud:/a.img,rpm:/b.rpm", 0, "</a.img></b.rpm>");
	expect_paths("s:/script,d:/disk,s:d:/both", 0,
	    "</script></disk></both>");
	expect_paths("mn:/x,nfs://h/p", 0, "");
	expect_paths("/x/$node,/ok", 0, "</ok>");
	expect_paths("/a\nb,/ok", 0, "</ok>");
	expect_paths("/with blank", 0, "</with blank>");
	expect_paths("/script arg /x,/two", 1, "</script></two>");
	assert_int_equal(xcatpaths_each("/stop,/a", 8, 0, collect, &b), 7);
	assert_string_equal(buf_cstr(&b), "</stop>");
	memset(huge, 'a', XCATPATHS_LEN_MAX + 1);
	huge[0] = '/';
	buf_clear(&b);
	xcatpaths_each(huge, XCATPATHS_LEN_MAX, 0, collect, &b);
	assert_int_equal(b.len, 0);
	xcatpaths_each(huge, XCATPATHS_LEN_MAX - 1, 0, collect, &b);
	assert_int_equal(b.len, XCATPATHS_LEN_MAX + 1);
	free(huge);
	buf_fini(&b);
	assert_true(xcatschema_has_paths("osimage", "synclists"));
	assert_true(xcatschema_has_paths("linuximage", "pkgdir"));
	assert_false(xcatschema_has_paths("linuximage", "kernelver"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_paths),
	};

	return (cmocka_run_group_tests_name("xcatschema", tests, NULL, NULL));
}
