#ifndef FORMATS_CUTTER_H_
#define FORMATS_CUTTER_H_

#include <stddef.h>
#include <stdint.h>

/*
 * Content-defined cuts: gear hash with normalised masks (FastCDC, Xia et
 * al., USENIX ATC 2016); the table and masks are in xcatvault-vault(5).
 */
struct cutter {
	uint32_t min_bytes, avg_bytes, max_bytes;
	uint64_t mask_small;	/* before avg_bytes: harder to match */
	uint64_t mask_large;
	uint64_t gear[256];
};

/* min <= avg <= max; avg a power of two from 1 KiB to 1 GiB. */
void cutter_init(struct cutter *c, uint32_t min_bytes, uint32_t avg_bytes,
    uint32_t max_bytes);

/*
 * Length of the first cut of the len bytes at p.  When the bytes end before
 * a cut does: the whole of len if "last" says that the data end there, else
 * 0 (call again with more; len >= max_bytes always gives a cut).
 */
size_t cutter_next(const struct cutter *c, const uint8_t *p, size_t len,
    int last);

#endif
