#ifndef IMGXFER_NATIVE_H_
#define IMGXFER_NATIVE_H_

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "imgxfer/exportplan.h"
#include "imgxfer/held.h"
#include "imgxfer/source.h"
#include "remote/node/nodefs.h"
#include "remote/session.h"

/*
 * An osimage's bundle, made here instead of by imgexport: the same members
 * with the same modes and contents, and the same manifest, out of the
 * database's rows and the node's files, which GNU tar there sends.  Nothing
 * is written on the node, and nothing is staged on this host.
 *
 * Threads of its own fetch and compress; the bundle comes as a source.
 */
struct native;

/*
 * Begin.  plan: made for this, without problems; it must live as long.
 * files: those of the node whose digests are wanted.
 */
struct native *native_new(const struct exportplan *plan, struct nodefs *fs,
    const struct remote *node, const char *const *files, size_t nfiles,
    struct err *e);

/*
 * The bundle.  Its end is only reached when every file has been sent whole,
 * of the length that it was announced with.
 */
struct source native_source(struct native *n);

/* The files' digests as the node computes them, in their order: waits. */
int native_sums(struct native *n, const struct held_sum **sums,
    struct err *e);
void native_free(struct native *n);

/* Append the manifest of the plan's image, as imgexport writes it. */
int native_manifest(const struct exportplan *plan, struct buf *out,
    struct err *e);

#endif
