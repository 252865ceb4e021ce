#include "remote/node/nodefstext.h"
#include "tests/fuzz/fuzz.h"

/* The first line of a node's answer to a question for files. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct nodefstext t;
	struct err e = { 0 };

	if (nodefstext_decode(&t, (const char *)data, len, &e) == -1) {
		must_explain(&e, ERR_FAILED);
		return (0);
	}
	MUST(t.kind <= NODEFSTEXT_WAIT && t.st.what <= OSFS_LOST);
	MUST(t.bytes <= NODEFS_READ_MAX && t.more <= 4096);
	MUST(t.kind == NODEFSTEXT_STAT || t.more == 0);
	MUST(t.st.is_link == 0 || t.st.is_link == 1);
	MUST(t.room.readonly == 0 || t.room.readonly == 1);
	return (0);
}
