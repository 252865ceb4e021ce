#include "base/buf.h"
#include "remote/node/probetext.h"
#include "tests/unit/unit.h"

/* Pairs of key and value, as the script prints them; NULL ends the list. */
static struct buf
answer_of(const char *first, ...)
{
	struct buf b = BUF_INIT;
	const char *s;
	va_list ap;

	va_start(ap, first);
	for (s = first; s != NULL; s = va_arg(ap, const char *))
		buf_append(&b, s, strlen(s) + 1);
	va_end(ap);
	return (b);
}

#define BEGIN "xcatvault-probe", "1"
#define LAST ((char *)NULL)
#define END "end", "1", LAST

static void
decodes(struct buf b, struct probe *p)
{
	struct err e = { 0 };

	if (probetext_decode(p, b.data, b.len, &e) == -1)
		fail_msg("refused: %s", e.msg);
	buf_fini(&b);
}

static void
refuses(struct buf b, const char *reason)
{
	struct err e = { 0 };
	struct probe p;

	assert_int_equal(probetext_decode(&p, b.data, b.len, &e), -1);
	assert_int_equal(e.kind, ERR_FAILED);
	if (strstr(e.msg, reason) == NULL)
		fail_msg("\"%s\" says nothing of \"%s\"", e.msg, reason);
	buf_fini(&b);
}

static const char site_table[] =
    "#key,value,comments,disable\n"
    "\"installdir\",\"/install\",,\n"
    "\"skiptables\",\"auditlog\",\"a \"\"b\"\"\",\"1\"\n"
    "\"master\",\"10.0.0.1\",\"two\nlines\",\n"
    "\"master\",\"10.0.0.2\",,\n"
    "\"domain\",\"a\x01z\",,";

static void
test_up(void **state)
{
	struct probe p;

	(void)state;
	decodes(answer_of(BEGIN, "arch", "x86_64", "hostname", "mn1", "os",
	    "\"Rocky Linux 9\"", "xcatd", "up", "xcatd_said",
	    "Version 2.19.0 (git commit 77)", "db", "SQLite",
	    "site_status", "0", "site", site_table, "tables_status", "0",
	    "tables", "site\nmac\nnodelist", "dbbackup_mounted", "1",
	    "layout", "container", "tool", "find", "version", "find 4",
	    "trouble", "", "tool", "tar", "version", "", "trouble",
	    "not there", END), &p);
	assert_int_equal(p.xcatd, PROBE_XCATD_UP);
	assert_string_equal(p.xcat_version, "2.19.0");
	assert_null(p.xcatd_reason);
	assert_string_equal(p.os, "Rocky Linux 9");
	assert_string_equal(p.installdir, "/install");
	assert_null(p.skiptables);
	assert_string_equal(p.master, "10.0.0.1");
	assert_string_equal(p.domain, "a?z");
	assert_null(p.tmpdir);
	assert_int_equal(p.ntables, 3);
	assert_string_equal(p.tables[0], "mac");
	assert_string_equal(p.tables[2], "site");
	assert_int_equal(p.layout, PROBE_CONTAINER);
	assert_true(p.dbbackup.mounted);
	assert_null(p.tools[PROBE_FIND].trouble);
	assert_string_equal(p.tools[PROBE_FIND].version, "find 4");
	assert_string_equal(p.tools[PROBE_TAR].trouble, "not there");
	/* A tool of which nothing was said does not count as working. */
	assert_non_null(p.tools[PROBE_MKTEMP].trouble);
	probe_fini(&p);
}

static void
test_down(void **state)
{
	struct probe p;

	(void)state;
	decodes(answer_of(BEGIN, "xcatd", "down", "xcatd_said",
	    "Unable to open\x1b[31m\nmore", "package", "2.16.5",
	    "site_status", "1", "site", site_table, "tables_status", "0",
	    "tables", "site\nError: no\nmac", END), &p);
	assert_int_equal(p.xcatd, PROBE_XCATD_DOWN);
	assert_string_equal(p.xcatd_reason, "Unable to open?[31m");
	assert_string_equal(p.xcat_version, "2.16.5");
	assert_null(p.installdir);
	assert_int_equal(p.ntables, 0);
	assert_string_equal(p.tables_reason, "Error: no");
	probe_fini(&p);

	decodes(answer_of(BEGIN, "xcatd", "hung", "xcatd_said", "",
	    "tables_status", "124", "tables", "site", END), &p);
	assert_int_equal(p.xcatd, PROBE_XCATD_HUNG);
	assert_non_null(p.xcatd_reason);
	assert_int_equal(p.ntables, 0);
	assert_string_equal(p.tables_reason, "tabdump did not end in time");
	probe_fini(&p);
}

#define VOLUME(path, source, there) \
	"volume", path, "source", source, "there", there

static void
test_volumes(void **state)
{
	struct probe p;

	(void)state;
	decodes(answer_of(BEGIN, "layout", "xcatdata",
	    VOLUME("/xcatdata", "/data", "1"), "free", "10 4096",
	    "kilobytes", "3",
	    VOLUME("/customer_data", "/data/c", "1"), "free", "x",
	    VOLUME("/var/log/xcat", "/var/log/xcat", "1"),
	    "free", "18446744073709551615 2", "kilobytes", "",
	    VOLUME("/.dbbackup", "/.dbbackup", "0"), "free", "1 512",
	    END), &p);
	assert_int_equal(p.layout, PROBE_XCATDATA);
	assert_int_equal(p.nvolumes, 3);
	assert_string_equal(p.volumes[0].path, "/.dbbackup");
	assert_false(p.volumes[0].there);
	assert_false(p.dbbackup.there);
	assert_int_equal(p.dbbackup.free_bytes, 512);
	assert_string_equal(p.volumes[1].path, "/var/log/xcat");
	assert_true(p.volumes[1].free_bytes == PROBE_UNKNOWN);
	assert_true(p.volumes[1].bytes == PROBE_UNKNOWN);
	assert_string_equal(p.volumes[2].path, "/xcatdata");
	assert_string_equal(p.volumes[2].source, "/data");
	assert_int_equal(p.volumes[2].free_bytes, 40960);
	assert_int_equal(p.volumes[2].bytes, 3072);
	probe_fini(&p);
}

static void
test_noise(void **state)
{
	static const char noise[] = "Welcome\n\0to mn1";
	struct buf b = BUF_INIT, a = answer_of(BEGIN, "arch", "ppc64le", END);
	struct probe p;

	(void)state;
	buf_append(&b, noise, sizeof(noise) - 1);
	buf_append(&b, a.data, a.len);
	buf_puts(&b, "bye");
	buf_fini(&a);
	decodes(b, &p);
	assert_string_equal(p.arch, "ppc64le");
	probe_fini(&p);
}

static void
test_refused(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	refuses(answer_of("arch", "x", END), "no beginning");
	refuses(answer_of(BEGIN, "arch", "x", LAST), "cut off");
	refuses(answer_of(BEGIN, "arch", "x", "end", LAST), "cut off");
	refuses(answer_of(BEGIN, "nonsense", "x", END), "nonsense");
	refuses(answer_of(BEGIN, "arch", "x", "arch", "y", END), "twice");
	refuses(answer_of(BEGIN, "xcatd", "maybe", END), "maybe");
	refuses(answer_of(BEGIN, "volume", "/a/../b", END), "path");
	refuses(answer_of(BEGIN, "volume", "/", END), "path");
	refuses(answer_of(BEGIN, "volume", "/a", END), "without directory");
	refuses(answer_of(BEGIN, VOLUME("/a", "b", "1"), END), "directory");
	refuses(answer_of(BEGIN, "source", "/a", END), "no volume");
	refuses(answer_of(BEGIN, "version", "1", END), "no tool");
	refuses(answer_of(BEGIN, "tool", "cc", END), "tool");
	refuses(answer_of(BEGIN, "tables_status", "-1", END), "status");
	refuses(b, "no beginning");
}

/* Whatever the answer is cut off at, or changed at. */
static void
test_cuts(void **state)
{
	struct buf b = answer_of(BEGIN, "xcatd", "up", "xcatd_said",
	    "Version 2", "site_status", "0", "site", site_table,
	    VOLUME("/a", "/a", "1"), "tool", "tar", "trouble", "", END);
	struct err e = { 0 };
	struct probe p;
	struct rng r = { 7 };
	uint8_t was;
	size_t i, at;

	(void)state;
	assert_true(b.len > 0);
	for (i = 0; i < b.len; i++)
		check_failed(probetext_decode(&p, b.data, i, &e), &e,
		    ERR_FAILED);
	for (i = 0; i < 5000; i++) {
		at = rng_below(&r, b.len > 0 ? b.len : 1);
		was = b.data[at];
		b.data[at] = (uint8_t)rng_next(&r);
		if (probetext_decode(&p, b.data, b.len, &e) == 0)
			probe_fini(&p);
		b.data[at] = was;
	}
	buf_fini(&b);
}

static void
test_line(void **state)
{
	char *s, big[2000];

	(void)state;
	s = probetext_line("one\ntwo");
	assert_string_equal(s, "one");
	free(s);
	s = probetext_line("\xc3\xbc ok");
	assert_string_equal(s, "\xc3\xbc ok");
	free(s);
	s = probetext_line("\xff\x01" "a");
	assert_string_equal(s, "??a");
	free(s);
	s = probetext_line("");
	assert_string_equal(s, "");
	free(s);
	memset(big, 'a', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	s = probetext_line(big);
	assert_int_equal(strlen(s), 500);
	free(s);
}

static void
test_check_tools(void **state)
{
	struct err e = { 0 };
	struct probe p;

	(void)state;
	decodes(answer_of(BEGIN, "tool", "find", "trouble", "",
	    "tool", "tar", "trouble", "", "tool", "mktemp", "trouble", "",
	    END), &p);
	assert_int_equal(probe_check_tools(&p, &e), 0);
	probe_fini(&p);
	decodes(answer_of(BEGIN, "tool", "find", "trouble", "",
	    "tool", "tar", "trouble", "not GNU tar", END), &p);
	assert_int_equal(probe_check_tools(&p, &e), -1);
	assert_string_equal(e.msg, "tar on the node: not GNU tar");
	probe_fini(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_up),
		cmocka_unit_test(test_down),
		cmocka_unit_test(test_volumes),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_check_tools),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
