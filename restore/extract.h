#ifndef RESTORE_EXTRACT_H_
#define RESTORE_EXTRACT_H_

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/progress.h"
#include "base/report.h"
#include "restore/apply.h"
#include "vault/index.h"

/*
 * The files of one window of a restore, written frame by frame: each frame
 * is read once.  Workers take frame after frame: read, decode, prove, write,
 * set metadata; each in a part of the tree of its own, for two that make
 * files in one directory wait for each other.
 */
struct extract_dir {
	uint32_t parent;	/* position in dirs; its own for the first */
	const char *name;	/* raw, last component; "" for the first */
	struct attributes at;	/* to be set at the end, if wanted */
	uint8_t made;		/* by this run: nothing was in it */
	uint8_t inherits;	/* what is made in it may get an ACL or group */
	uint8_t finish;		/* set its metadata at the end */
	uint8_t failed;		/* nothing can be put into it */
};

enum {
	EXTRACT_BIG = 1,	/* several blobs or holes; made already */
	EXTRACT_TEMP = 2,	/* has a temporary name while it is written */
};

struct extract_file {
	uint32_t dir;
	const char *name;	/* raw, within dir */
	uint64_t size;
	struct attributes at;
	struct span holes;
	uint32_t left;		/* blobs to be written, and 1 for the
				   planner; atomic */
	uint8_t flags;
	uint8_t failed;		/* atomic */
};

#define EXTRACT_NO_PACK UINT32_MAX	/* loc.pack: no pack has the blob */

struct extract_piece {
	struct extract_file *file;
	uint64_t file_off;
	uint32_t seq;		/* set by extract_run(): catalog order */
	struct blob_loc loc;
	uint8_t id[DIGEST_LEN];
};

struct extract;

struct extract_options {
	struct vault *vault;
	struct index *index;
	int root;		/* descriptor of the target */
	const char *above;	/* before its names in messages: "/x" */
	struct report *report;
	struct progress *progress;
	unsigned threads;
};

struct extract *extract_new(const struct extract_options *opt, struct err *e);
void extract_free(struct extract *x);

/*
 * Write what the pieces say; they are sorted in place.  The files' counts
 * of blobs left go down; whoever brings one to 0 completes the file.  Files
 * that cannot be written or whose blobs are damaged are reported, and are
 * not there afterwards.  -1: memory, or a signal came.
 */
int extract_run(struct extract *x, const struct extract_dir *dirs,
    struct extract_piece *pieces, size_t n, struct err *e);

/*
 * For the planner's thread, between runs: a blob less is left of a file,
 * which is completed when it was the last; an empty file is made; a
 * directory is opened (the descriptor is the extract's; -1 with errno).
 */
void extract_release(struct extract *x, const struct extract_dir *dirs,
    struct extract_file *f);
void extract_empty(struct extract *x, const struct extract_dir *dirs,
    struct extract_file *f);
int extract_dir_fd(struct extract *x, const struct extract_dir *dirs,
    uint32_t dir);

/* Damaged blobs met so far. */
size_t extract_damaged(struct extract *x);

/* Report trouble with a raw path below the target, as "ABOVE/path". */
void extract_report(struct report *r, const char *kind, const char *above,
    const struct buf *raw, const char *why);

/* "ABOVE/path" as catalog text; appended to out. */
void extract_text(struct buf *out, const char *above, const void *raw,
    size_t len);

/* "a/b" of a directory; replaces out. */
void extract_dir_path(struct buf *out, const struct extract_dir *dirs,
    uint32_t dir);

/*
 * The name a file has while it is written: its own, or one made from it, so
 * that a second run finds and replaces what a killed one left.
 */
#define EXTRACT_NAME_LEN 48
#define EXTRACT_TEMP_PREFIX ".xcatvault-"
const char *extract_name(const struct extract_file *f,
    char tmp[EXTRACT_NAME_LEN]);
void extract_temp_name(const char *name, char tmp[EXTRACT_NAME_LEN]);

#endif
