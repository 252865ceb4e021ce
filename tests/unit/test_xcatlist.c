#include "base/buf.h"
#include "formats/xcatlist.h"
#include "formats/xcatloss.h"
#include "tests/unit/unit.h"

static struct span
span_of(const char *s)
{
	struct span sp = { s, strlen(s) };

	return (sp);
}

static int
collect(void *arg, const struct span *item)
{
	struct buf *b = arg;

	buf_putc(b, '[');
	buf_append(b, item->p, item->len);
	buf_putc(b, ']');
	return (0);
}

static int
stop_at_once(void *arg, const struct span *item)
{
	collect(arg, item);
	return (7);
}

static void
items(const char *value, enum xcatlist_item how, const char *want)
{
	struct span s = span_of(value);
	struct buf b = BUF_INIT;

	assert_int_equal(xcatlist_items(&s, how, collect, &b), 0);
	assert_string_equal(buf_cstr(&b), want);
	buf_fini(&b);
}

static void
test_items(void **state)
{
	struct span s = span_of("a,b");
	struct buf b = BUF_INIT;

	(void)state;
	items("", XCATLIST_WHOLE, "");
	items(",,  ,", XCATLIST_WHOLE, "");
	items("/a, /b c ,/d", XCATLIST_WHOLE, "[/a][/b c][/d]");
	items("setupfoo -x 1, custom/mypost\targ", XCATLIST_WORD,
	    "[setupfoo][custom/mypost]");
	assert_int_equal(xcatlist_items(&s, XCATLIST_WHOLE, stop_at_once,
	    &b), 7);
	assert_string_equal(buf_cstr(&b), "[a]");
	buf_fini(&b);
}

static void
includes(const char *text, enum xcatlist_form form, const char *want)
{
	struct span s = span_of(text);
	struct buf b = BUF_INIT;

	assert_int_equal(xcatlist_includes(&s, form, collect, &b), 0);
	assert_string_equal(buf_cstr(&b), want);
	buf_fini(&b);
}

static void
test_includes(void **state)
{
	(void)state;
	includes("bash\n#INCLUDE:common.pkglist#\nvim\n", XCATLIST_PACKAGES,
	    "[common.pkglist]");
	includes("  #INCLUDE:/a/b# \r\n#INCLUDE:c#", XCATLIST_PACKAGES,
	    "[/a/b][c]");
	includes("#INCLUDE:a##INCLUDE:b#", XCATLIST_PACKAGES, "[a][b]");
	includes("x #INCLUDE:a# y\n", XCATLIST_PACKAGES, "[a]");
	/* A comment, unless the include begins the line. */
	includes("# old: #INCLUDE:a#\n#NEW_INSTALL_LIST#\n#ENV:X=1#\n"
	    "#see #INCLUDE:b#\n", XCATLIST_PACKAGES, "");
	includes("# old: #INCLUDE:a#\n#NEW_INSTALL_LIST#\n", XCATLIST_TEXT,
	    "[a]");
	includes("#INCLUDE_DEFAULT_PKGLIST#\n#INCLUDE_PKGLIST:p#\n"
	    "#INCLUDE_PTRNLIST:q#\n#INCLUDE_RMPKGLIST:r#\n"
	    "#INCLUDE_NOP:s#\n", XCATLIST_TEXT, "[p][q][r][s]");
	includes("#INCLUDE_PKGLIST:p#\n", XCATLIST_PACKAGES, "");
	includes("#INCLUDE:#ENV:DIR#/x#\n", XCATLIST_TEXT, "[#ENV:DIR#/x]");
	/* None of these is one. */
	includes("#INCLUDE:#\n#INCLUDE:a\n#\n#INCLUDE:a^b#\n#INCLUDE:",
	    XCATLIST_TEXT, "");
	includes("#INCLUDE: #\n#INCLUDE:#ENV:x\n", XCATLIST_TEXT, "");
}

static int
collect_source(void *arg, enum xcatlist_clause clause, size_t line,
    const struct span *source)
{
	static const char letters[] = "camex";
	struct buf *b = arg;

	buf_printf(b, "%c%zu", letters[clause], line);
	return (collect(b, source));
}

static void
sources(const char *text, const char *want)
{
	struct span s = span_of(text);
	struct buf b = BUF_INIT;

	assert_int_equal(xcatlist_sync(&s, collect_source, &b), 0);
	assert_string_equal(buf_cstr(&b), want);
	buf_fini(&b);
}

static void
test_sync(void **state)
{
	(void)state;
	sources("/a -> /b\n", "c1[/a]");
	sources("/a -> /b", "c1[/a]");
	sources("\n# /x -> /y\n/a  /b/* -> /c/\n", "c3[/a]c3[/b/*]");
	sources("/a -> (n1-n3) /b\n", "c1[/a]");
	sources("/a -> /b -> /c\n", "c1[/a]c1[->]c1[/b]");
	/* Not an arrow with something on either side. */
	sources("/a->/b\n/a ->\n -> /b\n/a -> \n->\n\n /a", "");
	sources("/a -> /b\r\n", "c1[/a]");
	sources("/a -> /b\nEXECUTE:\n/s.post\n /t.post x\n", "c1[/a]e3[/s.post]"
	    "e4[/t.post]");
	sources("EXECUTEALWAYS:\n/s\nAPPEND:\n/a b -> /c\nMERGE:\n"
	    "/m -> /etc/passwd\n/n\n", "x2[/s]a4[/a b]m6[/m]");
	/* A clause goes on to the next one. */
	sources("APPEND:\n/a -> /b\n\n/c -> /d\n", "a2[/a]a4[/c]");
}

static void
test_partition(void **state)
{
	struct span s = span_of("s:/a, d:/b,s:d:/c,c:/e,/f,s:,d: ,,");
	struct buf b = BUF_INIT;

	(void)state;
	assert_int_equal(xcatlist_partition(&s, collect, &b), 0);
	assert_string_equal(buf_cstr(&b), "[/a][/b][/c][/e][/f]");
	buf_fini(&b);
}

static void
expand(const char *text, const char *environvar, int all, const char *want)
{
	struct span t = span_of(text), v = span_of(environvar);
	struct buf b = BUF_INIT;

	assert_int_equal(xcatlist_expand(&b, &t, &v), all);
	assert_string_equal(buf_cstr(&b), want);
	buf_fini(&b);
}

static void
test_expand(void **state)
{
	(void)state;
	expand("/plain", "A=1", 1, "/plain");
	expand("/$A/${B}x/#ENV:A#", "A=1, B = two", 1, "/1/twox/1");
	expand("$A$A", "A=1,A=2", 1, "22");
	expand("/$C/$A", "A=1", 0, "/$C/1");
	expand("/${A/$/#ENV:A", "A=1", 1, "/${A/$/#ENV:A");
	expand("$A", "A", 0, "$A");
	expand("$A", "A=", 0, "$A");
}

static void
loses(const char *was, const char *becomes, unsigned loss)
{
	struct span s = span_of(was), now = span_of(becomes);
	struct buf b = BUF_INIT;
	unsigned got;

	assert_int_equal(xcatloss_apply(&b, &s), loss);
	assert_string_equal(buf_cstr(&b), becomes);
	buf_fini(&b);
	assert_true(xcatloss_explains(&s, &now, &got));
	assert_int_equal(got, loss);
	now = span_of("other");
	assert_false(xcatloss_explains(&s, &now, &got));
}

/* A value, and what a restore makes of it with xcatd running and without. */
static void
settles(const char *was, const char *at)
{
	struct span s = span_of(was), t;
	struct buf a = BUF_INIT, b = BUF_INIT, c = BUF_INIT;

	(void)xcatloss_settle(&a, &s);
	assert_string_equal(buf_cstr(&a), at);
	(void)xcatloss_apply(&b, &s);
	t = span_of(buf_cstr(&b));
	(void)xcatloss_settle(&c, &t);
	assert_string_equal(buf_cstr(&c), at);
	t = span_of(at);
	buf_clear(&b);
	assert_int_equal(xcatloss_settle(&b, &t), 0);
	assert_string_equal(buf_cstr(&b), at);
	buf_fini(&a);
	buf_fini(&b);
	buf_fini(&c);
}

static void
test_settle(void **state)
{
	(void)state;
	settles("", "");
	settles("a \nb ", "a\nb ");
	settles("a \rb", "a\nb");
	settles("a\r\r\nb\r", "a\nb\n");
	settles("\n\n\rb", "\nb");
}

static void
test_loss(void **state)
{
	(void)state;
	loses("", "", 0);
	loses("  both  ", "  both  ", 0);
	loses("a\nb\n", "a\nb\n", 0);
	loses("a\r\nb", "a\nb", XCATLOSS_CR);
	loses("a\rb", "a\nb", XCATLOSS_CR);
	loses("a \t\nb ", "a\nb ", XCATLOSS_BLANKS);
	loses("a\n\n\nb", "a\nb", XCATLOSS_LINES);
	loses("a\n \nb", "a\nb", XCATLOSS_LINES | XCATLOSS_BLANKS);
	loses("\n\na", "\na", XCATLOSS_LINES);
	loses(" \r\n\r\nx\r", "\nx\n", XCATLOSS_CR | XCATLOSS_BLANKS |
	    XCATLOSS_LINES);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_items),
		cmocka_unit_test(test_includes),
		cmocka_unit_test(test_sync),
		cmocka_unit_test(test_partition),
		cmocka_unit_test(test_expand),
		cmocka_unit_test(test_loss),
		cmocka_unit_test(test_settle),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
