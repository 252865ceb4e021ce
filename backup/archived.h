#ifndef BACKUP_ARCHIVED_H_
#define BACKUP_ARCHIVED_H_

#include "backup/run.h"

/*
 * Whether the dump that was stored is the one that was proved: the volume
 * DUMP_TARGET of the run's snapshot, stored by now, holds each table with
 * its digest and nothing else.  -1 with the reason when it does not.
 */
int archived_dump(struct backup_run *r, const struct snapshot_database *d,
    struct err *e);

#endif
