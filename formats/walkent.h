#ifndef FORMATS_WALKENT_H_
#define FORMATS_WALKENT_H_

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "formats/scan.h"

/*
 * An entry of a directory tree with its metadata, whoever found it: a walk
 * of this host, or find on a node.
 */
struct walk_stat {
	uint64_t ino, size, blocks, nlink;
	int64_t mtime, ctime;
	uint32_t mtime_ns, ctime_ns;
	uint32_t mode, uid, gid;
	uint32_t major, minor;	/* of a device node */
	dev_t dev;
	int errnum;		/* why there is nothing above, or 0 */
};

/* An open directory of this host; backup/walk.h. */
struct walk_dir;

struct walk_entry {
	struct span path;	/* catalog text; valid until the next call */
	const char *name;	/* raw, within dir; likewise */
	struct walk_dir *dir;	/* holds name; NULL for the root "." */
	const struct walk_stat *st;	/* likewise */
};

struct walk_options {
	int one_file_system;
	const char *const *excludes;	/* glob patterns */
	size_t nexcludes;
	unsigned helpers;	/* threads besides the caller's */
	int leave_aside;	/* exclude what walk_is_aside() */
};

/*
 * A name that a restore gives to the directory where it keeps what it
 * replaces: it is on the way out, and no part of a backup.
 */
#define WALK_ASIDE ".xcatvault-old-"
int walk_is_aside(const char *base);

/*
 * Whether a path (raw, relative, without "./") is excluded: a pattern
 * without "/" is matched against the last component, one with "/" against
 * the whole path.  leave_aside is not looked at.
 */
int walk_excluded(const struct walk_options *opt, const char *path);

#endif
