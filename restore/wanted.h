#ifndef RESTORE_WANTED_H_
#define RESTORE_WANTED_H_

#include "base/err.h"
#include "formats/mtree.h"
#include "restore/select.h"
#include "restore/view.h"

/*
 * What is wanted of one volume, in catalog order: the directories above the
 * tops of a selection, then what the tops hold.  Every pass over the same
 * selection gives the same entries, so that their numbers name them.  One
 * thread.
 */
struct wanted;

struct wanted *wanted_new(struct view *v, const struct selection *sel,
    const struct snapshot_volume *vol, struct err *e);
void wanted_free(struct wanted *w);

/*
 * Next entry; its spans are valid until the next call.  *above: it is only a
 * directory on the way to a top.  1, 0 at the end, or -1: some entries are
 * lost or not where they may be, and the next call goes on behind them.
 */
int wanted_next(struct wanted *w, struct entry *ent, int *above,
    struct err *e);

/* How many tops the volume has, and whether all of it is wanted. */
size_t wanted_tops(const struct wanted *w);
int wanted_all(const struct wanted *w);

/* A top's path, raw: "./a/b"; appended to out. */
int wanted_top(const struct wanted *w, size_t i, struct buf *out,
    struct err *e);

#endif
