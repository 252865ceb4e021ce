#ifndef BASE_REPORT_H_
#define BASE_REPORT_H_

#include <stddef.h>

/*
 * Trouble with single files: the run goes on and tells at the end.  Each is
 * printed on standard error as it comes (the first hundred) and the first
 * thousand are kept.  Paths are those of the snapshot ("/install/x"), as
 * printable text.  Any thread may add.
 */
enum report_mode {
	REPORT_ALL,
	REPORT_TROUBLE,		/* no notes: what cron should not mail */
	REPORT_SILENT,
};
struct report;

struct report_item {
	const char *kind;	/* "changed", "vanished", "unreadable", ... */
	char *path;
	char *message;
};

/* NULL when memory runs out. */
struct report *report_new(enum report_mode mode);
void report_free(struct report *r);

/*
 * A note is told but does not count as trouble.  kind: a literal.  The
 * message may be empty.
 */
void report_add(struct report *r, const char *kind, const char *path,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void report_note(struct report *r, const char *kind, const char *path,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Whether one of that kind and path is among those kept. */
int report_has(struct report *r, const char *kind, const char *path);

/* How many there were that count as trouble. */
size_t report_count(struct report *r);

/* Those kept; only once no other thread adds. */
size_t report_kept(const struct report *r);
const struct report_item *report_get(const struct report *r, size_t i);

#endif
