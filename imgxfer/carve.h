#ifndef IMGXFER_CARVE_H_
#define IMGXFER_CARVE_H_

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "formats/ustar.h"
#include "vault/deposit.h"

/*
 * A tar archive on its way into a file of a deposit.  A new blob begins
 * where the contents of a large member begin, and where they end: so they
 * share their blobs with the same file stored elsewhere, whatever stands
 * before it in the archive.  What is no archive is stored as well, as it is.
 */
struct carve {
	struct deposit *to;
	uint64_t large;		/* bytes from which a member is */
	uint8_t head[USTAR_BLOCK];
	size_t have;		/* of it */
	uint64_t data, padding;	/* of the member, still to come */
	int cut;		/* behind data */
	int lost;		/* a header was none: no more are looked for */
	uint64_t members;	/* headers seen */
};

void carve_init(struct carve *c, struct deposit *to, uint64_t large);
int carve_write(struct carve *c, const void *p, size_t len, struct err *e);

#endif
