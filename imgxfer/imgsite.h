#ifndef IMGXFER_IMGSITE_H_
#define IMGXFER_IMGSITE_H_

#include <stddef.h>

#include "base/cli.h"
#include "formats/osimages.h"
#include "remote/node/nodefs.h"
#include "remote/node/reach.h"
#include "remote/node/tables.h"
#include "remote/session.h"

/* A management node whose osimages are looked at; nothing is changed there. */
struct imgsite {
	struct reach reach;
	struct remote *remote;
	struct tables *tables;
	struct nodefs *fs;
	int bypass;		/* xcatd does not answer: read past it */
	struct osimages_place place;	/* it, for the rules */
	struct buf name;
};

/*
 * Reach the site, read these tables and begin to look at files.  To be closed
 * also on -1.  s must not move.
 */
int imgsite_open(struct imgsite *s, const struct cli *cli, const char *site,
    const char *const *names, size_t n, struct err *e);
void imgsite_close(struct imgsite *s);

/*
 * The options of verbs that take --site alone: *site, or NULL; -1 when there
 * is another, of which getopt has told.
 */
int imgsite_options(struct cli *cli, int argc, char **argv,
    const char **site);

#endif
