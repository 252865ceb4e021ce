#include "formats/treenode.h"
#include "tests/fuzz/fuzz.h"

/* A tree node: the lines accepted encode to the bytes taken. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scan s = { (const char *)data, (const char *)data + size };
	struct treenode_line line;
	struct buf again = BUF_INIT;
	struct err e = { 0 };
	size_t taken = 0;
	int rc;

	while ((rc = treenode_decode(&s, &line, &e)) == 1) {
		MUST(line.label.len > 0);
		MUST(memchr(line.label.p, '\n', line.label.len) == NULL);
		MUST(line.label.p + line.label.len < s.p);
		treenode_encode(&again, line.id, line.label.p,
		    line.label.len);
		taken = (size_t)(s.p - (const char *)data);
	}
	must_equal(&again, data, taken);
	if (rc == -1)
		must_explain(&e, ERR_DAMAGED);
	else
		MUST(taken == size);
	buf_fini(&again);
	return (0);
}
