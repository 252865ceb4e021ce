#ifndef RESTORE_VIEW_H_
#define RESTORE_VIEW_H_

#include "base/buf.h"
#include "base/cli.h"
#include "base/err.h"
#include "formats/scan.h"
#include "formats/snapshot.h"
#include "vault/index.h"
#include "vault/vault.h"

/*
 * What a reading command works on: an open vault, its index and one
 * snapshot.  All zero is a valid closed view.
 */
struct view {
	struct vault *vault;
	struct index *index;
	struct snapshot snap;
	int status;		/* of the trouble so far; STATUS_DONE */
	size_t troubles;	/* how often there was some */
};

/*
 * Open the vault that the command line names, and in it the snapshot called
 * snap_name ("latest", a site, ...).  Packs without a usable INDEX are told
 * on standard error, unless cli is quiet; they are no failure.  On -1 the
 * view is closed.
 */
int view_open(struct view *v, const struct cli *cli, const char *snap_name,
    struct err *e);
void view_close(struct view *v);

/*
 * Tell trouble with a part of what is read, and remember for the exit
 * status that there was some: the command goes on with the rest.  After the
 * first few only their number is told, by view_close().
 */
void view_trouble(struct view *v, const struct err *e);

/*
 * A user's path in the form of snapshots: absolute, without "//", "." and a
 * trailing slash ("/" alone excepted); replaces out, NUL-terminated.  A
 * relative path is taken from "/".  ERR_USAGE for ".." and "".
 */
int view_clean_path(struct buf *out, const char *path, struct err *e);

/*
 * Find the volume that holds a user's path; text becomes the path in the
 * volume's catalog, as catalog text: "." or "./a/b".  Whether the catalog
 * has it is not looked at.  ERR_USAGE when no volume holds it.
 */
int view_locate(const struct snapshot *s, const char *path,
    const struct snapshot_volume **vol, struct buf *text, struct err *e);

/*
 * Whether a clean path (above) touches a volume: 1 with text as above when
 * it lies in the volume, 1 with "." when the volume lies at or below it,
 * else 0.
 */
int view_scope(const struct snapshot_volume *vol, const char *clean,
    struct buf *text);

/*
 * Append the whole path, in the snapshot, of a catalog path of a volume, as
 * catalog text: "/install" and "./a" give "/install/a".
 */
void view_full_path(struct buf *out, const struct snapshot_volume *vol,
    const struct span *path);

/* Whether a catalog path is the other one or lies below it. */
int view_is_below(const struct span *path, const struct span *top);

/* "PATH: not in snapshot ID", ERR_USAGE.  Always returns -1. */
int view_not_there(const struct snapshot *s, const char *path,
    struct err *e);

#endif
