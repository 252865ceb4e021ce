#include "imgxfer/readynodes.h"
#include "tests/unit/unit.h"

static const char *const names[] = { READYNODES_TABLES };

static const char *const texts[] = {
	/* nodelist */
	"#node,groups,disable\n"
	"\"a\",\"g1,g2\",\n"
	"\"b\",\"g2,g1\",\n"
	"\"c\",,\n"
	"\"d\",\"none,,g3\",\n"
	"\"off\",\"g1\",\"1\"\n"
	"\"e\",\"g1\",\n",
	/* nodetype */
	"#node,os,arch,profile,provmethod,disable\n"
	"\"g1\",\"r9\",\"x86_64\",\"compute\",\"img\",\n"
	"\"g2\",\"r8\",\"ppc64el\",,\"other\",\n"
	"\"b\",,,,\"img\",\n"
	"\"c\",\"r9\",\"aarch64\",,\"img\",\n"
	"\"g3\",,\"ppc64le\",,,\n"
	"\"e\",,\"ppc64le\",,,\"1\"\n",
	/* noderes */
	"#node,netboot,servicenode\n"
	"\"a\",\"|(.*)|$1|\",\n"
	"\"g2\",\"grub2\",\"sn1\"\n"
	"\"g1\",\"xnba\",\n",
	/* mac */
	"#node,mac\n\"a\",\"aa:bb|cc:dd\"\n",
	/* nodehm */
	"#node,mgt\n\"g1\",\"kvm\"\n",
};

#define ALL ""	/* none of them is missing */

static struct tables *
tables(const char *lacks)
{
	static const char none[] = "Error: [mn1]: No such table: x\n";
	struct buf b = BUF_INIT;
	struct err e = { 0 };
	struct tables *t;
	size_t i;

	for (i = 0; i < COUNT(names); i++)
		if (strcmp(names[i], lacks) == 0)
			buf_printf(&b, "table 1 0 %zu %s\n%s", strlen(none),
			    names[i], none);
		else
			buf_printf(&b, "table 0 %zu 0 %s\n%s",
			    strlen(texts[i]), names[i], texts[i]);
	buf_puts(&b, "end\n");
	if ((t = tables_take(b.data, b.len, names, COUNT(names), &e)) == NULL)
		fail_msg("refused: %s", e.msg);
	buf_fini(&b);
	return (t);
}

/* "NAME set fits PROVMETHOD ARCH NETBOOT;" of each. */
static void
nodes_are(const char *image, const char *arch, const char *lacks,
    const char *want)
{
	struct tables *t = tables(lacks);
	struct readynodes r;
	struct buf b = BUF_INIT;
	struct err e = { 0 };
	const char *netboot;
	size_t i, set = 0;

	assert_int_equal(readynodes_load(&r, t, image, arch, &e), 0);
	for (i = 0; i < r.n; i++) {
		netboot = r.at[i].v[READYNODE_NETBOOT];
		buf_printf(&b, "%s %d %d %s %s %s;", r.at[i].name,
		    r.at[i].set, r.at[i].fits,
		    r.at[i].v[READYNODE_PROVMETHOD],
		    r.at[i].v[READYNODE_ARCH],
		    netboot != NULL ? netboot : "?");
		set += (size_t)r.at[i].set;
	}
	assert_string_equal(buf_cstr(&b), want);
	assert_int_equal(r.nset, set);
	buf_fini(&b);
	readynodes_fini(&r);
	tables_free(t);
}

static void
test_values(void **state)
{
	(void)state;
	nodes_are("img", "x86_64", ALL, "a 1 1 img x86_64 ?;"
	    "b 1 0 img ppc64el grub2;c 1 0 img aarch64 ;"
	    "e 1 1 img x86_64 xnba;");
	nodes_are("other", "ppc64le", ALL, "b 0 1 img ppc64el grub2;"
	    "d 0 1  ppc64le ;");
	nodes_are("nosuch", "s390x", ALL, "");
}

static void
test_missing_tables(void **state)
{
	(void)state;
	nodes_are("img", "x86_64", "nodelist", "");
	nodes_are("img", "x86_64", "nodetype", "");
	nodes_are("img", "aarch64", "noderes", "a 1 0 img x86_64 ;"
	    "b 1 0 img ppc64el ;c 1 1 img aarch64 ;e 1 0 img x86_64 ;");
}

static void
test_others(void **state)
{
	struct tables *t = tables(ALL);
	struct readynodes r;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(readynodes_load(&r, t, "img", "x86_64", &e), 0);
	assert_int_equal(r.all, 5);
	assert_string_equal(r.at[0].v[READYNODE_MAC], "aa:bb|cc:dd");
	assert_string_equal(r.at[1].v[READYNODE_MAC], "");
	assert_string_equal(r.at[1].v[READYNODE_SERVICENODE], "sn1");
	assert_string_equal(r.at[1].v[READYNODE_OS], "r8");
	assert_string_equal(r.at[1].v[READYNODE_PROFILE], "compute");
	assert_string_equal(r.at[3].v[READYNODE_MGT], "kvm");
	readynodes_fini(&r);
	tables_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_missing_tables),
		cmocka_unit_test(test_others),
	};

	return (cmocka_run_group_tests_name("readynodes", tests, NULL,
	    NULL));
}
