#ifndef REMOTE_NODE_NODEFSTEXT_H_
#define REMOTE_NODE_NODEFSTEXT_H_

#include <stddef.h>

#include "base/err.h"
#include "remote/node/nodefs.h"

/* The first line of what remote/node/nodefs.pl answers. */
#define NODEFSTEXT_LINE_MAX 512
#define NODEFSTEXT_HELLO "xcatvault-files 1"

enum nodefstext_kind {
	NODEFSTEXT_STAT,
	NODEFSTEXT_DATA,
	NODEFSTEXT_HASH,
	NODEFSTEXT_ROOM,
	NODEFSTEXT_NONE,
	NODEFSTEXT_LONG,
	NODEFSTEXT_WAIT,
};

struct nodefstext {
	enum nodefstext_kind kind;
	struct nodefs_stat st;	/* but its strings */
	uint64_t size;		/* HASH */
	uint8_t digest[DIGEST_LEN];
	struct nodefs_room room;
	size_t bytes, more;	/* that follow: STAT path and why; DATA, NONE */
};

/* Without its newline; -1 (ERR_FAILED): it is none, or announces too much. */
int nodefstext_decode(struct nodefstext *t, const char *line, size_t len,
    struct err *e);

#endif
