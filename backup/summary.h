#ifndef BACKUP_SUMMARY_H_
#define BACKUP_SUMMARY_H_

#include <stddef.h>

#include "base/cli.h"
#include "base/err.h"
#include "base/report.h"
#include "formats/snapshot.h"

/*
 * What backup prints of a snapshot that has been made: one line, or JSON, by
 * way of cli_tell().
 */
int summary_json(struct snapshot *s, const struct cli *cli, struct err *e);
void summary_print(const struct snapshot *s, size_t trouble);

/*
 * Append what happened to a site's night to a log file (0600 when it is
 * made): a line with time and outcome, then one for each report.  s may be
 * NULL; e: why it failed, when status says so.  What cannot be written is
 * told on standard error.
 */
void summary_log(const char *file, const char *site,
    const struct snapshot *s, const struct report *r, int status,
    const struct err *e);

#endif
