#ifndef IMGXFER_ROOTIMG_H_
#define IMGXFER_ROOTIMG_H_

#include <stdint.h>

#include "base/err.h"
#include "formats/osarch.h"
#include "imgxfer/pull.h"

/*
 * A root image, an initrd, or the tree of a statelite image, walked from its
 * first byte to its last while it streams by: cpio (newc; the kernel's
 * Documentation/driver-api/early-userspace/buffer-format.rst) or tar, in a
 * compression or none, or squashfs.
 */
enum rootimg_kind {
	ROOTIMG_ROOT,		/* one archive, or squashfs */
	ROOTIMG_TREE,		/* the same below "rootimg/" */
	ROOTIMG_INITRD,		/* several cpio archives, the last packed */
};

enum {				/* where a program lies */
	ROOTIMG_BIN,		/* /bin, /sbin, /usr/bin, /usr/sbin */
	ROOTIMG_LIB,		/* /lib*, /usr/lib*, less firmware and such */
	ROOTIMG_PLACES,
	ROOTIMG_ELSEWHERE = ROOTIMG_PLACES,
};

struct rootimg {
	const char *archive;	/* "cpio", "tar", "squashfs"; NULL: unknown */
	const char *packing;	/* "gzip", "xz", ..., "none" */
	uint64_t entries, bytes;	/* of files, unpacked */
	uint32_t programs[ROOTIMG_PLACES][OSARCH_OTHER + 1];
	struct err damage;	/* ERR_DAMAGED, or ERR_NONE */
	const char *remark;	/* what is odd, but no damage; or NULL */
};

/*
 * Reads all of src, which gives size bytes.  0, with what was found (damage,
 * too); -1 when src failed, or memory.
 */
int rootimg_walk(struct rootimg *r, enum rootimg_kind kind,
    const struct source *src, uint64_t size, struct err *e);

/*
 * The architecture of its programs, by majority of those in bin, or if there
 * are none, in lib; *n are of it, *all were looked at there.
 */
enum osarch rootimg_arch(const struct rootimg *r, uint32_t *n,
    uint32_t *all);

/* For those that walk: where a path, however it begins, lies. */
int rootimg_place(enum rootimg_kind kind, const char *path, size_t len);

/* An entry of a file: its first bytes, of which there may be too few. */
void rootimg_file(struct rootimg *r, int place, const uint8_t *head,
    size_t len);

#endif
