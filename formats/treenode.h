#ifndef FORMATS_TREENODE_H_
#define FORMATS_TREENODE_H_

#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "formats/scan.h"

/*
 * A line of a tree node, "ID  LABEL"; xcatvault-vault(5), "Trees".  The
 * label is a catalog path or a number of bytes, by the tree's kind.
 */
struct treenode_line {
	uint8_t id[DIGEST_LEN];
	struct span label;
};

/* Largest node a reader accepts; writers stop at 16 KiB and a line. */
#define TREENODE_MAX ((size_t)1 << 20)
#define TREENODE_DEPTH_MAX 8

void treenode_encode(struct buf *out, const uint8_t id[DIGEST_LEN],
    const char *label, size_t len);

/* Take one line.  1; 0 at the end; -1 with ERR_DAMAGED. */
int treenode_decode(struct scan *s, struct treenode_line *line,
    struct err *e);

#endif
