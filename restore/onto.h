#ifndef RESTORE_ONTO_H_
#define RESTORE_ONTO_H_

#include <stddef.h>

#include "base/cli.h"

/*
 * "restore SNAP [PATH...] --site SITE": onto a management node.  First the
 * plan, of everything; then the volumes, then the database, each proved.
 */
struct onto_arguments {
	const char *snap;
	char **paths;
	size_t npaths;
	const char *site;	/* a configured site, or an address */
	int dry_run, exact, keep_old, checksum;
	int force;		/* over newer data; from a partial snapshot */
	int without_database;
	int on_start;		/* the dump is only published */
	int verbose;
	const char *image;	/* all files of this osimage and its rows in
				   the database, or NULL */
	const char *tables;	/* "T,T": only these, and no volumes unless
				   there are paths; NULL: all */
	const char *const *rehome;	/* "OLD=NEW" */
	size_t nrehome;
};

/* The exit status; everything there is to say has been printed. */
int onto_run(const struct onto_arguments *a, struct cli *cli);

#endif
