#ifndef RESTORE_SNAPFS_H_
#define RESTORE_SNAPFS_H_

#include "base/err.h"
#include "formats/osfs.h"
#include "formats/osimages.h"
#include "restore/view.h"

/*
 * Paths of the management node looked up in a snapshot, as the node itself
 * would: symbolic links are followed from volume to volume, a bounded number
 * of times.  Meant for hundreds of lookups; each path is looked up in the
 * catalog once.  Whether a file is whole is told without reading it: all of
 * its contents have a place in the vault.  One thread.
 */
struct snapfs;

struct snapfs *snapfs_new(struct view *v, struct err *e);
void snapfs_free(struct snapfs *fs);

/* It, for the rules of osimages; the snapfs's own. */
const struct osfs *snapfs_osfs(struct snapfs *fs);

/*
 * Give the path of each symbolic link that has been followed so far; no part
 * of it but its last is a link itself.  Ends with what fn returns, if not 0.
 */
int snapfs_links(struct snapfs *fs, osimages_file *fn, void *arg,
    struct err *e);

#endif
