#ifndef IMGXFER_SOURCE_H_
#define IMGXFER_SOURCE_H_

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/*
 * A bundle's bytes on their way: from a file, a node or the vault, to an
 * inspection, a file, a node or the vault; each byte once, in order.
 */
struct source {
	const char *name;	/* for messages */
	/* Up to len bytes, 0 at the end, -1. */
	ssize_t (*read)(void *arg, void *p, size_t len, struct err *e);
	void *arg;
};

struct sink {
	int (*write)(void *arg, const void *p, size_t len, struct err *e);
	void *arg;
};

/* A source that hands all that is read of another to a sink as well. */
struct source_tee {
	const struct source *from;
	const struct sink *to;
};
struct source source_tee(struct source_tee *t);

/* A file of this host; "-" is standard input.  To be closed. */
struct source_file {
	int fd;
	const char *path;
};
int source_file_open(struct source_file *f, const char *path,
    struct source *out, struct err *e);
void source_file_close(struct source_file *f);

/* Bytes in memory, which stay the caller's: as far as they go. */
struct source_bytes {
	const uint8_t *p;
	size_t len;	/* what is left of them */
	size_t step;	/* no more than that at a time; 0: all */
};
struct source source_bytes(struct source_bytes *b, const char *name);

/* Read what is left of it, to the end. */
int source_drain(const struct source *s, struct err *e);

#endif
