#ifndef FORMATS_XCATPATHS_H_
#define FORMATS_XCATPATHS_H_

#include <stddef.h>

#define XCATPATHS_LEN_MAX 4096	/* bytes of a path, NUL included */

/*
 * The absolute paths in a value of a column that xcatschema_has_paths():
 * one or several separated by commas, each perhaps behind one of xCAT's
 * marks ("dud:", "rpm:", "s:", "d:").  Addresses (http://...), variables
 * ($node), relative names, "/" alone and names with ".." or control bytes
 * are passed over.  words: what follows a blank is an argument, not a part
 * of the path.
 *
 * Calls fn for each, without "//", "/./" and trailing "/"; NUL-terminated,
 * valid during the call.  A nonzero return ends it and is returned.
 */
int xcatpaths_each(const char *value, size_t len, int words,
    int (*fn)(void *arg, const char *path), void *arg);

#endif
