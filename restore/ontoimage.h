#ifndef RESTORE_ONTOIMAGE_H_
#define RESTORE_ONTOIMAGE_H_

#include <stddef.h>

#include "base/report.h"
#include "restore/view.h"

/*
 * The paths of an osimage: all that its definition names and the snapshot
 * has.  What the snapshot lacks is reported.
 */
struct ontoimage {
	char **paths;
	size_t n, cap;
};

/* name: as in the table osimage.  ERR_USAGE when there is no such one. */
int ontoimage_paths(struct ontoimage *i, struct view *v, const char *name,
    struct report *report, struct err *e);
void ontoimage_fini(struct ontoimage *i);

#endif
