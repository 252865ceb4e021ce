#ifndef RESTORE_SENDPASS_H_
#define RESTORE_SENDPASS_H_

#include "restore/send.h"

/*
 * For send.c: the passes over what is wanted of a volume that change the
 * node, in their order.  Each works in the node's control session, but for
 * the files, which have sessions of their own.
 */
struct sendpass {
	const struct send_options *opt;
	struct survey *survey;
	struct send_totals *totals;
	struct reasons said;	/* by tar and the like */
	int lost;		/* a connection was */
};

/* Call fn for each wanted entry, in order, with its number. */
typedef int sendpass_fn(void *arg, const struct entry *ent, size_t number,
    struct err *e);
int sendpass_each(struct sendpass *p, sendpass_fn *fn, void *arg,
    struct err *e);

/* To be called on a failure in the control session; -1. */
int sendpass_failed(struct sendpass *p);

/* The volume's directory, and what must go before anything comes. */
int sendpass_prepare(struct sendpass *p, struct err *e);

/* Directories as they are to be while they are filled, or at last. */
int sendpass_dirs(struct sendpass *p, int at_last, struct err *e);
int sendpass_files(struct sendpass *p, struct err *e);
int sendpass_links(struct sendpass *p, struct err *e);

/* Take away files of which only a part could be had. */
int sendpass_clean(struct sendpass *p, struct err *e);

/* Owners and modes of what has the right contents. */
int sendpass_adjust(struct sendpass *p, struct err *e);

/* sendattrs.c: their attributes, and those of directories; files' times. */
int sendpass_attrs(struct sendpass *p, struct err *e);

/* Ask the node for the digests, links and devices of what was sent. */
int sendpass_prove(struct sendpass *p, struct err *e);

#endif
