#ifndef RESTORE_SUBTREE_H_
#define RESTORE_SUBTREE_H_

#include <stdint.h>

#include "base/err.h"
#include "formats/mtree.h"
#include "formats/snapshot.h"
#include "restore/view.h"
#include "vault/index.h"
#include "vault/vault.h"

/*
 * The entries of a volume at and below a path, in catalog order.  Reading
 * starts at the leaf that would hold the path and ends behind the last
 * entry, so a small part of a large volume costs little.  One thread.
 */
struct subtree;

/* top: catalog text, "." for the whole volume; copied. */
struct subtree *subtree_new(struct vault *v, struct index *ix,
    const struct snapshot_volume *vol, const struct span *top,
    struct err *e);
void subtree_free(struct subtree *t);

/*
 * By a user's path, as view_locate() takes it.  Whether there is an entry of
 * that path is for subtree_first() to say.
 */
struct subtree *subtree_at(const struct view *v, const char *path,
    const struct snapshot_volume **vol, struct err *e);

/*
 * Before the first subtree_next(): the entry at the top itself.  1; 0 when
 * the catalog has none, and then nothing below it either; -1 when its place
 * in the catalog is lost.
 */
int subtree_first(struct subtree *t, struct entry *ent, struct err *e);

/*
 * Next entry; its spans are valid until the next call.  1, 0 at the end, or
 * -1: some entries are lost or malformed, or lie below what is no directory,
 * and the next call goes on behind them.
 */
int subtree_next(struct subtree *t, struct entry *ent, struct err *e);

/*
 * Pass over what lies below the entry given last.  Where that is much, most
 * of it is not even read.
 */
int subtree_skip(struct subtree *t, struct err *e);

/*
 * Between two leaves of the catalog: the id of the next one, which has not
 * been read yet.  1, or 0 when entries of the last one are left, or there is
 * no next one, or subtree_next() has an error to give first.
 */
int subtree_peek_leaf(struct subtree *t, const uint8_t **id);

/* Pass over that leaf. */
void subtree_drop_leaf(struct subtree *t);

#endif
