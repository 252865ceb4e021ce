#include <stdlib.h>
#include <string.h>

#include "vault/fetch.h"

#define PACKS_OPEN 32

struct open_pack {
	struct pack_reader *reader;
	uint32_t pack;
	uint64_t used;		/* when it was last needed */
};

struct kept_frame {
	struct buf raw;
	uint32_t pack;
	uint64_t off;
	uint64_t used;		/* 0: empty */
};

/*
 * The last blob that was given.  It may be asked for again at once, by who
 * must know first whether it can be had: it is not digested twice.
 */
struct proved {
	const uint8_t *p;	/* in a kept frame; NULL: none */
	size_t len;
	enum pack_kind kind;
	uint8_t id[DIGEST_LEN];
};

struct fetch {
	struct vault *vault;
	struct index *index;
	struct frame_codec *codec;
	struct digest *digest;
	struct buf scratch;
	struct open_pack packs[PACKS_OPEN];
	struct kept_frame *frames;
	size_t nframes;
	uint64_t clock;
	struct proved last;
	struct bad_copy *bad;	/* to be marked in the vault at the end */
	size_t nbad;
};

struct bad_copy {
	uint32_t pack;
	uint8_t id[DIGEST_LEN];
};

struct fetch *
fetch_new(struct vault *v, struct index *ix, size_t frames, struct err *e)
{
	struct fetch *f;

	if ((f = calloc(1, sizeof(*f))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	f->vault = v;
	f->index = ix;
	f->nframes = frames;
	f->frames = calloc(frames, sizeof(*f->frames));
	f->codec = frame_codec_new(1);
	f->digest = digest_new();
	if (f->frames == NULL || f->codec == NULL || f->digest == NULL) {
		err_nomem(e);
		fetch_free(f);
		return (NULL);
	}
	return (f);
}

void
fetch_limit(struct fetch *f, size_t frames)
{
	f->last.p = NULL;
	while (f->nframes > frames)
		buf_fini(&f->frames[--f->nframes].raw);
}

static int
compare_bad(const void *a, const void *b)
{
	const struct bad_copy *x = a, *y = b;

	return (x->pack < y->pack ? -1 : x->pack > y->pack);
}

/* Mark what was found bad, a pack at a time; a vault that cannot be written
 * is read all the same. */
static void
mark_bad(struct fetch *f)
{
	uint8_t (*ids)[DIGEST_LEN];
	struct err ignored;
	size_t i, k, n;

	if (f->nbad == 0 || (ids = calloc(f->nbad, sizeof(*ids))) == NULL)
		return;
	qsort(f->bad, f->nbad, sizeof(*f->bad), compare_bad);
	for (i = 0; i < f->nbad; i += n) {
		for (n = 0; i + n < f->nbad &&
		    f->bad[i + n].pack == f->bad[i].pack; n++)
			;
		for (k = 0; k < n; k++)
			memcpy(ids[k], f->bad[i + k].id, DIGEST_LEN);
		(void)index_mark(f->index, f->bad[i].pack,
		    (const uint8_t (*)[DIGEST_LEN])ids, n, &ignored);
	}
	free(ids);
}

void
fetch_free(struct fetch *f)
{
	size_t i;

	if (f == NULL)
		return;
	mark_bad(f);
	free(f->bad);
	for (i = 0; i < PACKS_OPEN; i++)
		pack_reader_close(f->packs[i].reader);
	for (i = 0; f->frames != NULL && i < f->nframes; i++)
		buf_fini(&f->frames[i].raw);
	buf_fini(&f->scratch);
	frame_codec_free(f->codec);
	digest_free(f->digest);
	free(f->frames);
	free(f);
}

static struct pack_reader *
open_pack(struct fetch *f, uint32_t pack, struct err *e)
{
	struct open_pack *p, *oldest = &f->packs[0];
	size_t i;

	for (i = 0; i < PACKS_OPEN; i++) {
		p = &f->packs[i];
		if (p->reader != NULL && p->pack == pack) {
			p->used = ++f->clock;
			return (p->reader);
		}
		if (p->used < oldest->used)
			oldest = p;
	}
	pack_reader_close(oldest->reader);
	oldest->used = 0;
	oldest->reader = pack_reader_open(f->vault,
	    index_pack_id(f->index, pack), e);
	if (oldest->reader == NULL)
		return (NULL);
	oldest->pack = pack;
	oldest->used = ++f->clock;
	return (oldest->reader);
}

int
fetch_frame(struct fetch *f, const struct blob_loc *loc, struct buf *raw,
    struct err *e)
{
	struct pack_reader *r;

	buf_clear(raw);
	if (buf_reserve(raw, loc->raw) == NULL)
		return (err_nomem(e));
	if ((r = open_pack(f, loc->pack, e)) == NULL ||
	    pack_reader_frame(r, f->codec, loc->frame_off, loc->stored,
	    raw->data, loc->raw, &f->scratch, e) == -1)
		return (-1);
	raw->len = loc->raw;
	return (0);
}

int
fetch_proves(struct fetch *f, const void *p, size_t len,
    const uint8_t id[DIGEST_LEN])
{
	uint8_t got[DIGEST_LEN];

	digest_bytes(f->digest, p, len, got);
	return (memcmp(got, id, DIGEST_LEN) == 0);
}

/* The kept frame that holds loc, decoded now if need be. */
static const struct buf *
keep_frame(struct fetch *f, const struct blob_loc *loc, struct err *e)
{
	struct kept_frame *k, *oldest = &f->frames[0];
	size_t i;

	for (i = 0; i < f->nframes; i++) {
		k = &f->frames[i];
		if (k->used != 0 && k->pack == loc->pack &&
		    k->off == loc->frame_off && k->raw.len == loc->raw) {
			k->used = ++f->clock;
			return (&k->raw);
		}
		if (k->used < oldest->used)
			oldest = k;
	}
	oldest->used = 0;
	f->last.p = NULL;
	if (fetch_frame(f, loc, &oldest->raw, e) == -1)
		return (NULL);
	oldest->pack = loc->pack;
	oldest->off = loc->frame_off;
	oldest->used = ++f->clock;
	return (&oldest->raw);
}

static int
try_copy(struct fetch *f, const struct blob_loc *loc,
    const uint8_t id[DIGEST_LEN], const uint8_t **p, struct err *e)
{
	const struct buf *raw;
	char pack[DIGEST_HEX + 1];

	if ((raw = keep_frame(f, loc, e)) == NULL)
		return (-1);
	if ((uint64_t)loc->off + loc->len <= raw->len &&
	    fetch_proves(f, raw->data + loc->off, loc->len, id)) {
		*p = raw->data + loc->off;
		return (0);
	}
	digest_hexz(index_pack_id(f->index, loc->pack), pack);
	return (err_set(e, ERR_DAMAGED, "pack %s: a blob's bytes do not "
	    "have its digest", pack));
}

/* Pass over this copy from now on; for good when the fetch ends. */
static int
note_bad(struct fetch *f, uint32_t pack, const uint8_t id[DIGEST_LEN],
    int proved)
{
	struct bad_copy *b;
	struct err ignored;

	if (index_skip(f->index, pack, id, &ignored) == -1)
		return (-1);
	if (!proved)
		return (0);
	b = realloc(f->bad, (f->nbad + 1) * sizeof(*b));
	if (b == NULL)
		return (-1);
	f->bad = b;
	b += f->nbad++;
	b->pack = pack;
	memcpy(b->id, id, DIGEST_LEN);
	return (0);
}

int
fetch_blob(struct fetch *f, enum pack_kind kind,
    const uint8_t id[DIGEST_LEN], const uint8_t **p, size_t *len,
    struct err *e)
{
	char hex[DIGEST_HEX + 1];
	struct blob_loc loc;
	int rc, tried = 0;

	if (f->last.p != NULL && f->last.kind == kind &&
	    memcmp(f->last.id, id, DIGEST_LEN) == 0) {
		*p = f->last.p;
		*len = f->last.len;
		return (0);
	}
	while ((rc = index_find(f->index, kind, id, &loc, e)) == 1) {
		if (try_copy(f, &loc, id, p, e) == 0) {
			*len = loc.len;
			f->last = (struct proved){ *p, *len, kind, { 0 } };
			memcpy(f->last.id, id, DIGEST_LEN);
			return (0);
		}
		if (store_lost(f->vault->store, e))
			return (-1);
		tried = 1;
		/* A disk's error may pass; bytes that are wrong stay wrong. */
		if (note_bad(f, loc.pack, id, e->kind == ERR_DAMAGED) == -1)
			return (err_nomem(e));
	}
	digest_hexz(id, hex);
	if (rc == 0 && !tried)
		err_set(e, ERR_DAMAGED, "no pack has it");
	return (err_wrap(e, "blob %.16s", hex));
}
