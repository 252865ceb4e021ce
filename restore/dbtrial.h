#ifndef RESTORE_DBTRIAL_H_
#define RESTORE_DBTRIAL_H_

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "formats/snapshot.h"

/*
 * The trial of a dump of xCAT's database that lies in a directory: it is
 * held against the proof in its snapshot, loaded into a scratch database as
 * restorexCATdb would, dumped again and compared row by row.
 */
enum dbtrial_level {
	DBTRIAL_NOTE,		/* what a restore is known to change */
	DBTRIAL_WARNING,
	DBTRIAL_FAILED,
};

struct dbtrial_options {
	int dir;		/* of the dump */
	const char *database;	/* path of the scratch database */
	const struct snapshot_database *proof;
	/* Printable, one line, without values; table "": the whole dump. */
	void (*tell)(void *arg, enum dbtrial_level level, const char *table,
	    const char *text);
	void *arg;
};

struct dbtrial_totals {
	size_t tables;		/* in the dump */
	size_t restored;	/* and came back the same */
	size_t skipped;		/* that restorexCATdb passes over */
	uint64_t rows, bytes;
	uint64_t changed;	/* values, as is known */
};

/* -1: the trial could not be made.  What is found is told. */
int dbtrial_run(const struct dbtrial_options *opt, struct dbtrial_totals *t,
    struct err *e);

#endif
