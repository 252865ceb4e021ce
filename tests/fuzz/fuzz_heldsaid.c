#include "imgxfer/heldsaid.h"
#include "tests/fuzz/fuzz.h"

#define FILES 3

/* What the guard on a node prints: bounded, whatever it says. */
static void
check_usable(const struct heldsaid *h)
{
	size_t i;

	MUST(h->export.nsaid <= HELD_SAID_MAX && h->nsums == FILES);
	for (i = 0; i < h->export.nsaid; i++)
		MUST(h->export.said[i] != NULL);
	for (i = 0; i < FILES; i++)
		MUST(h->sums[i].known == 0 || h->sums[i].known == 1);
	MUST(!h->greeted || (h->dir != NULL && h->dir[0] == '/'));
	MUST(!h->export.has_bundle || h->exported);
	MUST(h->export.status >= 0 && h->export.status <= 255);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *end = p + size, *nl;
	struct heldsaid h = { .dir = NULL };
	struct err e = { 0 };

	MUST(heldsaid_init(&h, FILES, &e) == 0);
	for (; p < end && (nl = memchr(p, '\n', (size_t)(end - p))) != NULL;
	    p = nl + 1) {
		if (heldsaid_line(&h, p, (size_t)(nl - p), &e) == -1) {
			must_explain(&e, ERR_FAILED);
			heldsaid_forget(&h);
			MUST(h.export.nsaid == 0 && !h.exported);
		}
		check_usable(&h);
	}
	heldsaid_fini(&h);
	return (0);
}
