#ifndef FORMATS_XCATDUMP_H_
#define FORMATS_XCATDUMP_H_

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "formats/xcatcsv.h"

/*
 * The proof of a dump of xCAT's database: a directory with one CSV file per
 * table.  Entries are given one after the other, in any order, with their
 * bytes in pieces of any size; then the set as a whole is judged.  Nothing
 * is kept of the tables but what is asked for below.  One thread.
 *
 *	d = xcatdump_new(e);
 *	for each entry of the directory:
 *		if (xcatdump_begin(d, name, is_regular, e) == 1) {
 *			xcatdump_feed(d, p, len, e); ...
 *			xcatdump_end(d, e);
 *		}
 *	xcatdump_finish(d, &expect, e);
 *	switch (xcatdump_verdict(d)) ...
 *
 * Functions that return -1 do so because memory runs out; what is wrong with
 * the dump is told as findings.
 */
#define XCATDUMP_FINDINGS_MAX 1000	/* kept; the rest is counted */
#define XCATDUMP_TABLE_FINDINGS_MAX 20	/* kept of one table and level */
#define XCATDUMP_TABLES_MAX 4096
#define XCATDUMP_PATHS_MAX 4096

struct xcatdump;

enum xcatdump_verdict {
	XCATDUMP_WHOLE,		/* restores as it is; notes at most */
	XCATDUMP_WARNED,	/* whole, with warnings or tables that xCAT
				   could not restore */
	XCATDUMP_BAD,		/* not what the database held */
};

/* All strings belong to the dump and are printable, on one line. */
struct xcatdump_finding {
	enum xcatcsv_level level;
	const char *table;	/* or a stray file's name; "": the set */
	uint64_t row;		/* 0: of no row */
	uint64_t line;		/* of the file; 0: of no line */
	const char *column;	/* "": of none */
	const char *text;
};

struct xcatdump_table {
	const char *name;	/* "nodelist" */
	uint64_t rows, bytes;
	size_t columns;
	uint8_t digest[DIGEST_LEN];	/* SHA-256 of the file */
	enum xcatcsv_level worst;	/* finding about it; 0: none */
};

/* How many rows a table had in an earlier dump. */
struct xcatdump_count {
	const char *name;
	uint64_t rows;
};

struct xcatdump_expect {
	/*
	 * The tables that xCAT has, as tabdump lists them, those included
	 * that are skipped.  NULL: not known; then those are missed that
	 * every xCAT has.
	 */
	const char *const *tables;
	size_t ntables;
	int all;		/* made with -a: auditlog and eventlog too */
	/* Tables that were left out besides (XCAT_SKIPTABLES). */
	const char *const *skips;
	size_t nskips;
	/* Of an earlier dump; NULL: there is none. */
	const struct xcatdump_count *earlier;
	size_t nearlier;
	/*
	 * Percent of its earlier rows, 1 to 100, that nodelist may lose: more
	 * and the dump is bad.  Other tables that lose more give warnings.
	 */
	unsigned max_loss;
};

enum xcatdump_fact {
	XCATDUMP_INSTALLDIR,	/* of table site, rows not disabled */
	XCATDUMP_MASTER,
	XCATDUMP_SKIPTABLES,
	XCATDUMP_TMPDIR,
	XCATDUMP_TFTPDIR,
	XCATDUMP_DOMAIN,
	XCATDUMP_NFACTS,
};

struct xcatdump *xcatdump_new(struct err *e);
void xcatdump_free(struct xcatdump *d);

/*
 * The next entry of the directory, by its name without "/"; "." and ".." are
 * not entries.  1: a table, whose bytes are to be fed; 0: a stray entry,
 * which has been noted; -1.
 */
int xcatdump_begin(struct xcatdump *d, const char *name, int regular,
    struct err *e);
int xcatdump_feed(struct xcatdump *d, const void *p, size_t len,
    struct err *e);
int xcatdump_end(struct xcatdump *d, struct err *e);

/*
 * A finding of the caller's own ("could not be read", "older than the
 * dump"); table: printable or not, "" for the set.
 */
void xcatdump_add(struct xcatdump *d, enum xcatcsv_level level,
    const char *table, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Judge the set; once, after the last table. */
int xcatdump_finish(struct xcatdump *d, const struct xcatdump_expect *x,
    struct err *e);

/* The worst finding so far, 0: none; and what it means. */
enum xcatcsv_level xcatdump_worst(const struct xcatdump *d);
enum xcatdump_verdict xcatdump_verdict(const struct xcatdump *d);

/*
 * Findings: as they came; after xcatdump_finish() the worst first, those of a
 * level by table and row.  xcatdump_found() counts all of a level, also those
 * that were not kept.
 */
size_t xcatdump_findings(const struct xcatdump *d);
const struct xcatdump_finding *xcatdump_finding(const struct xcatdump *d,
    size_t i);
uint64_t xcatdump_found(const struct xcatdump *d, enum xcatcsv_level level);

/* Append "site: row 60 (line 61), column value: REASON", without newline. */
void xcatdump_finding_text(struct buf *out,
    const struct xcatdump_finding *f);

/* "note", "warning", "unrestorable", "broken". */
const char *xcatdump_level_name(enum xcatcsv_level level);

/* Tables, sorted by name after xcatdump_finish(); by name NULL if none. */
size_t xcatdump_tables(const struct xcatdump *d);
const struct xcatdump_table *xcatdump_table(const struct xcatdump *d,
    size_t i);
const struct xcatdump_table *xcatdump_table_named(const struct xcatdump *d,
    const char *name);

/* Names of stray entries, as they were given; the first thousand. */
size_t xcatdump_strays(const struct xcatdump *d);
const char *xcatdump_stray(const struct xcatdump *d, size_t i);

/* Sums over all tables. */
uint64_t xcatdump_rows(const struct xcatdump *d);
uint64_t xcatdump_bytes(const struct xcatdump *d);

/* A value of table site; NULL: not set.  Raw bytes without NUL. */
const char *xcatdump_fact(const struct xcatdump *d, enum xcatdump_fact fact);

/*
 * Absolute paths of the management node that tables name (osimages' lists,
 * directories of packages, kits, ...), each once, sorted after
 * xcatdump_finish(); without "..", "//", trailing "/" and control bytes.
 * Whether they exist is not known.
 */
size_t xcatdump_paths(const struct xcatdump *d);
const char *xcatdump_path(const struct xcatdump *d, size_t i);

#endif
