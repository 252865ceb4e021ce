#ifndef IMGXFER_EXPORTPLAN_H_
#define IMGXFER_EXPORTPLAN_H_

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "imgxfer/inspect.h"
#include "imgxfer/sidecar.h"
#include "remote/node/nodefs.h"
#include "remote/node/probe.h"
#include "remote/node/tables.h"
#include "remote/session.h"

/*
 * What imgexport is going to do with an osimage, as its own rules say
 * (xCAT_plugin/imgport.pm of 2.19), and whether it can be done without loss.
 */
struct exportplan_column {
	const char *name;
	const char *value;	/* never NULL, nor empty */
};

struct exportplan_row {
	struct exportplan_column *at;
	size_t n;
	int found, disabled;
};

struct exportplan_file {
	const char *role;	/* "kernel", "pkglist", ... */
	const char *path;	/* absolute */
	const char *name;	/* what it is called in the bundle */
	uint64_t bytes;
};

struct exportplan_text {
	const char *text;
};

struct exportplan {
	const char *image;	/* as the database has it */
	const char *provmethod, *osvers, *osarch, *profile, *rootimgdir;
	const char *installdir, *tmpdir;	/* "": none */
	struct inspect_roots roots;	/* where its files may lie */
	struct exportplan_row osimage, linuximage;

	struct exportplan_file *files;	/* copied into the bundle */
	size_t nfiles;
	uint64_t bytes;		/* of all that, with the tree */
	uint64_t tree_bytes;	/* of statelite's rootimg/ */
	const char *litefile;	/* the text of litefile.csv; NULL: none */

	/* Where the private directory goes, and what is wanted there and in
	   tmpdir, beside what is free; tmpdir "" or on the same file system:
	   all is wanted in base. */
	const char *base;
	uint64_t base_wants, base_has, tmp_wants, tmp_has;

	/* What is left out; exportleft_find(). */
	struct sidecar_left *left;
	size_t nleft;

	struct exportplan_text *problems, *warnings;
	size_t nproblems, nwarnings;
	struct arena arena;
};

struct exportplan_options {
	const char *image;
	const char *work;	/* the user's choice of base, or NULL */
	const struct probe *probe;
	int native;		/* nothing is written on the node; what only
				   imgexport does is a problem: kits, and a
				   package list that xCAT is to choose */
	const char *const *roots;	/* inspect_roots() */
	size_t nroots;
};

/*
 * Look.  0 also when there are problems: then it cannot be done.  -1:
 * ERR_USAGE for an osimage that is not there or has a name that nobody may
 * have, ERR_FAILED when xcatd is down, tools are missing, or the node cannot
 * be asked.  To be finished also on -1.
 */
int exportplan_make(struct exportplan *p, struct remote *r,
    struct nodefs *fs, const struct exportplan_options *opt, struct err *e);
void exportplan_fini(struct exportplan *p);

/* The path of the file that has this role; NULL: none has. */
const char *exportplan_path(const struct exportplan *p, const char *role);

/* A column's value; "" when there is none. */
const char *exportplan_value(const struct exportplan_row *row,
    const char *column);

/* Add a problem or a warning. */
int exportplan_problem(struct exportplan *p, struct err *e,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int exportplan_warn(struct exportplan *p, struct err *e,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* A string of the plan's. */
const char *exportplan_keep(struct exportplan *p, const char *s, size_t len,
    struct err *e);

/*
 * The rows of the image in a table's text: every column of the first row
 * whose key column is value.
 */
int exportplan_row(struct exportplan *p, const struct tables *t,
    const char *table, struct exportplan_row *row, struct err *e);

/* exportfiles.c: what imgexport takes, and whether it would lose some. */
int exportfiles_add(struct exportplan *p, struct remote *r,
    struct nodefs *fs, struct err *e);

/* exportroom.c: where the private directory goes; work: --work, or NULL. */
int exportroom_choose(struct exportplan *p, struct nodefs *fs,
    const char *work, struct err *e);

/* exportleft.c: what the image needs and imgexport does not take. */
int exportleft_find(struct exportplan *p, struct remote *r,
    struct nodefs *fs, const struct tables *t, struct err *e);

#endif
