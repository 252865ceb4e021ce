#ifndef IMGXFER_IMPORTRUN_H_
#define IMGXFER_IMPORTRUN_H_

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "imgxfer/import.h"
#include "imgxfer/importnode.h"
#include "imgxfer/importplan.h"
#include "imgxfer/importrows.h"
#include "remote/node/tables.h"

/* The tables that an import changes, and how their rows are found. */
enum { IMPORTRUN_OSIMAGE, IMPORTRUN_LINUXIMAGE, IMPORTRUN_LITEFILE,
	IMPORTRUN_TABLES };

/* Why a path is looked at. */
enum importrun_why {
	IMPORTRUN_FILE,		/* a file of the image; index: in the plan */
	IMPORTRUN_ORIG,		/* its .ORIG */
	IMPORTRUN_DIR,		/* a directory that is wanted */
	IMPORTRUN_FORM,		/* a root image that xCAT would prefer */
	IMPORTRUN_TREE,		/* where a root tree is unpacked */
	IMPORTRUN_MEDIA,
	IMPORTRUN_EXTRA,	/* a sidecar's; index: in the options */
};

struct importrun_look {
	enum importrun_why why;
	size_t index;
	int aside;		/* goes out of the way */
	int skip;		/* an extra that is left alone */
	enum import_was was;
};

/* One import on its way. */
struct importrun {
	struct node *node;
	const struct import_bundle *bundle;
	const struct import_options *opt;
	struct import_result *res;
	struct importplan plan;
	struct importnode *shell;
	struct held *held;	/* the bundle's directory; NULL: not sent */
	struct tables *site, *tables;	/* the table site; the others */
	char *tmpdir, *installdir;	/* of the site table; tmpdir or NULL */
	const char *work;	/* one of these */
	const char *file;	/* the bundle there, absolute */
	struct importnode_at *before;	/* as it was */
	struct importrun_look *looks;	/* why, of each */
	size_t nlooks, cap_looks;
	size_t *extra_looks;	/* of each of the options' extras: its look,
				   from 1 on; 0: it has none */
	struct importrows rows[IMPORTRUN_TABLES];
	size_t nwarnings;	/* that there were before the looks */
	int begun, committing;
};

/* The names of the tables, and of the column that names an image. */
extern const char *const importrun_tables[IMPORTRUN_TABLES];
extern const char *const importrun_keys[IMPORTRUN_TABLES];

/* A new line of the result. */
int importrun_add(struct import_result *res, struct import_text **list,
    size_t *n, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
const char *importrun_text(struct import_result *res, const char *s);

/* The node's tables, anew.  bypass: past xcatd. */
int importrun_read_tables(struct importrun *r, struct tables **out,
    int bypass, struct err *e);

/*
 * Look at all that the plan touches: before, conflicts, dirs, files and rows
 * of the result are set.  ERR_FAILED for what no option helps with.
 */
int importrun_survey(struct importrun *r, struct err *e);

/* Whether the bundle and what it becomes fit. */
int importrun_room(struct importrun *r, struct err *e);

/*
 * Whether files and rows are still what importrun_survey() saw; ERR_FAILED
 * when they are not.
 */
int importrun_unchanged(struct importrun *r, struct err *e);

/* ERR_DAMAGED with the first thing that is not as the manifest says. */
int importrun_prove(struct importrun *r, struct err *e);

/*
 * Whether all is as it was before; what is not is appended to the result's
 * standing.  1, 0, -1.
 */
int importrun_as_before(struct importrun *r, struct err *e);

#endif
