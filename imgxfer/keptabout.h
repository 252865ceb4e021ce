#ifndef IMGXFER_KEPTABOUT_H_
#define IMGXFER_KEPTABOUT_H_

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/digest.h"
#include "base/err.h"

/*
 * What the vault tells of a bundle that it keeps: image.json, as
 * xcatvault-vault(5), "Osimages", has it.
 */
struct keptabout {
	json_t *json;		/* whose the texts are */
	const char *image;	/* a name that an osimage may have */
	/* One line each; "" when nobody knew. */
	const char *osvers, *osarch, *provmethod, *profile, *origin;
	uint64_t bundle_bytes, tar_bytes;
	uint8_t tar_digest[DIGEST_LEN];
};

/*
 * Read one.  -1 with ERR_DAMAGED and why; ERR_USAGE when it is of a later
 * version.  To be finished also on -1.
 */
int keptabout_decode(struct keptabout *a, const void *text, size_t len,
    struct err *e);
void keptabout_fini(struct keptabout *a);

#endif
