#ifndef BACKUP_RUN_H_
#define BACKUP_RUN_H_

#include <stddef.h>

#include "backup/merge.h"
#include "base/cli.h"
#include "formats/snapshot.h"

/* One backup: volumes of a site into a new snapshot of a vault. */
struct backup_volume {
	char *source;		/* directory of this host */
	char *path;		/* its name in the snapshot, absolute */
};

struct backup_options {
	const char *vault;
	const char *site;
	const struct backup_volume *volumes;
	size_t nvolumes;
	struct merge_options merge;
	unsigned threads;
	int quiet, progress;
};

/*
 * Make the snapshot.  It is published only when everything it needs is
 * durable.  *trouble: how many files were reported.  The snapshot is the
 * caller's to free with snapshot_fini(), in either case.
 */
int backup_run(const struct backup_options *opt, struct snapshot *s,
    size_t *trouble, struct err *e);

#endif
