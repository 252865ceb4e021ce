#include <stdio.h>
#include <string.h>

#include "backup/archived.h"
#include "remote/node/dump.h"
#include "vault/catalog.h"

/* Where the stored dump lies: a volume, and a path of its catalog. */
struct place {
	const struct snapshot_volume *volume;
	struct span top;
};

static int
find_place(const struct snapshot *s, struct place *p, struct err *e)
{
	static const struct span whole = { ".", 1 };
	static const struct span below = { "." DUMP_TARGET,
	    sizeof(DUMP_TARGET) };
	size_t i;

	p->volume = NULL;
	for (i = 0; i < s->nvolumes; i++) {
		if (strcmp(s->volumes[i].path, DUMP_TARGET) == 0)
			p->top = whole;
		else if (strcmp(s->volumes[i].path, "/") == 0 &&
		    !s->volumes[i].selected)
			p->top = below;
		else
			continue;
		p->volume = &s->volumes[i];
		break;
	}
	if (p->volume == NULL)
		return (err_set(e, ERR_FAILED, DUMP_TARGET " is not among "
		    "the volumes"));
	return (0);
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
	struct place place;
	struct catalog_reader *c;
	struct index *ix;
	int rc;

	if (find_place(backup_run_snapshot(r), &place, e) == -1 ||
	    (ix = backup_run_index(r, e)) == NULL ||
	    (c = catalog_reader_new(backup_run_vault(r), ix,
	    place.volume->root, place.volume->depth, &place.top, 0, e)) ==
	    NULL)
		return (-1);
	rc = check_entries(c, &place.top, d, e);
	catalog_reader_free(c);
	return (rc);
}
