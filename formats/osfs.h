#ifndef FORMATS_OSFS_H_
#define FORMATS_OSFS_H_

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * A management node's files, as the rules of what an osimage needs look at
 * them (formats/osimages.h): those of a snapshot, or of a node that lives.
 * Paths are absolute and looked up as the node itself would, symbolic links
 * followed.
 */
enum osfs_what {
	OSFS_FILE,
	OSFS_DIR,
	OSFS_OTHER,		/* device, fifo, socket */
	OSFS_MISSING,
	OSFS_OUTSIDE,		/* of a snapshot: no volume holds that path */
	OSFS_LOOP,		/* too many symbolic links */
	OSFS_LOST,		/* nobody can tell: it cannot be read */
};

struct osfs_found {
	enum osfs_what what;
	const char *path;	/* resolved as far as possible; raw */
	uint64_t size;		/* of a file */
	const void *own;	/* the implementation's */
};

/* A name in a directory; nonzero ends the listing and is returned. */
typedef int osfs_name(void *arg, const char *name, struct err *e);

/*
 * All return -1 with e set when memory runs out or the place is lost; what
 * was found stays valid as long as the place is open.
 */
struct osfs {
	void *arg;
	const char *at;		/* "in the snapshot", "on the node" */
	const char *lost;	/* why, of OSFS_LOST */

	int (*look)(void *arg, const char *path, struct osfs_found *f,
	    struct err *e);

	/*
	 * Append a file's contents: 1; 0: it is longer than max; -1 with
	 * ERR_DAMAGED: they cannot be read, but others may.
	 */
	int (*read)(void *arg, const struct osfs_found *f, size_t max,
	    struct buf *out, struct err *e);

	/* Whether all of a file's contents are there: 1, 0, -1. */
	int (*whole)(void *arg, const struct osfs_found *f, struct err *e);

	/* Names in a directory but "." and ".."; what is none has none. */
	int (*list)(void *arg, const struct osfs_found *f, osfs_name *fn,
	    void *fn_arg, struct err *e);
};

/* Whether a directory has something in it: 1, 0, -1. */
int osfs_has_entries(const struct osfs *fs, const struct osfs_found *f,
    struct err *e);

/*
 * Whether something matches an absolute path with "*", "?" or "[": 1, 0,
 * -1; ERR_FAILED without errno when there are too many names to look at.
 * Names that begin with "." match only such patterns.
 */
int osfs_glob(const struct osfs *fs, const char *pattern, struct err *e);

#endif
