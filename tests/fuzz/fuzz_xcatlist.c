#include "formats/xcatlist.h"
#include "formats/xcatloss.h"
#include "tests/fuzz/fuzz.h"

/*
 * Lists, synclists and values of an osimage.  All that is given lies within
 * what was read, is not empty, has no blanks around it and no newline in it;
 * what a restore makes of a value has no CR, and settles at the second time.
 */
struct given {
	struct span in;
	size_t n, line;
};

static int
is_blank(char c)
{
	return (c == ' ' || (c >= '\t' && c <= '\r'));
}

static int
take(void *arg, const struct span *s)
{
	struct given *g = arg;

	g->n++;
	MUST(s->len > 0);
	MUST(s->p >= g->in.p && s->p + s->len <= g->in.p + g->in.len);
	MUST(!is_blank(s->p[0]) && !is_blank(s->p[s->len - 1]));
	return (0);
}

static int
take_line(void *arg, const struct span *s)
{
	MUST(memchr(s->p, '\n', s->len) == NULL);
	return (take(arg, s));
}

static int
take_source(void *arg, enum xcatlist_clause clause, size_t line,
    const struct span *s)
{
	struct given *g = arg;

	MUST(clause <= XCATLIST_EXECUTEALWAYS);
	MUST(line > 0 && line >= g->line);
	g->line = line;
	MUST(clause != XCATLIST_COPY || memchr(s->p, ' ', s->len) == NULL);
	return (take_line(arg, s));
}

static int
stop(void *arg, const struct span *s)
{
	(void)arg;
	(void)s;
	return (3);
}

static void
check_losses(const struct span *in)
{
	struct buf once = BUF_INIT, twice = BUF_INIT;
	struct span s;
	unsigned loss;

	loss = xcatloss_apply(&once, in);
	MUST(once.len <= in->len);
	MUST(loss != 0 || once.len == in->len);
	s.p = once.len > 0 ? (const char *)once.data : "";
	s.len = once.len;
	/* A blank before a CR alone goes only then. */
	MUST((xcatloss_apply(&twice, &s) & XCATLOSS_CR) == 0);
	MUST(twice.len <= once.len);
	buf_clear(&once);
	s.p = twice.len > 0 ? (const char *)twice.data : "";
	s.len = twice.len;
	MUST(xcatloss_apply(&once, &s) == 0);
	must_equal(&once, twice.data, twice.len);
	buf_clear(&once);
	(void)xcatloss_settle(&once, in);
	must_equal(&once, twice.data, twice.len);
	buf_fini(&once);
	buf_fini(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct given g = { { (const char *)data, size }, 0, 0 };
	struct span half = { (const char *)data, size / 2 };
	struct span rest = { (const char *)data + size / 2, size - size / 2 };
	struct buf b = BUF_INIT;
	size_t words;

	MUST(xcatlist_items(&g.in, XCATLIST_WHOLE, take, &g) == 0);
	words = g.n;
	g.n = 0;
	MUST(xcatlist_items(&g.in, XCATLIST_WORD, take_line, &g) == 0);
	MUST(g.n == words);
	MUST(xcatlist_items(&g.in, XCATLIST_WORD, stop, NULL) ==
	    (words > 0 ? 3 : 0));
	g.n = 0;
	MUST(xcatlist_partition(&g.in, take, &g) == 0);
	MUST(g.n <= words);
	MUST(xcatlist_includes(&g.in, XCATLIST_PACKAGES, take_line,
	    &g) == 0);
	MUST(xcatlist_includes(&g.in, XCATLIST_TEXT, take_line, &g) == 0);
	MUST(xcatlist_sync(&g.in, take_source, &g) == 0);
	if (xcatlist_expand(&b, &half, &rest) == 0)
		MUST(b.len > 0);
	buf_fini(&b);
	check_losses(&g.in);
	return (0);
}
