#ifndef BACKUP_PROGRAM_H_
#define BACKUP_PROGRAM_H_

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * A program of this host, found along PATH, run to its end without a shell:
 * no input, its output appended to out, at most max bytes.  What it says on
 * standard error is thrown away, but for the first line in e->msg when it
 * fails.  ERR_FAILED: it is not there (errnum ENOENT), ends with another
 * status than 0, prints too much, takes longer than limit_s (then it is
 * killed), or the run is cancelled.
 */
int program_run(const char *const *argv, struct buf *out, size_t max,
    unsigned limit_s, struct err *e);

#endif
