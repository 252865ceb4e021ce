#ifndef IMGXFER_SQUASH_H_
#define IMGXFER_SQUASH_H_

#include "imgxfer/rootimg.h"

/*
 * A squashfs image (4.0), walked by libsquashfs though its bytes go by but
 * once: the super block tells where the inodes begin, and everything from
 * there to the end is kept, with some stretches of the data before, for the
 * heads of those programs that lie there.
 */
#define SQUASH_META_MAX ((uint64_t)24 << 20)	/* inodes and what follows */
#define SQUASH_HEAD ((uint64_t)4 << 20)
#define SQUASH_STRIPES 12
#define SQUASH_STRIPE ((uint64_t)1 << 20)

/* As rootimg_walk(); size: that of the image as its container says. */
int squash_walk(struct rootimg *r, enum rootimg_kind kind, struct pull *p,
    uint64_t size, struct err *e);

#endif
