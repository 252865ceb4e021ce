#ifndef RESTORE_SENDLANE_H_
#define RESTORE_SENDLANE_H_

#include <stddef.h>

#include "base/progress.h"
#include "restore/survey.h"

/*
 * Several tars on a node, each in a session of its own and with a thread of
 * its own here, that get files whose directories are there.  Files are given
 * in any order, those of one frame of the vault to one lane, so that each
 * frame is decoded once for as many of them as are at hand.
 */
#define SENDLANE_MAX 4
#define SENDLANE_WINDOW 32768	/* files at hand */

struct sendlanes;

struct sendlane_options {
	struct survey *survey;	/* its acts get SURVEY_SENT, SURVEY_LOST */
	const struct probe *probe;
	struct progress *progress;
	unsigned lanes;
};

/* The node's control session stays open as long as they are there. */
struct sendlanes *sendlanes_new(const struct sendlane_options *opt,
    struct err *e);

/*
 * Give an entry, which is no directory and no second name of a file; its
 * text is copied.  Waits while the window is full.
 */
int sendlanes_add(struct sendlanes *s, const struct entry *ent,
    size_t number, struct err *e);

/* All of it is sent, and the tars have ended well. */
int sendlanes_finish(struct sendlanes *s, struct err *e);

/* Files that could not be had whole: remove them; *damaged: how many. */
void sendlanes_free(struct sendlanes *s);
uint64_t sendlanes_damaged(const struct sendlanes *s);

/* After a failure: a connection was lost, so that another try may help. */
int sendlanes_lost(const struct sendlanes *s);

/* What the tars said; behind sendlanes_finish(), or a failure. */
const struct buf *sendlanes_said(const struct sendlanes *s);

#endif
