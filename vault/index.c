#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/mtree.h"
#include "vault/index.h"
#include "vault/packname.h"
#include "vault/segment.h"

#define SEGMENTS_MAX 8		/* of one kind before some are merged */
#define MARKS_MAX ((size_t)256 << 20)	/* longest file in damaged/ */

struct pack_entry {
	struct segment_pack pack;
	int covered;		/* by a segment, or known not to be readable */
};

struct piece {
	struct segment *seg;
	uint32_t *packs;	/* the segment's numbers to the index's */
	int ready;		/* proved; read without the lock */
	int failed;		/* could not be proved nor built again */
};

struct mark {
	uint32_t pack;
	uint8_t id[DIGEST_LEN];
};

struct index {
	struct vault *vault;
	int mode;
	struct pack_entry *packs;	/* sorted by id */
	size_t npacks;
	struct piece *pieces;
	size_t npieces;
	struct mark *marks;		/* sorted; under lock once open */
	size_t nmarks;
	struct index_problem *problems;
	size_t nproblems;
	int lost;			/* a pack once known is gone or cut */
	int untried;			/* no piece came from the cache */
	pthread_mutex_t lock;		/* proving pieces, marks */
};

static int
add_pack(void *arg, const char *name, uint64_t bytes, struct err *e)
{
	struct index *ix = arg;
	struct pack_entry *p;
	uint8_t id[DIGEST_LEN];

	if (strcspn(name, "/") != 2 || pack_parse_name(name + 3, id) == -1)
		return (0);
	if (ix->npacks % 64 == 0) {
		p = realloc(ix->packs, (ix->npacks + 64) * sizeof(*p));
		if (p == NULL)
			return (err_nomem(e));
		ix->packs = p;
	}
	p = &ix->packs[ix->npacks++];
	memcpy(p->pack.id, id, DIGEST_LEN);
	p->pack.bytes = bytes;
	p->covered = 0;
	return (0);
}

/* Number of the pack, or npacks. */
static size_t
find_pack(const struct index *ix, const uint8_t id[DIGEST_LEN])
{
	size_t low = 0, high = ix->npacks, mid;
	int c;

	while (low < high) {
		mid = low + (high - low) / 2;
		c = memcmp(ix->packs[mid].pack.id, id, DIGEST_LEN);
		if (c == 0)
			return (mid);
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return (ix->npacks);
}

/* Number the segment's packs; -1 when one is gone, new or covered twice. */
static int
map_packs(struct index *ix, struct piece *p)
{
	size_t i, at, n = segment_packs(p->seg);
	struct segment_pack pack;

	if ((p->packs = calloc(n, sizeof(*p->packs))) == NULL)
		return (-1);
	for (i = 0; i < n; i++) {
		segment_get_pack(p->seg, i, &pack);
		at = find_pack(ix, pack.id);
		if (at == ix->npacks ||
		    ix->packs[at].pack.bytes != pack.bytes) {
			ix->lost = 1;
			break;
		}
		if (ix->packs[at].covered)
			break;
		p->packs[i] = (uint32_t)at;
	}
	if (i < n) {
		free(p->packs);
		p->packs = NULL;
		return (-1);
	}
	for (i = 0; i < n; i++)
		ix->packs[p->packs[i]].covered = 1;
	return (0);
}

/* Take the segment over; -1 (and it is the caller's) when it does not fit. */
static int
add_piece(struct index *ix, struct segment *seg)
{
	struct piece *p;

	p = realloc(ix->pieces, (ix->npieces + 1) * sizeof(*p));
	if (p == NULL)
		return (-1);
	ix->pieces = p;
	p += ix->npieces;
	memset(p, 0, sizeof(*p));
	p->seg = seg;
	if (map_packs(ix, p) == -1)
		return (-1);
	ix->npieces++;
	return (0);
}

static int
add_problem(struct index *ix, const uint8_t id[DIGEST_LEN], size_t salvaged,
    const struct err *why, struct err *e)
{
	struct index_problem *p;

	p = realloc(ix->problems, (ix->nproblems + 1) * sizeof(*p));
	if (p == NULL)
		return (err_nomem(e));
	ix->problems = p;
	p += ix->nproblems++;
	memcpy(p->id, id, DIGEST_LEN);
	p->salvaged = (uint32_t)salvaged;
	snprintf(p->reason, sizeof(p->reason), "%.255s", why->msg);
	return (0);
}

/* Nothing removes a pack but damage: the cache is what remembers it. */
static void
tell_gone(struct index *ix, const struct segment *seg)
{
	struct segment_pack pack;
	struct err why, ignored;
	char name[PACK_NAME_LEN];
	size_t i;

	for (i = 0; i < segment_packs(seg); i++) {
		segment_get_pack(seg, i, &pack);
		if (find_pack(ix, pack.id) != ix->npacks)
			continue;
		ix->lost = 1;
		pack_name(pack.id, name);
		err_set(&why, ERR_DAMAGED, "%s: the pack is gone", name);
		(void)add_problem(ix, pack.id, 0, &why, &ignored);
	}
}

/*
 * A segment that does not fit the packs.  Who only reads leaves its file: it
 * may be all that knows of a pack that is gone, which the next backup must
 * hear of.
 */
static void
drop_segment(struct index *ix, struct segment *seg)
{
	if ((ix->mode & INDEX_SALVAGE) != 0 && ix->lost)
		segment_free(seg);
	else
		segment_discard(seg);
}

static void
load_cache(struct index *ix)
{
	struct dirent *d;
	struct segment *seg;
	size_t n;
	DIR *dir;

	if (ix->vault->cache == NULL ||
	    (dir = opendir(ix->vault->cache)) == NULL)
		return;
	while ((d = readdir(dir)) != NULL) {
		n = strlen(d->d_name);
		if (n < 5 || strcmp(d->d_name + n - 4, ".seg") != 0)
			continue;
		seg = segment_load(ix->vault->cache, d->d_name);
		if (seg == NULL)
			continue;
		tell_gone(ix, seg);
		if ((ix->mode & INDEX_FRESH) != 0 ||
		    add_piece(ix, seg) == -1)
			drop_segment(ix, seg);
	}
	closedir(dir);
}

/*
 * Index one pack from its own INDEX, or from what it holds.  The segment is
 * NULL when nothing in it may be used.
 */
static int
read_pack(struct index *ix, size_t at, struct segment **seg, int *salvaged,
    struct err *e)
{
	const struct segment_pack *pack = &ix->packs[at].pack;
	struct pack_reader *r;
	struct packindex x;
	struct err why;
	int rc = 0;

	*seg = NULL;
	*salvaged = 0;
	memset(&x, 0, sizeof(x));
	if ((r = pack_reader_open(ix->vault, pack->id, &why)) == NULL) {
		if (store_lost(ix->vault->store, e))
			return (-1);
		return (add_problem(ix, pack->id, 0, &why, e));
	}
	if (pack_reader_index(r, &x, &why) == -1) {
		if (store_lost(ix->vault->store, e))
			rc = -1;
		*salvaged = 1;
		if (rc == 0 && (ix->mode & INDEX_SALVAGE) != 0)
			rc = pack_reader_salvage(r, &x, e);
		if (rc == 0)
			rc = add_problem(ix, pack->id, x.nblobs,
			    &why, e);
	}
	if (rc == 0 && x.nblobs > 0 &&
	    (*seg = segment_new(pack, &x, e)) == NULL)
		rc = -1;
	packindex_fini(&x);
	pack_reader_close(r);
	return (rc);
}

static int
cover_packs(struct index *ix, struct err *e)
{
	struct segment *seg;
	size_t i;
	int salvaged;

	for (i = 0; i < ix->npacks; i++) {
		if (ix->packs[i].covered)
			continue;
		if (read_pack(ix, i, &seg, &salvaged, e) == -1)
			return (-1);
		if (seg == NULL)
			continue;
		if (!salvaged &&
		    ((ix->mode & INDEX_SALVAGE) == 0 || !ix->lost))
			segment_save(seg, ix->vault->cache);
		if (add_piece(ix, seg) == -1) {
			segment_free(seg);
			return (err_nomem(e));
		}
	}
	return (0);
}

static int
bigger_first(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;
	size_t n = segment_blobs(x->seg), m = segment_blobs(y->seg);

	return (n > m ? -1 : n < m);
}

/*
 * Merge pieces [from, ix->npieces) of one kind into one.  Their packs are
 * uncovered for a moment, so that the new piece can take them.
 */
static int
merge_pieces(struct index *ix, struct piece *p, size_t n, struct err *e)
{
	struct segment **segs, *merged;
	size_t i, j;

	if ((segs = calloc(n, sizeof(*segs))) == NULL)
		return (err_nomem(e));
	for (i = 0; i < n; i++)
		segs[i] = p[i].seg;
	merged = segment_merge(segs, n, e);
	free(segs);
	if (merged == NULL)
		return (-1);
	segment_save(merged, ix->vault->cache);
	for (i = 0; i < n; i++) {
		for (j = 0; j < segment_packs(p[i].seg); j++)
			ix->packs[p[i].packs[j]].covered = 0;
		segment_discard(p[i].seg);
		free(p[i].packs);
	}
	memmove(p, p + n, (size_t)(ix->pieces + ix->npieces - (p + n)) *
	    sizeof(*p));
	ix->npieces -= n;
	if (add_piece(ix, merged) == -1) {
		segment_free(merged);
		return (err_nomem(e));
	}
	return (0);
}

/*
 * Keep few pieces of a kind: those of which each outweighs all the smaller
 * ones stay, the rest become one, so that a blob is copied only O(log n)
 * times over the nights.
 */
static int
merge_kind(struct index *ix, enum pack_kind kind, struct err *e)
{
	struct piece *first, *end, tmp;
	size_t n = 0, i, keep, below = 0;

	for (i = 0; i < ix->npieces; i++)
		if (segment_kind(ix->pieces[i].seg) == kind) {
			tmp = ix->pieces[n];
			ix->pieces[n++] = ix->pieces[i];
			ix->pieces[i] = tmp;
		}
	if (n <= SEGMENTS_MAX)
		return (0);
	first = ix->pieces;
	end = first + n;
	qsort(first, n, sizeof(*first), bigger_first);
	for (i = 0; i < n; i++) {
		if (segment_ready(first[i].seg) == -1)
			return (0);	/* index_find() deals with it */
		below += segment_blobs(first[i].seg);
	}
	for (keep = 0; keep < SEGMENTS_MAX / 2; keep++) {
		below -= segment_blobs(first[keep].seg);
		if (segment_blobs(first[keep].seg) < below)
			break;
	}
	return (merge_pieces(ix, first + keep, (size_t)(end - first) - keep,
	    e));
}

static int
compare_marks(const void *a, const void *b)
{
	const struct mark *x = a, *y = b;

	if (x->pack != y->pack)
		return (x->pack < y->pack ? -1 : 1);
	return (memcmp(x->id, y->id, DIGEST_LEN));
}

static int
add_marks(struct index *ix, size_t pack, const struct buf *text,
    struct err *e)
{
	const struct span all = { (const char *)text->data, text->len };
	struct scan s = mtree_scan(&all);
	struct mark *m;

	while (s.p < s.end) {
		m = realloc(ix->marks, (ix->nmarks + 1) * sizeof(*m));
		if (m == NULL)
			return (err_nomem(e));
		ix->marks = m;
		m += ix->nmarks;
		m->pack = (uint32_t)pack;
		if (!scan_digest(&s, m->id) || !scan_line(&s))
			break;	/* the next verify writes it anew */
		ix->nmarks++;
	}
	return (0);
}

static int
load_marks(void *arg, const char *name, uint64_t bytes, struct err *e)
{
	struct index *ix = arg;
	struct buf text = BUF_INIT;
	uint8_t id[DIGEST_LEN];
	char file[PACK_NAME_LEN];
	size_t at;
	int rc;

	(void)bytes;
	if (strcmp(name, INDEX_MISSING) == 0)
		ix->lost = 1;
	if (strlen(name) != DIGEST_HEX || digest_parse(name, id) == -1 ||
	    (at = find_pack(ix, id)) == ix->npacks)
		return (0);
	pack_damage_name(id, file);
	rc = store_get(ix->vault->store, file, MARKS_MAX, &text, e);
	if (rc == 0)
		rc = add_marks(ix, at, &text, e);
	buf_fini(&text);
	return (rc);
}

struct index *
index_open(struct vault *v, int mode, struct err *e)
{
	struct index *ix;

	if ((ix = calloc(1, sizeof(*ix))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	ix->vault = v;
	ix->mode = mode;
	pthread_mutex_init(&ix->lock, NULL);
	if (store_list_below(v->store, "packs", add_pack, ix, e) == -1)
		goto fail;
	load_cache(ix);
	ix->untried = ix->npieces == 0 && ix->npacks > 0;
	if (cover_packs(ix, e) == -1 ||
	    merge_kind(ix, PACK_DATA, e) == -1 ||
	    merge_kind(ix, PACK_CATALOG, e) == -1 ||
	    store_list(v->store, "damaged", 0, load_marks, ix, e) == -1)
		goto fail;
	if (ix->nmarks > 0)
		qsort(ix->marks, ix->nmarks, sizeof(*ix->marks),
		    compare_marks);
	return (ix);
fail:
	index_free(ix);
	return (NULL);
}

void
index_free(struct index *ix)
{
	size_t i;

	if (ix == NULL)
		return;
	for (i = 0; i < ix->npieces; i++) {
		segment_free(ix->pieces[i].seg);
		free(ix->pieces[i].packs);
	}
	pthread_mutex_destroy(&ix->lock);
	free(ix->pieces);
	free(ix->packs);
	free(ix->marks);
	free(ix->problems);
	free(ix);
}

/*
 * The cached file does not prove itself: build the piece again, one pack at
 * a time, from the packs.
 */
static int
rebuild(struct index *ix, struct piece *p, struct err *e)
{
	size_t i, n = segment_packs(p->seg), built = 0;
	struct segment **segs, *merged = NULL;
	int salvaged, rc = 0;

	if ((segs = calloc(n, sizeof(*segs))) == NULL)
		return (err_nomem(e));
	for (i = 0; i < n && rc == 0; i++) {
		rc = read_pack(ix, p->packs[i], &segs[built], &salvaged, e);
		if (rc == 0 && segs[built] != NULL)
			built++;
	}
	if (rc == 0 && built == n)
		merged = segment_merge(segs, n, e);
	else if (rc == 0)
		err_set(e, ERR_DAMAGED, "a pack became unreadable: run "
		    "\"xcatvault verify\"");
	for (i = 0; i < built; i++)
		segment_free(segs[i]);
	free(segs);
	if (merged == NULL)
		return (-1);
	segment_discard(p->seg);
	segment_save(merged, ix->vault->cache);
	p->seg = merged;
	return (0);
}

static int
piece_ready(struct index *ix, struct piece *p, struct err *e)
{
	int rc = 0;

	if (__atomic_load_n(&p->ready, __ATOMIC_ACQUIRE))
		return (0);
	pthread_mutex_lock(&ix->lock);
	if (p->failed || (segment_ready(p->seg) == -1 &&
	    rebuild(ix, p, e) == -1)) {
		if (p->failed)
			err_set(e, ERR_FAILED, "the index cannot be built");
		p->failed = 1;
		rc = -1;
	} else
		__atomic_store_n(&p->ready, 1, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&ix->lock);
	return (rc);
}

static int
is_marked(struct index *ix, uint32_t pack, const uint8_t id[DIGEST_LEN])
{
	struct mark key;
	int found;

	if (__atomic_load_n(&ix->nmarks, __ATOMIC_ACQUIRE) == 0)
		return (0);
	key.pack = pack;
	memcpy(key.id, id, DIGEST_LEN);
	pthread_mutex_lock(&ix->lock);
	found = bsearch(&key, ix->marks, ix->nmarks,
	    sizeof(key), compare_marks) != NULL;
	pthread_mutex_unlock(&ix->lock);
	return (found);
}

static void
fill_loc(const struct piece *p, size_t pos, struct blob_loc *loc)
{
	struct segment_blob b;

	segment_get(p->seg, pos, &b);
	loc->pack = p->packs[b.pack];
	loc->stored = b.stored;
	loc->raw = b.raw;
	loc->off = b.off;
	loc->len = b.len;
	loc->frame_off = b.frame_off;
}

int
index_find(struct index *ix, enum pack_kind kind,
    const uint8_t id[DIGEST_LEN], struct blob_loc *loc, struct err *e)
{
	struct piece *p;
	size_t i, pos;

	for (i = 0; i < ix->npieces; i++) {
		p = &ix->pieces[i];
		if (segment_kind(p->seg) != kind)
			continue;
		if (piece_ready(ix, p, e) == -1)
			return (-1);
		pos = segment_find(p->seg, id);
		for (; pos < segment_blobs(p->seg) &&
		    memcmp(segment_id(p->seg, pos), id, DIGEST_LEN) == 0;
		    pos++) {
			fill_loc(p, pos, loc);
			if (!is_marked(ix, loc->pack, id))
				return (1);
		}
	}
	return (0);
}

size_t
index_packs(const struct index *ix)
{
	return (ix->npacks);
}

const uint8_t *
index_pack_id(const struct index *ix, uint32_t pack)
{
	return (ix->packs[pack].pack.id);
}

uint64_t
index_pack_bytes(const struct index *ix, uint32_t pack)
{
	return (ix->packs[pack].pack.bytes);
}

size_t
index_problems(const struct index *ix)
{
	return (ix->nproblems);
}

const struct index_problem *
index_get_problem(const struct index *ix, size_t i)
{
	return (&ix->problems[i]);
}

int
index_untried(const struct index *ix)
{
	return (ix->untried);
}

int
index_damaged(const struct index *ix)
{
	return (ix->nmarks > 0 || ix->nproblems > 0 || ix->lost);
}

/* The pack's marks as text, an id a line. */
static void
encode_marks(struct buf *out, const struct index *ix, uint32_t pack)
{
	size_t i;

	for (i = 0; i < ix->nmarks; i++) {
		if (ix->marks[i].pack != pack)
			continue;
		digest_put(out, ix->marks[i].id);
		buf_putc(out, '\n');
	}
}

static int
insert_marks(struct index *ix, uint32_t pack, const uint8_t (*ids)[32],
    size_t n, struct err *e)
{
	struct mark *m, key;
	size_t i, old = ix->nmarks;

	m = realloc(ix->marks, (old + n) * sizeof(*m));
	if (m == NULL)
		return (err_nomem(e));
	ix->marks = m;
	for (i = 0; i < n; i++) {
		memset(&key, 0, sizeof(key));
		key.pack = pack;
		memcpy(key.id, ids[i], DIGEST_LEN);
		if (old > 0 && bsearch(&key, m, old, sizeof(key),
		    compare_marks) != NULL)
			continue;
		m[ix->nmarks++] = key;
	}
	qsort(m, ix->nmarks, sizeof(*m), compare_marks);
	return (0);
}

int
index_skip(struct index *ix, uint32_t pack, const uint8_t id[DIGEST_LEN],
    struct err *e)
{
	uint8_t ids[1][DIGEST_LEN];
	int rc;

	memcpy(ids[0], id, DIGEST_LEN);
	pthread_mutex_lock(&ix->lock);
	rc = insert_marks(ix, pack, (const uint8_t (*)[32])ids, 1, e);
	pthread_mutex_unlock(&ix->lock);
	return (rc);
}

int
index_mark(struct index *ix, uint32_t pack, const uint8_t (*ids)[32],
    size_t n, struct err *e)
{
	struct buf text = BUF_INIT;
	char file[PACK_NAME_LEN];
	int rc;

	if (n == 0)
		return (0);
	pthread_mutex_lock(&ix->lock);
	rc = insert_marks(ix, pack, ids, n, e);
	if (rc == 0)
		encode_marks(&text, ix, pack);
	pthread_mutex_unlock(&ix->lock);
	if (rc == 0)
		rc = buf_ok(&text, e);
	if (rc == 0) {
		pack_damage_name(ix->packs[pack].pack.id, file);
		rc = store_put(ix->vault->store, file, text.data, text.len,
		    e);
	}
	buf_fini(&text);
	return (rc);
}

int
index_has_marks(struct index *ix, uint32_t pack)
{
	size_t i;
	int found = 0;

	pthread_mutex_lock(&ix->lock);
	for (i = 0; i < ix->nmarks && !found; i++)
		found = ix->marks[i].pack == pack;
	pthread_mutex_unlock(&ix->lock);
	return (found);
}

int
index_unmark(struct index *ix, uint32_t pack, struct err *e)
{
	char file[PACK_NAME_LEN];
	size_t i, kept = 0;

	pthread_mutex_lock(&ix->lock);
	for (i = 0; i < ix->nmarks; i++)
		if (ix->marks[i].pack != pack)
			ix->marks[kept++] = ix->marks[i];
	__atomic_store_n(&ix->nmarks, kept, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&ix->lock);
	pack_damage_name(ix->packs[pack].pack.id, file);
	return (store_remove(ix->vault->store, file, e));
}
