#ifndef BACKUP_WALK_H_
#define BACKUP_WALK_H_

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "formats/walkent.h"

/*
 * A directory tree in catalog order, with the metadata of each entry.
 * Helper threads read directories and stat ahead of the caller, within
 * bounds, so that memory does not grow with the tree.
 */
struct walk;

/* An open directory that outlives its place in the walk; counted. */
struct walk_dir;
int walk_dir_fd(const struct walk_dir *d);
struct walk_dir *walk_dir_ref(struct walk_dir *d);
void walk_dir_unref(struct walk_dir *d);

/* root: an open directory; the walk dups it. */
struct walk *walk_new(int root, const struct walk_options *opt,
    struct err *e);
void walk_free(struct walk *w);

/*
 * Next entry.  1, 0 at the end, -1 when memory runs out.  An entry with
 * st->errnum set could not be looked at.
 */
int walk_next(struct walk *w, struct walk_entry *ent, struct err *e);

/*
 * After an entry that is a directory: why its contents cannot be read, or
 * 0.  Waits for the directory to be read.
 */
int walk_dir_error(struct walk *w);

/*
 * How many more directories may be open before the limit of open files is
 * near; at 0 the caller lets go of those it holds.
 */
size_t walk_room(struct walk *w);

#endif
