#include <time.h>

#include "restore/dbjudge.h"
#include "tests/unit/unit.h"

static void
set(struct dbset_table *t, const char *name, const char *text)
{
	struct err e = { 0 };

	memset(t, 0, sizeof(*t));
	snprintf(t->name, sizeof(t->name), "%s", name);
	buf_puts(&t->text, text);
	assert_int_equal(dbset_prove(t, &e), 0);
}

static void
clear(struct dbset_table *t)
{
	buf_fini(&t->text);
	free(t->why);
}

static void
take_line(void *arg, const char *table, const char *line)
{
	buf_printf(arg, "%s: %s\n", table, line);
}

static void
expect(const char *table, const char *old, const char *new, int as_restored,
    const char *want, size_t lossy)
{
	struct buf said = BUF_INIT;
	struct dbjudge_options opt = { .as_restored = as_restored,
	    .tell = take_line, .arg = &said, .most = 3 };
	struct dbset_table a, b;
	struct err e = { 0 };
	struct dbjudge j;

	set(&a, table, old);
	set(&b, table, new);
	assert_int_equal(dbjudge_table(&a, &b, &opt, &j, &e), 0);
	assert_string_equal(buf_cstr(&said), want);
	assert_int_equal(j.lossy, lossy);
	buf_fini(&said);
	clear(&a);
	clear(&b);
}

static void
test_rows(void **state)
{
	(void)state;
	expect("nodelist", "#node,groups\n\"a\",\"x\"\n\"b\",\"y\"\n",
	    "#node,groups\n\"b\",\"y\"\n\"a\",\"x\"\n", 1, "", 0);
	expect("nodelist", "#node,groups,status\n\"a\",\"x\",\n\"b\",,\n",
	    "#node,groups,status\n\"c\",,\n\"a\",\"z\",\"on\"\n", 1,
	    "nodelist: a: groups, status\nnodelist: b is missing\n"
	    "nodelist: c is new\n", 0);
	/* a secret key is not shown */
	expect("token", "#tokenid,username\n\"deadbeef\",\"root\"\n",
	    "#tokenid,username\n", 1, "token: ******** is missing\n", 0);
	expect("nodelist", "#node\n\"a\"\n\"b\"\n\"c\"\n\"d\"\n",
	    "#node\n", 0, "nodelist: a is missing\nnodelist: b is missing\n"
	    "nodelist: c is missing\n", 0);
}

/* What xCAT itself loses is no difference; anything else is. */
static void
test_lossy(void **state)
{
	(void)state;
	expect("site", "#key,value\n\"a\",\"x  \n\n\ny\"\n",
	    "#key,value\n\"a\",\"x\ny\"\n", 1, "", 1);
	expect("site", "#key,value\n\"a\",\"x\r\"\n",
	    "#key,value\n\"a\",\"x\n\"\n", 1, "", 1);
	expect("site", "#key,value\n\"a\",\"x\n\ny\"\n",
	    "#key,value\n\"a\",\"x\ny\"\n", 0, "site: a: value\n", 0);
	expect("site", "#key,value\n\"a\",\"x  \"\n",
	    "#key,value\n\"a\",\"x\"\n", 1, "site: a: value\n", 0);
	expect("site", "#key,value\n\"a\",\"x\ny\"\n",
	    "#key,value\n\"a\",\"x\nz\"\n", 1, "site: a: value\n", 0);
}

static void
fill(struct dbset_table *t, int table, int rows, int shift)
{
	struct err e = { 0 };
	int i, k;

	memset(t, 0, sizeof(*t));
	snprintf(t->name, sizeof(t->name), "own%d", table);
	buf_puts(&t->text, "#node,groups,status,comments,disable\n");
	for (i = 0; i < rows; i++) {
		k = (i + shift) % rows;
		buf_printf(&t->text, "\"node%06d\",\"all,rack%d\",\"booted\","
		    "\"a comment, \"\"quoted\"\"\",\n", k, k % 50);
	}
	assert_int_equal(dbset_prove(t, &e), 0);
	assert_int_equal(t->rows, rows);
}

/* 71 tables of 100,000 rows, in another order: half a second is wanted. */
static void
test_speed(void **state)
{
	struct dbjudge_options opt = { .as_restored = 1 };
	struct timespec start, end;
	struct dbset_table a, b;
	struct err e = { 0 };
	struct dbjudge j;
	double took = 0;
	int i;

	(void)state;
	for (i = 0; i < 71; i++) {
		fill(&a, i, 1409, 0);
		fill(&b, i, 1409, 700);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
		assert_int_equal(dbjudge_table(&a, &b, &opt, &j, &e), 0);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
		took += (double)(end.tv_sec - start.tv_sec) +
		    (double)(end.tv_nsec - start.tv_nsec) / 1e9;
		assert_int_equal(j.gone + j.changed + j.added, 0);
		clear(&a);
		clear(&b);
	}
	print_message("100,000 rows in 71 tables: %.3f s\n", took);
	/* with room for a slow machine and for instrumented builds */
	assert_true(took < 2.5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_lossy),
		cmocka_unit_test(test_speed),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
