#ifndef IMGXFER_TREENAMES_H_
#define IMGXFER_TREENAMES_H_

#include "base/nametab.h"
#include "imgxfer/newc.h"

/*
 * The names in a statelite image's tree.  imgimport unpacks it with cpio,
 * as root, in the directory of the image: so all must lie in "rootimg", and
 * nothing below a link that the archive itself brings.
 */
#define TREENAMES_LINKS_MAX ((size_t)1 << 18)
#define TREENAMES_BYTES_MAX ((size_t)24 << 20)	/* of links' names */

struct treenames {
	struct nametab links;
	size_t bytes;		/* of their names */
};

/* NULL when the entry may be in a tree, or why not. */
const char *treenames_add(struct treenames *t, const struct newc *ent);
void treenames_fini(struct treenames *t);

#endif
