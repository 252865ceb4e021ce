#ifndef FORMATS_IMGMANIFEST_H_
#define FORMATS_IMGMANIFEST_H_

#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

/*
 * The manifest.xml of an imgexport bundle (perl's XML::Simple, root element
 * "xcatimage").  Bounded: size, depth, elements; no entities but XML's own
 * five, no DTD, nothing is ever loaded from elsewhere.
 */
#define IMGMANIFEST_MAX ((size_t)16 << 20)

struct imgmanifest_pair {
	const char *name, *value;	/* UTF-8, NUL-terminated, no NUL in it */
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
	struct imgmanifest_pair *others;	/* elements of no known name */
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
