#ifndef IMGXFER_HELD_H_
#define IMGXFER_HELD_H_

#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "imgxfer/source.h"
#include "remote/session.h"

/*
 * A private directory on a node in which imgexport makes a bundle, or into
 * which a bundle is written.  It outlives a lost connection for grace_s
 * seconds: calls here connect again and go on where they were.  After that,
 * or when it is ended, nothing of it is left there.
 *
 * It has a session of its own, and belongs to one thread.  All calls fail
 * with ERR_FAILED when the node cannot be reached again in time, and when the
 * run is cancelled.
 */
#define HELD_GRACE_S 90
#define HELD_LIMIT_S 14400
#define HELD_SAID_MAX 20

struct held;

struct held_options {
	const char *base;	/* the directory that it is made in */
	unsigned grace_s;	/* 0: HELD_GRACE_S */
	/* What is to be exported into it; NULL: nothing. */
	const char *image;
	const char *tmpdir;	/* site.tmpdir; "" for none */
	unsigned limit_s;	/* of imgexport; 0: HELD_LIMIT_S */
	/* Files of the node whose digests are wanted, absolute paths. */
	const char *const *files;
	size_t nfiles;
};

/* to: a session with the node, which siblings are made of. */
struct held *held_new(const struct remote *to,
    const struct held_options *opt, struct err *e);

/* Removes it there, if need be, as far as the connection allows. */
void held_free(struct held *h);

/* The bundle's path on the node; times that the connection was made anew. */
const char *held_path(const struct held *h);
unsigned held_reconnected(const struct held *h);

/* How imgexport ended: waits for it. */
struct held_export {
	int status;		/* its exit status, which proves nothing */
	int late;		/* it was ended for taking too long */
	int has_bundle;
	uint64_t bytes;
	char *said[HELD_SAID_MAX];	/* its errors and warnings */
	size_t nsaid;
};
int held_export(struct held *h, struct held_export *out, struct err *e);

/* The digest of the bundle as the node computes it: waits for it. */
int held_digest(struct held *h, uint8_t out[DIGEST_LEN], struct err *e);

/* Those of the files: waits for them; the held's own. */
struct held_sum {
	int known;
	uint8_t digest[DIGEST_LEN];
	uint64_t bytes;
	int changed;		/* while imgexport ran */
	char *why;		/* it is not known; else NULL */
};
int held_sums(struct held *h, const struct held_sum **sums, struct err *e);

/* The bundle's bytes, behind held_export(), from the first one. */
struct source held_source(struct held *h);

/*
 * Write the bundle, piece by piece, and end it: then it is on disk, as long
 * as what was written, and held_digest() may be asked.  again: gives bytes
 * that were lost with a connection once more.
 */
struct held_again {
	int (*read)(void *arg, uint64_t off, void *p, size_t len,
	    struct err *e);
	void *arg;
};
int held_put(struct held *h, const void *p, size_t len,
    const struct held_again *again, struct err *e);
int held_put_end(struct held *h, const struct held_again *again,
    struct err *e);

/*
 * While something else goes on for long: a thread of its own lets the node
 * know that we are here, until held_unkeep().  No other call meanwhile.
 */
int held_keep(struct held *h, struct err *e);
void held_unkeep(struct held *h);

/*
 * Done: it is removed.  ERR_FAILED also when something could not be; the
 * message says what.
 */
int held_end(struct held *h, struct err *e);

#endif
