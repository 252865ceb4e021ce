#ifndef REMOTE_NODE_PROBETEXT_H_
#define REMOTE_NODE_PROBETEXT_H_

#include <stddef.h>

#include "base/err.h"
#include "remote/node/probe.h"

/*
 * What backup/probe.sh prints on the node: pairs of key and value, each
 * ended by a NUL, between "xcatvault-probe" and "end"; what a login shell
 * prints before them is passed over.
 */
#define PROBETEXT_MAX ((size_t)4 << 20)

/* Sets up p, which is probe_fini()ed by now on failure (ERR_FAILED). */
int probetext_decode(struct probe *p, const void *answer, size_t len,
    struct err *e);

/* One printable line of a text, newly allocated: "?" for what is not. */
char *probetext_line(const char *text);

#endif
