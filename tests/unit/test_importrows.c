#include "imgxfer/importrows.h"
#include "tests/unit/unit.h"

/* Rows of an osimage, read from tables and compared with a manifest. */
static const char *const names[] = { "osimage", "linuximage", "litefile" };

#define OSIMAGE "#imagename,profile,osvers,synclists,comments,disable\n" \
	"\"one\",\"compute\",\"rocky9\",\"/i/a,/i/b\",\"a \"\"b\"\"\nc\",\n" \
	"\"two\",,,,,\"1\"\n" \
	"\"two\",\"again\",,,,\n"
#define LINUXIMAGE "#imagename,rootimgdir,template,pkglist,otherpkglist," \
	"exlist,postinstall\n" \
	"\"one\",\"/i/boot\",,\"/i/p,/i/q\",,,\n"
#define LITEFILE "#image,file,options,comments,disable\n" \
	"\"one\",\"/var/log/\",\"tmpfs\",,\n" \
	"\"ALL\",\"/etc/ntp.conf\",\"persistent\",,\n"

static struct tables *
tables(void)
{
	static const char *const texts[] = { OSIMAGE, LINUXIMAGE, LITEFILE };
	struct buf b = BUF_INIT;
	struct err e = { 0 };
	struct tables *t;
	size_t i;

	for (i = 0; i < COUNT(names); i++)
		buf_printf(&b, "table 0 %zu 0 %s\n%s", strlen(texts[i]),
		    names[i], texts[i]);
	buf_puts(&b, "end\n");
	t = tables_take(b.data, b.len, names, COUNT(names), &e);
	if (t == NULL)
		fail_msg("%s", e.msg);
	buf_fini(&b);
	return (t);
}

static void
kept(void **state)
{
	struct tables *t = tables();
	struct importrows r;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(importrows_read(t, "osimage", "imagename", "one", &r,
	    &e), 0);
	assert_int_equal(r.n, 1);
	assert_string_equal(buf_cstr(&r.csv),
	    "#imagename,profile,osvers,synclists,comments,disable\n"
	    "\"one\",\"compute\",\"rocky9\",\"/i/a,/i/b\","
	    "\"a \"\"b\"\"\nc\",\n");
	importrows_fini(&r);
	/* a disabled row is one */
	assert_int_equal(importrows_read(t, "osimage", "imagename", "two", &r,
	    &e), 0);
	assert_int_equal(r.n, 2);
	importrows_fini(&r);
	assert_int_equal(importrows_read(t, "osimage", "imagename", "on", &r,
	    &e), 0);
	assert_int_equal(r.n, 0);
	assert_int_equal(r.csv.len, 0);
	importrows_fini(&r);
	tables_free(t);
}

/* What is said of the row "one" where the manifest has these columns. */
static void
says(struct imgmanifest_pair *columns, size_t n, const char *image,
    const char *want)
{
	struct imgmanifest_table m = { "osimage", columns, n };
	struct tables *t = tables();
	struct buf why = BUF_INIT;
	struct err e = { 0 };

	assert_int_equal(importrows_compare(t, "imagename", image, &m, &why,
	    &e), 0);
	assert_string_equal(buf_cstr(&why), want);
	buf_fini(&why);
	tables_free(t);
}

static void
compared(void **state)
{
	struct imgmanifest_pair c[] = { { "comments", "a \"b\"\nc" },
	    { "imagename", "one" }, { "osvers", "rocky9" },
	    { "profile", "compute" }, { "synclists", "/i/a,/i/b" } };

	(void)state;
	says(c, 5, "one", "");
	c[3].value = "compute  ";	/* blanks that xCAT cuts */
	says(c, 5, "one", "");
	c[3].value = "other";
	says(c, 5, "one", "osimage.profile is \"compute\" instead of "
	    "\"other\"\n");
	c[3].value = "compute";
	says(c, 4, "one", "osimage.synclists is \"/i/a,/i/b\", which the "
	    "manifest has not\n");
	c[4].name = "disable";
	c[4].value = "1";
	says(c, 5, "one", "osimage.synclists is \"/i/a,/i/b\", which the "
	    "manifest has not\nosimage.disable is empty instead of \"1\"\n");
	says(c, 0, "none", "osimage has 0 rows of none\n");
}

static void
unknown(void **state)
{
	struct imgmanifest_pair c[] = { { "imagename", "one" },
	    { "newer", "x" }, { "newest", "y" } };
	struct imgmanifest_table m = { "osimage", c, 3 };
	struct tables *t = tables();
	struct buf why = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(importrows_unknown(t, &m, &why, &e), 0);
	assert_string_equal(buf_cstr(&why), "osimage.newer, osimage.newest");
	buf_fini(&why);
	tables_free(t);
}

static void
litefile(void **state)
{
	static const struct {
		const char *csv;
		int good;
	} cases[] = {
		{ "", 1 },
		{ "\"x\",\"/var/log/\",\"tmpfs\",,\n", 1 },
		{ "\"x\",\"/etc/ntp.conf\",\"persistent\",,\n", 1 },
		{ "\"x\",\"/etc/ntp.conf\",\"tmpfs\",,\n", 0 },
		{ "\"x\",\"/etc\",\"tmpfs\",,", 0 },
		{ "no quotes\n\"one\n\"\"\"\"\"\n", 1 },
	};
	struct tables *t = tables();
	struct buf csv = BUF_INIT, why = BUF_INIT;
	struct err e = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		buf_clear(&csv);
		buf_clear(&why);
		buf_puts(&csv, cases[i].csv);
		assert_int_equal(importrows_litefile(t, "one", &csv, &why,
		    &e), 0);
		assert_int_equal(why.len == 0, cases[i].good);
	}
	buf_fini(&csv);
	buf_fini(&why);
	tables_free(t);
}

static void
users(void **state)
{
	static const struct {
		const char *image, *path, *want;
	} cases[] = {
		{ "two", "/i/boot/kernel", "one" },
		{ "two", "/i/boot2/kernel", "" },
		{ "two", "/i/q", "one" },
		{ "two", "/i/b", "one" },
		{ "two", "/i/c", "" },
		{ "one", "/i/q", "" },
	};
	struct tables *t = tables();
	struct buf out = BUF_INIT;
	struct err e = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		buf_clear(&out);
		assert_int_equal(importrows_users(t, cases[i].image,
		    cases[i].path, &out, &e), 0);
		assert_string_equal(buf_cstr(&out), cases[i].want);
	}
	buf_fini(&out);
	tables_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept),
		cmocka_unit_test(compared),
		cmocka_unit_test(unknown),
		cmocka_unit_test(litefile),
		cmocka_unit_test(users),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
