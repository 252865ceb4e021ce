#ifndef IMGXFER_IMPORTNODE_H_
#define IMGXFER_IMPORTNODE_H_

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "imgxfer/source.h"
#include "remote/session.h"

/*
 * The script that holds an import on the node (import.pl, importtar.pl),
 * spoken to.  Paths
 * given to it have no blanks (inspect_path()).  All calls fail with
 * ERR_FAILED and what the node said; after a lost connection there is only
 * importnode_free().
 */
struct importnode;

/*
 * Start it, in a new private directory below base, and with its journal below
 * home, which must outlive a restart of the node.  wait_s: how long another
 * import is waited for; then ERR_BUSY.  Those that were killed there before
 * are put back first; what that came to is appended to *recovered, a line
 * each, or it stays empty.
 */
struct importnode *importnode_new(struct remote *r, const char *base,
    const char *home, unsigned wait_s, struct buf *recovered, struct err *e);

/* Ends it: what is not committed is put back. */
void importnode_free(struct importnode *n);

/* Its private directory. */
const char *importnode_dir(const struct importnode *n);

/* What stands at a path. */
enum importnode_kind {
	IMPORTNODE_NONE,
	IMPORTNODE_FILE,
	IMPORTNODE_LINK,	/* a symbolic link, to no directory */
	IMPORTNODE_DIR,		/* or a link to one */
	IMPORTNODE_OTHER,
};

#define IMPORTNODE_ANY UINT64_MAX	/* digest of any regular file */
#define IMPORTNODE_NO (UINT64_MAX - 1)	/* of none */

struct importnode_at {
	const char *path;	/* asked for */
	uint64_t digest_if;	/* its digest, if it has that size */
	enum importnode_kind kind;
	uint64_t size;
	unsigned mode, uid, gid;
	int64_t mtime;
	int has_digest;
	uint8_t digest[DIGEST_LEN];
};

/* Ask for n paths at once. */
int importnode_look(struct importnode *n, struct importnode_at *at,
    size_t count, struct err *e);

/* The file system that a path is in, or will be. */
int importnode_room(struct importnode *n, const char *path, uint64_t *dev,
    uint64_t *free_bytes, struct err *e);

/*
 * Another archive in its directory, "to": the bundle with another manifest.
 * compression: as struct inspect has it.
 */
int importnode_rewrite(struct importnode *n, const char *compression,
    const char *bundle, const char *to, const char *member,
    const struct buf *manifest, struct err *e);

/*
 * What "begin" will do.  aside: a file or directory goes out of the way, and
 * in the end is gone, back in its place, or called PATH.ORIG.
 */
enum importnode_then { IMPORTNODE_GONE, IMPORTNODE_BACK, IMPORTNODE_ORIG };
int importnode_aside(struct importnode *n, const char *path,
    enum importnode_then then, struct err *e);
int importnode_new_file(struct importnode *n, const char *path,
    struct err *e);
int importnode_new_dir(struct importnode *n, const char *path,
    struct err *e);
int importnode_keep_mode(struct importnode *n,
    const struct importnode_at *at, struct err *e);
/* csv: the rows of the table with that key, with its header; or empty. */
int importnode_rows(struct importnode *n, const char *table, const char *key,
    const char *value, const struct buf *csv, struct err *e);
int importnode_begin(struct importnode *n, const char *image,
    struct err *e);

/* What imgimport came to. */
struct importnode_ran {
	int status;		/* -1: it did not end in time */
	struct buf said;	/* both channels, lines */
};

/* profile: or NULL; any: tar finds out the compression. */
int importnode_import(struct importnode *n, const char *bundle,
    const char *profile, int any, unsigned limit_s,
    struct importnode_ran *out, struct err *e);

/* Compare what rootimgtree.gz (member) of the bundle holds with dir. */
int importnode_tree(struct importnode *n, const char *bundle,
    const char *member, const char *dir, uint64_t *entries, struct err *e);

/* One file more, whose bytes are read from a source. */
int importnode_put(struct importnode *n, const char *path, unsigned mode,
    const struct source *from, uint64_t bytes, struct err *e);

/*
 * left: lines for what was set aside and could not be brought to its end;
 * the next import tries again.
 */
int importnode_commit(struct importnode *n, struct buf *left,
    struct err *e);

/* Give the directories that were there their owners and modes again. */
int importnode_modes(struct importnode *n, struct err *e);

/*
 * Once begun, a script that has heard nothing for so long puts all back.
 * Waiting for its answers says something; who is busy elsewhere calls this,
 * as often as it likes, but not amid the bytes of importnode_put().
 */
#define IMPORTNODE_LEASE_S 600
int importnode_alive(struct importnode *n, struct err *e);

/*
 * What an import left that could not be put back, and has been since, is not
 * tried again.
 */
int importnode_forget(struct importnode *n, struct err *e);

/*
 * A file of the node to a sink, digested on its way, by a command of its
 * own; or a directory's contents, as a tar archive, with "dir".
 */
int importnode_fetch(struct remote *r, const char *path, int dir,
    const struct sink *to, struct err *e);

#endif
