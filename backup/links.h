#ifndef BACKUP_LINKS_H_
#define BACKUP_LINKS_H_

#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "formats/mtree.h"

/*
 * Hard links: the names of one file within a volume.  The first in catalog
 * order carries the contents; the others take them over when they are
 * written down, which is later.  All of it belongs to the merge's thread.
 */
struct link_set;
struct links;

struct links *links_new(void);
void links_free(struct links *l);

/*
 * The set that a file of nlink > 1 names belongs to, with a reference for
 * the caller; *leads says that the path is the first of it.  NULL when
 * memory runs out.
 */
struct link_set *links_join(struct links *l, dev_t dev, uint64_t ino,
    uint64_t nlink, const struct span *path, int *leads);
void link_set_unref(struct link_set *s);

/* Path of the first name. */
const struct span *link_set_first(const struct link_set *s);

/* The first name's contents are known: those of ent, which are copied. */
int link_set_learn(struct link_set *s, const struct entry *ent,
    struct err *e);

/*
 * Give contents and attributes to another name's entry; spans point into
 * the set.  0, or -1 when the first name could not be read.
 */
int link_set_give(const struct link_set *s, struct entry *ent);

#endif
