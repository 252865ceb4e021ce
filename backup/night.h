#ifndef BACKUP_NIGHT_H_
#define BACKUP_NIGHT_H_

#include "backup/run.h"
#include "base/cli.h"
#include "base/config.h"

/*
 * The nightly backup of one configured site: its node is reached over ssh
 * and looked at, xCAT dumps its database, the dump is proved and published,
 * the volumes are stored, and the snapshot appears.
 */
struct night_options {
	const struct config_site *site;
	const char *log;	/* file for what is not on the screen, or
				   NULL */
	struct backup_options run;	/* excludes of the command line */
	int accept_loss;	/* nodelist may have lost any share */
};

/* Prints what there is to say; returns the program's exit status. */
int night_run(const struct night_options *opt, const struct cli *cli);

#endif
