#include "formats/nodefacts.h"
#include "tests/unit/unit.h"

struct seen {
	struct buf text;
	int stop;
};

static int
begin(void *arg, const char *name, struct err *e)
{
	struct seen *s = arg;

	(void)e;
	buf_printf(&s->text, "<%s>", name);
	return (s->stop);
}

static int
line(void *arg, const char *p, size_t len, struct err *e)
{
	struct seen *s = arg;

	(void)e;
	buf_append(&s->text, p, len);
	buf_putc(&s->text, ';');
	return (0);
}

static int
end(void *arg, unsigned status, int cut, struct err *e)
{
	struct seen *s = arg;

	(void)e;
	buf_printf(&s->text, "(%u%s)", status, cut ? " cut" : "");
	return (0);
}

/* The text in pieces of n bytes; 0, 1 (not ended yet), -1. */
static int
feed(struct seen *s, const char *text, size_t n, struct err *e)
{
	const struct nodefacts_sink sink = { s, begin, line, end };
	struct nodefacts f;
	size_t len = strlen(text), i, k;
	int rc = 0;

	nodefacts_init(&f, &sink);
	buf_clear(&s->text);
	for (i = 0; rc == 0 && i < len; i += k) {
		k = len - i < n ? len - i : n;
		rc = nodefacts_feed(&f, text + i, k, e);
	}
	if (rc == 0)
		rc = !f.over;
	nodefacts_fini(&f);
	return (rc);
}

static void
test_read(void **state)
{
	static const char text[] = "file a-1.txt\n|one\n||\n|\nend 0\n"
	    "file none\nend 127\nfile b\n|end 3\nend 1 cut\nend\n";
	struct seen s = { BUF_INIT, 0 };
	struct err e = { 0 };
	size_t n;

	(void)state;
	for (n = 1; n < sizeof(text) + 1; n++) {
		assert_int_equal(feed(&s, text, n, &e), 0);
		assert_string_equal(buf_cstr(&s.text),
		    "<a-1.txt>one;|;;(0)<none>(127)<b>end 3;(1 cut)");
	}
	assert_int_equal(feed(&s, "file a\n|x", 3, &e), 1);
	assert_int_equal(feed(&s, "file a\n|x\nend 0\nen", 3, &e), 1);
	s.stop = 7;
	assert_int_equal(feed(&s, text, 3, &e), 7);
	buf_fini(&s.text);
}

static void
test_refused(void **state)
{
	static const char *const wrong[] = {
		"\n", "x\n", "|x\n", "end 0\n", "file \n", "file a/b\n",
		"file ../x\n", "file .x\n", "file a b\n", "file a\nfile b\n",
		"file a\nend\n", "file a\nend x\n", "file a\nend 1234\n",
		"file a\nend 1 cot\n", "file a\nx\n", "end\nend\n",
		"end\nfile a\n",
	};
	struct seen s = { BUF_INIT, 0 };
	struct err e = { 0 };
	struct buf many = BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(wrong); i++) {
		if (feed(&s, wrong[i], 4, &e) != -1)
			fail_msg("\"%s\" accepted", wrong[i]);
		check_failed(-1, &e, ERR_FAILED);
	}
	/* The longest name, and one more. */
	buf_printf(&many, "file %0*d\n", NODEFACTS_NAME_MAX - 1, 0);
	assert_int_equal(feed(&s, buf_cstr(&many), 999, &e), 1);
	buf_clear(&many);
	buf_printf(&many, "file %0*d\n", NODEFACTS_NAME_MAX, 0);
	check_failed(feed(&s, buf_cstr(&many), 999, &e), &e, ERR_FAILED);
	buf_clear(&many);
	for (i = 0; i < NODEFACTS_FILES_MAX; i++)
		buf_puts(&many, "file a\nend 0\n");
	assert_int_equal(feed(&s, buf_cstr(&many), 999, &e), 1);
	buf_puts(&many, "file a\n");
	check_failed(feed(&s, buf_cstr(&many), 999, &e), &e, ERR_FAILED);
	buf_fini(&many);
	buf_fini(&s.text);
}

static void
test_limits(void **state)
{
	struct seen s = { BUF_INIT, 0 };
	struct buf text = BUF_INIT;
	struct err e = { 0 };
	uint8_t *p;
	size_t i;

	(void)state;
	buf_puts(&text, "file a\n|");
	p = buf_reserve(&text, NODEFACTS_LINE_MAX - 1);
	assert_non_null(p);
	memset(p, 'x', NODEFACTS_LINE_MAX - 1);
	buf_advance(&text, NODEFACTS_LINE_MAX - 1);
	buf_puts(&text, "\nend 0\nend\n");
	assert_int_equal(feed(&s, buf_cstr(&text), 5000, &e), 0);
	buf_clear(&text);
	buf_puts(&text, "file a\n|x");
	p = buf_reserve(&text, NODEFACTS_LINE_MAX - 1);
	assert_non_null(p);
	memset(p, 'x', NODEFACTS_LINE_MAX - 1);
	buf_advance(&text, NODEFACTS_LINE_MAX - 1);
	check_failed(feed(&s, buf_cstr(&text), 5000, &e), &e, ERR_FAILED);
	/* As many lines as make up the most there may be, and one more. */
	buf_clear(&text);
	buf_puts(&text, "file a\n");
	for (i = 0; i < NODEFACTS_FILE_MAX / 1024; i++)
		buf_printf(&text, "|%01023d\n", 0);
	assert_int_equal(feed(&s, buf_cstr(&text), 65536, &e), 1);
	buf_puts(&text, "|\n");
	check_failed(feed(&s, buf_cstr(&text), 65536, &e), &e, ERR_FAILED);
	buf_fini(&text);
	buf_fini(&s.text);
}

/* want: NULL, or the path with a "c" before it where it is a configuration */
static void
check_changed(const char *text, const char *want)
{
	const char *path;
	int config = -1;

	path = nodefacts_changed(text, strlen(text), &config);
	if (want == NULL) {
		if (path != NULL)
			fail_msg("\"%s\": %s", text, path);
		return;
	}
	assert_non_null(path);
	assert_int_equal(config, *want == 'c');
	assert_string_equal(path, want + (*want == 'c'));
}

static void
test_changed(void **state)
{
	(void)state;
	check_changed("S.5....T.  c /etc/x y", "c/etc/x y");
	check_changed("..5....T.    /usr/x", "/usr/x");
	check_changed("??5?????? c /etc/a", "c/etc/a");
	check_changed("??5??????   /usr/a", "/usr/a");
	check_changed("S.5....T.  d /usr/share/doc/x", "/usr/share/doc/x");
	check_changed(".......T.  c /etc/x", NULL);
	check_changed("missing   c /etc/x", NULL);
	check_changed("missing     /etc/x", NULL);
	check_changed("SM5", NULL);
	check_changed("SM5 ", NULL);
	check_changed("SM5 c", NULL);
	check_changed("SM5 c ", NULL);
	check_changed("SM5  relative", NULL);
	check_changed("", NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_changed),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
