#ifndef VAULT_SERVE_H_
#define VAULT_SERVE_H_

#include "base/err.h"

/*
 * The far side of an ssh vault: answers one client (formats/wire.h, which
 * xcatvault-serve(1) explains) on two descriptors until it goes.  Whatever
 * the client says, nothing outside the directory is touched; what it had
 * not committed is removed, and its locks go, when it goes.
 */
struct serve_options {
	const char *path;	/* of the vault */
	int append_only;	/* what is there stays as it is */
};

#define SERVE_SILENCE_S 300	/* a client that says nothing has gone */

/*
 * 0 when the client closed in.  -1 when it was cut off: it said what no
 * client says, was silent or deaf for too long, or a signal came.  Both
 * descriptors are made non-blocking.
 */
int serve_run(const struct serve_options *opt, int in, int out,
    struct err *e);

#endif
