#ifndef RESTORE_ASK_H_
#define RESTORE_ASK_H_

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "remote/node/node.h"

/*
 * Ask a node about many of its files, and compare what it answers with what
 * is expected.  Bounded in memory: questions are asked as answers come.
 */
enum ask_what {
	ASK_DIGEST,	/* SHA-256 of a file: 64 hexadecimal digits */
	ASK_ODD_DIGEST,	/* the same, of one whose name ask_is_odd() */
	ASK_LINK,	/* the target of a symbolic link */
	ASK_DEVICE,	/* "MAJOR MINOR", both hexadecimal */
	ASK_ATTRS,	/* extended attributes, attrs_text() */
};

struct ask {
	enum ask_what what;
	const char *root;
	/*
	 * The next question: a number for the caller, a raw name ("./a")
	 * and the expected answer, both appended.  1, 0 at the end, -1.
	 */
	int (*next)(void *arg, size_t *number, struct buf *name,
	    struct buf *want, struct err *e);
	/* same: 1; 0 when it answered something else; -1: nothing. */
	int (*answer)(void *arg, size_t number, const char *name, int same,
	    struct err *e);
	void *arg;
};

/*
 * openssl has digests many times as fast as sha256sum where the processor
 * helps, but not every version of it writes names so that they can be told.
 */
int ask_is_odd(const char *name);

int ask_run(struct node *n, const struct ask *a, struct err *e);

#endif
