#include "restore/dbmerge.h"
#include "tests/unit/unit.h"

struct given {
	const char *name, *text;
};

/* Tables sorted by name. */
static void
set(struct dbset *s, const struct given *g, size_t n)
{
	struct err e = { 0 };
	size_t i;

	memset(s, 0, sizeof(*s));
	s->tables = calloc(n + 1, sizeof(*s->tables));
	assert_non_null(s->tables);
	for (i = 0; i < n; i++) {
		snprintf(s->tables[i].name, sizeof(s->tables[i].name), "%s",
		    g[i].name);
		buf_puts(&s->tables[i].text, g[i].text);
		assert_int_equal(dbset_prove(&s->tables[i], &e), 0);
	}
	s->n = n;
}

static const struct given snapshot[] = {
	{ "hosts", "#node,ip\n\"n1\",\"10.0.0.1\"\n" },
	{ "linuximage", "#imagename,pkglist,exlist,comments\n"
	    "\"a\",\"/x\",,\"two\nlines\"\n\"b\",\"/y\",\"/z\",\n" },
	{ "litefile", "#image,file,options\n\"ALL\",\"/etc\",\"rw\"\n"
	    "\"a\",\"/1\",\"rw\"\n\"a\",\"/2\",\n" },
	{ "osdistro", "#osdistroname,arch\n\"r9\",\"x\"\n\"r8\",\"y\"\n" },
	{ "osimage", "#imagename,osdistroname,osupdatename,provmethod\n"
	    "\"a\",\"r9\",,\"netboot\"\n\"a,b\",\"r8\",,\"install\"\n" },
};

static void
picked(const struct dbset *s, const char *name, const char *want)
{
	const struct dbset_table *t = dbset_find(s, name);
	struct buf b = BUF_INIT;

	assert_non_null(t);
	buf_append(&b, t->text.data, t->text.len);
	assert_string_equal(buf_cstr(&b), want);
	buf_fini(&b);
}

static void
test_pick(void **state)
{
	struct err e = { 0 };
	struct dbset s;

	(void)state;
	set(&s, snapshot, COUNT(snapshot));
	assert_int_equal(dbmerge_pick(&s, "a", &e), 0);
	assert_int_equal(s.n, 4);
	picked(&s, "linuximage", "#imagename,pkglist,comments\n"
	    "\"a\",\"/x\",\"two\nlines\"\n");
	picked(&s, "litefile", "#image,file,options\n"
	    "\"a\",\"/1\",\"rw\"\n\"a\",\"/2\",\n");
	picked(&s, "osdistro", "#osdistroname,arch\n\"r9\",\"x\"\n");
	picked(&s, "osimage", "#imagename,osdistroname,provmethod\n"
	    "\"a\",\"r9\",\"netboot\"\n");
	assert_int_equal(dbset_find(&s, "litefile")->rows, 2);
	dbset_fini(&s);

	/* a name with a comma is one name */
	set(&s, snapshot, COUNT(snapshot));
	assert_int_equal(dbmerge_pick(&s, "a,b", &e), 0);
	assert_int_equal(s.n, 2);
	picked(&s, "osdistro", "#osdistroname,arch\n\"r8\",\"y\"\n");
	dbset_fini(&s);

	set(&s, snapshot, COUNT(snapshot));
	assert_int_equal(dbmerge_pick(&s, "b", &e), -1);
	assert_int_equal(e.kind, ERR_USAGE);
	dbset_fini(&s);
	set(&s, snapshot, 1);
	assert_int_equal(dbmerge_pick(&s, "a", &e), -1);
	dbset_fini(&s);
}

/* One that cannot be read is not passed over in silence. */
static void
test_damaged(void **state)
{
	struct err e = { 0 };
	struct dbset s;

	(void)state;
	set(&s, snapshot, COUNT(snapshot));
	dbset_find(&s, "linuximage")->damaged = 1;
	assert_int_equal(dbmerge_pick(&s, "a", &e), 0);
	assert_int_equal(s.n, 4);
	assert_true(dbset_find(&s, "linuximage")->damaged);
	dbset_fini(&s);
}

static void
merged(const char *name, const char *new, const char *there,
    const char *want)
{
	const struct given a = { name, new }, b = { name, there };
	struct err e = { 0 };
	struct dbset s, t;

	set(&s, &a, 1);
	set(&t, &b, 1);
	assert_int_equal(dbmerge_into(&s.tables[0], &t.tables[0], &e), 0);
	picked(&s, name, want);
	assert_int_equal(s.tables[0].worst >= XCATCSV_UNRESTORABLE, 0);
	dbset_fini(&s);
	dbset_fini(&t);
}

static void
test_into(void **state)
{
	(void)state;
	merged("osimage", "#imagename,provmethod\n\"a\",\"netboot\"\n",
	    "#imagename,groups,provmethod,disable\n"
	    "\"a\",\"old\",\"install\",\"1\"\n\"b\",\"g \"\"q\"\"\",,\n",
	    "#imagename,groups,provmethod,disable\n"
	    "\"b\",\"g \"\"q\"\"\",,\n\"a\",,\"netboot\",\n");
	merged("litefile", "#image,file\n\"a\",\"/1\"\n\"a\",\"/2\"\n",
	    "#image,file\n\"ALL\",\"/1\"\n\"a\",\"/3\"\n",
	    "#image,file\n\"ALL\",\"/1\"\n\"a\",\"/1\"\n\"a\",\"/2\"\n");
	merged("osdistro", "#osdistroname\n\"r9\"\n", "#osdistroname,arch\n",
	    "#osdistroname,arch\n\"r9\",\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pick),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_into),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
