#include "formats/ustar.h"
#include "tests/fuzz/fuzz.h"

/*
 * A header, as it is and with its magic and checksum put right, so that
 * the fields behind them are reached.
 */
static void
seal(uint8_t h[USTAR_BLOCK])
{
	memcpy(h + 257, "ustar\00000", 8);
	seal_header(h);
}

static void
check(const uint8_t h[USTAR_BLOCK])
{
	uint8_t again[USTAR_BLOCK];
	struct err e = { 0 };
	char name[101], back[101];
	uint64_t size, n;

	if (ustar_decode(h, name, &size, &e) == -1) {
		must_explain(&e, ERR_DAMAGED);
		return;
	}
	MUST(strlen(name) <= 100 && size < (uint64_t)1 << 36);
	MUST(memcmp(name, h, strlen(name)) == 0);
	if (strlen(name) > 99 || size >= (uint64_t)8 << 30)
		return;
	ustar_encode(again, name, size);
	MUST(ustar_decode(again, back, &n, &e) == 0);
	MUST(strcmp(name, back) == 0 && n == size);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *h;

	if (size != USTAR_BLOCK)
		return (0);
	check(data);
	h = malloc(USTAR_BLOCK);
	MUST(h != NULL);
	memcpy(h, data, USTAR_BLOCK);
	seal(h);
	check(h);
	free(h);
	return (0);
}
