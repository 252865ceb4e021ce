#include "base/buf.h"
#include "remote/node/tables.h"
#include "tests/unit/unit.h"

static const char *const names[] = { "site", "osimage", "nokit" };

#define SITE "#key,value,comments,disable\n" \
	"\"installdir\",\"/install\",,\n" \
	"\"tmpdir\",\"/old\",,\"1\"\n" \
	"\"tmpdir\",\"/big \"\"tmp\"\"\",,\"no\"\n" \
	"\"domain\",,,\n"
#define OSIMAGE "#imagename,osarch\n\"a\",\"ppc64le\"\n"
#define ABSENT "Error: [mn1]: No such table: nokit\n"

/* What the script prints of a table. */
static void
add(struct buf *b, const char *name, unsigned status, const char *text,
    const char *words)
{
	buf_printf(b, "table %u %zu %zu %s\n", status, strlen(text),
	    strlen(words), name);
	buf_puts(b, text);
	buf_puts(b, words);
}

static struct tables *
take(struct buf *b, struct err *e)
{
	struct tables *t = tables_take(b->data, b->len, names, COUNT(names),
	    e);

	buf_fini(b);
	return (t);
}

static struct tables *
good(void)
{
	struct buf b = BUF_INIT;
	struct err e = { 0 };
	struct tables *t;

	add(&b, "osimage", 0, OSIMAGE, "perl: warning: no locale\n");
	add(&b, "nokit", 1, "", ABSENT);
	add(&b, "site", 0, SITE, "");
	buf_puts(&b, "end\n");
	if ((t = take(&b, &e)) == NULL)
		fail_msg("refused: %s", e.msg);
	return (t);
}

static void
test_texts(void **state)
{
	struct tables *t = good();
	const struct buf *b;

	(void)state;
	assert_non_null(b = tables_text(t, "osimage"));
	assert_int_equal(b->len, strlen(OSIMAGE));
	assert_memory_equal(b->data, OSIMAGE, b->len);
	assert_null(tables_text(t, "nokit"));
	assert_null(tables_text(t, "passwd"));
	tables_free(t);
}

static int
join(void *arg, const struct span *at, struct err *e)
{
	struct buf *b = arg;
	int i;

	(void)e;
	for (i = 0; i < 3; i++) {
		if (at[i].p == NULL)
			buf_puts(b, "-");
		else
			buf_append(b, at[i].p, at[i].len);
		buf_putc(b, i < 2 ? ' ' : ';');
	}
	return (0);
}

static int
stop(void *arg, const struct span *at, struct err *e)
{
	++*(int *)arg;
	return (err_set(e, ERR_BUSY, "%.*s", (int)at[0].len, at[0].p));
}

static void
test_rows(void **state)
{
	static const char *const columns[] = { "value", "key", "none" };
	struct tables *t = good();
	struct buf b = BUF_INIT;
	struct err e = { 0 };
	int n = 0;

	(void)state;
	assert_int_equal(tables_rows(t, "site", columns, 3, join, &b, &e), 0);
	assert_string_equal(buf_cstr(&b), "/install installdir -;"
	    "/big \"tmp\" tmpdir -;- domain -;");
	buf_clear(&b);
	assert_int_equal(tables_rows(t, "nokit", columns, 3, join, &b, &e),
	    0);
	assert_int_equal(b.len, 0);
	check_failed(tables_rows(t, "site", columns, 2, stop, &n, &e), &e,
	    ERR_BUSY);
	assert_int_equal(n, 1);
	buf_fini(&b);
	tables_free(t);
}

static void
test_values(void **state)
{
	struct tables *t = good();
	char *s;

	(void)state;
	s = tables_value(t, "site", "key", "tmpdir", "value");
	assert_string_equal(s, "/big \"tmp\"");
	free(s);
	s = tables_value(t, "site", "key", "domain", "value");
	assert_string_equal(s, "");
	free(s);
	assert_null(tables_value(t, "site", "key", "master", "value"));
	assert_null(tables_value(t, "nokit", "key", "master", "value"));
	tables_free(t);
}

static void
refuses(struct buf *b, const char *reason)
{
	struct err e = { 0 };

	assert_null(take(b, &e));
	assert_int_equal(e.kind, ERR_FAILED);
	if (strstr(e.msg, reason) == NULL)
		fail_msg("\"%s\" says nothing of \"%s\"", e.msg, reason);
}

/* All three, but one in this way. */
static void
refuses_site(unsigned status, const char *text, const char *words,
    const char *reason)
{
	struct buf b = BUF_INIT;

	add(&b, "osimage", 0, OSIMAGE, "");
	add(&b, "site", status, text, words);
	add(&b, "nokit", 1, "", ABSENT);
	buf_puts(&b, "end\n");
	refuses(&b, reason);
}

static void
test_not_whole(void **state)
{
	(void)state;
	refuses_site(0, "", "", "table site is not whole");
	refuses_site(0, "#key,value\n\"a\",\"b\"", "", "site is not whole");
	refuses_site(0, "#key,value\n\"a\",\"b\n", "", "site is not whole");
	refuses_site(0, "key,value\n", "", "site is not whole");
	refuses_site(0, SITE, "noise\nError: [mn1]: lost\n", "mn1]: lost");
	refuses_site(1, SITE, "x\nError: y\n", "with status 1: Error: y");
	refuses_site(111, "", "refused\n", "with status 111: refused");
	refuses_site(124, "", "", "did not end within");
	refuses_site(125, "", "", "longer than");
	refuses_site(126, "", "", "with status 126");
	/* Only xCAT's own word for it will do. */
	refuses_site(0, "", ABSENT, "No such table");
	refuses_site(2, "", ABSENT, "with status 2");
}

static void
test_garbled(void **state)
{
	static const char *const texts[] = {
		"", "end\n", "table 0 3 0 site\n#a\nnd\n",
		"table 0 99999999999999999999 0 site\n", "table 0 3 site\n",
		"table 0 4 18446744073709551615 site\n#aa\nend\n",
		"table -1 0 0 site\nend\n", "motd\nend\n",
		"table 0 3 0 passwd\n#a\nend\n",
		"table 0 3 0 site\n#a\ntable 0 3 0 site\n#a\nend\n",
	};
	struct buf b = BUF_INIT;
	size_t i, len;

	(void)state;
	for (i = 0; i < COUNT(texts); i++) {
		buf_puts(&b, texts[i]);
		refuses(&b, "is none");
	}
	/* Cut anywhere, or with more behind it. */
	for (i = 0;; i++) {
		add(&b, "site", 0, SITE, "");
		add(&b, "osimage", 0, OSIMAGE, "");
		add(&b, "nokit", 1, "", ABSENT);
		buf_puts(&b, "end\n");
		len = b.len;
		if (i == len)
			break;
		b.len = i;
		refuses(&b, "is none");
	}
	buf_putc(&b, '\n');
	refuses(&b, "is none");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_not_whole),
		cmocka_unit_test(test_garbled),
	};

	return (cmocka_run_group_tests_name("tables", tests, NULL, NULL));
}
