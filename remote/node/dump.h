#ifndef REMOTE_NODE_DUMP_H_
#define REMOTE_NODE_DUMP_H_

#include "base/err.h"
#include "formats/snapshot.h"
#include "formats/xcatdump.h"
#include "remote/node/probe.h"
#include "remote/session.h"

/*
 * xCAT's database on a management node: dumped by xCAT itself into a private
 * directory, read back and proved, and only then published to where its
 * container restores from.  None of xCAT's exit statuses is believed.
 */
#define DUMP_TARGET "/.dbbackup"
#define DUMP_LIMIT_S 1800

struct dump_options {
	const struct probe *probe;
	/* Of the last proved dump, or NULL: to tell a table that collapsed. */
	const struct snapshot_database *earlier;
	unsigned max_loss;	/* percent, 100: anything goes */
	unsigned limit_s;	/* 0: DUMP_LIMIT_S */
	int publish;		/* dump_publish() may follow */
	/*
	 * Given each table's bytes ("NAME.csv") as they are read back, also
	 * once for an empty one; -1 ends it.  NULL: nobody wants them.
	 */
	int (*take)(void *arg, const char *name, const void *p, size_t len,
	    struct err *e);
	void *arg;
};

struct dump;

/*
 * Make and prove one.  A dump that is not whole is no error: dump_verdict()
 * tells.  NULL: the connection is lost, or the run is cancelled.
 */
struct dump *dump_new(struct remote *r, const struct dump_options *opt,
    struct err *e);

/* What is not published is removed from the node. */
void dump_free(struct dump *d);

enum snapshot_dump dump_verdict(const struct dump *d);

/* The first thing wrong with it on one line, or NULL; all of them. */
const char *dump_reason(const struct dump *d);
const struct xcatdump *dump_proof(const struct dump *d);

/*
 * Put the proved tables into DUMP_TARGET: all of them or none, and nothing
 * else stays there.  ERR_FAILED says why not; then what was there still is,
 * unless dump_unsure().
 */
int dump_publish(struct dump *d, struct err *e);
int dump_unsure(const struct dump *d);

/* The proof for the snapshot's file.  out: empty before; snapshot_fini(). */
int dump_describe(const struct dump *d, struct snapshot_database *out,
    struct err *e);

#endif
