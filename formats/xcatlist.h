#ifndef FORMATS_XCATLIST_H_
#define FORMATS_XCATLIST_H_

#include <stddef.h>

#include "base/buf.h"
#include "formats/scan.h"

/*
 * The files that an osimage of xCAT names, and the files those name: only
 * what other files they need.  All functions take any bytes; spans given to
 * a callback lie within them, are not empty and begin and end with no blank.
 * A nonzero return of a callback ends the reading and is returned.
 */

/* Items of a value, between commas. */
enum xcatlist_item {
	XCATLIST_WHOLE,
	XCATLIST_WORD,		/* what follows a blank is an argument */
};
typedef int xcatlist_fn(void *arg, const struct span *item);

int xcatlist_items(const struct span *value, enum xcatlist_item how,
    xcatlist_fn *fn, void *arg);

/*
 * The files that a list or template includes: "#INCLUDE:NAME#" and, in
 * templates, its sisters (#INCLUDE_PKGLIST:NAME#, ...).  NAME may hold
 * variables, see xcatlist_expand().
 */
enum xcatlist_form {
	XCATLIST_PACKAGES,	/* lines that begin with "#" are comments */
	XCATLIST_TEXT,		/* includes count wherever they stand */
};

int xcatlist_includes(const struct span *text, enum xcatlist_form form,
    xcatlist_fn *fn, void *arg);

/*
 * The sources that a synclist names.  "a b -> DIR" gives two; behind APPEND:
 * and MERGE: a line has one; behind EXECUTE: and EXECUTEALWAYS: a line is a
 * script.  Lines that xCAT passes over give none.
 */
enum xcatlist_clause {
	XCATLIST_COPY,
	XCATLIST_APPEND,
	XCATLIST_MERGE,
	XCATLIST_EXECUTE,
	XCATLIST_EXECUTEALWAYS,
};
typedef int xcatlist_sync_fn(void *arg, enum xcatlist_clause clause,
    size_t line, const struct span *source);

int xcatlist_sync(const struct span *text, xcatlist_sync_fn *fn, void *arg);

/*
 * The files of linuximage.partitionfile: "FILE", "s:FILE" (a script),
 * "d:FILE" (disks), "s:d:FILE", "c:FILE", separated by commas.
 */
int xcatlist_partition(const struct span *value, xcatlist_fn *fn, void *arg);

/*
 * Append the text with its variables ($X, ${X}, #ENV:X#) replaced, as far as
 * they are in osimage.environvar ("X=a,Y=b").  1; 0 when one is not, which
 * then stands as it was.
 */
int xcatlist_expand(struct buf *out, const struct span *text,
    const struct span *environvar);

#endif
