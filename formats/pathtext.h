#ifndef FORMATS_PATHTEXT_H_
#define FORMATS_PATHTEXT_H_

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buf.h"

/*
 * Names as catalog text, and their order; xcatvault-vault(5), "Names".
 * A byte <= 0x20 or >= 0x7f and each of \ # * ? [ is written as a backslash
 * and three octal digits; every other byte stands for itself.  A name has
 * exactly one text, so texts are compared to tell whether names are equal.
 */

/* Append the text of len raw bytes. */
void pathtext_encode(struct buf *out, const void *raw, size_t len);

/*
 * Append the raw bytes of a text.  0, or -1 when it is not the text of any
 * name (bad escape, needless escape, a byte that must be escaped, NUL).
 */
int pathtext_decode(struct buf *out, const char *text, size_t len);

/*
 * The raw bytes of a text as a string to free; NULL when it is not the text
 * of any name, or memory runs out.
 */
char *pathtext_dup(const char *text);

/* The text of a raw name, as a new JSON string, which is plain ASCII; NULL. */
json_t *pathtext_json(const char *raw);

/* Whether a text is well formed, without decoding it. */
int pathtext_valid(const char *text, size_t len);

/*
 * Whether a text is "." or "./" and components none of which is empty,
 * "." or ".."; implies pathtext_valid().
 */
int pathtext_is_path(const char *text, size_t len);

/*
 * Catalog order of two path texts: depth first, bytewise by name within
 * each directory.  <0, 0, >0.
 */
int pathtext_compare(const char *a, size_t alen, const char *b, size_t blen);

/* The same order for raw paths. */
int pathtext_compare_raw(const void *a, size_t alen, const void *b,
    size_t blen);

/* FNV-1a, 64 bits: where catalog texts are cut. */
uint64_t pathtext_hash(const char *text, size_t len);

#endif
