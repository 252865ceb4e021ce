#ifndef FORMATS_GNUNAME_H_
#define FORMATS_GNUNAME_H_

#include <stddef.h>

#include "base/buf.h"

/*
 * Names as GNU tar (--quoting-style=escape) and find write them in what they
 * say: the byte behind a backslash at p.  How long that is, or 0 when it is
 * nothing they write.
 */
size_t gnuname_unescape(const char *p, size_t len, char *c);

/*
 * Take such a name, with what ends it (": "), off the front of a line, and
 * append it, raw.  How long that is, or 0 when there is none of that kind.
 */
size_t gnuname_take(const char *p, size_t len, const char *end,
    struct buf *name);

#endif
