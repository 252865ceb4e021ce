#ifndef FORMATS_USTAR_H_
#define FORMATS_USTAR_H_

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * The few fields of a POSIX ustar header that packs use (pax in POSIX,
 * "ustar Interchange Format"): a name, a size, a regular file.
 */
#define USTAR_BLOCK 512

/* Room that len bytes take in an archive: padded to whole blocks. */
#define USTAR_PADDED(len) (((size_t)(len) + 511) & ~(size_t)511)

/* name: at most 99 bytes; size: below 8 GiB. */
void ustar_encode(uint8_t h[USTAR_BLOCK], const char *name, uint64_t size);

/* The same for a decimal number as name. */
void ustar_encode_number(uint8_t h[USTAR_BLOCK], uint32_t number,
    uint64_t size);

/*
 * Check the magic and the checksum and take out name (NUL-terminated) and
 * size.  0, or -1 with ERR_DAMAGED.
 */
int ustar_decode(const uint8_t h[USTAR_BLOCK], char name[101],
    uint64_t *size, struct err *e);

#endif
