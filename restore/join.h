#ifndef RESTORE_JOIN_H_
#define RESTORE_JOIN_H_

#include "restore/partial.h"
#include "restore/survey.h"

/* For survey.c and closer.c. */

/* A wanted directory on the way down to the entry at hand. */
struct level {
	size_t number;
	size_t len;		/* of its path in join.path */
	int act;
};

/*
 * A file on the node that a look at its contents may condemn after all: newer
 * than the snapshot, or not the only name of what it frees.
 */
struct join_later {
	size_t number;
	uint64_t size;
	int newer, alone;
};

/* One pass: wanted entries beside the node's, both in catalog order. */
struct join {
	struct survey *s;
	enum survey_pass pass;
	struct wanted *wanted;
	struct listing *listing;
	struct entry ent;
	int have_ent, above;	/* 1, or 0: there are no more */
	struct walk_entry got;
	int have_got;
	int lost;		/* parts of the catalog are */
	struct level *levels;
	size_t nlevels, levels_cap;
	struct buf path;	/* of the deepest level, catalog text */
	struct buf gone;	/* what is in here is removed as a whole */
	struct buf name;
	int removing;		/* gone is set */
	dev_t dev;		/* of the volume */
	/* Kept ones, to be looked at more closely. */
	size_t devices, files, attrs;
	struct partial partial;	/* would be replaced, and is newer */
	struct join_later *later;	/* by number */
	size_t nlater, later_cap;
	int marked;		/* an entry has attributes */
	const char *why;	/* an entry is not to be kept */
};

/* Tell what becomes of an entry, if it is to be told. */
void join_tell(struct join *j, const char *word, const struct span *text);

/* Count what is to be made for the entry at hand, a link or not. */
void join_count_made(struct join *j, int link);

/* Count a newer file that would be lost. */
void join_add_newer(struct join *j, const struct span *text, uint64_t size);

/*
 * The way down: leave directories that do not hold a path, enter the one at
 * hand, note that something changes in the deepest.
 */
void join_climb(struct join *j, const struct span *path);
int join_push(struct join *j, size_t number, int act, struct err *e);
void join_touch(struct join *j);

#endif
