#ifndef BASE_SHA2PAIR_H_
#define BASE_SHA2PAIR_H_

#include <stddef.h>
#include <stdint.h>

/*
 * SHA-256's compression (FIPS 180-4, section 6.2.2) of the same blocks into
 * two states, by the processor's own instructions: what is made of a block's
 * words serves both, and the one fills the time that the other waits for its
 * last round.
 */
#define SHA2PAIR_BLOCK 64

/* Whether this processor can. */
int sha2pair_can(void);

/* Only where it can.  a and b: the eight words of each. */
void sha2pair(uint32_t a[8], uint32_t b[8], const uint8_t *p, size_t blocks);

#endif
