#include "backup/tarsaid.h"
#include "tests/fuzz/fuzz.h"

/*
 * What a node's tar says on standard error, a few files being missing: each
 * of those is told of, and whatever is told is printable.
 */
static void
check_line(const char *p, size_t len)
{
	struct buf name = BUF_INIT;
	struct span text;

	if (tarsaid_parse(p, len, &name, &text) == 1) {
		MUST(name.len > 0 && name.len <= len);
		MUST(text.p >= p + 2 && text.p + text.len == p + len);
		MUST(memcmp(text.p - 2, ": ", 2) == 0);
	}
	buf_fini(&name);
}

static void
check_report(const struct report *r)
{
	const struct report_item *it;
	const char *p;
	size_t i;

	for (i = 0; i < report_kept(r); i++) {
		it = report_get(r, i);
		MUST(strncmp(it->path, "/install", 8) == 0);
		for (p = it->path; *p != '\0'; p++)
			MUST(*p > ' ' && *p <= '~');
		for (p = it->message; *p != '\0'; p++)
			MUST(*p != '\n' && *p != '\033');
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const missing[] = { "./a", "./a\\012b", "./c/d" };
	struct pool p = { .volume = "/install" };
	struct buf said = BUF_INIT;
	struct err e = { 0 };
	struct tarsaid t;
	struct span sp;
	size_t i;

	check_line((const char *)data, size);
	p.report = report_new(REPORT_SILENT);
	MUST(p.report != NULL);
	tarsaid_init(&t);
	for (i = 0; i < sizeof(missing) / sizeof(missing[0]); i++) {
		sp.p = missing[i];
		sp.len = strlen(missing[i]);
		MUST(tarsaid_miss(&t, &sp, &e) == 0);
	}
	buf_append(&said, data, size);
	MUST(tarsaid_report(&t, &said, &p, &e) == 0);
	MUST(report_count(p.report) >= 3 && t.missing.len == 0);
	check_report(p.report);
	tarsaid_fini(&t);
	buf_fini(&said);
	report_free(p.report);
	return (0);
}
