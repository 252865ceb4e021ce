#ifndef BASE_DIGEST_H_
#define BASE_DIGEST_H_

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* SHA-256 (FIPS 180-4); the only room that knows OpenSSL's digests. */
#define DIGEST_LEN 32
#define DIGEST_HEX 64

struct digest;		/* one running computation; belongs to one thread */

/* NULL when memory runs out or the library has no SHA-256. */
struct digest *digest_new(void);
void digest_free(struct digest *d);

/* Start over; add bytes; finish (then digest_reset before further use). */
void digest_reset(struct digest *d);
void digest_update(struct digest *d, const void *p, size_t len);
void digest_final(struct digest *d, uint8_t out[DIGEST_LEN]);

/* All in one: reset, update, final. */
void digest_bytes(struct digest *d, const void *p, size_t len,
    uint8_t out[DIGEST_LEN]);

/* Lower-case hexadecimal; hex is not NUL-terminated by digest_hex(). */
void digest_hex(const uint8_t in[DIGEST_LEN], char hex[DIGEST_HEX]);
void digest_hexz(const uint8_t in[DIGEST_LEN], char hex[DIGEST_HEX + 1]);

/* Append the 64 digits to a buffer. */
void digest_put(struct buf *out, const uint8_t in[DIGEST_LEN]);

/* Parse 64 lower-case hexadecimal digits.  0, or -1 when they are not. */
int digest_parse(const char *hex, uint8_t out[DIGEST_LEN]);

#endif
