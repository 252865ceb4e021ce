#ifndef RESTORE_OSSNAP_H_
#define RESTORE_OSSNAP_H_

#include "base/err.h"
#include "formats/osimages.h"
#include "restore/view.h"

/*
 * The rules of osimages over a snapshot: its dump of the database and its
 * files.  As osimages_check() and osimages_files(), which here also gives the
 * symbolic links that lead to them; also ERR_USAGE: no dump in the snapshot.
 */
int ossnap_check(struct osimages *o, struct view *v, struct err *e);
int ossnap_files(struct osimages *o, struct view *v, const char *name,
    osimages_file *fn, void *arg, struct err *e);

#endif
