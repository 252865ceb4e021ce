#ifndef BACKUP_FULL_H_
#define BACKUP_FULL_H_

#include "backup/wanted.h"
#include "base/config.h"
#include "base/err.h"
#include "base/report.h"
#include "formats/xcatdump.h"
#include "remote/session.h"

/*
 * What a site of profile "full" stores besides its volumes: what a node that
 * is lost is built anew from.
 */
#define FULL_VOLUME "/.xcatvault"	/* its name in the snapshot */

struct full_options {
	const struct config_site *site;
	struct remote *control;		/* NULL: the site has no address */
	const struct xcatdump *proof;	/* of tonight's dump, or NULL */
	struct report *report;
};

struct full;

/*
 * Gather facts about the node, and its container's definition, in a private
 * directory of this host; full_free() removes it.  The options must outlive
 * it.  NULL: the connection is lost, the run is cancelled, or the directory
 * cannot be written.
 */
struct full *full_new(const struct full_options *opt, struct err *e);
void full_free(struct full *f);

/* The directory, or NULL: there is nothing in it. */
const char *full_dir(const struct full *f);

/*
 * Add the paths of the node that are wanted.  places: its volumes, within
 * which nothing needs to be looked for.
 */
int full_paths(struct full *f, const struct places *places,
    struct wanted *out, struct err *e);

#endif
