#ifndef RESTORE_PLAN_H_
#define RESTORE_PLAN_H_

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "base/arena.h"
#include "base/progress.h"
#include "base/report.h"
#include "restore/extract.h"
#include "restore/select.h"
#include "restore/view.h"

/*
 * A volume of a node that this host sees: the target's directory is that of
 * the volume.  Whatever the run is cut by, no file there is half of what it
 * is to be.
 */
struct plan_node {
	const struct snapshot_volume *vol;	/* the only one wanted */
	int database;		/* its files are left alone */
	struct timespec since;
	/* A file changed since then would be replaced or deleted. */
	void (*newer)(void *arg, const char *path, uint64_t size);
	void *arg;
};

/*
 * A restore: entries of the selection in catalog order are put beside what
 * the target has; directories and what has no contents are made at once,
 * files are collected into windows that extract writes in pack order.
 * Memory is bounded by the window and the number of directories.
 */
struct plan_options {
	const struct plan_node *node;	/* NULL: only files */
	int root;		/* descriptor of the target; -1: none yet */
	int dry_run;
	int exact;		/* delete what the snapshot lacks */
	int checksum;		/* compare contents, not size and time */
	int verbose;		/* tell what becomes of each entry */
	FILE *out;		/* where it is told; deletions always are */
	unsigned threads;
	struct report *report;
	struct progress *progress;
};

struct plan_totals {
	uint64_t entries;	/* wanted */
	uint64_t created, replaced, adjusted, kept, deleted;
	uint64_t bytes;		/* of contents to be written */
	uint64_t damaged;	/* blobs */
	uint64_t database;	/* files of a node's database: left alone,
				   or, if that was not asked for, put there */
};

/* Do it, or with dry_run only count. */
int plan_run(struct view *v, const struct selection *sel,
    const struct plan_options *opt, struct plan_totals *totals,
    struct err *e);

/* For the rest of the plan's own files. */

enum plan_action {
	PLAN_CREATE, PLAN_REPLACE, PLAN_ADJUST, PLAN_KEEP, PLAN_DELETE,
};

/* A directory on the way down to the entry at hand. */
struct plan_level {
	uint32_t dir;
	size_t path_len;	/* of it in plan.path */
	struct buf names;	/* --exact: those of the snapshot, sorted */
	int prune;		/* delete what is not among them */
};

struct plan_link {		/* to be made after the window's files */
	uint32_t dir;
	const char *name;
	const char *target;	/* path below the root */
	int exists;
};

struct plan {
	struct view *view;
	const struct selection *sel;
	const struct plan_options *opt;
	struct plan_totals *totals;
	struct extract *extract;
	struct applier applier;
	struct content *content;	/* --checksum */
	struct digest *digest;		/* likewise */

	struct extract_dir *dirs;
	size_t ndirs, dirs_cap;
	struct arena keep;		/* names and attributes of dirs */
	struct plan_level *levels;
	size_t nlevels, levels_cap;
	struct buf path;		/* raw, of the entry at hand */
	const char *above;		/* before it: "", or the volume */

	struct arena window;		/* names and attributes of files */
	struct extract_file *files;
	size_t nfiles;
	struct extract_piece *pieces;
	size_t npieces;
	struct plan_link *links;
	size_t nlinks, links_cap;
	struct link_place *places;	/* hard-link sets begun elsewhere */
};

/* Write the window down: files, then links between them. */
int plan_flush(struct plan *p, struct err *e);

/* Count, and tell with --verbose, what becomes of the entry at hand. */
void plan_tell(struct plan *p, enum plan_action action);

/* What is there under the path at hand goes. */
void plan_lose(struct plan *p, const struct stat *st);

/* Whether what is at the path at hand is left to a node's xCAT: 1 or 0. */
int plan_is_database(const struct plan *p);

/*
 * The raw path below the target of a catalog path; appended to out.  0, or -1
 * when memory runs out.
 */
int plan_path(const struct plan *p, struct buf *out,
    const struct snapshot_volume *vol, const struct span *path);

/*
 * place.c: one entry of a kind, in directory dir; name is raw.  Trouble
 * with the entry is reported; -1 is trouble with the run.  A directory
 * without ent is one that the snapshot does not know.
 */
int place_dir(struct plan *p, uint32_t parent, const char *name,
    const struct entry *ent, int ancestor, uint32_t *dir, struct err *e);
int place_entry(struct plan *p, uint32_t dir, const char *name,
    const struct snapshot_volume *vol, const struct entry *ent,
    struct err *e);
int place_link(struct plan *p, const struct plan_link *l, struct err *e);
void place_fini(struct plan *p);

/* prune.c: delete what a directory has and the snapshot has not. */
int prune_dir(struct plan *p, const struct plan_level *l, struct err *e);

/* Remove an entry and all below it; only with --exact. */
int prune_entry(struct plan *p, int dirfd, const char *name, struct err *e);

#endif
