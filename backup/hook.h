#ifndef BACKUP_HOOK_H_
#define BACKUP_HOOK_H_

#include "base/err.h"

/*
 * Run a command of the configuration on this host, before or after a night,
 * with XCATVAULT_SITE and (status >= 0) XCATVAULT_STATUS in its environment.
 * command NULL: nothing to do.  ERR_FAILED when it does not end with 0.
 */
int hook_run(const char *command, const char *site, int status,
    struct err *e);

#endif
