#ifndef REMOTE_NODE_TARSTREAM_H_
#define REMOTE_NODE_TARSTREAM_H_

#include <stddef.h>

#include "base/err.h"
#include "formats/tarin.h"
#include "remote/exec.h"

/*
 * One GNU tar on a node: names go in, members come out in the same order.
 * Belongs to the thread of its session.  Any failure leaves a stream that
 * can only be freed.
 */
struct tarstream;

/* root: the directory that names ("./a/b") begin at. */
struct tarstream *tarstream_new(struct remote *r, const char *root,
    struct err *e);

/* Ends a tar that still runs. */
void tarstream_free(struct tarstream *t);

/* Ask for more: names, each with a NUL behind it. */
int tarstream_ask(struct tarstream *t, const void *names, size_t len,
    struct err *e);

/*
 * There are no more names.  Without it tar keeps what does not fill a record
 * of its output; so when nothing comes for a while, it is done on its own.
 */
int tarstream_last(struct tarstream *t, struct err *e);
int tarstream_is_last(const struct tarstream *t);

/*
 * The next member; what is left of the one before is passed over.  1; 0 at
 * the archive's end; -1 with ERR_FAILED: it broke off, ERR_DAMAGED: it is
 * no archive.
 */
int tarstream_next(struct tarstream *t, const struct tarin **head,
    struct err *e);

/* The next bytes of the member's file, holes filled with zeros. */
int tarstream_read(struct tarstream *t, void *p, size_t len, struct err *e);

/* Behind the archive's end: tar's exit status. */
int tarstream_wait(struct tarstream *t, int *status, struct err *e);

/* What tar has said on standard error; the stream's own. */
struct buf *tarstream_said(struct tarstream *t);

#endif
