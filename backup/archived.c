#include <stdio.h>
#include <string.h>

#include "backup/archived.h"
#include "remote/node/dump.h"
#include "vault/catalog.h"

static const struct snapshot_table *
find_table(const struct snapshot_database *d, const struct span *path)
{
	const struct snapshot_table *t;
	size_t i, n;

	for (i = 0; i < d->ntables; i++) {
		t = &d->tables[i];
		n = strlen(t->name);
		if (path->len == n + 6 && memcmp(path->p, "./", 2) == 0 &&
		    memcmp(path->p + 2, t->name, n) == 0 &&
		    memcmp(path->p + 2 + n, ".csv", 4) == 0)
			return (t);
	}
	return (NULL);
}

static int
check_entries(struct catalog_reader *c, const struct snapshot_database *d,
    struct err *e)
{
	const struct snapshot_table *t;
	struct entry ent;
	size_t found = 0;
	int rc;

	while ((rc = catalog_reader_next(c, &ent, e)) == 1) {
		if (ent.path.len == 1)
			continue;
		t = find_table(d, &ent.path);
		if (t == NULL || ent.type != ENTRY_FILE ||
		    ent.size != t->bytes ||
		    memcmp(ent.digest, t->digest, DIGEST_LEN) != 0)
			return (err_set(e, ERR_FAILED, "%.*s in " DUMP_TARGET
			    " is not what was proved: somebody else writes "
			    "there", (int)ent.path.len, ent.path.p));
		found++;
	}
	if (rc == -1)
		return (-1);
	if (found != d->ntables)
		return (err_set(e, ERR_FAILED, DUMP_TARGET " held %zu of %zu "
		    "tables when it was stored: somebody else writes there",
		    found, d->ntables));
	return (0);
}

int
archived_dump(struct backup_run *r, const struct snapshot_database *d,
    struct err *e)
{
	const struct snapshot *s = backup_run_snapshot(r);
	const struct snapshot_volume *v = NULL;
	struct catalog_reader *c;
	struct index *ix;
	size_t i;
	int rc;

	for (i = 0; i < s->nvolumes; i++)
		if (strcmp(s->volumes[i].path, DUMP_TARGET) == 0)
			v = &s->volumes[i];
	if (v == NULL)
		return (err_set(e, ERR_FAILED, DUMP_TARGET " is not among "
		    "the volumes"));
	if ((ix = backup_run_index(r, e)) == NULL ||
	    (c = catalog_reader_new(backup_run_vault(r), ix, v->root,
	    v->depth, NULL, 0, e)) == NULL)
		return (-1);
	rc = check_entries(c, d, e);
	catalog_reader_free(c);
	return (rc);
}
