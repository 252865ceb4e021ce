#include "formats/imgmanifest.h"
#include "tests/fuzz/fuzz.h"

/* What was read and written again reads, and writes, the same. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf once = BUF_INIT, twice = BUF_INIT;
	struct imgmanifest m, again;
	struct err e = { 0 };
	size_t i;

	if (imgmanifest_parse(&m, data, size, &e) == -1) {
		must_explain(&e, ERR_DAMAGED);
		imgmanifest_fini(&m);
		return (0);
	}
	for (i = 0; i < m.nextras; i++)
		MUST(m.extras[i].src != NULL && m.extras[i].dest != NULL);
	for (i = 1; i < m.ntables; i++)
		MUST(strcmp(m.tables[i - 1].name, m.tables[i].name) <= 0);
	MUST(imgmanifest_write(&m, &once, &e) == 0);
	if (once.len <= IMGMANIFEST_MAX) {
		MUST(imgmanifest_parse(&again, once.data, once.len, &e) == 0);
		MUST(imgmanifest_write(&again, &twice, &e) == 0);
		MUST(again.ntables == m.ntables);
		/* A parser makes newlines of CR, and imgexport writes it. */
		if (memchr(once.data, '\r', once.len) == NULL)
			must_equal(&twice, once.data, once.len);
		imgmanifest_fini(&again);
	}
	imgmanifest_fini(&m);
	buf_fini(&once);
	buf_fini(&twice);
	return (0);
}
