#ifndef FORMATS_IMGMANIFEST_H_
#define FORMATS_IMGMANIFEST_H_

#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

/*
 * The manifest.xml of an imgexport bundle: what perl's XML::Simple writes
 * with noattr and reads with its defaults, root element "xcatimage".  The
 * root holds texts (<kernel>PATH</kernel>) and rows (<osimage> with a child
 * for each column).  <extra> may be repeated, <files> within
 * <rawimagefiles>, and the rows of kits (<kit>, <kitrepo>, <kitcomp>), each
 * with its key in <name>.
 *
 * What XML::Simple would read in another way than is done here is refused:
 * attributes, document types with their entities, encodings other than
 * UTF-8, names with ":", text among elements, the same element twice.
 * Comments and CDATA sections are read.  Nothing is ever loaded from
 * elsewhere.
 */
#define IMGMANIFEST_MAX ((size_t)4 << 20)	/* bytes of XML */
#define IMGMANIFEST_ELEMENTS 16384
#define IMGMANIFEST_NAME 64	/* bytes of a name */

struct imgmanifest_pair {
	const char *name, *value;	/* UTF-8, NUL behind, none within */
};

struct imgmanifest_table {	/* a row: <osimage>, <linuximage>, ... */
	const char *name;
	struct imgmanifest_pair *columns;	/* sorted by name */
	size_t n;
};

struct imgmanifest_extra {
	const char *src, *dest;	/* never NULL */
};

struct imgmanifest {
	/* Paths; NULL: no such element. */
	const char *kernel, *ramdisk, *rootimg, *rootimgtree, *litefile;
	const char *media, *postscripts, *postbootscripts;
	struct imgmanifest_table *tables;	/* sorted by name */
	size_t ntables;
	struct imgmanifest_extra *extras;	/* in their order */
	size_t nextras;
	struct imgmanifest_pair *others;	/* other texts, sorted */
	size_t nothers;
	struct arena arena;	/* all of the above */
};

/*
 * Read one.  -1 with ERR_DAMAGED and why (line, too) when it is not well
 * formed, has another root, is too large, or says a thing twice.  To be
 * finished also on -1.
 */
int imgmanifest_parse(struct imgmanifest *m, const void *xml, size_t len,
    struct err *e);
void imgmanifest_fini(struct imgmanifest *m);

/* A column of a row; NULL when either is missing. */
const char *imgmanifest_value(const struct imgmanifest *m, const char *table,
    const char *column);

/* Append it as imgexport writes it. */
int imgmanifest_write(const struct imgmanifest *m, struct buf *out,
    struct err *e);

#endif
