#ifndef IMGXFER_READYNODES_H_
#define IMGXFER_READYNODES_H_

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "remote/node/tables.h"

/*
 * The nodes that an osimage is meant for: those whose nodetype.provmethod it
 * is, and those of its architecture.  A value comes from the node's own row,
 * else from that of the first of its groups that has one, as xCAT does it.
 */
enum readynode_value {
	READYNODE_PROVMETHOD, READYNODE_ARCH, READYNODE_OS,
	READYNODE_PROFILE, READYNODE_NETBOOT, READYNODE_SERVICENODE,
	READYNODE_MAC, READYNODE_MGT, READYNODE_VALUES
};

struct readynode {
	const char *name;
	const char *v[READYNODE_VALUES];	/* "": none; NULL: a pattern
						   of xCAT's, not worked out */
	int set;		/* the osimage is its provmethod */
	int fits;		/* its architecture is the osimage's */
};

struct readynodes {
	struct readynode *at;	/* in the order of nodelist */
	size_t n, nset;
	size_t all;		/* nodes that there are */
	struct arena arena;
};

/* The tables that are needed. */
#define READYNODES_TABLES "nodelist", "nodetype", "noderes", "mac", "nodehm"

/* To be finished also on -1. */
int readynodes_load(struct readynodes *r, const struct tables *t,
    const char *image, const char *arch, struct err *e);
void readynodes_fini(struct readynodes *r);

#endif
