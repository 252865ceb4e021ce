#ifndef VAULT_DEPOSIT_H_
#define VAULT_DEPOSIT_H_

#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "formats/snapshot.h"
#include "vault/vault.h"

/*
 * Files stored as a snapshot of their own, beside those of the nights: their
 * bytes arrive in sequence, in any quantity, and are cut, digested,
 * compressed and written on all cores in bounded memory.  Whatever the vault
 * has already is not stored again.
 *
 *	d = deposit_new(vault, &snapshot, "/path", e);
 *	deposit_begin(d, "a/b", NULL, e);	(once for each file)
 *	deposit_write(d, p, len, e);		(as often as need be)
 *	deposit_end(d, &sum, e);
 *	deposit_commit(d, e);
 *	deposit_free(d);
 *
 * One thread calls.  After a failure there is only deposit_free().
 */
struct deposit;

/* What is known of an entry besides its contents. */
struct deposit_meta {
	uint32_t mode;		/* permission bits, 07777 */
	uint32_t uid, gid;
	int64_t mtime;		/* seconds */
	uint32_t mtime_ns;
};

/* Of a whole file. */
struct deposit_sum {
	uint64_t bytes;
	uint8_t digest[DIGEST_LEN];
};

/*
 * Begin the snapshot, of one volume "path", whose directory is the first
 * entry.  The caller has set s->site, and may set host, tool, node, database,
 * reports and partial until the commit; the rest is filled in: times,
 * previous, volumes, id.  s must outlive the deposit; without a commit it is
 * only good for snapshot_fini().
 *
 * Locks are taken as a backup of that site takes them: ERR_BUSY while one
 * runs, or prune.  They are held until deposit_free().
 */
struct deposit *deposit_new(struct vault *v, struct snapshot *s,
    const char *path, struct err *e);

/*
 * Give up what is not committed: no snapshot is left, and what was stored
 * for it is dropped, or leaned on by whoever stores the same next.
 */
void deposit_free(struct deposit *d);

/*
 * Only some of what the directory "path" has is stored, as by a backup of a
 * selection of paths: a restore then leaves the rest of it alone.
 */
void deposit_selected(struct deposit *d);

/*
 * A directory below the volume's, "a/b", or with "." the volume's own.
 * Directories on the way to a name that are not given are root's, with mode
 * 0700; meta NULL says the same.  A name may be given once, whatever it is of:
 * twice is ERR_USAGE, as are "..", "." within it, and an absolute one.
 */
int deposit_dir(struct deposit *d, const char *name,
    const struct deposit_meta *meta, struct err *e);

/* Begin a file.  meta NULL: mode 0600, root's, the time of the deposit. */
int deposit_begin(struct deposit *d, const char *name,
    const struct deposit_meta *meta, struct err *e);

/* The next bytes of the file begun. */
int deposit_write(struct deposit *d, const void *p, size_t len,
    struct err *e);

/*
 * Begin a new blob here.  What follows, up to the next such place, is then
 * cut as a file of its own would be, and shares its blobs with that file.
 */
int deposit_cut(struct deposit *d, struct err *e);

/* End the file begun.  sum: what it came to; may be NULL. */
int deposit_end(struct deposit *d, struct deposit_sum *sum, struct err *e);

/*
 * Contents, catalog and names made durable, then the snapshot that leans on
 * them; durable on return.  s->stored_bytes is what the vault has grown by.
 */
int deposit_commit(struct deposit *d, struct err *e);

/* All of that for a handful of files that are in memory. */
struct deposit_file {
	const char *name;	/* as deposit_begin() takes it */
	const void *data;
	size_t len;
};
int deposit_store(struct vault *v, struct snapshot *s, const char *path,
    const struct deposit_file *files, size_t n, struct err *e);

#endif
