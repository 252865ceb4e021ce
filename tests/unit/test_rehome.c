#include "restore/rehome.h"
#include "tests/unit/unit.h"

static struct rehome
make(const char *const *pairs)
{
	struct rehome h = { NULL, 0 };
	struct err e = { 0 };

	for (; *pairs != NULL; pairs++) {
		if (strchr(*pairs, '=') != NULL)
			assert_int_equal(rehome_add(&h, *pairs, &e), 0);
		else
			assert_int_equal(rehome_look(&h, *pairs, &e), 0);
	}
	return (h);
}

static void
expect(const struct rehome *h, const char *in, size_t found,
    const char *want)
{
	struct span v = { in, strlen(in) };
	struct buf out = BUF_INIT;
	size_t n = rehome_edit(h, &v, &out);

	if (n != found || strcmp(buf_cstr(&out), want) != 0)
		fail_msg("%s: %zu, %s", in, n, buf_cstr(&out));
	buf_fini(&out);
}

static void
test_words(void **state)
{
	static const char *const pairs[] = { "mn1=new", "10.0.0.1=10.9.9.9",
	    "fd00::1=fd00::2", NULL };
	static const struct {
		const char *in;
		size_t found;
		const char *want;
	} tab[] = {
		{ "mn1", 1, "new" },
		{ "mn1.cluster", 1, "new.cluster" },
		{ "http://mn1:80/install", 1, "http://new:80/install" },
		{ "mn1,mn10,mn1", 2, "new,mn10,new" },
		{ "omn1 mn1-ib mn1_ib mn12 x.mn1", 0,
		    "omn1 mn1-ib mn1_ib mn12 x.mn1" },
		{ "\xc3\xa4mn1", 0, "\xc3\xa4mn1" },
		{ "MN1", 0, "MN1" },
		{ "10.0.0.1", 1, "10.9.9.9" },
		{ "10.0.0.1:3001 10.0.0.1.", 2, "10.9.9.9:3001 10.9.9.9." },
		{ "10.0.0.11 110.0.0.1 1.10.0.0.1 10.0.0.1.5", 0,
		    "10.0.0.11 110.0.0.1 1.10.0.0.1 10.0.0.1.5" },
		{ "10.0.0.1-10.0.0.9", 1, "10.9.9.9-10.0.0.9" },
		{ "10.0.0.1/24", 1, "10.9.9.9/24" },
		{ "ip=10.0.0.1::x nfsserver=mn1", 2,
		    "ip=10.9.9.9::x nfsserver=new" },
		{ "[fd00::1]:80 fd00::11 1:fd00::1", 1,
		    "[fd00::2]:80 fd00::11 1:fd00::1" },
		{ "|mn(\\d+)|10.0.0.($1+0)|", 0, "|mn(\\d+)|10.0.0.($1+0)|" },
		{ "", 0, "" },
	};
	struct rehome h = make(pairs);
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(tab); i++)
		expect(&h, tab[i].in, tab[i].found, tab[i].want);
	rehome_fini(&h);
}

/* What comes in by one pair is not looked at by another; longest first. */
static void
test_pairs(void **state)
{
	static const char *const swap[] = { "a=b", "b=a", NULL };
	static const char *const full[] = { "mn1=x", "mn1.old=x.new", "q",
	    NULL };
	struct rehome h = make(swap);

	(void)state;
	expect(&h, "a b a", 3, "b a b");
	rehome_fini(&h);
	h = make(full);
	expect(&h, "mn1.old mn1 mn1.other q", 4, "x.new x x.other q");
	rehome_fini(&h);
}

static void
test_refused(void **state)
{
	static const char *const bad[] = { "", "a", "=b", "a=", "a b=c",
	    "a=b c", "-a=b", "a=-b", "a=b=c", "a=$b", "a/b=c" };
	struct rehome h = { NULL, 0 };
	struct err e = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++)
		check_failed(rehome_add(&h, bad[i], &e), &e, ERR_USAGE);
	assert_int_equal(rehome_add(&h, "a=b", &e), 0);
	check_failed(rehome_add(&h, "a=c", &e), &e, ERR_USAGE);
	assert_int_equal(rehome_look(&h, "a", &e), 0);
	assert_int_equal(rehome_look(&h, "<xcatmaster>", &e), 0);
	assert_int_equal(h.n, 1);
	rehome_fini(&h);
}

static void
take_line(void *arg, const char *table, const char *line, int edited)
{
	buf_printf(arg, "%s%s: %s\n", edited ? "*" : "", table, line);
}

static void
expect_table(const char *table, const char *in, const char *want,
    const char *lines, size_t want_edits, size_t want_found)
{
	static const char *const pairs[] = { "mn1=new", "10.0.0.1", NULL };
	struct rehome h = make(pairs);
	struct buf out = BUF_INIT, said = BUF_INIT;
	struct err e = { 0 };
	struct span is = { in, strlen(in) };
	size_t edits, found;

	assert_int_equal(rehome_table(&h, table, &is, &out,
	    take_line, &said, &edits, &found, &e), 0);
	assert_string_equal(buf_cstr(&out), want);
	assert_string_equal(buf_cstr(&said), lines);
	assert_int_equal(edits, want_edits);
	assert_int_equal(found, want_found);
	buf_fini(&out);
	buf_fini(&said);
	rehome_fini(&h);
}

/* Only the words change; every other byte of the table stays. */
static void
test_tables(void **state)
{
	(void)state;
	expect_table("noderes", "#node,xcatmaster,comments,disable\n"
	    "\"a\",\"mn1\",\"x, \"\"y\"\"\nz \",\n\"b\",\"mn10\",,\"1\"\n",
	    "#node,xcatmaster,comments,disable\n"
	    "\"a\",\"new\",\"x, \"\"y\"\"\nz \",\n\"b\",\"mn10\",,\"1\"\n",
	    "*noderes: a: xcatmaster mn1 -> new\n", 1, 1);
	expect_table("site", "#key,value\n\"master\",\"10.0.0.1\"\n",
	    "#key,value\n\"master\",\"10.0.0.1\"\n",
	    "site: master: value 10.0.0.1\n", 0, 1);
	/* a password is neither told nor edited */
	expect_table("passwd", "#key,username,password\n\"mn1\",,\"mn1\"\n",
	    "#key,username,password\n\"new\",,\"mn1\"\n",
	    "*passwd: mn1,\"\": key mn1 -> new\n", 1, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_tables),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
