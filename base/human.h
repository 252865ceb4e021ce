#ifndef BASE_HUMAN_H_
#define BASE_HUMAN_H_

#include <stdint.h>

/* Numbers as people read them. */
#define HUMAN_LEN 32

/* "1.5 GB": powers of 1000, three digits. */
void human_bytes(uint64_t bytes, char out[HUMAN_LEN]);

/* "1:02:03" or "2:03". */
void human_seconds(uint64_t seconds, char out[HUMAN_LEN]);

#endif
