#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/merge.h"
#include "backup/present.h"
#include "backup/read.h"
#include "base/cancel.h"
#include "base/cli.h"
#include "formats/pathtext.h"
#include "remote/node/node.h"

#define DEPTH_SPARE 12		/* batches under way besides the workers' */

struct merge {
	struct pool *pool;
	const struct merge_options *opt;
	struct snapshot_totals *totals;
	struct walk *walk;	/* of this host */
	struct listing *listing;	/* or of a node */
	const char *root;	/* of the listing, on the node */
	struct links *links;
	struct catalog_writer *writer;
	struct batch *batch;	/* being filled, or NULL */
	int volume;		/* descriptor of the root */

	struct catalog_reader *old;	/* NULL: nothing to compare with */
	struct present *present;	/* when the vault has lost blobs */
	struct catalog_leaf *leaf;	/* being compared, or NULL */
	struct scan scan;		/* the rest of it */
	struct entry ent;		/* the entry before scan */
	int have;		/* ent is still to be compared */
	int intact;		/* all of the leaf so far is unchanged */
	const char *run;	/* unchanged text not yet in a batch */
	struct span first, last;	/* paths in the leaf */
	int told;		/* that the old catalog is damaged */
};

/* Write down one entry. */
static int
put_entry(struct merge *m, const struct entry *ent, struct err *e)
{
	struct buf line = BUF_INIT;
	struct span text;
	int rc;

	mtree_encode(&line, ent);
	text.p = (const char *)line.data;
	text.len = line.len;
	rc = buf_ok(&line, e);
	if (rc == 0)
		rc = catalog_writer_add(m->writer, &text, &ent->path, e);
	buf_fini(&line);
	return (rc);
}

static int
put_text(struct merge *m, const struct span *text, struct err *e)
{
	struct scan s = mtree_scan(text);
	struct span one, path;

	while (mtree_skip(&s, &one, &path))
		if (catalog_writer_add(m->writer, &one, &path, e) == -1)
			return (-1);
	return (0);
}

static int
put_leaf(struct merge *m, const struct item *it, struct err *e)
{
	int rc;

	rc = catalog_writer_add_leaf(m->writer, it->leaf->id, it->text.len,
	    &it->first, &it->last, e);
	if (rc == 0)
		return (put_text(m, &it->text, e));
	return (rc == 1 ? 0 : -1);
}

static void
count(struct merge *m, enum entry_type type, uint64_t size,
    enum item_change change)
{
	m->totals->entries++;
	if (type == ENTRY_DIR)
		m->totals->directories++;
	if (type != ENTRY_FILE)
		return;
	m->totals->files++;
	m->totals->bytes += size;
	if (change == ITEM_NEW)
		m->totals->new_files++;
	else if (change == ITEM_CHANGED)
		m->totals->changed_files++;
	else
		m->totals->unchanged_files++;
}

static int
put_item(struct merge *m, struct item *it, struct err *e)
{
	if (it->kind == ITEM_LEAF)
		return (put_leaf(m, it, e));
	if (it->kind == ITEM_TEXT)
		return (put_text(m, &it->text, e));
	if (it->failed)
		return (0);
	if (it->set != NULL && it->leads &&
	    link_set_learn(it->set, &it->ent, e) == -1)
		return (-1);
	if (it->set != NULL && !it->leads && it->change != ITEM_SAME &&
	    link_set_give(it->set, &it->ent) == -1) {
		pool_report(m->pool, "unreadable", &it->ent.path,
		    "the same file's first name could not be read");
		return (0);
	}
	count(m, it->ent.type, it->ent.size, it->change);
	return (put_entry(m, &it->ent, e));
}

static int
put_batch(struct merge *m, struct batch *b, struct err *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < b->n && rc == 0; i++)
		rc = put_item(m, &b->items[i], e);
	batch_free(b);
	return (rc);
}

/* Write down what is done, and wait until at most "most" is under way. */
static int
drain(struct merge *m, unsigned most, struct err *e)
{
	struct batch *b;

	while ((b = pool_take(m->pool, pool_depth(m->pool) > most,
	    e)) != NULL)
		if (put_batch(m, b, e) == -1)
			return (-1);
	return (e->kind == ERR_NONE ? 0 : -1);
}

static int
submit(struct merge *m, struct err *e)
{
	struct batch *b = m->batch;

	m->batch = NULL;
	if (b == NULL)
		return (0);
	if (pool_submit(m->pool, b, e) == -1)
		return (-1);
	return (drain(m, m->pool->nthreads + DEPTH_SPARE, e));
}

/* The next item of the open batch. */
static struct item *
add_item(struct merge *m, enum item_kind kind, struct err *e)
{
	if (m->batch != NULL && batch_full(m->batch) && submit(m, e) == -1)
		return (NULL);
	if (m->batch == NULL &&
	    (m->batch = batch_new(m->volume, m->root)) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	return (batch_add(m->batch, kind));
}

/* Unchanged text before p goes on; the leaf is not whole any more. */
static int
flush_run(struct merge *m, const char *p, struct err *e)
{
	struct item *it;

	if (p == m->run)
		return (0);
	if ((it = add_item(m, ITEM_TEXT, e)) == NULL)
		return (-1);
	it->text.len = (size_t)(p - m->run);
	it->text.p = arena_copy(&m->batch->arena, m->run, it->text.len);
	if (it->text.p == NULL)
		return (err_nomem(e));
	m->run = p;
	m->intact = 0;
	return (0);
}

/* The leaf has been compared to its end. */
static int
finish_leaf(struct merge *m, struct err *e)
{
	struct item *it;

	if (m->leaf == NULL)
		return (0);
	if (!m->intact) {
		if (flush_run(m, m->scan.end, e) == -1)
			return (-1);
		catalog_leaf_free(m->leaf);
		m->leaf = NULL;
		return (0);
	}
	if ((it = add_item(m, ITEM_LEAF, e)) == NULL)
		return (-1);
	it->leaf = m->leaf;
	it->text.p = m->run;
	it->text.len = (size_t)(m->scan.end - m->run);
	it->first = m->first;
	it->last = m->last;
	m->batch->kept += it->text.len;
	m->leaf = NULL;
	return (0);
}

/* The old catalog has lost this leaf: its entries are read as if new. */
static void
skip_lost_leaf(struct merge *m, struct catalog_leaf *leaf)
{
	if (!m->told)
		cli_warn("the last snapshot's catalog is damaged; reading "
		    "again what it does not tell: %s", leaf->err.msg);
	m->told = 1;
	catalog_leaf_free(leaf);
}

/* Have ent be the next old entry; m->have stays 0 at the end. */
static int
advance(struct merge *m, struct err *e)
{
	struct catalog_leaf *leaf;
	struct err why;
	int rc;

	while (!m->have && m->old != NULL) {
		if (m->leaf != NULL) {
			rc = mtree_decode(&m->scan, &m->ent, &why);
			if (rc == -1) {
				/* Proved by its digest: only by a bug. */
				*e = why;
				return (-1);
			}
			if (rc == 1) {
				m->have = 1;
				if (m->first.len == 0)
					m->first = m->ent.path;
				m->last = m->ent.path;
				return (0);
			}
			if (finish_leaf(m, e) == -1)
				return (-1);
		}
		if ((leaf = catalog_reader_leaf(m->old)) == NULL)
			return (0);
		if (leaf->err.kind != ERR_NONE) {
			skip_lost_leaf(m, leaf);
			continue;
		}
		m->leaf = leaf;
		m->scan.p = m->run = (const char *)leaf->text.data;
		m->scan.end = m->scan.p + leaf->text.len;
		m->first.len = 0;
		m->intact = 1;
	}
	return (0);
}

/* The old entry does not go on as it is. */
static int
drop_old(struct merge *m, struct err *e)
{
	if (flush_run(m, m->ent.text.p, e) == -1)
		return (-1);
	m->run = m->ent.text.p + m->ent.text.len;
	m->intact = 0;
	m->have = 0;
	return (0);
}

static int
same_times(const struct merge *m, const struct entry *ent,
    const struct walk_stat *st)
{
	if (ent->mtime != st->mtime || ent->mtime_ns != st->mtime_ns)
		return (0);
	/* ino 0: read_distrust() */
	if (ent->ino == 0 || (!m->opt->ignore_inode && ent->ino != st->ino))
		return (0);
	return (m->opt->ignore_ctime ||
	    (ent->ctime == st->ctime && ent->ctime_ns == st->ctime_ns));
}

static int
unchanged(struct merge *m, const struct entry *ent,
    const struct walk_stat *st)
{
	struct entry now;

	now.type = ENTRY_DIR;
	read_set_stat(&now, st);
	if (ent->type != now.type || ent->mode != now.mode ||
	    ent->uid != now.uid || ent->gid != now.gid ||
	    !same_times(m, ent, st))
		return (0);
	/* find does not tell numbers; they never change in an inode. */
	if ((now.type == ENTRY_CHAR || now.type == ENTRY_BLOCK) &&
	    m->listing != NULL)
		return (!m->opt->ignore_ctime && !m->opt->ignore_inode);
	if (now.type == ENTRY_CHAR || now.type == ENTRY_BLOCK)
		return (ent->major == now.major && ent->minor == now.minor);
	if (now.type != ENTRY_FILE)
		return (1);
	if (m->opt->force_read || ent->size != now.size ||
	    ent->nlink != now.nlink)
		return (0);
	if (m->present == NULL || present_file(m->present, ent))
		return (1);
	m->pool->healed++;
	return (0);
}

/* A copy of an old entry that lives as long as the batch. */
static int
copy_entry(struct batch *b, struct entry *to, const struct entry *from,
    struct err *e)
{
	struct scan s;

	s.p = arena_copy(&b->arena, from->text.p, from->text.len);
	if (s.p == NULL)
		return (err_nomem(e));
	s.end = s.p + from->text.len;
	return (mtree_decode(&s, to, e) == 1 ? 0 : -1);
}

/* Unchanged, but the first name of its set is another than before. */
static int
relink(struct merge *m, struct link_set *set, int leads, struct err *e)
{
	const struct span *first = link_set_first(set);
	struct item *it;

	if ((it = add_item(m, ITEM_READY, e)) == NULL) {
		link_set_unref(set);
		return (-1);
	}
	it->change = ITEM_SAME;
	it->set = set;
	it->leads = leads;
	if (copy_entry(m->batch, &it->ent, &m->ent, e) == -1)
		return (-1);
	it->ent.hardlink.len = 0;
	if (!leads)
		it->ent.hardlink = *first;
	return (0);
}

static int
same_span(const struct span *a, const struct span *b)
{
	return (a->len == b->len &&
	    (a->len == 0 || memcmp(a->p, b->p, a->len) == 0));
}

/*
 * The old entry stands.  1 when its text does, 0 when it went on changed.
 */
static int
take_over(struct merge *m, const struct walk_entry *we, struct err *e)
{
	static const struct span none;
	struct link_set *set;
	int leads, rc;

	if (m->ent.type == ENTRY_DIR || we->st->nlink < 2)
		return (1);
	set = links_join(m->links, we->st->dev, we->st->ino, we->st->nlink,
	    &we->path, &leads);
	if (set == NULL)
		return (err_nomem(e));
	if (same_span(&m->ent.hardlink, leads ? &none :
	    link_set_first(set))) {
		rc = leads ? link_set_learn(set, &m->ent, e) : 0;
		link_set_unref(set);
		return (rc == 0 ? 1 : -1);
	}
	if (flush_run(m, m->ent.text.p, e) == -1) {
		link_set_unref(set);
		return (-1);
	}
	if (relink(m, set, leads, e) == -1)
		return (-1);
	return (drop_old(m, e));
}

/* Whether a new large file of a node may be one that the vault has. */
static int
may_be_known(struct merge *m, const struct item *it, struct err *e)
{
	struct pool *p = m->pool;

	if (m->listing == NULL || it->ent.type != ENTRY_FILE ||
	    it->st.size < KNOWN_MIN || m->opt->force_read)
		return (0);
	if (p->known == NULL && (p->known = known_new(p->vault, p->index,
	    p->snapshots, e)) == NULL)
		return (-1);
	return (known_size(p->known, it->st.size));
}

/* An entry that the old catalog does not have so. */
static int
take_new(struct merge *m, const struct walk_entry *we,
    enum item_change change, struct err *e)
{
	struct link_set *set = NULL;
	struct item *it;
	int leads = 1;

	if (!S_ISDIR(we->st->mode) && we->st->nlink > 1) {
		set = links_join(m->links, we->st->dev, we->st->ino,
		    we->st->nlink, &we->path, &leads);
		if (set == NULL)
			return (err_nomem(e));
	}
	if ((it = add_item(m, leads ? ITEM_READ : ITEM_READY, e)) == NULL) {
		link_set_unref(set);
		return (-1);
	}
	it->change = change;
	it->set = set;
	it->leads = leads;
	it->st = *we->st;
	it->dir = walk_dir_ref(we->dir);
	it->name = arena_copy(&m->batch->arena, we->name,
	    strlen(we->name) + 1);
	read_set_stat(&it->ent, we->st);
	it->ent.path.len = we->path.len;
	it->ent.path.p = arena_copy(&m->batch->arena, we->path.p,
	    we->path.len);
	if (it->name == NULL || it->ent.path.p == NULL)
		return (err_nomem(e));
	if (leads && (it->probe = may_be_known(m, it, e)) == -1)
		return (-1);
	if (it->ent.type == ENTRY_FILE && leads) {
		m->batch->bytes += it->st.size;
		/* A large file may be completed elsewhere: it comes last. */
		if (it->st.size >= BATCH_LARGE)
			return (submit(m, e));
	}
	if (it->dir != NULL && walk_room(m->walk) == 0) {
		if (submit(m, e) == -1)
			return (-1);
		return (drain(m, 0, e));
	}
	return (0);
}

/* Whether the entry goes into the catalog at all. */
static int
wanted(struct merge *m, const struct walk_entry *we)
{
	if (we->st->errnum != 0) {
		pool_report_errno(m->pool, &we->path, we->st->errnum);
		return (0);
	}
	if (S_ISSOCK(we->st->mode)) {
		pool_note(m->pool, "skipped", &we->path, "a socket");
		return (0);
	}
	return (1);
}

/* Put one entry of the tree beside the old catalog. */
static int
merge_entry(struct merge *m, const struct walk_entry *we, struct err *e)
{
	int c = 1, rc;

	for (;;) {
		if (advance(m, e) == -1)
			return (-1);
		if (!m->have)
			break;
		c = same_span(&m->ent.path, &we->path) ? 0 :
		    pathtext_compare(m->ent.path.p, m->ent.path.len,
		    we->path.p, we->path.len);
		if (c >= 0)
			break;
		if (drop_old(m, e) == -1)
			return (-1);
	}
	if (m->have && c == 0 && unchanged(m, &m->ent, we->st)) {
		if ((rc = take_over(m, we, e)) != 1)
			return (rc);
		count(m, m->ent.type, m->ent.size, ITEM_SAME);
		progress_add(m->pool->progress,
		    m->ent.type == ENTRY_FILE, m->ent.size);
		m->have = 0;
		return (0);
	}
	if (m->have && c == 0) {
		if (drop_old(m, e) == -1)
			return (-1);
		return (take_new(m, we, ITEM_CHANGED, e));
	}
	if (m->have && flush_run(m, m->ent.text.p, e) == -1)
		return (-1);
	return (take_new(m, we, ITEM_NEW, e));
}

/* Behind the last entry: what is left of the old catalog is gone. */
static int
finish_old(struct merge *m, struct err *e)
{
	if (m->leaf == NULL)
		return (0);
	if (!m->have && m->scan.p == m->scan.end)
		return (finish_leaf(m, e));
	if (flush_run(m, m->have ? m->ent.text.p : m->scan.p, e) == -1)
		return (-1);
	catalog_leaf_free(m->leaf);
	m->leaf = NULL;
	return (0);
}

static int
next_entry(struct merge *m, struct walk_entry *we, struct err *e)
{
	return (m->listing != NULL ? listing_next(m->listing, we, e) :
	    walk_next(m->walk, we, e));
}

static int
merge_all(struct merge *m, struct err *e)
{
	struct walk_entry we;
	int rc, errnum;

	while ((rc = next_entry(m, &we, e)) == 1) {
		if (cancel_check(e) == -1) {
			pool_fail_source(m->pool, e);
			return (-1);
		}
		if (!wanted(m, &we))
			continue;
		if (merge_entry(m, &we, e) == -1)
			return (-1);
		if (m->walk != NULL && S_ISDIR(we.st->mode) &&
		    (errnum = walk_dir_error(m->walk)) != 0)
			pool_report_errno(m->pool, &we.path, errnum);
	}
	if (rc == -1 || finish_old(m, e) == -1 || submit(m, e) == -1)
		return (-1);
	return (drain(m, 0, e));
}

static int
open_old(struct merge *m, const struct snapshot_volume *old, int doubt,
    struct err *e)
{
	if (old == NULL)
		return (0);
	m->old = catalog_reader_new(m->pool->vault, m->pool->index, old->root,
	    old->depth, NULL, CATALOG_PREFETCH, e);
	if (m->old == NULL)
		return (-1);
	if (!doubt && !index_damaged(m->pool->index) &&
	    !index_untried(m->pool->index))
		return (0);
	m->present = present_new(m->pool->vault, m->pool->index, e);
	return (m->present != NULL ? 0 : -1);
}

static void
report_trouble(void *arg, const char *kind, const struct span *path,
    const char *why)
{
	pool_report(arg, kind, path, why);
}

static int
open_source(struct merge *m, const struct backup_volume *v, struct err *e)
{
	const struct walk_options *opt = &m->opt->walk;
	struct node_tree tree = { .walk = opt, .trouble = report_trouble,
	    .arg = m->pool };

	if (m->pool->node != NULL) {
		m->root = v->source;
		tree.root = v->source;
		tree.only = v->only;
		tree.nonly = v->nonly;
		m->listing = node_list(m->pool->node, &tree, e);
		return (m->listing != NULL ? 0 : -1);
	}
	m->volume = open(v->source, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (m->volume == -1)
		return (err_sys(e, "volume %s", v->source));
	m->walk = walk_new(m->volume, opt, e);
	return (m->walk != NULL ? 0 : -1);
}

/* Of a batch that was not to be finished: what is certain. */
static int
salvage_batch(struct merge *m, struct batch *b, struct err *e)
{
	struct item *it;
	size_t i;

	for (i = 0; i < b->n; i++) {
		it = &b->items[i];
		if (it->kind == ITEM_READ && !it->read)
			continue;
		/* Whether its first name was read is not known here. */
		if (it->set != NULL && !it->leads)
			continue;
		if (put_item(m, it, e) == -1)
			return (-1);
	}
	return (0);
}

/* The old catalog from where the merge stood. */
static int
salvage_old(struct merge *m, struct err *e)
{
	struct catalog_leaf *leaf;
	struct span text;
	int rc = 0;

	if (m->leaf != NULL) {
		text.p = m->run;
		text.len = (size_t)(m->scan.end - m->run);
		rc = put_text(m, &text, e);
	}
	while (rc == 0 && m->old != NULL &&
	    (leaf = catalog_reader_leaf(m->old)) != NULL) {
		text.p = (const char *)leaf->text.data;
		text.len = leaf->text.len;
		if (leaf->err.kind == ERR_NONE)
			rc = put_text(m, &text, e);
		catalog_leaf_free(leaf);
	}
	return (rc);
}

/* A catalog to go on from next time; see the header. */
static int
salvage(struct merge *m, struct snapshot_volume *v, struct err *e)
{
	struct batch *b;
	int rc = 0;

	if (m->writer == NULL)
		return (-1);
	TAILQ_FOREACH(b, &m->pool->batches, link)
		if (rc == 0)
			rc = salvage_batch(m, b, e);
	if (rc == 0 && m->batch != NULL)
		rc = salvage_batch(m, m->batch, e);
	if (rc == 0)
		rc = salvage_old(m, e);
	if (rc == 0)
		rc = catalog_writer_finish(m->writer, v->root, &v->depth, e);
	return (rc);
}

/* Batches hold directories of the walk: the pool ends first. */
static int
end_early(struct merge *m, struct snapshot_volume *v, struct err *e)
{
	struct pool *p = m->pool;
	struct batch *b;
	struct err ignored;
	int rc = -1;

	if (cancel_check(&ignored) == -1 ||
	    (p->node != NULL && remote_lost(p->node->control)))
		pool_fail_source(p, e);
	else
		pool_fail(p, e);
	(void)pool_finish(p, &ignored);
	*e = p->err;
	if (p->resumable && salvage(m, v, &ignored) == 0)
		rc = 1;
	while ((b = TAILQ_FIRST(&p->batches)) != NULL) {
		TAILQ_REMOVE(&p->batches, b, link);
		batch_free(b);
	}
	return (rc);
}

int
merge_volume(struct pool *p, const struct merge_options *opt,
    const struct backup_volume *from, struct snapshot_volume *v,
    const struct snapshot_volume *old, int doubt, struct err *e)
{
	struct merge m = { .pool = p, .opt = opt, .totals = &v->totals,
	    .volume = -1 };
	int rc = -1;

	p->volume = v->path;
	if ((m.links = links_new()) == NULL) {
		err_nomem(e);
		goto out;
	}
	if ((m.writer = catalog_writer_new(p->sink, e)) == NULL ||
	    open_old(&m, old, doubt, e) == -1 || open_source(&m, from, e) == -1)
		goto out;
	if (merge_all(&m, e) == 0)
		rc = catalog_writer_finish(m.writer, v->root, &v->depth, e);
out:
	if (rc == -1)
		rc = end_early(&m, v, e);
	batch_free(m.batch);
	walk_free(m.walk);
	listing_free(m.listing);
	catalog_reader_free(m.old);
	present_free(m.present);
	catalog_leaf_free(m.leaf);
	catalog_writer_free(m.writer);
	links_free(m.links);
	if (m.volume != -1)
		close(m.volume);
	return (rc);
}
