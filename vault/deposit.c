#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/digest.h"
#include "formats/cutter.h"
#include "formats/mtree.h"
#include "formats/pathtext.h"
#include "vault/catalog.h"
#include "vault/deposit.h"
#include "vault/idset.h"
#include "vault/index.h"
#include "vault/pack.h"
#include "vault/snapshots.h"
#include "vault/tree.h"

struct deposit {
	struct vault *vault;
	struct snapshot *snapshot;
	struct store_lock *vault_lock, *site_lock;
	struct index *index;
	struct committer *committer;
	struct catalog_sink *sink;
	struct pack_writer *writer;
	struct catalog_writer *catalog;
	struct idset *stored;
	struct digest *digest;
	struct cutter cutter;
	struct timespec now;
};

/* The ids of a file's blobs, in a line or in a tree. */
struct cuts {
	struct buf ids;
	struct tree_writer tree;
	size_t n;
	int in_tree;
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
open_all(struct deposit *d, struct err *e)
{
	const struct vaultmeta *m = &d->vault->meta;

	if (take_locks(d, e) == -1 || find_previous(d, e) == -1)
		return (-1);
	d->stored = idset_new();
	d->digest = digest_new();
	if (d->stored == NULL || d->digest == NULL)
		return (err_nomem(e));
	cutter_init(&d->cutter, m->cut_min, m->cut_avg, m->cut_max);
	clock_gettime(CLOCK_REALTIME, &d->now);
	d->snapshot->start = d->now;
	if ((d->index = index_open(d->vault, INDEX_STRICT, e)) == NULL ||
	    (d->committer = committer_new(d->vault->store, e)) == NULL ||
	    (d->sink = catalog_sink_new(d->vault, d->index, d->committer,
	    e)) == NULL ||
	    (d->writer = pack_writer_new(d->vault, PACK_DATA, d->committer,
	    e)) == NULL ||
	    (d->catalog = catalog_writer_new(d->sink, e)) == NULL)
		return (-1);
	return (0);
}

static void
close_all(struct deposit *d)
{
	catalog_writer_free(d->catalog);
	pack_writer_free(d->writer);
	catalog_sink_free(d->sink);
	committer_free(d->committer);
	index_free(d->index);
	idset_free(d->stored);
	digest_free(d->digest);
	store_unlock(d->vault_lock);
	store_unlock(d->site_lock);
}

/* A vault that has lost blobs is not leaned on: they are stored anew. */
static int
put_blob(struct deposit *d, const uint8_t *p, size_t len,
    uint8_t id[DIGEST_LEN], struct err *e)
{
	struct blob_loc loc;
	uint8_t *to;
	int rc;

	digest_bytes(d->digest, p, len, id);
	if ((rc = idset_add(d->stored, id)) == -1)
		return (err_nomem(e));
	if (rc == 0)
		return (0);
	if (!index_damaged(d->index) &&
	    (rc = index_find(d->index, PACK_DATA, id, &loc, e)) != 0)
		return (rc == 1 ? 0 : -1);
	if ((to = pack_writer_reserve(d->writer, len, e)) == NULL)
		return (-1);
	memcpy(to, p, len);
	return (pack_writer_add(d->writer, id, len, e));
}

static int
add_to_tree(struct cuts *c, const uint8_t id[DIGEST_LEN], size_t len,
    struct err *e)
{
	char label[24];
	int n;

	n = snprintf(label, sizeof(label), "%zu", len);
	return (tree_writer_add(&c->tree, id, label, (size_t)n, e));
}

static int
put_cuts(struct deposit *d, struct cuts *c, const struct deposit_file *f,
    struct err *e)
{
	const uint8_t *p = f->data;
	size_t left = f->len, n;
	uint8_t id[DIGEST_LEN];

	for (; left > 0; p += n, left -= n) {
		n = cutter_next(&d->cutter, p, left, 1);
		if (put_blob(d, p, n, id, e) == -1)
			return (-1);
		if (c->in_tree && add_to_tree(c, id, n, e) == -1)
			return (-1);
		if (c->n++ > 0)
			buf_putc(&c->ids, ' ');
		digest_put(&c->ids, id);
	}
	return (buf_ok(&c->ids, e));
}

/* So large that its blobs may be more than a line of the catalog takes. */
static int
wants_tree(const struct deposit *d, const struct deposit_file *f)
{
	size_t left = f->len, n, count = 0;
	const uint8_t *p = f->data;

	for (; left > 0 && count <= ENTRY_INLINE_BLOBS; count++) {
		n = cutter_next(&d->cutter, p, left, 1);
		p += n;
		left -= n;
	}
	return (count > ENTRY_INLINE_BLOBS);
}

static int
put_contents(struct deposit *d, struct entry *ent, struct cuts *c,
    const struct deposit_file *f, struct err *e)
{
	uint8_t id[DIGEST_LEN];

	ent->size = f->len;
	digest_bytes(d->digest, f->data, f->len, ent->digest);
	if (f->len == 0)
		return (0);
	if (f->len <= d->vault->meta.cut_min)
		return (put_blob(d, f->data, f->len, id, e));
	if ((c->in_tree = wants_tree(d, f)) != 0)
		tree_writer_init(&c->tree, TREE_LIST, catalog_sink_put,
		    d->sink);
	if (put_cuts(d, c, f, e) == -1)
		return (-1);
	if (c->in_tree)
		return (tree_writer_finish(&c->tree, 1, ent->list,
		    &ent->list_depth, e));
	if (c->n > 1) {
		ent->blobs.p = (const char *)c->ids.data;
		ent->blobs.len = c->ids.len;
	}
	return (0);
}

static int
put_entry(struct deposit *d, struct entry *ent, struct err *e)
{
	struct buf line = BUF_INIT;
	struct span text;
	int rc;

	ent->mtime = ent->ctime = d->now.tv_sec;
	ent->mtime_ns = ent->ctime_ns = (uint32_t)d->now.tv_nsec;
	ent->nlink = 1;
	mtree_encode(&line, ent);
	text.p = (const char *)line.data;
	text.len = line.len;
	if ((rc = buf_ok(&line, e)) == 0)
		rc = catalog_writer_add(d->catalog, &text, &ent->path, e);
	buf_fini(&line);
	return (rc);
}

static int
put_file(struct deposit *d, const struct deposit_file *f,
    struct snapshot_totals *t, struct err *e)
{
	struct entry ent = { .type = ENTRY_FILE, .mode = 0600 };
	struct buf path = BUF_INIT;
	struct cuts c;
	int rc;

	memset(&c, 0, sizeof(c));
	buf_puts(&path, "./");
	pathtext_encode(&path, f->name, strlen(f->name));
	if ((rc = buf_ok(&path, e)) == 0)
		rc = put_contents(d, &ent, &c, f, e);
	if (rc == 0) {
		ent.path.p = (const char *)path.data;
		ent.path.len = path.len;
		rc = put_entry(d, &ent, e);
	}
	if (c.in_tree)
		tree_writer_fini(&c.tree);
	buf_fini(&c.ids);
	buf_fini(&path);
	t->entries++;
	t->files++;
	t->new_files++;
	t->bytes += f->len;
	t->read_bytes += f->len;
	return (rc);
}

static int
compare_files(const void *pa, const void *pb)
{
	const struct deposit_file *const *a = pa, *const *b = pb;

	return (strcmp((*a)->name, (*b)->name));
}

static int
put_all(struct deposit *d, struct snapshot_volume *vol,
    const struct deposit_file *files, size_t n, struct err *e)
{
	struct entry root = { .type = ENTRY_DIR, .mode = 0700 };
	const struct deposit_file **order;
	size_t i;
	int rc = 0;

	if ((order = calloc(n + 1, sizeof(*order))) == NULL)
		return (err_nomem(e));
	for (i = 0; i < n; i++)
		order[i] = &files[i];
	qsort(order, n, sizeof(*order), compare_files);
	root.path.p = ".";
	root.path.len = 1;
	vol->totals.entries = vol->totals.directories = 1;
	rc = put_entry(d, &root, e);
	for (i = 0; i < n && rc == 0; i++)
		rc = put_file(d, order[i], &vol->totals, e);
	free(order);
	return (rc);
}

static struct snapshot_volume *
new_volume(struct snapshot *s, const char *path, struct err *e)
{
	struct snapshot_volume *v;

	if ((v = calloc(1, sizeof(*v))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	s->volumes = v;
	s->nvolumes = 1;
	v->path = strdup(path);
	v->source = strdup(path);
	if (v->path != NULL && v->source != NULL)
		return (v);
	err_nomem(e);
	return (NULL);
}

/* Contents, catalog, names durable, then the snapshot that leans on them. */
static int
store_all(struct deposit *d, const char *path,
    const struct deposit_file *files, size_t n, struct err *e)
{
	struct snapshot *s = d->snapshot;
	struct snapshot_volume *vol;

	if ((vol = new_volume(s, path, e)) == NULL ||
	    put_all(d, vol, files, n, e) == -1 ||
	    catalog_writer_finish(d->catalog, vol->root, &vol->depth,
	    e) == -1 ||
	    pack_writer_commit(d->writer, e) == -1 ||
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
	struct deposit d = { .vault = v, .snapshot = s };
	int rc = -1;

	if (!snapshot_valid_site(s->site))
		return (err_set(e, ERR_USAGE, "%s: no name for a site",
		    s->site));
	if (open_all(&d, e) == 0)
		rc = store_all(&d, path, files, n, e);
	close_all(&d);
	return (rc);
}
