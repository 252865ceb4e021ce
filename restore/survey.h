#ifndef RESTORE_SURVEY_H_
#define RESTORE_SURVEY_H_

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/report.h"
#include "remote/node/node.h"
#include "restore/linkset.h"
#include "restore/plan.h"
#include "restore/reasons.h"
#include "restore/select.h"
#include "restore/view.h"
#include "restore/wanted.h"

/*
 * One volume of a snapshot put beside what a node has: its listing is joined
 * with the catalog, and for each wanted entry, which its number in catalog
 * order names, one byte is kept that says what is to be done.
 */
enum {
	SURVEY_KEEP,
	SURVEY_CREATE,
	SURVEY_REPLACE,
	SURVEY_ADJUST,		/* owner, mode, attributes, a file's time */
	SURVEY_BLOCKED,		/* something is in the way; reported */
	SURVEY_ACT = 7,		/* mask of the above */
	SURVEY_ABOVE = 8,	/* a directory above what is wanted */
	SURVEY_SENT = 16,	/* sent by this run, not proved yet */
	SURVEY_TOUCHED = 32,	/* a directory in which something changes */
	SURVEY_LOST = 64,	/* cannot be restored; reported */
	SURVEY_CLOSER = 128,	/* private: a closer look has decided */
};

struct survey_options {
	struct view *view;
	const struct selection *sel;
	struct node *node;
	int exact;		/* remove what the snapshot lacks */
	int keep_old;		/* what is in the way may be moved */
	int checksum;		/* compare contents, too */
	const char *no_attrs;	/* why attributes cannot be told, or NULL */
	int database;		/* is restored on its own: its files are not */
	int verbose;		/* tell what becomes of each entry */
	FILE *out;		/* where it is told; deletions always are */
	struct report *report;
};

struct survey_totals {
	struct plan_totals plan;	/* damaged: not known */
	uint64_t freed;		/* bytes of what is replaced or deleted */
	uint64_t blocks;	/* bytes to be written, in whole blocks */
	uint64_t inodes;	/* to be made */
	uint64_t newer;		/* files changed since the snapshot that
				   would be replaced or deleted */
	uint64_t newer_bytes;
};

enum survey_pass {
	SURVEY_FIRST,		/* tells and counts */
	SURVEY_AGAIN,		/* the same after a cut, quietly */
	SURVEY_PROOF,		/* all should be done: reports what is not */
};

struct survey {
	const struct survey_options *opt;
	const struct snapshot_volume *vol;
	const char *root;	/* on the node */
	int there;		/* root is */
	int plain;		/* nothing that comes has attributes, nor
				   gets any from its directory there */
	struct survey_totals totals;	/* of the first pass */
	uint8_t *acts;
	size_t n, cap;
	struct linkset links;
	struct buf remove;	/* raw names, each with a NUL behind it:
				   what must go before anything comes */
	char *newer[3];		/* catalog texts of the first of them */
	size_t work;		/* entries that are not to be kept */
	struct reasons *said;	/* by the node's commands, for a proof; or
				   NULL */
};

/* root: kept by reference. */
void survey_init(struct survey *s, const struct survey_options *opt,
    const struct snapshot_volume *vol, const char *root);
void survey_fini(struct survey *s);

/* List and decide.  Later passes keep what the acts say was sent or lost. */
int survey_run(struct survey *s, enum survey_pass pass, struct err *e);

/* Report trouble with an entry of the volume; text: its catalog path. */
void survey_report(const struct survey *s, const char *kind,
    const struct span *text, const char *why);

/* The set of hard links that an entry is in; linkset_of(). */
struct linkset_item *survey_link(struct survey *s, const struct entry *ent,
    size_t number, struct err *e);

/*
 * Whether all attributes are compared, or only those of entries that have
 * some in the snapshot.
 */
int survey_all_attrs(const struct survey *s);

/* Count a file there, by its path in the snapshot, that would be lost. */
void survey_add_newer(struct survey *s, const char *path, uint64_t size);

/* A catalog path as raw bytes; replaces out. */
int survey_name(struct buf *out, const struct span *text, struct err *e);

/* lookup.c: the listing of what is wanted, in catalog order. */
struct listing *lookup_list(struct survey *s, struct err *e);

#endif
