#ifndef FORMATS_SNAPSHOT_H_
#define FORMATS_SNAPSHOT_H_

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"

/*
 * A snapshot's JSON, the commit point of a backup; xcatvault-vault(5),
 * "Snapshots".  Paths are raw bytes here and catalog text in the file;
 * reports name paths of the snapshot ("/install/x").
 */
#define SNAPSHOT_MAX ((size_t)64 << 20)		/* longest file read */
#define SNAPSHOT_ID_LEN 16			/* hex digits of an id */

struct snapshot_totals {
	uint64_t entries, files, directories, bytes;
	uint64_t new_files, changed_files, unchanged_files;
	uint64_t read_bytes;	/* of contents, in this run */
};

struct snapshot_volume {
	char *path;		/* name in the snapshot, "/install" */
	char *source;		/* where it was read */
	uint8_t root[DIGEST_LEN];	/* of the catalog */
	uint32_t depth;
	int selected;		/* only some paths of that directory */
	struct snapshot_totals totals;
};

struct snapshot_report {
	char *kind;		/* "changed", "vanished", ... */
	char *path;
	char *message;
};

/* One table of the dump of xCAT's database, as proved. */
struct snapshot_table {
	char *name;
	uint64_t rows, columns, bytes;
	uint8_t digest[DIGEST_LEN];	/* of NAME.csv */
};

enum snapshot_dump {
	SNAPSHOT_DUMP_NONE,	/* nobody asked for one */
	SNAPSHOT_DUMP_WHOLE,
	SNAPSHOT_DUMP_WARNED,	/* whole; some of it xCAT cannot restore */
	SNAPSHOT_DUMP_FAILED,	/* not in the snapshot, which is partial */
};

struct snapshot_database {
	enum snapshot_dump dump;
	char *reason;		/* the first thing wrong with it, or NULL */
	int bypass;		/* xcatd was down: made with XCATBYPASS=1 */
	struct snapshot_table *tables;	/* sorted by name */
	size_t ntables;
};

/* The management node that was backed up over ssh; strings or NULL. */
struct snapshot_node {
	char *address;		/* NULL: there was none */
	char *fingerprint;	/* of its host key */
	char *hostname, *os, *arch, *xcat, *engine;
};

struct snapshot {
	char id[SNAPSHOT_ID_LEN + 1];	/* of the file's bytes; not in it */
	char *site;
	char *host;
	char *tool;
	char *previous;		/* id, or NULL */
	char *undoes;		/* kept before an undo put back that one; id,
				   or NULL */
	struct timespec start, end;
	int partial;
	struct snapshot_volume *volumes;
	size_t nvolumes;
	struct snapshot_node node;
	struct snapshot_database database;
	struct snapshot_report *reports;
	size_t nreports;
	uint64_t stored_bytes;	/* added to the vault by this run */
};

/* The proof of a table of its dump; NULL when there is none. */
const struct snapshot_table *snapshot_table_named(const struct snapshot *s,
    const char *name);

/* Set one of its strings to a copy; NULL leaves it as it is. */
int snapshot_set(char **to, const char *from, struct err *e);

/* All zero is a valid empty snapshot. */
void snapshot_fini(struct snapshot *s);

/* Append the JSON and set s->id from it. */
int snapshot_encode(struct buf *out, struct snapshot *s, struct err *e);

/* Parse; s->id is set from the bytes.  ERR_DAMAGED, or ERR_USAGE (newer). */
int snapshot_decode(struct snapshot *s, const void *text, size_t len,
    struct err *e);

/* "2026-11-22T11:42:44.123Z", or without separators for a file's name. */
#define SNAPSHOT_TIME_LEN 32
void snapshot_time_text(const struct timespec *t, int compact,
    char out[SNAPSHOT_TIME_LEN]);

/* Totals by name, in the file's order, for whoever prints them. */
struct snapshot_total_name {
	const char *name;
	size_t offset;		/* of the uint64_t in struct snapshot_totals */
};
extern const struct snapshot_total_name snapshot_total_names[];
extern const size_t snapshot_total_count;

/* "whole", "warned", "failed"; "none". */
const char *snapshot_dump_name(enum snapshot_dump dump);

/* A site's name: 1 to 64 letters, digits, ".", "_", "-"; no leading "." */
int snapshot_valid_site(const char *site);

#endif
