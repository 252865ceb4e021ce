#include "formats/xcatdump.h"
#include "formats/xcatschema.h"
#include "tests/unit/unit.h"

static struct xcatdump *
dump(void)
{
	struct err e = { 0 };
	struct xcatdump *d = xcatdump_new(&e);

	assert_non_null(d);
	return (d);
}

static void
give_len(struct xcatdump *d, const char *name, const char *text, size_t len)
{
	struct err e = { 0 };
	size_t at;

	assert_int_equal(xcatdump_begin(d, name, 1, &e), 1);
	for (at = 0; at < len; at++)
		assert_int_equal(xcatdump_feed(d, text + at, 1, &e), 0);
	assert_int_equal(xcatdump_end(d, &e), 0);
}

static void
give(struct xcatdump *d, const char *name, const char *text)
{
	give_len(d, name, text, strlen(text));
}

static void
give_core(void *arg, const char *table)
{
	char name[80];

	if (strcmp(table, "site") == 0 || strcmp(table, "nodelist") == 0)
		return;
	snprintf(name, sizeof(name), "%s.csv", table);
	give(arg, name, "#c1,c2,disable\n");
}

/* All that every xCAT has, but for site and nodelist. */
static struct xcatdump *
core_dump(void)
{
	struct xcatdump *d = dump();

	xcatschema_each_core(give_core, d);
	return (d);
}

/* Judge, and compare all findings, one a line behind its level. */
static void
expect(struct xcatdump *d, const struct xcatdump_expect *x, int verdict,
    const char *want)
{
	static const struct xcatdump_expect offline = { .max_loss = 100 };
	struct buf b = BUF_INIT;
	struct err e = { 0 };
	size_t i;

	assert_int_equal(xcatdump_finish(d, x != NULL ? x : &offline, &e), 0);
	for (i = 0; i < xcatdump_findings(d); i++) {
		buf_printf(&b, "%s: ", xcatdump_level_name(
		    xcatdump_finding(d, i)->level));
		xcatdump_finding_text(&b, xcatdump_finding(d, i));
		buf_puts(&b, "\n");
	}
	assert_string_equal(buf_cstr(&b), want);
	assert_int_equal(xcatdump_verdict(d), verdict);
	buf_fini(&b);
	xcatdump_free(d);
}

#define SITE "#key,value,comments,disable\n"
#define NODES "#node,groups,disable\n"

static void
test_whole(void **state)
{
	struct xcatdump *d = core_dump();
	const struct xcatdump_table *t;
	struct digest *g = digest_new();
	static const char nodes[] = NODES "\"n1\",\"all\",\n\"n2\",,\n";
	uint8_t want[DIGEST_LEN];

	(void)state;
	give(d, "site.csv", SITE "\"master\",\"10.0.0.1\",,\n");
	give(d, "nodelist.csv", nodes);
	t = xcatdump_table_named(d, "nodelist");
	assert_non_null(t);
	assert_int_equal(t->rows, 2);
	assert_int_equal(t->columns, 3);
	assert_int_equal(t->bytes, strlen(nodes));
	digest_bytes(g, nodes, strlen(nodes), want);
	assert_memory_equal(t->digest, want, DIGEST_LEN);
	digest_free(g);
	assert_int_equal(t->worst, 0);
	assert_null(xcatdump_table_named(d, "nodes"));
	assert_int_equal(xcatdump_tables(d), 66);
	assert_int_equal(xcatdump_rows(d), 3);
	assert_string_equal(xcatdump_fact(d, XCATDUMP_MASTER), "10.0.0.1");
	assert_null(xcatdump_fact(d, XCATDUMP_INSTALLDIR));
	expect(d, NULL, XCATDUMP_WHOLE, "");
}

static void
test_facts(void **state)
{
	struct xcatdump *d = core_dump();

	(void)state;
	give(d, "nodelist.csv", NODES);
	give(d, "site.csv", SITE "\"installdir\",\"/data\",,\n"
	    "\"tmpdir\",\"/old\",,\"1\"\n\"domain\",\"d\",,\"no\"\n"
	    "\"tftpdir\",,,\n");
	assert_string_equal(xcatdump_fact(d, XCATDUMP_INSTALLDIR), "/data");
	assert_null(xcatdump_fact(d, XCATDUMP_TMPDIR));
	assert_null(xcatdump_fact(d, XCATDUMP_TFTPDIR));
	assert_string_equal(xcatdump_fact(d, XCATDUMP_DOMAIN), "d");
	expect(d, NULL, XCATDUMP_WHOLE, "");
}

static void
test_paths(void **state)
{
	struct xcatdump *d = dump();

	(void)state;
	give(d, "osimage.csv", "#imagename,synclists,cfmdir,disable\n"
	    "\"i\",\"/z/list,/install/list\",\"/cfm\",\n"
	    "\"j\",\"/z/list\",,\"1\"\n");
	give(d, "linuximage.csv", "#imagename,postinstall,pkgdir,kernelver\n"
	    "\"i\",\"/post /arg\",\"/p1,/p2/\",\"/not/a/path\"\n");
	assert_int_equal(xcatdump_paths(d), 6);
	assert_string_equal(xcatdump_path(d, 0), "/cfm");
	assert_string_equal(xcatdump_path(d, 1), "/install/list");
	assert_string_equal(xcatdump_path(d, 2), "/p1");
	assert_string_equal(xcatdump_path(d, 3), "/p2");
	assert_string_equal(xcatdump_path(d, 4), "/post");
	assert_string_equal(xcatdump_path(d, 5), "/z/list");
	xcatdump_free(d);
}

static void
test_bad_bytes(void **state)
{
	struct xcatdump *d = core_dump();

	(void)state;
	give(d, "nodelist.csv", NODES);
	give(d, "site.csv", SITE "\"a\",\"x\",,\n\"b\",\"p\n\x01\",,\n"
	    "\"c\",,\"\xe9\",\n");
	expect(d, NULL, XCATDUMP_WARNED,
	    "unrestorable: site: row 2 (line 4), column value: control byte "
	    "0x01; xCAT cannot restore this table\n"
	    "unrestorable: site: row 3 (line 5), column comments: byte 0xe9 "
	    "is not UTF-8; xCAT cannot restore this table\n");
}

static void
test_keys(void **state)
{
	struct xcatdump *d = core_dump();

	(void)state;
	give(d, "site.csv", SITE "\"a\",\"1\",,\n\"b\",\"2\",,\n"
	    "\"a\",\"3\",,\n,\"5\",,\n,\"6\",,\n,,,\n");
	/* What a restore gives a number of its own may come twice. */
	give(d, "auditlog.csv", "#recid,args\n\"1\",\n\"1\",\n");
	/* Two columns are one key: xa,b is not x,ab. */
	give(d, "nodelist.csv", NODES "\"n\",,\n\"N\",,\n\"n \",,\n");
	expect(d, NULL, XCATDUMP_WARNED,
	    "unrestorable: site: row 3, column key: same key as in row 1; "
	    "xCAT cannot restore this table\n"
	    "unrestorable: site: row 5, column key: same key as in row 4; "
	    "xCAT cannot restore this table\n"
	    "unrestorable: site: row 6 (line 7): a row without any value; "
	    "xCAT cannot restore this table\n"
	    "unrestorable: site: row 6, column key: same key as in row 5; "
	    "xCAT cannot restore this table\n");
}

static void
test_two_keys(void **state)
{
	struct xcatdump *d = dump();

	(void)state;
	give(d, "passwd.csv", "#key,username,password\n\"xa\",\"b\",\n"
	    "\"x\",\"ab\",\n\"xab\",,\n,\"xab\",\n");
	give(d, "litetree.csv", "#priority,image,directory\n\"1\",,\n"
	    "\"2\",,\"d\"\n");
	assert_int_equal(xcatdump_found(d, XCATCSV_UNRESTORABLE), 1);
	assert_int_equal(xcatdump_table_named(d, "passwd")->worst, 0);
	assert_int_equal(xcatdump_table_named(d, "litetree")->worst,
	    XCATCSV_UNRESTORABLE);
	assert_int_equal(xcatdump_finding(d, 0)->row, 1);
	assert_string_equal(xcatdump_finding(d, 0)->column, "directory");
	xcatdump_free(d);
}

static const char *const listed[] = { "auditlog", "eventlog", "nodelist",
	"site", "x_tealconfig", "zvm" };

static void
test_set(void **state)
{
	struct xcatdump_expect x = { .tables = listed,
		.ntables = COUNT(listed), .max_loss = 50 };
	static const char *const skips[] = { "zvm" };
	struct xcatdump *d = dump();

	(void)state;
	give(d, "site.csv", SITE);
	give(d, "nodelist.csv", NODES);
	expect(d, &x, XCATDUMP_BAD,
	    "broken: zvm: xCAT has this table, the dump has not\n");
	/* Left out by the environment. */
	d = dump();
	give(d, "site.csv", SITE);
	give(d, "nodelist.csv", NODES);
	x.skips = skips;
	x.nskips = 1;
	expect(d, &x, XCATDUMP_WHOLE, "");
	/* By the site table; one that is not to be there; -a. */
	d = dump();
	give(d, "vpd.csv", "#node\n");
	give(d, "site.csv", SITE "\"skiptables\",\"hosts,zvm\",,\n");
	give(d, "nodelist.csv", NODES);
	x.nskips = 0;
	x.all = 1;
	expect(d, &x, XCATDUMP_BAD,
	    "broken: auditlog: xCAT has this table, the dump has not\n"
	    "broken: eventlog: xCAT has this table, the dump has not\n"
	    "broken: vpd: the dump has this table, xCAT has not\n"
	    "warning: site: skiptables = hosts,zvm: xCAT neither dumps nor "
	    "restores these tables\n");
}

static void
test_missing(void **state)
{
	struct xcatdump *d = core_dump();

	(void)state;
	give(d, "nodelist.csv", NODES);
	give(d, "mytable.csv", "#a\n\"1\"\n\"1\"\n");
	expect(d, NULL, XCATDUMP_BAD,
	    "broken: 1 of the tables that every xCAT has are missing: site\n"
	    "note: mytable: not a table of xCAT itself\n");
}

static void
stray(struct xcatdump *d, const char *name, int regular)
{
	struct err e = { 0 };

	assert_int_equal(xcatdump_begin(d, name, regular, &e), 0);
}

static void
test_strays(void **state)
{
	struct xcatdump *d = core_dump();

	(void)state;
	stray(d, "nodelist.csv.bak", 1);
	stray(d, "README.txt", 1);
	stray(d, ".site.csv.swp", 1);
	stray(d, "auditlog.old", 1);
	stray(d, "hosts", 0);
	stray(d, "vm.csv", 0);
	stray(d, "my.csv\n", 1);
	give(d, "my.csv", "#a\n");
	give(d, "site.csv", SITE);
	give(d, "nodelist.csv", NODES);
	assert_int_equal(xcatdump_strays(d), 7);
	assert_string_equal(xcatdump_stray(d, 1), "README.txt");
	expect(d, NULL, XCATDUMP_BAD,
	    "broken: hosts: stray: restorexCATdb would load it into table "
	    "hosts\n"
	    "broken: my.csv\\012: stray: restorexCATdb would load it into "
	    "table my\n"
	    "broken: nodelist.csv.bak: stray: restorexCATdb would load it "
	    "into table nodelist\n"
	    "broken: vm.csv: stray: restorexCATdb would load it into table "
	    "vm\n"
	    "warning: .site.csv.swp: stray: not TABLE.csv, restorexCATdb "
	    "would try to load it\n"
	    "warning: README.txt: stray: not TABLE.csv, restorexCATdb would "
	    "try to load it\n"
	    "warning: auditlog.old: stray: not TABLE.csv, restorexCATdb "
	    "would try to load it\n"
	    "note: my: not a table of xCAT itself\n");
}

static void
test_twice(void **state)
{
	struct xcatdump *d = core_dump();

	(void)state;
	give(d, "site.csv", SITE);
	give(d, "nodelist.csv", NODES);
	give(d, "site.csv", SITE);
	expect(d, NULL, XCATDUMP_BAD,
	    "broken: site: there are two files of this table\n");
}

static void
give_rows(struct xcatdump *d, const char *name, int rows)
{
	struct buf b = BUF_INIT;
	int i;

	buf_puts(&b, "#node,c,disable\n");
	for (i = 0; i < rows; i++)
		buf_printf(&b, "\"n%d\",,\n", i);
	give(d, name, buf_cstr(&b));
	buf_fini(&b);
}

static void
expect_rows(int nodes, int hosts, unsigned max_loss, int verdict,
    const char *want)
{
	static const struct xcatdump_count earlier[] = {
		{ "nodelist", 100 }, { "hosts", 100 }, { "vpd", 9 },
		{ "token", 100 }, { "zvm", 1 }, { "mp", 0 },
	};
	static const char *const tables[] = { "nodelist", "hosts", "vpd",
	    "token" };
	struct xcatdump_expect x = { .tables = tables,
		.ntables = COUNT(tables), .earlier = earlier,
		.nearlier = COUNT(earlier), .max_loss = max_loss };
	struct xcatdump *d = dump();

	give_rows(d, "nodelist.csv", nodes);
	give_rows(d, "hosts.csv", hosts);
	give_rows(d, "vpd.csv", 0);
	give_rows(d, "token.csv", 0);
	expect(d, &x, verdict, want);
}

#define GONE "warning: zvm: had 1 rows in the earlier dump, is not in " \
	"this one\n"

static void
test_collapse(void **state)
{
	(void)state;
	expect_rows(80, 80, 20, XCATDUMP_WARNED, GONE);
	expect_rows(79, 100, 20, XCATDUMP_BAD, "broken: nodelist: collapsed "
	    "from 100 rows to 79: more than 20 percent are gone\n" GONE);
	expect_rows(200, 79, 20, XCATDUMP_WARNED,
	    "warning: hosts: shrank from 100 rows to 79\n" GONE);
	expect_rows(0, 0, 100, XCATDUMP_WARNED, GONE);
}

static void
test_bounds(void **state)
{
	struct xcatdump *d = dump();
	struct buf b = BUF_INIT;
	const struct xcatdump_finding *f;
	char name[32];
	size_t i;

	(void)state;
	buf_puts(&b, "#node,c\n");
	for (i = 0; i < 100; i++)
		buf_printf(&b, "\"n%zu\",\"\x01\"\n", i);
	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "t%zu.csv", i);
		give(d, name, buf_cstr(&b));
	}
	buf_fini(&b);
	assert_int_equal(xcatdump_found(d, XCATCSV_UNRESTORABLE), 10000);
	assert_int_equal(xcatdump_findings(d), XCATDUMP_FINDINGS_MAX);
	f = xcatdump_finding(d, XCATDUMP_TABLE_FINDINGS_MAX);
	assert_string_equal(f->table, "t0");
	assert_string_equal(f->text, "80 more like that");
	/* What is worse still finds room. */
	give(d, "zvm.csv", "");
	f = xcatdump_finding(d, xcatdump_findings(d) - 1);
	assert_int_equal(f->level, XCATCSV_BROKEN);
	assert_int_equal(xcatdump_worst(d), XCATCSV_BROKEN);
	xcatdump_free(d);
}

static void
test_add(void **state)
{
	struct xcatdump *d = core_dump();

	(void)state;
	give(d, "site.csv", SITE);
	give(d, "nodelist.csv", NODES);
	xcatdump_add(d, XCATCSV_WARNING, "", "dumpxCATdb said: %s",
	    "a\nb\x1b\xe9");
	xcatdump_add(d, XCATCSV_BROKEN, "site", "is older than the dump");
	assert_int_equal(xcatdump_table_named(d, "site")->worst,
	    XCATCSV_BROKEN);
	expect(d, NULL, XCATDUMP_BAD,
	    "broken: site: is older than the dump\n"
	    "warning: dumpxCATdb said: a?b??\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_bad_bytes),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_two_keys),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_strays),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_collapse),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_add),
	};

	return (cmocka_run_group_tests_name("xcatdump", tests, NULL, NULL));
}
