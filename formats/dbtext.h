#ifndef FORMATS_DBTEXT_H_
#define FORMATS_DBTEXT_H_

#include <jansson.h>

#include "base/buf.h"
#include "formats/scan.h"

/*
 * Values of the database as people read them: UTF-8 as it is; quotes around
 * what is empty or has blanks, quotes or parentheses; \n, \t, \r, \" and \\;
 * any other byte that does not print as \xNN.
 */
void dbtext_put(struct buf *out, const struct span *value);

/* Instead of a secret that is there. */
#define DBTEXT_MASK "********"

/*
 * A string: the value itself or, if it is not UTF-8 or has a NUL, with such
 * bytes as \xNN.  NULL when memory runs out.
 */
json_t *dbtext_json(const struct span *value);
json_t *dbtext_string_json(const char *value);

#endif
