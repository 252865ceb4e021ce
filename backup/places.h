#ifndef BACKUP_PLACES_H_
#define BACKUP_PLACES_H_

#include <stddef.h>

#include "backup/volume.h"
#include "base/err.h"

/*
 * The volumes of a snapshot under way: whole directories, and selections of
 * paths outside them.  Strings are the list's own.
 */
struct places {
	struct backup_volume *at;
	size_t n, cap;
};

void places_fini(struct places *p);

/*
 * A whole directory.  path: its name in the snapshot; source: where it is.
 * ERR_USAGE when it and another lie within one another.
 */
int places_add(struct places *p, const char *path, const char *source,
    struct err *e);

/* Take the i-th out; those behind it move up. */
void places_remove(struct places *p, size_t i);

/* The volume that holds an absolute path, or NULL. */
const struct backup_volume *places_holding(const struct places *p,
    const char *path);

/* A volume that is an absolute path or lies below it, or NULL. */
const struct backup_volume *places_below(const struct places *p,
    const char *path);

/* Whether an absolute path is stored: in a volume, or by a selection. */
int places_stores(const struct places *p, const char *path);

/*
 * Paths of the node (absolute, clean, there) that no volume holds become
 * selections: one volume for each top directory of theirs, or one further
 * down where that would hold a volume of its own; a path with a volume below
 * it is left out.  Call it once, behind the
 * last places_add(); dir[i]: whether paths[i] is a directory.
 */
int places_select(struct places *p, const char *const *paths,
    const int *dir, size_t n, struct err *e);

#endif
