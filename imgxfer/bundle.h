#ifndef IMGXFER_BUNDLE_H_
#define IMGXFER_BUNDLE_H_

#include <stdint.h>

#include "base/buf.h"
#include "imgxfer/pull.h"

/*
 * The tar archive of a bundle, read more strictly than tar does: what two
 * readers could take in two ways is refused, for imgimport unpacks it with
 * GNU tar.  Members are ustar or GNU ones, with long names of either kind
 * (pax in POSIX; GNU tar, "Basic Tar Format"); no sparse files, no members
 * of several volumes, no global headers.  A size that is told twice is the
 * same, and the headers of IMAGE/manifest.xml are plain ones, for it is what
 * an import may write anew.
 */
#define BUNDLE_NAME_MAX 4096
#define BUNDLE_PAX_MAX ((size_t)64 << 10)

struct bundle_member {
	const char *name;	/* raw bytes, until the next call */
	const char *link;	/* of links; "" */
	char type;		/* '0' file, '1' hard link, '2' symbolic link,
				   '3' and '4' devices, '5' directory,
				   '6' fifo */
	unsigned mode;		/* 07777 */
	uint64_t uid, gid;
	const char *uname, *gname;	/* which tar prefers; "" for none */
	uint64_t size;		/* 0 of all but files */
};

struct bundle {
	struct pull *in;
	struct buf name, link, uname, gname;
	/* From extended headers, of which there were some. */
	int extended, has_name, has_link, has_size, has_uname, has_gname;
	int has_uid, has_gid;
	uint64_t size, uid, gid;
	uint64_t left, padding;	/* of the member at hand */
};

enum bundle_next { BUNDLE_BAD = -1, BUNDLE_END, BUNDLE_MEMBER };

void bundle_init(struct bundle *b, struct pull *in);
void bundle_fini(struct bundle *b);

/*
 * The next member; what was left of the last is skipped.  At the end, which
 * must be there, with nothing but zeros behind it, the source has been read
 * to its end.  BUNDLE_BAD with ERR_DAMAGED, or what the source says.
 */
enum bundle_next bundle_next(struct bundle *b, struct bundle_member *m,
    struct err *e);

/*
 * Some of the member's contents at *p, until the next call; 0 when there is
 * no more, -1.
 */
ssize_t bundle_data(struct bundle *b, const uint8_t **p, struct err *e);

#endif
