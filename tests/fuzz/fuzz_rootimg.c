#include "imgxfer/rootimg.h"
#include "tests/fuzz/fuzz.h"

/*
 * A root image, the tree of one, or an initrd (the first byte says which),
 * in pieces of some length: cpio, tar, squashfs, packed or not.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct source_bytes b;
	struct source src = source_bytes(&b, "");
	struct rootimg r;
	struct err e = { 0 };
	enum osarch arch;
	uint32_t n, all;

	if (size == 0)
		return (0);
	memset(&r, 0, sizeof(r));
	b.p = data + 1;
	b.len = size - 1;
	b.step = (size_t)(data[0] >> 2) * 97 + 1;
	MUST(rootimg_walk(&r, (enum rootimg_kind)(data[0] % 3), &src,
	    size - 1, &e) == 0);
	MUST(b.len == 0);
	if (r.damage.kind != ERR_NONE)
		must_explain(&r.damage, ERR_DAMAGED);
	arch = rootimg_arch(&r, &n, &all);
	MUST(n <= all && (n == 0) == (arch == OSARCH_UNKNOWN));
	MUST(all <= r.entries);
	MUST(r.archive != NULL || r.entries == 0);
	return (0);
}
