#ifndef IMGXFER_READY_H_
#define IMGXFER_READY_H_

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "formats/osimages.h"
#include "imgxfer/imgsite.h"
#include "imgxfer/readynodes.h"

/* What a management node lacks to boot an osimage, and how to supply it. */
enum ready_level {
	READY_NOTE,		/* worth knowing; was not looked at */
	READY_LACKS,
	READY_BROKEN,		/* the osimage itself is not whole */
};

struct ready_item {
	enum ready_level level;
	const char *area;	/* "genesis", "boot loader", ... */
	const char *what;	/* raw */
	const char *why;
	const char *command;	/* for a shell of the node; "": none known */
};

struct ready {
	struct imgsite *site;
	const char *site_name, *image;
	struct osimages images;		/* the one */
	const struct osimage *img;
	/* Of the osimage and of table site, as strings. */
	const char *arch, *osvers, *profile, *tftpdir, *installdir;
	struct readynodes nodes;
	struct ready_item *items;	/* in the order they were found */
	size_t n, cap, lacking, broken;
	struct arena arena;	/* strings of the items */
	int nomem;
};

/* The tables that the site must have read. */
#define READY_TABLES OSIMAGES_TABLES, READYNODES_TABLES, "networks", \
    "osdistro"

/*
 * Look.  ERR_USAGE: no such osimage, or one that is not looked into.  To be
 * finished also on -1.
 */
int ready_check(struct ready *r, struct imgsite *site, const char *site_name,
    const char *image, struct err *e);
void ready_fini(struct ready *r);

/* For the files of the checks: each adds what it finds; -1 as above. */
int readyboot_check(struct ready *r, struct err *e);
int readydhcp_check(struct ready *r, struct err *e);

/* A text that lives as long as r; "" when memory runs out (r->nomem). */
const char *ready_text(struct ready *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The same for a word of a shell's command. */
const char *ready_word(struct ready *r, const char *s);

void ready_add(struct ready *r, enum ready_level level, const char *area,
    const char *what, const char *why, const char *command);

/*
 * Those of the nodes that pick() takes: as a noderange, and for people
 * ("3 nodes (cn1, cn2, ...)"); their number.
 */
typedef int ready_pick(const struct ready *r, const struct readynode *n,
    const void *arg);
size_t ready_nodes(struct ready *r, ready_pick *pick, const void *arg,
    const char **range, const char **people);

/*
 * The nodes a command is to name: of the architecture, and set to boot the
 * osimage if any are.
 */
const char *ready_range(struct ready *r);

/* "dnf install", as the node does it. */
int ready_installer(struct ready *r, const char **command, int *debian,
    struct err *e);

/*
 * Give each value of noderes.netboot that boots the osimage and that its
 * nodes have; where no node has any, what nodes would be given.
 */
typedef int ready_method(struct ready *r, const char *method, void *arg,
    struct err *e);
int ready_methods(struct ready *r, ready_method *fn, void *arg,
    struct err *e);

/* 1: a file or directory with something in it; 0; -1. */
int ready_there(struct ready *r, const char *path, struct err *e);

#endif
