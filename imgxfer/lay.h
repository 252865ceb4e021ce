#ifndef IMGXFER_LAY_H_
#define IMGXFER_LAY_H_

#include "imgxfer/exportrun.h"
#include "imgxfer/held.h"

/*
 * A bundle laid into a held directory of another node while it is inspected
 * on its way from the first: read, inspected and written by three threads,
 * and nothing of it on this host.
 */
struct lay;

struct lay_options {
	const char *base;	/* directory of the node it goes to */
	unsigned grace_s;
	const struct exportnode *from;	/* asked again for what was lost */
	const char *path;	/* the bundle's, there; NULL: it is a stream
				   that is made as it goes */
};

/* to: a session with the node it goes to. */
struct lay *lay_new(const struct remote *to, const struct lay_options *opt,
    struct err *e);

/* What takes the bytes, from one thread. */
struct sink lay_sink(struct lay *l);

/* No more comes; failed: why, or NULL.  Waits for the writing. */
int lay_end(struct lay *l, const struct err *failed, struct err *e);

/* Where it lies now. */
struct held *lay_held(struct lay *l);

/* Removes it there. */
void lay_free(struct lay *l);

/*
 * A directory of a node with room for so many bytes: the first of
 * site.tmpdir, /var/tmp, /tmp, /root and site.installdir.  NULL and
 * ERR_FAILED when there is none.
 */
const char *lay_place(const struct probe *probe, struct nodefs *fs,
    uint64_t bytes, struct err *e);

#endif
