#ifndef FORMATS_OSIMAGES_H_
#define FORMATS_OSIMAGES_H_

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "formats/osfs.h"
#include "formats/scan.h"

/*
 * Whether a management node, or a snapshot of one, has all files that the
 * osimages of its database need.  The rules are those of xCAT 2.19
 * (anaconda.pm, SvrUtils.pm, Template.pm, Postage.pm, imgutils.pm,
 * DSHCLI.pm).
 */
enum osimages_level {
	OSIMAGES_WARNING = 1,	/* the osimage works without */
	OSIMAGES_MISSING,
};

struct osimages_finding {
	enum osimages_level level;
	const char *what;	/* "kernel", "pkglist", ... */
	const char *path;	/* as named; raw */
	const char *why;
	const char *by;		/* the file that names it; raw, "" if none */
	size_t line;		/* in that file; 0: not told */
	struct osimages_finding *next;
};

enum osimages_state {
	OSIMAGES_COMPLETE,
	OSIMAGES_INCOMPLETE,
	OSIMAGES_UNCHECKED,
};

struct osimage {
	struct span name, provmethod, osvers, osarch, profile, osdistroname;
	enum osimages_state state;
	const char *reason;	/* of one that was not checked */
	const char *boots;	/* "rootimg.cpio.gz"; NULL: none */
	/* Of a diskless one, those that are there, as named; NULL: is not. */
	const char *kernel, *initrd, *rootimg;
	uint64_t boot_bytes;	/* of these three, as far as they are files */
	size_t files;		/* wanted and there; directories, too */
	size_t warnings;
	struct osimages_finding *findings, **last;
};

struct osimages {
	struct osimage *at;	/* in the order of the table */
	size_t n;
	size_t complete, incomplete, unchecked;
	size_t warned;		/* complete, with warnings */
	struct arena arena;	/* all of the above */
};

/* Where they are looked for. */
typedef int osimages_piece(void *arg, const void *p, size_t len,
    struct err *e);

struct osimages_place {
	const struct osfs *fs;
	/* Give a table's CSV, in pieces of any size: 1; 0: there is none. */
	int (*table)(void *arg, const char *name, osimages_piece *fn,
	    void *fn_arg, struct err *e);
	void *arg;
	/* For messages: */
	const char *suffix;	/* of a table's name, ".csv" */
	const char *tables;	/* where they are: "the dump of the database" */
	const char *name;	/* "in snapshot 1234", "on root@host:22" */
};

/* The tables that are asked for; the first two must be there. */
#define OSIMAGES_TABLES "osimage", "linuximage", "winimage", "nimimage", \
    "postscripts", "site"

/*
 * Check them.  ERR_DAMAGED: the tables of osimages cannot be read.  To be
 * finished also on -1.
 */
int osimages_check(struct osimages *o, const struct osimages_place *p,
    struct err *e);
void osimages_fini(struct osimages *o);

/*
 * Give each path (absolute, links resolved, raw) that the osimage of that
 * name needs and the place has; what it lacks is as in osimages_check().
 * what: as in a finding; by: the file that names it, NULL for the database.
 * One that is wanted twice is given twice; a synclist's pattern that
 * matches something is given as it stands.  fn may be NULL.  ERR_USAGE: no
 * such osimage, or none that is looked into.
 */
typedef int osimages_file(void *arg, const char *path, const char *what,
    const char *by, struct err *e);
int osimages_files(struct osimages *o, const struct osimages_place *p,
    const char *name, osimages_file *fn, void *arg, struct err *e);

/* STATUS_DAMAGED, STATUS_REPORTED or STATUS_DONE. */
int osimages_status(const struct osimages *o);

/* For the osimages' own files. */

enum osimages_column {	/* of osimage, then of linuximage */
	OSI_NAME, OSI_TYPE, OSI_PROVMETHOD, OSI_ROOTFSTYPE, OSI_PROFILE,
	OSI_VERS, OSI_ARCH, OSI_SYNCLISTS, OSI_POST, OSI_POSTBOOT,
	OSI_ENVIRON, OSI_DISTRO, OSI_DISABLE, OSI_NCOLUMNS
};
enum osimages_linux {
	LIN_NAME, LIN_TEMPLATE, LIN_PKGLIST, LIN_PKGDIR, LIN_OTHERPKGLIST,
	LIN_OTHERPKGDIR, LIN_EXLIST, LIN_POSTINSTALL, LIN_ROOTIMGDIR,
	LIN_PARTITION, LIN_DRIVERS, LIN_DISABLE, LIN_NCOLUMNS
};
enum osimages_post {
	POST_NODE, POST_SCRIPTS, POST_BOOT, POST_DISABLE, POST_NCOLUMNS
};

struct osimages_rows {
	const struct span **at;	/* each of as many values as were asked for */
	size_t n, cap;
};

struct osimages_work {
	struct osimages *o;
	const struct osimages_place *place;
	const char *installdir;
	struct osimages_rows posts;	/* of table postscripts */
	struct osimage *img;		/* at hand */
	const struct span *os, *lin;	/* its rows */
	const char *only;		/* osimages_files() */
	osimages_file *fn;
	void *arg;
};

/* osneeds.c: check one whose provmethod is known. */
int osneeds_check(struct osimages_work *w, struct err *e);
int osneeds_knows(const struct span *provmethod);

/* oslists.c: lists and what they name; the building blocks. */
enum oslists_want { OSLISTS_FILE, OSLISTS_DIR, OSLISTS_ANY };

/* What a finding is about, and where its path was read. */
struct oslists_about {
	const char *what;
	const char *by;		/* or NULL */
	size_t line;
};

/* A copy that lives as long as the findings; NULL and e. */
char *oslists_keep(struct osimages_work *w, const char *s, struct err *e);

/* "TEXT AT" ("not " "in the snapshot"), then as oslists_keep(). */
const char *oslists_here(struct osimages_work *w, const char *before,
    const char *behind, struct err *e);

/* Note a finding; strings are copied but what and why. */
int oslists_note(struct osimages_work *w, enum osimages_level level,
    const struct oslists_about *about, const char *path, const char *why,
    struct err *e);

/*
 * A path that is needed.  1 and *f when it is there and whole; 0 when that
 * is not so, which has been noted; -1.
 */
int oslists_need(struct osimages_work *w, const struct oslists_about *about,
    const char *path, enum oslists_want want, struct osfs_found *f,
    struct err *e);

/* Lists with their includes; synclists with their sources; scripts. */
int oslists_lists(struct osimages_work *w, const char *what,
    const struct span *value, int text, struct err *e);
int oslists_synclists(struct osimages_work *w, const struct span *value,
    struct err *e);

#endif
