#ifndef FORMATS_DOCKERDEF_H_
#define FORMATS_DOCKERDEF_H_

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * What "docker inspect" prints of containers: an array of objects
 * (docker-inspect(1), Docker Engine API 1.25 and later).
 */
#define DOCKERDEF_MAX ((size_t)16 << 20)
#define DOCKERDEF_LIST_MAX 64	/* networks, or files */

struct dockerdef {
	char *id;
	char *image;		/* identifier of its image, or NULL */
	char **networks;	/* names */
	size_t nnetworks;
	char **files;		/* of compose: absolute paths of its host */
	size_t nfiles;
};

/*
 * The only container of such an array.  clean: gets the array as text that
 * is the same as long as the definition is: keys sorted, nothing of when the
 * container was started.  ERR_FAILED.
 */
int dockerdef_decode(struct dockerdef *d, struct buf *clean, const void *p,
    size_t len, struct err *e);
void dockerdef_fini(struct dockerdef *d);

/*
 * Which of the containers of such an array publishes a TCP port of its host:
 * append its identifier.  1; 0: none does; -1.
 */
int dockerdef_publisher(struct buf *id, unsigned port, const void *p,
    size_t len, struct err *e);

/* Any other array of docker's (networks, images), as clean text. */
int dockerdef_clean(struct buf *clean, const void *p, size_t len,
    struct err *e);

/*
 * Whether docker may be given it as a name: of letters, digits and "_.:-",
 * "sha256:..." among them, led by a letter or digit.
 */
int dockerdef_is_name(const char *s);

#endif
