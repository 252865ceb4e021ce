#include <stdio.h>
#include <string.h>

#include "backup/archived.h"
#include "remote/node/dump.h"
#include "vault/catalog.h"

/* The volume that the stored dump lies in, and its path there; or NULL. */
static const struct snapshot_volume *
find_place(const struct snapshot *s, struct span *top)
{
	static const struct span whole = { ".", 1 };
	static const struct span inner = { "." DUMP_TARGET,
	    sizeof(DUMP_TARGET) };
	const struct snapshot_volume *v;
	size_t i;

	for (i = 0; i < s->nvolumes; i++) {
		v = &s->volumes[i];
		*top = whole;
		if (strcmp(v->path, DUMP_TARGET) == 0)
			return (v);
		*top = inner;
		if (strcmp(v->path, "/") == 0 && !v->selected)
			return (v);
	}
	return (NULL);
}

/* What follows "DIR/" in a path; len 0: it is not below. */
static struct span
below(const struct span *path, const struct span *dir)
{
	struct span rest = { "", 0 };

	if (path->len > dir->len && path->p[dir->len] == '/' &&
	    memcmp(path->p, dir->p, dir->len) == 0) {
		rest.p = path->p + dir->len + 1;
		rest.len = path->len - dir->len - 1;
	}
	return (rest);
}

static const struct snapshot_table *
find_table(const struct snapshot_database *d, const struct span *name)
{
	const struct snapshot_table *t;
	size_t i, n;

	for (i = 0; i < d->ntables; i++) {
		t = &d->tables[i];
		n = strlen(t->name);
		if (name->len == n + 4 && memcmp(name->p, t->name, n) == 0 &&
		    memcmp(name->p + n, ".csv", 4) == 0)
			return (t);
	}
	return (NULL);
}

static int
check_entries(struct catalog_reader *c, const struct span *top,
    const struct snapshot_database *d, struct err *e)
{
	const struct snapshot_table *t;
	struct entry ent;
	struct span name;
	size_t found = 0;
	int rc, there = 0;

	/* What lies in a directory comes right behind it. */
	while ((rc = catalog_reader_next(c, &ent, e)) == 1) {
		name = below(&ent.path, top);
		if (name.len == 0 && there)
			break;
		if (name.len == 0) {
			there = ent.path.len == top->len &&
			    memcmp(ent.path.p, top->p, top->len) == 0;
			continue;
		}
		t = find_table(d, &name);
		if (t == NULL || ent.type != ENTRY_FILE ||
		    ent.size != t->bytes ||
		    memcmp(ent.digest, t->digest, DIGEST_LEN) != 0)
			return (err_set(e, ERR_FAILED, "%.*s in " DUMP_TARGET
			    " is not what was proved: somebody else writes "
			    "there", (int)name.len, name.p));
		found++;
	}
	if (rc == -1)
		return (-1);
	if (found != d->ntables)
		return (err_set(e, ERR_FAILED, DUMP_TARGET " held %zu of %zu "
		    "tables when it was stored: they are excluded, or "
		    "somebody else writes there", found, d->ntables));
	return (0);
}

int
archived_dump(struct backup_run *r, const struct snapshot_database *d,
    struct err *e)
{
	const struct snapshot_volume *v;
	struct span top;
	struct catalog_reader *c;
	struct index *ix;
	int rc;

	if ((v = find_place(backup_run_snapshot(r), &top)) == NULL)
		return (err_set(e, ERR_FAILED, DUMP_TARGET " is not among "
		    "the volumes"));
	if ((ix = backup_run_index(r, e)) == NULL ||
	    (c = catalog_reader_new(backup_run_vault(r), ix, v->root,
	    v->depth, &top, 0, e)) == NULL)
		return (-1);
	rc = check_entries(c, &top, d, e);
	catalog_reader_free(c);
	return (rc);
}
