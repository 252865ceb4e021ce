#ifndef RESTORE_PAX_H_
#define RESTORE_PAX_H_

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "formats/mtree.h"

/*
 * Archives in pax format (POSIX, pax, "pax Interchange Format"), as GNU tar
 * and bsdtar read them, with their keywords for what POSIX leaves out:
 * SCHILY.xattr.*, SCHILY.acl.*, and GNU.sparse.* in version 1.0.
 *
 * Written by hand because libarchive 3.6 loses some of it: times before 1970
 * (-1.5 becomes -2.5), attribute names that are not ASCII, the mode's group
 * bits where there is an ACL; and GNU tar complains of its raw names.
 */
#define PAX_BLOCK 512

/* Names are raw bytes and end in a NUL behind their length. */
struct pax_member {
	const struct entry *ent;
	const char *name;	/* a directory's "/" is added */
	size_t name_len;
	const char *link;	/* "" when it is no link */
	size_t link_len;
	int hard;		/* link is an earlier member, no contents */
};

/*
 * Append the headers of a member, with the map of a sparse file, whose holes
 * pax_round_holes() has rounded.  Then the
 * caller writes pax_content_bytes() bytes and pax_padding() zeros.
 */
int pax_encode(struct buf *out, const struct pax_member *m, struct err *e);

/* Append what ends an archive. */
void pax_encode_end(struct buf *out);

/*
 * A file's holes as an archive may have them: GNU tar takes each piece
 * between holes for whole blocks, so holes begin and end on blocks (an end
 * at the end of the file stays).  Replaces out.
 */
void pax_round_holes(struct buf *out, const struct entry *ent);

/* Bytes of contents in the archive: all of a file's but its holes. */
uint64_t pax_content_bytes(const struct entry *ent);

/* Zeros behind so many bytes of contents. */
size_t pax_padding(uint64_t bytes);

#endif
