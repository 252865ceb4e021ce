#ifndef FORMATS_GNUTAR_H_
#define FORMATS_GNUTAR_H_

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * Headers of an archive as GNU tar writes it by default (the tar manual,
 * "Basic Tar Format"; magic "ustar" and two blanks), of root's files and
 * directories.
 */
struct gnutar_member {
	const char *name;	/* as it stands in the archive; raw */
	int is_dir;		/* its name then ends in "/" */
	uint32_t mode;		/* 07777 */
	uint64_t size;		/* 0 of a directory */
	int64_t mtime;		/* seconds; before 1970 it is 0 */
};

/*
 * Append them, a long name's before its own.  The size's bytes follow, and
 * zeros up to a multiple of 512.
 */
int gnutar_encode(struct buf *out, const struct gnutar_member *m,
    struct err *e);

/* Append what ends an archive of so many bytes: a record is full. */
void gnutar_encode_end(struct buf *out, uint64_t bytes);

#endif
