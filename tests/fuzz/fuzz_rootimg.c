#include "imgxfer/rootimg.h"
#include "tests/fuzz/fuzz.h"

/*
 * A root image, the tree of one, or an initrd (the first byte says which),
 * in pieces of some length: cpio, tar, squashfs, packed or not.
 */
struct bytes {
	const uint8_t *p;
	size_t len, step;
};

static ssize_t
bytes_read(void *arg, void *to, size_t len, struct err *e)
{
	struct bytes *b = arg;

	(void)e;
	if (len > b->len)
		len = b->len;
	if (len > b->step)
		len = b->step;
	if (len > 0)
		memcpy(to, b->p, len);
	b->p += len;
	b->len -= len;
	return ((ssize_t)len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes b;
	struct source src = { "", bytes_read, &b };
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
