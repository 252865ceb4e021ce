#ifndef VAULT_PLACE_H_
#define VAULT_PLACE_H_

#include "base/err.h"

/*
 * Where a name below a folder lies: an open folder and a name in it, for the
 * calls that take both.
 */
struct place {
	int fd;
	int opened;		/* fd is the place's to close */
	const char *leaf;	/* within name */
};

/*
 * beneath: no folder on the way may be a symbolic link, and leaf is a name
 * without "/"; else it is the whole name, and links lead where they lead.
 */
int place_open(int root, int beneath, const char *name, struct place *p,
    struct err *e);

/* Leaves errno alone. */
void place_close(const struct place *p);

#endif
