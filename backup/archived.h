#ifndef BACKUP_ARCHIVED_H_
#define BACKUP_ARCHIVED_H_

#include "backup/run.h"

/*
 * Whether the dump that was stored is the one that was proved: DUMP_TARGET
 * in the run's snapshot, a volume of it or in the volume "/", stored by now,
 * holds each table with its digest and nothing else.  -1 with the reason when
 * it does not.
 */
int archived_dump(struct backup_run *r, const struct snapshot_database *d,
    struct err *e);

#endif
