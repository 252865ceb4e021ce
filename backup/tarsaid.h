#ifndef BACKUP_TARSAID_H_
#define BACKUP_TARSAID_H_

#include "backup/pool.h"
#include "base/buf.h"
#include "base/err.h"
#include "formats/scan.h"

/*
 * What GNU tar (LC_ALL=C, --quoting-style=escape) says on standard error of
 * the files it was asked for, put beside those that it did not give.
 */
struct tarsaid {
	struct buf missing;	/* paths as catalog text, a NUL behind each */
};

void tarsaid_init(struct tarsaid *t);
void tarsaid_fini(struct tarsaid *t);

/* A path was asked for and did not come. */
int tarsaid_miss(struct tarsaid *t, const struct span *path, struct err *e);

/*
 * Report each file that is missing with tar's reason, each that changed
 * while it was read, and what else tar had to say of a file; forget them.
 */
int tarsaid_report(struct tarsaid *t, const struct buf *said,
    struct pool *p, struct err *e);

/*
 * "./a\n: text" as tar writes a name and what it has to say of it.  Appends
 * the raw name; *text points into the line.  1, or 0 when the line is not of
 * that form.
 */
int tarsaid_parse(const char *line, size_t len, struct buf *name,
    struct span *text);

#endif
