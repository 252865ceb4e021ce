#ifndef RESTORE_COMPOSE_H_
#define RESTORE_COMPOSE_H_

#include <stddef.h>

#include "base/buf.h"
#include "base/cli.h"
#include "base/err.h"

/* Where a backup of profile "full" has put what docker said of a node. */
#define COMPOSE_DIR "/.xcatvault/docker"

/* JSON as docker inspect prints it; len 0: there is none. */
struct compose_source {
	struct buf container, image, networks;
};

/*
 * Append a file for docker compose that makes the same container again: its
 * image, platform, names, networks, volumes, ports and what else was asked of
 * docker for it.  What the image itself says is left to it.  Every text is in
 * double quotes, in ASCII.  ERR_DAMAGED: not what docker prints.
 */
int compose_encode(struct buf *out, const struct compose_source *from,
    struct err *e);

/* "restore SNAP --compose [-o FILE]"; output NULL: standard output. */
int compose_main(const struct cli *cli, const char *snap,
    const char *output);

#endif
