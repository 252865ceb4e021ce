#ifndef BACKUP_FACTS_H_
#define BACKUP_FACTS_H_

#include "base/buf.h"
#include "base/err.h"
#include "base/report.h"
#include "remote/session.h"

/*
 * What is to be known of a node when it must be built anew: packages and
 * which of their files are changed, addresses, mounts, ... as text files of
 * mode 0600 in a directory of this host (nodefacts.h).  They say the same
 * each night, unless something has changed.
 */
#define FACTS_VERIFY_S 300	/* that checking the packages may take */

/*
 * changed: gets the paths of configuration files, and of files of xCAT's,
 * that differ from their packages, each ended by a NUL.  A node that does
 * not tell is reported; -1: the connection is lost, the run is cancelled, or
 * this host cannot write.
 */
int facts_gather(struct remote *r, int dirfd, struct buf *changed,
    struct report *report, struct err *e);

#endif
