#include <unistd.h>

#include "backup/tarsaid.h"
#include "formats/pathtext.h"
#include "tests/unit/unit.h"

/* What GNU tar says of files, taken apart, and put beside what is missing. */

static void
check_parse(const char *line, const char *name, const char *text)
{
	char *copy = malloc(strlen(line));
	struct buf b = BUF_INIT;
	struct span sp;
	int rc;

	/* without the NUL, so that a read beyond shows */
	memcpy(copy, line, strlen(line));
	rc = tarsaid_parse(copy, strlen(line), &b, &sp);
	assert_int_equal(rc, name != NULL);
	if (name != NULL) {
		assert_string_equal(buf_cstr(&b), name);
		assert_int_equal(sp.len, strlen(text));
		assert_memory_equal(sp.p, text, sp.len);
	}
	buf_fini(&b);
	free(copy);
}

static void
test_parse(void **state)
{
	(void)state;
	check_parse("./a: Cannot open: No such file or directory", "./a",
	    "Cannot open: No such file or directory");
	check_parse("./a\\n\\t\\\\b\\303\\251: x", "./a\n\t\\b\303\251", "x");
	check_parse("./a\\: b: Cannot stat", "./a: b", "Cannot stat");
	check_parse("./a:b: c", "./a:b", "c");
	check_parse("./a: ", "./a", "");
	check_parse("./q\\a\\b\\f\\r\\v\\377: x", "./q\a\b\f\r\v\377", "x");
	check_parse("", NULL, NULL);
	check_parse(": x", NULL, NULL);
	check_parse("./a", NULL, NULL);
	check_parse("./a:", NULL, NULL);
	check_parse("./a\\", NULL, NULL);
	check_parse("./a\\q: x", NULL, NULL);
	check_parse("./a\\40: x", NULL, NULL);
	check_parse("./a\\400: x", NULL, NULL);
	check_parse("./a\\08", NULL, NULL);
}

/* A report that says nothing on standard error, of volume /install. */
static void
begin(struct pool *p)
{
	memset(p, 0, sizeof(*p));
	p->volume = "/install";
	p->report = report_new(REPORT_SILENT);
	assert_non_null(p->report);
}

static void
miss(struct tarsaid *t, const char *text)
{
	struct span sp = { text, strlen(text) };
	struct err e = { 0 };

	assert_int_equal(tarsaid_miss(t, &sp, &e), 0);
}

/* The report has this of a path, once. */
static void
check_told(struct pool *p, const char *kind, const char *path,
    const char *words)
{
	const struct report_item *it;
	size_t i, n = 0;

	for (i = 0; i < report_kept(p->report); i++) {
		it = report_get(p->report, i);
		if (strcmp(it->path, path) != 0)
			continue;
		assert_string_equal(it->kind, kind);
		if (strstr(it->message, words) == NULL)
			fail_msg("%s: %s", path, it->message);
		n++;
	}
	if (n != 1)
		fail_msg("%s: told %zu times", path, n);
}

static void
test_report(void **state)
{
	static const char words[] =
	    "tar: ./gone: Cannot stat: No such file or directory\n"
	    "tar: ./removed: File removed before we read it\n"
	    "tar: ./shut\\nup: Cannot open: Permission denied\n"
	    "tar: ./grew: file changed as we read it\n"
	    "tar: ./shrank: File shrank by 17 bytes; padding with zeros\n"
	    "tar: ./read: Read error at byte 0, while reading 512 bytes: "
	    "Input/output error\n"
	    "tar: Exiting with failure status due to previous errors\n"
	    "tar: /etc/passwd: not within the volume\n"
	    "bash: warning: setlocale\n\n"
	    "tar: ./half: no newline behind it";
	struct tarsaid t;
	struct pool p;
	struct buf said = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	begin(&p);
	tarsaid_init(&t);
	miss(&t, "./silent");
	miss(&t, "./gone");
	miss(&t, "./shut\\012up");
	miss(&t, "./removed");
	miss(&t, "./gone/not");
	buf_puts(&said, words);
	assert_int_equal(tarsaid_report(&t, &said, &p, &e), 0);
	check_told(&p, "vanished", "/install/gone", "");
	check_told(&p, "vanished", "/install/removed", "");
	check_told(&p, "unreadable", "/install/shut\\012up", "denied");
	check_told(&p, "changed", "/install/grew", "read again next time");
	check_told(&p, "changed", "/install/shrank", "");
	check_told(&p, "unreadable", "/install/read", "Input/output");
	check_told(&p, "unreadable", "/install/silent", "did not say why");
	check_told(&p, "unreadable", "/install/gone/not", "did not say why");
	check_told(&p, "unreadable", "/install/half", "");
	assert_int_equal(report_count(p.report), 9);
	/* they are forgotten */
	buf_clear(&said);
	assert_int_equal(tarsaid_report(&t, &said, &p, &e), 0);
	assert_int_equal(report_count(p.report), 9);
	tarsaid_fini(&t);
	buf_fini(&said);
	report_free(p.report);
}

/* The words of the tar that is installed here. */
static void
test_real_tar(void **state)
{
	static const char *const names[] = { "./plain", "./new\nline",
	    "./co: lon", "./back\\slash", "./\303\251\377", "./'q\" x",
	    "./tab\there", "./bell\a" };
	const char *dir = scratch_begin();
	struct buf said = BUF_INIT, path = BUF_INIT;
	struct tarsaid t;
	struct pool p;
	struct err e = { 0 };
	char cmd[700], buf[4096];
	size_t i, n;
	FILE *f;

	(void)state;
	snprintf(cmd, sizeof(cmd), "%s/names", dir);
	f = fopen(cmd, "w");
	begin(&p);
	tarsaid_init(&t);
	for (i = 0; i < COUNT(names); i++) {
		fwrite(names[i], 1, strlen(names[i]) + 1, f);
		buf_clear(&path);
		pathtext_encode(&path, names[i], strlen(names[i]));
		miss(&t, buf_cstr(&path));
	}
	fclose(f);
	snprintf(cmd, sizeof(cmd), "cd %s && LC_ALL=C tar --create "
	    "--format=posix --no-recursion --null --files-from=names "
	    "--ignore-failed-read --quoting-style=escape --file=- 2>&1 "
	    ">/dev/null", dir);
	/* NOLINTNEXTLINE(cert-env33-c): tar's words are what is tested */
	f = popen(cmd, "r");
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		buf_append(&said, buf, n);
	(void)pclose(f);
	assert_int_equal(tarsaid_report(&t, &said, &p, &e), 0);
	assert_int_equal(report_kept(p.report), COUNT(names));
	for (i = 0; i < COUNT(names); i++) {
		buf_clear(&path);
		buf_puts(&path, "/install");
		pathtext_encode(&path, names[i] + 1, strlen(names[i]) - 1);
		check_told(&p, "vanished", buf_cstr(&path), "");
	}
	tarsaid_fini(&t);
	buf_fini(&said);
	buf_fini(&path);
	report_free(p.report);
	scratch_end(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_report),
		cmocka_unit_test(test_real_tar),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
