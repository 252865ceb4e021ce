#ifndef RESTORE_PUMP_H_
#define RESTORE_PUMP_H_

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "remote/node/node.h"

/*
 * Commands of a node that are given names on standard input, each with a NUL
 * behind it, and run in a directory of the node.
 */

/*
 * Append more input.  1; 2 when there is none just now, but will be once
 * more has come out; 0 at its end; -1.
 */
typedef int pump_in(void *arg, struct buf *to, struct err *e);

/* Take what it printed. */
typedef int pump_out(void *arg, const void *p, size_t len, struct err *e);

struct pump {
	const char *root;	/* directory; $1 of the script, which enters
				   it, is "$2" and so on of args[0] ... */
	const char *script;
	const char *const *args;
	size_t nargs;
	pump_in *in;		/* NULL: no input */
	pump_out *out;		/* NULL: thrown away */
	void *arg;
	struct buf said;	/* on standard error; pump_fini() */
	int status;
};

/*
 * Run it; in the node's control session, which is made anew if it is lost.
 * The script begins behind a "cd"; exit status PUMP_NO_DIRECTORY.
 */
#define PUMP_NO_DIRECTORY 90
int pump_run(struct node *n, struct pump *p, struct err *e);
void pump_fini(struct pump *p);

/*
 * Give all names to one command that prints nothing and must succeed;
 * what: for the message, or NULL: that it fails for some names (status 123 of
 * xargs) is no error, for it is found later.
 */
int pump_names(struct node *n, const char *root, const char *script,
    const char *const *args, size_t nargs, const struct buf *names,
    const char *what, struct err *e);

/* The first line of what was said, for a message; replaces out. */
const char *pump_first_line(struct buf *out, const struct buf *said);

#endif
