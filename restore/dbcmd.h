#ifndef RESTORE_DBCMD_H_
#define RESTORE_DBCMD_H_

#include "base/buf.h"
#include "base/cli.h"
#include "base/err.h"

/*
 * "restore SNAP --site SITE --database-only" and "restore SNAP --compose":
 * whether the command line asks for one of them, and the command itself.
 */
int dbcmd_wanted(int argc, char **argv);
int dbcmd_main(struct cli *cli, int argc, char **argv);

/*
 * The name under which a site's undo is kept is this and ".undo": the site's,
 * or of an address what may be in a site's name.
 */
int dbcmd_site_name(struct buf *out, const char *site, struct err *e);

#endif
