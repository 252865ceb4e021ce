#include "remote/node/tables.h"
#include "tests/fuzz/fuzz.h"

/* What a node answers to the question for three tables. */
static const char *const names[] = { "site", "osimage", "networks" };

static int
count(void *arg, const struct span *at, struct err *e)
{
	(void)e;
	MUST(at[0].p != NULL || at[0].len == 0);
	MUST(at[1].p != NULL || at[1].len == 0);
	++*(size_t *)arg;
	return (0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const columns[] = { "key", "value" };
	struct tables *t;
	const struct buf *text;
	struct err e = { 0 };
	size_t i, rows = 0, bytes = 0;

	if ((t = tables_take(data, len, names, 3, &e)) == NULL) {
		MUST(e.kind == ERR_FAILED && e.msg[0] != '\0');
		return (0);
	}
	for (i = 0; i < 3; i++) {
		if ((text = tables_text(t, names[i])) == NULL)
			continue;
		bytes += text->len;
		MUST(text->len > 0 && text->data[text->len - 1] == '\n');
		MUST(tables_rows(t, names[i], columns, 2, count, &rows, &e) ==
		    0);
	}
	MUST(bytes <= len && rows <= bytes);
	free(tables_value(t, "site", "key", "master", "value"));
	tables_free(t);
	return (0);
}
