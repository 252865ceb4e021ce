#ifndef RESTORE_DBUNDO_H_
#define RESTORE_DBUNDO_H_

#include "restore/dbwork.h"

/*
 * The way back: the target's tables as they are, in the vault as the newest
 * snapshot of "SITE.undo", before any of them is touched.
 */

/*
 * Keep what dbwork_prepare() has found there.  When the newest one has just
 * these tables, or when what is there comes of a restore that was cut short
 * (below), that one is the way back, and nothing is stored: out->anew is 0.
 */
int dbundo_keep(const struct dbwork *w, struct dbput_undo *out,
    struct err *e);

/*
 * Whether that undo, the newest, has the target's tables as they are, but for
 * those that are restored already: 1, 0, -1.
 */
int dbundo_covers(const struct dbwork *w, const struct dbput_undo *undo,
    struct err *e);

/*
 * Whether the target's tables are those of a restore of this snapshot that
 * was cut short: each is as in the newest undo or as in the snapshot, and
 * some only as in the snapshot.  Then nothing is lost that is not kept.  That
 * is not to be told, and so never so, when only an osimage's rows are wanted.
 * 1 with the undo in out, 0, -1.
 */
int dbundo_resumes(const struct dbwork *w, struct dbput_undo *out,
    struct err *e);

/*
 * Whether the target's tables are those of an undo to this snapshot that was
 * cut short: the newest undo was kept for it, each table is as in that or as
 * in this snapshot, and some are still only as in that: 1, 0, -1.  Tables that
 * cannot be read there say nothing.
 */
int dbundo_is_midway(const struct dbwork *w, struct err *e);

#endif
