#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "backup/large.h"
#include "backup/read.h"
#include "backup/receive.h"
#include "base/cancel.h"
#include "formats/pathtext.h"

struct receive {
	struct worker *worker;
	struct lane *lane;
	struct batch *batch;
	struct item *item;
	size_t at;		/* of the item in the batch */
	const struct tarin *head;
	int sparse;
	int failed;		/* the node is lost for good */
};

static uint32_t
type_mode(char type)
{
	switch (type) {
	case '2':
		return (S_IFLNK);
	case '3':
		return (S_IFCHR);
	case '4':
		return (S_IFBLK);
	case '5':
		return (S_IFDIR);
	case '6':
		return (S_IFIFO);
	default:
		return (S_IFREG);
	}
}

/*
 * The file may have changed since find listed it: what tar found is what is
 * stored.  Without its ctime nobody could tell the two apart next time.
 */
static void
adopt_stat(struct item *it, const struct tarin *head)
{
	struct walk_stat *st = &it->st;
	int changed = st->mtime != head->mtime ||
	    st->mtime_ns != head->mtime_ns ||
	    (S_ISREG(st->mode) && st->size != head->size);

	st->mode = (st->mode & S_IFMT) | head->mode;
	st->uid = head->uid;
	st->gid = head->gid;
	st->mtime = head->mtime;
	st->mtime_ns = head->mtime_ns;
	st->major = head->major;
	st->minor = head->minor;
	if (S_ISREG(st->mode))
		st->size = head->size;
	if (head->has_ctime) {
		st->ctime = head->ctime;
		st->ctime_ns = head->ctime_ns;
	}
	read_set_stat(&it->ent, st);
	if (changed && !head->has_ctime)
		read_distrust(&it->ent);
}

static int
keep(struct batch *b, struct span *sp, const struct buf *text, struct err *e)
{
	if (buf_ok(text, e) == -1)
		return (-1);
	sp->len = text->len;
	if (text->len == 0)
		return (0);
	sp->p = arena_copy(&b->arena, text->data, text->len);
	return (sp->p != NULL ? 0 : err_nomem(e));
}

static int
take_xattrs(struct receive *r, struct err *e)
{
	struct buf text = BUF_INIT;
	int rc;

	r->item->ent.xattrs.len = 0;
	rc = tarin_encode_xattrs(&text, r->head, e);
	if (rc == 0 && text.len > READ_XATTRS_MAX)
		pool_report_errno(r->worker->pool, &r->item->ent.path, E2BIG);
	else if (rc == 0)
		rc = keep(r->batch, &r->item->ent.xattrs, &text, e);
	buf_fini(&text);
	return (rc);
}

static void
put_hole(struct buf *text, uint64_t off, uint64_t end)
{
	if (end <= off)
		return;
	if (text->len > 0)
		buf_putc(text, ' ');
	buf_putu(text, off);
	buf_putc(text, ' ');
	buf_putu(text, end - off);
}

/* What lies between the pieces of data; READ_HOLES_MAX as for local files. */
static int
take_holes(struct receive *r, struct err *e)
{
	const struct tarin *head = r->head;
	const struct tarin_segment *seg;
	struct buf text = BUF_INIT;
	size_t i, n = head->segments.len / sizeof(*seg), holes = 0;
	uint64_t pos = 0;
	int rc;

	r->item->ent.holes.len = 0;
	if (!head->sparse)
		return (0);
	for (i = 0; i < n && holes < READ_HOLES_MAX; i++) {
		seg = (const struct tarin_segment *)(const void *)
		    head->segments.data + i;
		if (seg->len == 0)
			continue;
		holes += seg->off > pos;
		put_hole(&text, pos, seg->off);
		pos = seg->off + seg->len;
	}
	if (holes < READ_HOLES_MAX)
		put_hole(&text, pos, head->size);
	rc = keep(r->batch, &r->item->ent.holes, &text, e);
	buf_fini(&text);
	return (rc);
}

static int
take_link(struct receive *r, struct err *e)
{
	struct buf text = BUF_INIT;
	int rc;

	pathtext_encode(&text, r->head->link.data, r->head->link.len);
	rc = keep(r->batch, &r->item->ent.link, &text, e);
	buf_fini(&text);
	return (rc);
}

/* 1 read, 0 the lane broke, -1 failure. */
static int
take_small(struct receive *r, struct err *e)
{
	struct worker *w = r->worker;
	struct entry *ent = &r->item->ent;
	size_t len = (size_t)r->head->size;
	uint8_t *p;

	if ((p = pack_writer_reserve(w->writer, len, e)) == NULL)
		return (-1);
	if (len > 0 && lane_read(r->lane, p, len, e) == -1)
		return (0);
	digest_bytes(w->digest, p, len, ent->digest);
	progress_add(w->pool->progress, 0, len);
	__atomic_add_fetch(&w->pool->read_bytes, len, __ATOMIC_RELAXED);
	if (len == 0)
		return (1);
	return (worker_put(w, ent->digest, NULL, len, e) == 0 ? 1 : -1);
}

/*
 * A large file goes on where the connection was cut.  Not one with holes,
 * whose bytes come another way, nor one that was asked for on its own.
 */
static ssize_t
read_input(void *arg, void *p, size_t len, uint64_t off, struct err *e)
{
	struct receive *r = arg;
	int rc;

	if (off + len > r->item->st.size)
		len = (size_t)(r->item->st.size - off);
	while (lane_read(r->lane, p, len, e) == -1) {
		if (r->sparse || r->item->probe)
			return (-1);
		if ((rc = lane_resume(r->lane, r->at, off, e)) == -1)
			r->failed = 1;
		if (rc != 0)
			return (-1);
	}
	return ((ssize_t)len);
}

static int
take_file(struct receive *r, struct err *e)
{
	struct large_input in = { read_input, r, -1 };
	int rc;

	r->sparse = r->head->sparse;
	if (take_holes(r, e) == -1)
		return (-1);
	if (r->head->size <= r->worker->pool->vault->meta.cut_min)
		rc = take_small(r, e);
	else
		rc = large_read(r->worker, r->batch, r->item, &in, e);
	lane_resumed(r->lane);
	if (rc == 1)
		progress_add(r->worker->pool->progress, 1, 0);
	return (r->failed ? -1 : rc);
}

/* One member: 1 taken, 0 the lane broke, -1 failure. */
static int
take_member(struct receive *r, struct err *e)
{
	struct item *it = r->item;

	if (type_mode(r->head->type) != (it->st.mode & S_IFMT)) {
		pool_report_errno(r->worker->pool, &it->ent.path, ENOENT);
		it->failed = 1;
		return (1);
	}
	adopt_stat(it, r->head);
	if (take_xattrs(r, e) == -1)
		return (-1);
	if (it->ent.type == ENTRY_LINK)
		return (take_link(r, e) == -1 ? -1 : 1);
	if (it->ent.type == ENTRY_FILE)
		return (take_file(r, e));
	return (1);
}

/*
 * The file was not touched between its listing, which came before its digest,
 * and its header, which comes behind.
 */
static int
is_as_listed(const struct item *it, const struct tarin *head)
{
	return (it->st.size == head->size && it->st.mtime == head->mtime &&
	    it->st.mtime_ns == head->mtime_ns && (!head->has_ctime ||
	    (it->st.ctime == head->ctime &&
	    it->st.ctime_ns == head->ctime_ns)));
}

/* The vault holds a file with this content: only its header is fetched. */
static int
take_known(struct receive *r, const struct known_file *f, struct err *e)
{
	struct entry *ent = &r->item->ent;
	struct batch *b = r->batch;

	if (r->head->size != f->size || !is_as_listed(r->item, r->head))
		return (0);
	adopt_stat(r->item, r->head);
	if (take_xattrs(r, e) == -1 || take_holes(r, e) == -1)
		return (-1);
	memcpy(ent->digest, f->digest, DIGEST_LEN);
	memcpy(ent->list, f->list, DIGEST_LEN);
	ent->list_depth = f->list_depth;
	ent->blobs.len = f->blobs_len;
	if (f->blobs_len > 0 && (ent->blobs.p = arena_copy(&b->arena,
	    f->blobs, f->blobs_len)) == NULL)
		return (err_nomem(e));
	progress_add(r->worker->pool->progress, 1, ent->size);
	return (1);
}

/*
 * A large file that the vault may have: its digest is asked for first.  1
 * done, 0 the lane broke, -1 failure.
 */
static int
take_probed(struct receive *r, struct err *e)
{
	const struct known_file *f = NULL;
	struct item *it = r->item;
	uint8_t id[DIGEST_LEN];
	int rc;

	if ((rc = lane_digest(r->lane, it->name, it->st.size, id,
	    e)) == -1)
		return (0);
	if (rc == 1)
		f = known_find(r->worker->pool->known, id);
	if ((rc = lane_single(r->lane, it, &r->head, e)) == -1)
		return (0);
	if (rc == 0) {
		it->failed = 1;
		rc = 1;
	} else {
		rc = f != NULL && r->head->type == '0' ?
		    take_known(r, f, e) : 0;
		if (rc == 0)
			rc = take_member(r, e);
	}
	lane_single_done(r->lane);
	return (rc);
}

/* Items that are not asked for along with the others, in [from, to). */
static int
take_probed_items(struct receive *r, size_t from, size_t to, struct err *e)
{
	size_t i;
	int rc;

	for (i = from; i < to; i++) {
		r->item = &r->batch->items[i];
		if (r->item->kind != ITEM_READ || !r->item->probe)
			continue;
		while ((rc = take_probed(r, e)) == 0)
			if (lane_again(r->lane, r->batch->n, e) == -1)
				return (-1);
		if (rc == -1)
			return (-1);
		r->item->read = 1;
	}
	return (0);
}

int
receive_batch(struct worker *w, struct lane *l, struct err *e)
{
	struct receive r = { .worker = w, .lane = l };
	size_t at = 0;
	int rc;

	r.batch = lane_pending(l);
	while ((rc = lane_next(l, &at, &r.head, e)) == 1) {
		r.item = &r.batch->items[at];
		r.at = at;
		if (cancel_check(e) == -1)
			return (-1);
		if ((rc = take_member(&r, e)) == -1)
			return (-1);
		if (rc == 0) {
			if (lane_again(l, at, e) == -1)
				return (-1);
			continue;
		}
		r.item->read = 1;
		at++;
	}
	if (rc == -1 || take_probed_items(&r, 0, r.batch->n, e) == -1)
		return (-1);
	return (lane_done(l, e));
}
