#ifndef VAULT_SNAPSHOTS_H_
#define VAULT_SNAPSHOTS_H_

#include <stddef.h>

#include "base/err.h"
#include "formats/snapshot.h"
#include "vault/vault.h"

/* The snapshots of a vault, by the names of their files. */
#define SNAPSHOT_WHEN_LEN 20	/* "20261122T114244.123Z" */

struct snapshot_ref {
	char site[65];
	char when[SNAPSHOT_WHEN_LEN + 1];
	char id[SNAPSHOT_ID_LEN + 1];
};

struct snapshot_list {
	struct snapshot_ref *refs;	/* oldest first */
	size_t n;
};

/* All of them; free with snapshot_list_fini(). */
int snapshot_list_load(struct snapshot_list *l, struct vault *v,
    struct err *e);
void snapshot_list_fini(struct snapshot_list *l);

/*
 * What a user calls a snapshot: "latest" (those of a "SITE.undo" and of an
 * "IMAGE.osimage" aside), a site, SITE@TIME (the newest at or before), or the
 * beginning of an id.  ERR_USAGE when there is none or more than one.
 */
const struct snapshot_ref *snapshot_list_find(const struct snapshot_list *l,
    const char *name, struct err *e);

/* The newest of a site, or NULL. */
const struct snapshot_ref *snapshot_list_newest(const struct snapshot_list *l,
    const char *site);

/* Read one and prove it by the id in its name. */
int snapshot_load(struct snapshot *s, struct vault *v,
    const struct snapshot_ref *ref, struct err *e);

/* The two above in one. */
int snapshot_open(struct snapshot *s, struct vault *v, const char *name,
    struct err *e);

/* Commit: write it; sets s->id.  Durable on return. */
int snapshot_save(struct snapshot *s, struct vault *v, struct err *e);

/* The volume whose path holds the given absolute path; NULL when none. */
const struct snapshot_volume *snapshot_volume_of(const struct snapshot *s,
    const char *path);

#endif
