#ifndef BACKUP_RUN_H_
#define BACKUP_RUN_H_

#include <stddef.h>

#include "backup/merge.h"
#include "backup/volume.h"
#include "base/cli.h"
#include "base/report.h"
#include "formats/snapshot.h"
#include "vault/index.h"
#include "vault/vault.h"

/*
 * One backup: volumes of a site into a new snapshot of a vault.
 *
 *	r = backup_run_new(&opt, e);		locks, and what there was before
 *	backup_run_volume(r, &volume, node, e);	for each
 *	backup_run_store(r, e);			contents and catalogs durable
 *	backup_run_publish(r, e);		the snapshot appears
 *	backup_run_free(r);
 *
 * The snapshot is published only when everything it needs is durable.  When
 * a source is lost or a signal comes, backup_run_volume() keeps what has
 * been stored in the cache folder of this host, and the next run of the
 * site goes on from there.
 */
struct backup_options {
	const char *vault;
	const char *site;
	struct merge_options merge;
	unsigned threads;
	int quiet, progress;
};

struct backup_run;

struct backup_run *backup_run_new(const struct backup_options *opt,
    struct err *e);
void backup_run_free(struct backup_run *r);

/* ERR_USAGE when the vault lies within a directory of this host. */
int backup_run_check(struct backup_run *r, const struct backup_volume *v,
    struct err *e);

/* How much there was in these volumes last time, for the progress shown. */
void backup_run_expect(struct backup_run *r, const struct backup_volume *v,
    size_t n);

/*
 * Store a volume and add it to the snapshot.  node: NULL for this host; it
 * must outlive the run.
 */
struct node;
int backup_run_volume(struct backup_run *r, const struct backup_volume *v,
    struct node *node, struct err *e);

/*
 * All volumes are there: have their contents and catalogs durable.  After
 * it, what was stored can be read with backup_run_index().
 */
int backup_run_store(struct backup_run *r, struct err *e);
struct index *backup_run_index(struct backup_run *r, struct err *e);

int backup_run_publish(struct backup_run *r, struct err *e);

/* The snapshot being made: the caller may fill in node and database. */
struct snapshot *backup_run_snapshot(struct backup_run *r);

/* The site's earlier snapshots, newest first: n of them. */
const struct snapshot *backup_run_earlier(const struct backup_run *r,
    size_t *n);

struct vault *backup_run_vault(struct backup_run *r);

/* Trouble with files; paths are those of the snapshot. */
struct report *backup_run_report(struct backup_run *r);

#endif
