#ifndef FORMATS_TARIN_H_
#define FORMATS_TARIN_H_

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "formats/ustar.h"

/*
 * The headers of an archive that GNU tar writes with --format=posix --sparse
 * --xattrs: ustar headers behind pax extended ones (POSIX, pax, "pax
 * Interchange Format"), times in fractions of seconds, SCHILY.xattr.*, and
 * GNU.sparse.* in version 1.0.  The reader of the stream asks what to do
 * next, block by block; contents never pass through here.
 */
#define TARIN_EXTENDED_MAX ((size_t)8 << 20)	/* of one extended header */
#define TARIN_NAME_MAX 65535
#define TARIN_SEGMENTS_MAX ((size_t)1 << 20)

struct tarin_segment {
	uint64_t off, len;	/* of data, in the file */
};

/* One member; names are raw bytes, NUL-terminated behind their length. */
struct tarin {
	char type;		/* '0' file, '1' hard link, '2' symbolic link,
				   '3' and '4' devices, '5' dir, '6' fifo */
	uint32_t mode;		/* 07777 */
	uint32_t uid, gid;
	uint32_t major, minor;
	int64_t mtime, ctime;	/* seconds, floored */
	uint32_t mtime_ns, ctime_ns;
	int has_ctime;
	uint64_t size;		/* of the file */
	uint64_t stored;	/* bytes of contents in the archive */
	int sparse;		/* its map precedes the contents */
	struct buf name, link;
	struct buf xattrs;	/* NAME NUL u32 (host order) VALUE, ... */
	size_t nxattrs;
	struct buf segments;	/* of struct tarin_segment, ascending */

	/* Private: what extended headers have said for the next member. */
	unsigned seen;
	uint64_t pax_size, pax_real;
	size_t map_left;	/* numbers still to come; SIZE_MAX: count */
	uint64_t map_number, map_off;
	int map_odd, map_digits;
};

void tarin_init(struct tarin *t);
void tarin_fini(struct tarin *t);

enum tarin_next {
	TARIN_BAD = -1,		/* ERR_DAMAGED; out of memory */
	TARIN_END,		/* a block of zeros: the archive's end */
	TARIN_EXTENDED,		/* read t->stored bytes and their padding,
				   then call tarin_extended() */
	TARIN_MEMBER,		/* complete, but for a sparse file's map */
};

/* Take a header block. */
enum tarin_next tarin_block(struct tarin *t, const uint8_t h[USTAR_BLOCK],
    struct err *e);

/* Take the records of an extended header; the next block is a header. */
int tarin_extended(struct tarin *t, const void *p, size_t len,
    struct err *e);

/*
 * Take a block of a sparse file's map, which is part of t->stored.  1: the
 * next block is map, too; 0: what follows are the segments' bytes, and
 * t->stored is how many; -1.
 */
int tarin_map(struct tarin *t, const uint8_t block[USTAR_BLOCK],
    struct err *e);

/*
 * Append the attributes as the catalog has them: sorted by name, one "#x"
 * line each.
 */
int tarin_encode_xattrs(struct buf *out, const struct tarin *t,
    struct err *e);

#endif
