#ifndef RESTORE_DBFILES_H_
#define RESTORE_DBFILES_H_

#include "formats/scan.h"

/*
 * The files that a running xcatd has open as its database: what is in them
 * comes and goes by xCAT's own commands.
 */

/*
 * Whether a path of a volume, "./a" or "a", raw or catalog text, is one of
 * them: 1 or 0.
 */
int dbfiles_match(const char *volume, const struct span *path);

#endif
