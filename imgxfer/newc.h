#ifndef IMGXFER_NEWC_H_
#define IMGXFER_NEWC_H_

#include <stddef.h>
#include <stdint.h>

#include "imgxfer/pull.h"

/*
 * A cpio archive in the "newc" form ("070701", or "070702" with checksums,
 * which nobody checks), as the kernel reads it: headers of 110 bytes in
 * hexadecimal, names and contents padded to 4.
 */
#define NEWC_HEADER 110
#define NEWC_NAME_MAX 4096

struct newc {
	uint32_t mode;
	uint32_t size;
	const char *name;	/* without its NUL; until the call returns */
	size_t name_len;
	size_t name_size;	/* as the header has it, with the NUL */
};

/*
 * Calls on_entry for each entry with as much of its contents as there is in
 * the buffer (a file's first 4096 bytes at least), and takes all of it up to
 * the trailer, and that.  0, or -1 with ERR_DAMAGED.
 */
int newc_walk(struct pull *p, void (*on_entry)(void *arg,
    const struct newc *ent, const uint8_t *head, size_t len), void *arg,
    struct err *e);

#endif
