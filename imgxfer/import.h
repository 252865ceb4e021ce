#ifndef IMGXFER_IMPORT_H_
#define IMGXFER_IMPORT_H_

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/progress.h"
#include "imgxfer/inspect.h"
#include "imgxfer/source.h"
#include "remote/node/node.h"
#include "vault/vault.h"

/*
 * A bundle onto a management node by way of xCAT's imgimport, as one
 * transaction: looked at, planned, sent, imported, proved; or put back as it
 * was.  Nothing that imgimport says or returns is believed: what counts are
 * the rows of the database and the digests of the files, read back.
 *
 * The bundle is laid into a held directory of the node (held.h), where what
 * was sent outlives a lost connection.  Then a script there holds the
 * transaction: when the connection is lost before the end of that, it puts
 * everything back by itself.
 */
#define IMPORT_LIMIT_S 7200	/* what imgimport may take */

/*
 * The bundle: bytes that are yet to be sent, or a file that lies on the node
 * already.  Both have been inspected: in is the verdict on just these bytes,
 * and what arrives there is proved by its digest.
 */
struct import_bundle {
	const struct inspect *in;
	/* Yet to be sent, from its first byte; NULL: it lies there. */
	const struct source *source;
	/* Else its absolute path, in a private directory; it stays there. */
	const char *lies_at;
};

/* A file to be put beside the image once that is proved; see sidecar.h. */
struct import_extra {
	const char *path;	/* absolute, on the node */
	uint64_t bytes;
	unsigned mode;
	uint8_t digest[DIGEST_LEN];
};

struct import_options {
	const char *site;	/* what is replaced is kept as
				   "SITE.image.undo" */
	const char *as;		/* the name it is to get, or NULL */
	const char *profile;	/* or NULL: as imgimport -f */
	int replace;		/* what stands in the way */
	int force;		/* --replace without a vault */
	int allow_unproved_arch;
	int dry_run;		/* the plan is made, and nothing done */
	unsigned limit_s;	/* of imgimport; 0: IMPORT_LIMIT_S */
	unsigned grace_s;	/* of what is sent; 0: HELD_GRACE_S */
	struct vault *vault;	/* or NULL */
	const struct inspect_options *inspect;	/* the roots; or NULL */
	struct progress *progress;	/* of what is sent; or NULL */
	/*
	 * Files that the bundle leaves out, with all of their bytes as one
	 * tar archive, compressed with zstd, names relative to "/"; or none.
	 */
	const struct import_extra *extras;	/* sorted by path */
	size_t nextras;
	const struct source *extras_tar;
};

enum import_fate {
	IMPORT_UNTOUCHED,	/* nothing was changed there */
	IMPORT_DONE,		/* imported, and proved */
	IMPORT_PUT_BACK,	/* begun, and all is as it was: proved */
	IMPORT_STRANDED,	/* begun, and not proved to be as it was:
				   standing says what stands where */
};

enum import_was {		/* what stood at a target before */
	IMPORT_FREE,		/* nothing */
	IMPORT_SAME,		/* the very same bytes: left as it is */
	IMPORT_OTHER,		/* another file: replaced */
};

struct import_file {
	const char *path;
	const char *role;	/* "kernel", "pkglist", "extra", "sidecar" */
	uint64_t bytes;
	uint8_t digest[DIGEST_LEN];
	enum import_was was;
	int proved;		/* it stands there, byte for byte */
};

struct import_text {
	const char *text;
};

struct import_result {
	const char *image, *arch;	/* as they are called there */
	const char *bundle;		/* its name */
	uint64_t bundle_bytes, sent;
	uint8_t bundle_digest[DIGEST_LEN];
	struct import_file *files;
	size_t nfiles;
	struct import_text *removed;	/* files that went: a stale rootimg */
	size_t nremoved;
	struct import_text *dirs;	/* directories made */
	size_t ndirs;
	struct import_text *rows;	/* "osimage: new", "... replaced" */
	size_t nrows;
	struct import_text *conflicts;	/* what --replace would replace */
	size_t nconflicts;
	struct import_text *warnings;	/* status 1 */
	size_t nwarnings;
	struct import_text *standing;	/* with IMPORT_STRANDED */
	size_t nstanding;
	struct import_text *notes;	/* worth knowing */
	size_t nnotes;
	const char *undo;	/* id of the snapshot, or NULL */
	const char *room;	/* what it wants and what there is, a line */
	enum import_fate fate;
	int planned;		/* files and rows are known */
	int dry_run;
	struct arena arena;
};

/*
 * Do it.  0: imported and proved, or with dry_run planned (then conflicts
 * are no error).  -1 with why: ERR_DAMAGED for a bundle that must not be
 * imported, or a node that differs from it; ERR_USAGE for what options would
 * allow; ERR_FAILED.  res->fate tells what it came to.  n->control may be
 * another session afterwards.  res is to be finished also on -1.
 */
int import_run(struct node *n, const struct import_bundle *b,
    const struct import_options *opt, struct import_result *res,
    struct err *e);
void import_result_fini(struct import_result *res);

/*
 * What can be told before a bundle is at hand: xcatd answers, the name is
 * free or may be replaced, and bytes (an estimate of the bundle) fit.
 * image: the name there will be, but for --profile.
 */
int import_preflight(struct node *n, const char *image, uint64_t bytes,
    const struct import_options *opt, struct err *e);

/* For people; for programs, a new object or NULL. */
void import_print(const struct import_result *res, int quiet, FILE *f);
json_t *import_json(const struct import_result *res);

/* Append what import_options.site may be, of a site or an address. */
int import_site_name(struct buf *out, const char *site, struct err *e);

/* Warnings there are: the status of a run that returned 0. */
int import_status(const struct import_result *res);

#endif
