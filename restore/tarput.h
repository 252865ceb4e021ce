#ifndef RESTORE_TARPUT_H_
#define RESTORE_TARPUT_H_

#include "base/err.h"
#include "formats/mtree.h"
#include "remote/exec.h"
#include "remote/node/probe.h"
#include "vault/content.h"

/*
 * One GNU tar on a node that unpacks what it is given.  Existing files are
 * taken away before new ones are made, so nothing is written through a link.
 * Belongs to the thread of its session.  Any failure leaves one that can only
 * be freed.
 */
struct tarput;

/*
 * root: the directory that names ("./a/b") begin at.  p: tells what tar can.
 * plain: no entry has attributes, or gets any from its directory.
 */
struct tarput *tarput_new(struct remote *r, const char *root,
    const struct probe *p, int plain, struct err *e);

/* Ends a tar that still runs. */
void tarput_free(struct tarput *t);

/*
 * Add an entry without contents: all but files, and hard links (link: raw
 * name of an earlier entry).  name: raw.
 */
int tarput_add(struct tarput *t, const struct entry *ent, const char *name,
    const char *link, struct err *e);

/*
 * Add a file.  1: its contents cannot be had (why), and what is there under its
 * name in the end, if anything, is to be removed.
 */
int tarput_file(struct tarput *t, const struct entry *ent, const char *name,
    struct content *c, struct err *why, struct err *e);

/* Send what waits. */
int tarput_flush(struct tarput *t, struct err *e);

/*
 * ERR_FAILED when tar has said that the disk is full; to be called now and
 * then.
 */
int tarput_check(struct tarput *t, struct err *e);

/*
 * The end of the archive.  What tar says of single entries is no error: what
 * is there afterwards is looked at.  ERR_FAILED when it did not take all.
 */
int tarput_finish(struct tarput *t, struct err *e);

/* What tar has said on standard error; the stream's own. */
const struct buf *tarput_said(struct tarput *t);

#endif
