#ifndef FORMATS_NODEFACTS_H_
#define FORMATS_NODEFACTS_H_

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * What backup/facts.sh prints on a node, a line each: "file NAME", the lines
 * of that text behind a "|", "end STATUS" or "end STATUS cut"; the next file;
 * in the end "end" alone.  Bytes are fed as they come.
 */
#define NODEFACTS_NAME_MAX 64	/* bytes of a name, NUL included */
#define NODEFACTS_LINE_MAX ((size_t)64 << 10)
#define NODEFACTS_FILE_MAX ((size_t)16 << 20)
#define NODEFACTS_FILES_MAX 64

/* A nonzero return ends it and is returned by nodefacts_feed(). */
struct nodefacts_sink {
	void *arg;
	/* name: of letters, digits, "." and "-", not led by a "." */
	int (*begin)(void *arg, const char *name, struct err *e);
	/* One line, without its newline. */
	int (*line)(void *arg, const char *p, size_t len, struct err *e);
	int (*end)(void *arg, unsigned status, int cut, struct err *e);
};

struct nodefacts {
	const struct nodefacts_sink *sink;
	struct buf line;
	size_t bytes;		/* of the file at hand */
	size_t files;
	int within;		/* a file */
	int over;		/* the end has come */
};

void nodefacts_init(struct nodefacts *f, const struct nodefacts_sink *sink);
void nodefacts_fini(struct nodefacts *f);

/* ERR_FAILED for what is not of that form, or beyond its limits. */
int nodefacts_feed(struct nodefacts *f, const void *p, size_t len,
    struct err *e);

/*
 * A line of "rpm -V" or "dpkg -V": the path of a file whose contents are not
 * the package's, or NULL.  *config: it is one that is meant to be edited.
 * The path ends where the line does.
 */
const char *nodefacts_changed(const char *line, size_t len, int *config);

#endif
