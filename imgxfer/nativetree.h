#ifndef IMGXFER_NATIVETREE_H_
#define IMGXFER_NATIVETREE_H_

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "remote/session.h"

/*
 * rootimgtree.gz of a statelite image: the tree "rootimg" of its rootimgdir as
 * cpio packs it (newc), within gzip (RFC 1952) of stored blocks: so its
 * length is known from cpio's alone, which a first pass over the tree finds
 * out, and the bundle's own compression does what is left to do.
 */
struct nativetree {
	/* Once, before the first write: how many bytes there will be. */
	int (*begin)(void *arg, uint64_t bytes, struct err *e);
	int (*write)(void *arg, const void *p, size_t len, struct err *e);
	void *arg;
};

/*
 * Pack it.  ERR_FAILED when cpio or find say anything, or the tree changed
 * between the passes.
 */
int nativetree_send(struct remote *r, const char *rootimgdir,
    const struct nativetree *to, struct err *e);

#endif
