#ifndef REMOTE_NODE_NODEFS_H_
#define REMOTE_NODE_NODEFS_H_

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "formats/osfs.h"
#include "remote/session.h"

/*
 * Files of a node that lives: one command (a perl script; nothing is
 * installed or left there) that answers questions until its input ends.
 * Paths are raw and absolute; symbolic links are followed by the node.
 * What was asked is remembered, see nodefs_forget().  One thread; other
 * commands may run in the session, turn by turn.
 *
 * Functions return -1 with ERR_FAILED when the connection is lost, the script
 * does not answer, or answers something else.
 */
struct nodefs;

#define NODEFS_READ_MAX ((size_t)64 << 20)	/* of one nodefs_read() */
#define NODEFS_NAMES_MAX ((size_t)16 << 20)	/* bytes of a directory */

struct nodefs *nodefs_new(struct remote *r, struct err *e);

/* Ends the command, quietly. */
void nodefs_free(struct nodefs *fs);

/* It, for the rules of osimages; the nodefs's own. */
const struct osfs *nodefs_osfs(struct nodefs *fs);

struct nodefs_stat {
	enum osfs_what what;	/* never OSFS_OUTSIDE */
	const char *path;	/* links resolved, as far as there is
				   something; the nodefs's own */
	int is_link;		/* the last part of the path asked for was */
	const char *why;	/* OSFS_LOST: what the node said; else "" */
	/* 0 unless there is a file, directory or other: */
	uint64_t size;		/* bytes */
	uint64_t blocks;	/* bytes that it takes on its file system */
	uint64_t dev, ino;
	uint32_t mode;		/* permissions, with set-id bits */
	uint32_t uid, gid, nlink;
	int64_t mtime, ctime;	/* seconds */
};

int nodefs_stat(struct nodefs *fs, const char *path, struct nodefs_stat *st,
    struct err *e);

/*
 * SHA-256 of a regular file, read by the node; *size (may be NULL) is what
 * was read.  ERR_DAMAGED when it cannot be read, is none, or changed while
 * it was read.  Not remembered.
 */
int nodefs_digest(struct nodefs *fs, const char *path,
    uint8_t out[DIGEST_LEN], uint64_t *size, struct err *e);

/*
 * Append a regular file's contents.  ERR_DAMAGED when it cannot be read or
 * is none; ERR_FAILED without errno when it is longer than max, which is at
 * most NODEFS_READ_MAX.
 */
int nodefs_read(struct nodefs *fs, const char *path, size_t max,
    struct buf *out, struct err *e);

/* The names in a directory, sorted; what is no directory has none. */
int nodefs_list(struct nodefs *fs, const char *path, osfs_name *fn,
    void *arg, struct err *e);

/*
 * Of the file system that a path is on, or will be: its nearest directory
 * that is there.
 */
struct nodefs_room {
	uint64_t dev;		/* as in nodefs_stat: which one it is */
	uint64_t free_bytes;	/* for others than root, who may have more */
	uint64_t total_bytes;
	int readonly;
};
int nodefs_room(struct nodefs *fs, const char *path, struct nodefs_room *room,
    struct err *e);

/* What was remembered of the node holds no longer; its strings do. */
void nodefs_forget(struct nodefs *fs);

#endif
