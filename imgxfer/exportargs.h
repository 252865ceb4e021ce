#ifndef IMGXFER_EXPORTARGS_H_
#define IMGXFER_EXPORTARGS_H_

#include <stddef.h>

#include "base/cli.h"
#include "imgxfer/exportrun.h"

/* The words of "image export" and "image copy". */
struct exportargs {
	char **images;
	size_t nimages;
	const char *from;	/* --site, --from */
	const char *to;		/* --to */
	const char *output;	/* -o */
	int complete, dry_run;
	struct exportrun_options run;
	const char *roots[INSPECT_ROOTS_MAX];	/* of run */
	/* What an import is told. */
	const char *as, *profile;
	int replace, force, allow_unproved_arch;
	unsigned import_limit_s;
};

/*
 * Those of "image copy" or, if copy is 0, of "image export".  0, or the status
 * to leave with: it has been said why.
 */
int exportargs_parse(struct exportargs *a, struct cli *cli, int argc,
    char **argv, int copy);
void exportargs_fini(struct exportargs *a);

#endif
