#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/cpu.h"
#include "formats/mtree.h"
#include "formats/pathtext.h"
#include "vault/catalog.h"
#include "vault/deposit.h"
#include "vault/index.h"
#include "vault/intake.h"
#include "vault/snapshots.h"

#define THREADS_MAX 8

/* An entry, encoded, until all are there and can be put into order. */
struct item {
	struct span path;	/* catalog text, as all of these */
	struct span text;
	int is_dir;
};

struct deposit {
	struct vault *vault;
	struct snapshot *snapshot;
	struct snapshot_volume *volume;
	struct store_lock *vault_lock, *site_lock;
	struct index *index;
	struct committer *committer;
	struct catalog_sink *sink;
	struct intake *intake;
	struct catalog_writer *catalog;
	struct timespec now;
	struct arena arena;
	struct item *items;
	size_t nitems, cap;
	struct entry ent;	/* the file begun */
	struct buf path;	/* its path */
	int begun;
};

static int
take_locks(struct deposit *d, struct err *e)
{
	struct store *s = d->vault->store;
	char name[80];

	snprintf(name, sizeof(name), "site-%s", d->snapshot->site);
	if ((d->site_lock = store_lock(s, name, 1, e)) == NULL)
		return (-1);
	d->vault_lock = store_lock(s, "vault", 0, e);
	return (d->vault_lock != NULL ? 0 : -1);
}

static int
find_previous(struct deposit *d, struct err *e)
{
	const struct snapshot_ref *ref;
	struct snapshot_list list;

	if (snapshot_list_load(&list, d->vault, e) == -1)
		return (-1);
	ref = snapshot_list_newest(&list, d->snapshot->site);
	if (ref != NULL)
		d->snapshot->previous = strdup(ref->id);
	if (ref != NULL && d->snapshot->previous == NULL) {
		snapshot_list_fini(&list);
		return (err_nomem(e));
	}
	snapshot_list_fini(&list);
	return (0);
}

static int
new_volume(struct deposit *d, const char *path, struct err *e)
{
	struct snapshot *s = d->snapshot;

	if ((d->volume = calloc(1, sizeof(*d->volume))) == NULL)
		return (err_nomem(e));
	s->volumes = d->volume;
	s->nvolumes = 1;
	d->volume->path = strdup(path);
	d->volume->source = strdup(path);
	if (d->volume->path == NULL || d->volume->source == NULL)
		return (err_nomem(e));
	return (0);
}

static int
open_all(struct deposit *d, const char *path, struct err *e)
{
	struct intake_target to = { .vault = d->vault };

	if (take_locks(d, e) == -1 || find_previous(d, e) == -1 ||
	    new_volume(d, path, e) == -1)
		return (-1);
	clock_gettime(CLOCK_REALTIME, &d->now);
	d->snapshot->start = d->now;
	if ((d->index = index_open(d->vault, INDEX_STRICT, e)) == NULL ||
	    (d->committer = committer_new(d->vault->store, e)) == NULL ||
	    (d->sink = catalog_sink_new(d->vault, d->index, d->committer,
	    e)) == NULL)
		return (-1);
	to.index = d->index;
	to.committer = d->committer;
	to.sink = d->sink;
	d->intake = intake_new(&to, cpu_count(THREADS_MAX), e);
	return (d->intake != NULL ? 0 : -1);
}

void
deposit_free(struct deposit *d)
{
	if (d == NULL)
		return;
	catalog_writer_free(d->catalog);
	intake_free(d->intake);
	catalog_sink_free(d->sink);
	committer_free(d->committer);
	index_free(d->index);
	store_unlock(d->vault_lock);
	store_unlock(d->site_lock);
	arena_fini(&d->arena);
	buf_fini(&d->path);
	free(d->items);
	free(d);
}

struct deposit *
deposit_new(struct vault *v, struct snapshot *s, const char *path,
    struct err *e)
{
	struct deposit *d;

	if (!snapshot_valid_site(s->site)) {
		err_set(e, ERR_USAGE, "%s: no name for a site", s->site);
		return (NULL);
	}
	if ((d = calloc(1, sizeof(*d))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	d->vault = v;
	d->snapshot = s;
	if (open_all(d, path, e) == 0)
		return (d);
	deposit_free(d);
	return (NULL);
}

void
deposit_selected(struct deposit *d)
{
	d->volume->selected = 1;
}

/* ------------------------------------------------------------- the entries */

static int
set_entry(struct deposit *d, const char *name,
    const struct deposit_meta *meta, struct err *e)
{
	struct entry *ent = &d->ent;
	enum entry_type type = ent->type;

	memset(ent, 0, sizeof(*ent));
	ent->type = type;
	ent->mode = type == ENTRY_DIR ? 0700 : 0600;
	ent->mtime = ent->ctime = d->now.tv_sec;
	ent->mtime_ns = ent->ctime_ns = (uint32_t)d->now.tv_nsec;
	ent->nlink = 1;
	if (meta != NULL) {
		ent->mode = meta->mode & 07777;
		ent->uid = meta->uid;
		ent->gid = meta->gid;
		ent->mtime = meta->mtime;
		ent->mtime_ns = meta->mtime_ns;
	}
	buf_clear(&d->path);
	buf_putc(&d->path, '.');
	if (type != ENTRY_DIR || strcmp(name, ".") != 0) {
		buf_putc(&d->path, '/');
		pathtext_encode(&d->path, name, strlen(name));
	}
	if (buf_ok(&d->path, e) == -1)
		return (-1);
	ent->path.p = (const char *)d->path.data;
	ent->path.len = d->path.len;
	if (pathtext_is_path(ent->path.p, ent->path.len))
		return (0);
	return (err_set(e, ERR_USAGE, "%s: no name in a snapshot", name));
}

static struct item *
new_item(struct deposit *d, struct err *e)
{
	struct item *items;
	size_t cap = d->cap * 2 + 16;

	if (d->nitems == d->cap) {
		items = realloc(d->items, cap * sizeof(*items));
		if (items == NULL) {
			err_nomem(e);
			return (NULL);
		}
		d->items = items;
		d->cap = cap;
	}
	return (&d->items[d->nitems++]);
}

static int
keep_span(struct deposit *d, struct span *sp, const void *p, size_t len,
    struct err *e)
{
	sp->len = len;
	sp->p = arena_copy(&d->arena, p, len);
	return (sp->p != NULL ? 0 : err_nomem(e));
}

static int
keep_entry(struct deposit *d, struct err *e)
{
	struct buf text = BUF_INIT;
	struct item *it;
	int rc = -1;

	mtree_encode(&text, &d->ent);
	if (buf_ok(&text, e) == 0 && (it = new_item(d, e)) != NULL) {
		it->is_dir = d->ent.type == ENTRY_DIR;
		rc = keep_span(d, &it->text, text.data, text.len, e);
		if (rc == 0)
			rc = keep_span(d, &it->path, d->path.data,
			    d->path.len, e);
	}
	buf_fini(&text);
	return (rc);
}

int
deposit_dir(struct deposit *d, const char *name,
    const struct deposit_meta *meta, struct err *e)
{
	d->ent.type = ENTRY_DIR;
	if (set_entry(d, name, meta, e) == -1)
		return (-1);
	return (keep_entry(d, e));
}

int
deposit_begin(struct deposit *d, const char *name,
    const struct deposit_meta *meta, struct err *e)
{
	d->ent.type = ENTRY_FILE;
	if (set_entry(d, name, meta, e) == -1)
		return (-1);
	intake_begin(d->intake);
	return (0);
}

int
deposit_write(struct deposit *d, const void *p, size_t len, struct err *e)
{
	return (intake_write(d->intake, p, len, e));
}

int
deposit_cut(struct deposit *d, struct err *e)
{
	return (intake_cut(d->intake, e));
}

int
deposit_end(struct deposit *d, struct deposit_sum *sum, struct err *e)
{
	struct snapshot_totals *t = &d->volume->totals;
	struct entry *ent = &d->ent;

	if (intake_end(d->intake, ent, e) == -1 || keep_entry(d, e) == -1)
		return (-1);
	if (sum != NULL) {
		sum->bytes = ent->size;
		memcpy(sum->digest, ent->digest, DIGEST_LEN);
	}
	t->files++;
	t->new_files++;
	t->bytes += ent->size;
	t->read_bytes += ent->size;
	return (0);
}

/* -------------------------------------------------------------- the catalog */

static int
compare_items(const void *pa, const void *pb)
{
	const struct item *a = pa, *b = pb;

	return (pathtext_compare(a->path.p, a->path.len, b->path.p,
	    b->path.len));
}

static int
is_within(const struct span *path, const char *top, size_t len)
{
	return (path->len >= len && memcmp(path->p, top, len) == 0 &&
	    (path->len == len || path->p[len] == '/'));
}

/* One that nobody gave. */
static int
write_dir(struct deposit *d, const char *path, size_t len, struct err *e)
{
	struct entry ent = { .type = ENTRY_DIR, .mode = 0700, .nlink = 1 };
	struct buf line = BUF_INIT;
	struct span text;
	int rc;

	ent.path.p = path;
	ent.path.len = len;
	ent.mtime = ent.ctime = d->now.tv_sec;
	ent.mtime_ns = ent.ctime_ns = (uint32_t)d->now.tv_nsec;
	mtree_encode(&line, &ent);
	text.p = (const char *)line.data;
	text.len = line.len;
	if ((rc = buf_ok(&line, e)) == 0)
		rc = catalog_writer_add(d->catalog, &text, &ent.path, e);
	buf_fini(&line);
	d->volume->totals.entries++;
	d->volume->totals.directories++;
	return (rc);
}

/* The directories above a path that the one before it, prev, is not below. */
static int
write_above(struct deposit *d, const struct span *path,
    const struct item *prev, struct err *e)
{
	size_t n;

	for (n = 1; n < path->len; n++) {
		if (path->p[n] != '/' || (prev != NULL &&
		    is_within(&prev->path, path->p, n)))
			continue;
		if (write_dir(d, path->p, n, e) == -1)
			return (-1);
	}
	return (0);
}

static int
name_twice(const struct span *path, struct err *e)
{
	struct buf raw = BUF_INIT;

	(void)pathtext_decode(&raw, path->p, path->len);
	err_set(e, ERR_USAGE, "%.300s: given twice for one snapshot",
	    buf_cstr(&raw) + 2);
	buf_fini(&raw);
	return (-1);
}

static int
write_catalog(struct deposit *d, struct err *e)
{
	const struct item *it, *prev = NULL;
	size_t i, n = d->nitems;

	if (n > 0)
		qsort(d->items, n, sizeof(*d->items), compare_items);
	for (i = 0; i < n; i++, prev = it) {
		it = &d->items[i];
		if (prev != NULL && is_within(&it->path, prev->path.p,
		    prev->path.len) && (!prev->is_dir ||
		    it->path.len == prev->path.len))
			return (name_twice(&prev->path, e));
		if (write_above(d, &it->path, prev, e) == -1)
			return (-1);
		d->volume->totals.entries++;
		d->volume->totals.directories += it->is_dir != 0;
		if (catalog_writer_add(d->catalog, &it->text, &it->path,
		    e) == -1)
			return (-1);
	}
	return (n > 0 ? 0 : write_dir(d, ".", 1, e));
}

int
deposit_commit(struct deposit *d, struct err *e)
{
	struct snapshot *s = d->snapshot;

	if ((d->catalog = catalog_writer_new(d->sink, e)) == NULL ||
	    write_catalog(d, e) == -1 ||
	    catalog_writer_finish(d->catalog, d->volume->root,
	    &d->volume->depth, e) == -1 ||
	    intake_commit(d->intake, e) == -1 ||
	    catalog_sink_commit(d->sink, e) == -1 ||
	    committer_finish(d->committer, e) == -1)
		return (-1);
	s->stored_bytes = committer_bytes(d->committer);
	clock_gettime(CLOCK_REALTIME, &s->end);
	return (snapshot_save(s, d->vault, e));
}

int
deposit_store(struct vault *v, struct snapshot *s, const char *path,
    const struct deposit_file *files, size_t n, struct err *e)
{
	struct deposit *d;
	size_t i;
	int rc = -1;

	if ((d = deposit_new(v, s, path, e)) == NULL)
		return (-1);
	for (i = 0; i < n; i++)
		if (deposit_begin(d, files[i].name, NULL, e) == -1 ||
		    deposit_write(d, files[i].data, files[i].len, e) == -1 ||
		    deposit_end(d, NULL, e) == -1)
			goto out;
	rc = deposit_commit(d, e);
out:
	deposit_free(d);
	return (rc);
}
