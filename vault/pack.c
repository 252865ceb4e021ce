#include <stdlib.h>
#include <string.h>

#include "formats/ustar.h"
#include "vault/pack.h"
#include "vault/packname.h"

#define END_BLOCKS (2 * USTAR_BLOCK)	/* end of a tar archive */

struct pack_writer {
	struct vault *vault;
	struct committer *committer;
	struct frame_codec *codec;
	struct digest *digest;
	struct store_out *out;	/* the open pack, or NULL */
	struct packindex index;	/* of the open pack */
	uint8_t (*ids)[DIGEST_LEN];	/* of the open frame */
	uint32_t *lens;
	size_t nids, ids_cap;
	uint8_t *raw;		/* the open frame */
	size_t raw_len, raw_cap;
	uint8_t *stored;
	size_t stored_cap;
	size_t frame_bytes;
	struct err failed;	/* what went wrong once stays wrong */
};

struct pack_writer *
pack_writer_new(struct vault *v, enum pack_kind kind, struct committer *c,
    struct err *e)
{
	struct pack_writer *w;

	if ((w = calloc(1, sizeof(*w))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	w->vault = v;
	w->committer = c;
	w->index.kind = kind;
	w->frame_bytes = kind == PACK_DATA ? v->meta.frame_bytes :
	    v->meta.catalog_frame_bytes;
	w->codec = frame_codec_new(v->meta.level);
	w->digest = digest_new();
	if (w->codec == NULL || w->digest == NULL) {
		err_nomem(e);
		pack_writer_free(w);
		return (NULL);
	}
	return (w);
}

void
pack_writer_free(struct pack_writer *w)
{
	if (w == NULL)
		return;
	store_out_abort(w->out);
	packindex_fini(&w->index);
	frame_codec_free(w->codec);
	digest_free(w->digest);
	free(w->ids);
	free(w->lens);
	free(w->raw);
	free(w->stored);
	free(w);
}

/* Grow *p to hold at least need bytes; the contents are kept. */
static int
grow(uint8_t **p, size_t *cap, size_t need, struct err *e)
{
	uint8_t *q;

	if (*cap >= need)
		return (0);
	if ((q = realloc(*p, need)) == NULL)
		return (err_nomem(e));
	*p = q;
	*cap = need;
	return (0);
}

/* Compress w->raw and append it to the open pack. */
static int
write_frame(struct pack_writer *w, size_t *stored, struct err *e)
{
	if (grow(&w->stored, &w->stored_cap, frame_bound(w->raw_len),
	    e) == -1)
		return (-1);
	if (frame_encode(w->codec, w->raw, w->raw_len, w->stored,
	    w->stored_cap, stored, e) == -1)
		return (-1);
	if (w->out == NULL &&
	    (w->out = store_out_new(w->vault->store, e)) == NULL)
		return (-1);
	return (store_out_write(w->out, w->stored, *stored, e));
}

/* Write the INDEX member and the trailer and hand the pack over. */
static int
close_pack(struct pack_writer *w, struct err *e)
{
	struct buf text = BUF_INIT;
	struct frame_trailer t;
	uint8_t id[DIGEST_LEN], trailer[FRAME_TRAILER_LEN];
	struct store_out *out;
	size_t stored, padded;
	int rc = -1;

	packindex_encode(&text, &w->index);
	if (buf_ok(&text, e) == -1)
		goto out;
	digest_bytes(w->digest, text.data, text.len, id);
	padded = USTAR_PADDED(text.len);
	w->raw_len = USTAR_BLOCK + padded + END_BLOCKS;
	if (grow(&w->raw, &w->raw_cap, w->raw_len, e) == -1)
		goto out;
	memset(w->raw, 0, w->raw_len);
	ustar_encode(w->raw, "INDEX", text.len);
	memcpy(w->raw + USTAR_BLOCK, text.data, text.len);
	t.index_off = store_out_bytes(w->out);
	if (write_frame(w, &stored, e) == -1)
		goto out;
	t.index_stored = stored;
	t.index_bytes = text.len;
	frame_trailer_encode(&t, trailer);
	if (store_out_write(w->out, trailer, sizeof(trailer), e) == -1)
		goto out;
	out = w->out;
	w->out = NULL;
	rc = committer_submit(w->committer, out, id, e);
out:
	buf_fini(&text);
	w->raw_len = 0;
	w->index.nframes = w->index.nblobs = 0;
	return (rc);
}

static int
store_frame(struct pack_writer *w, struct err *e)
{
	uint64_t off;
	size_t i, stored;

	if (w->nids == 0)
		return (0);
	off = w->out != NULL ? store_out_bytes(w->out) : 0;
	if (write_frame(w, &stored, e) == -1 ||
	    packindex_add_frame(&w->index, off, (uint32_t)stored,
	    (uint32_t)w->raw_len, e) == -1)
		return (-1);
	for (i = 0; i < w->nids; i++)
		if (packindex_add_blob(&w->index, w->ids[i], w->lens[i],
		    e) == -1)
			return (-1);
	w->nids = 0;
	w->raw_len = 0;
	if (store_out_bytes(w->out) >= w->vault->meta.pack_bytes ||
	    w->index.nblobs >= w->vault->meta.pack_blobs)
		return (close_pack(w, e));
	return (0);
}

static int
close_frame(struct pack_writer *w, struct err *e)
{
	if (store_frame(w, e) == -1) {
		w->failed = *e;
		return (-1);
	}
	return (0);
}

/*
 * A pack that a write failed on is of no use, and what was said to be in it
 * is not stored: nothing more goes in, whoever calls.
 */
static int
check_failed(struct pack_writer *w, struct err *e)
{
	if (w->failed.kind == ERR_NONE)
		return (0);
	*e = w->failed;
	return (-1);
}

uint8_t *
pack_writer_reserve(struct pack_writer *w, size_t len, struct err *e)
{
	size_t need, first;

	if (check_failed(w, e) == -1)
		return (NULL);
	if (w->raw_len >= w->frame_bytes && close_frame(w, e) == -1)
		return (NULL);
	need = w->raw_len + USTAR_BLOCK + USTAR_PADDED(len);
	/* The usual blob fits behind a frame that is just not full. */
	first = w->frame_bytes + w->vault->meta.cut_max + 2 * USTAR_BLOCK;
	if (grow(&w->raw, &w->raw_cap, need > first ? need : first, e) == -1)
		return (NULL);
	return (w->raw + w->raw_len + USTAR_BLOCK);
}

static int
grow_ids(struct pack_writer *w, struct err *e)
{
	size_t cap = w->ids_cap == 0 ? 256 : 2 * w->ids_cap;
	uint8_t (*ids)[DIGEST_LEN];
	uint32_t *lens;

	if ((ids = realloc(w->ids, cap * sizeof(*ids))) == NULL)
		return (err_nomem(e));
	w->ids = ids;
	if ((lens = realloc(w->lens, cap * sizeof(*lens))) == NULL)
		return (err_nomem(e));
	w->lens = lens;
	w->ids_cap = cap;
	return (0);
}

int
pack_writer_add(struct pack_writer *w, const uint8_t id[DIGEST_LEN],
    size_t len, struct err *e)
{
	size_t end = w->raw_len + USTAR_BLOCK + len;
	size_t padded = w->raw_len + USTAR_BLOCK + USTAR_PADDED(len);

	if (check_failed(w, e) == -1 ||
	    (w->nids == w->ids_cap && grow_ids(w, e) == -1))
		return (-1);
	ustar_encode_number(w->raw + w->raw_len,
	    (uint32_t)(w->index.nblobs + w->nids), len);
	memset(w->raw + end, 0, padded - end);
	memcpy(w->ids[w->nids], id, DIGEST_LEN);
	w->lens[w->nids++] = (uint32_t)len;
	w->raw_len = padded;
	return (0);
}

int
pack_writer_commit(struct pack_writer *w, struct err *e)
{
	if (check_failed(w, e) == -1 || close_frame(w, e) == -1)
		return (-1);
	if (w->index.nblobs == 0)
		return (0);
	if (close_pack(w, e) == -1) {
		w->failed = *e;
		return (-1);
	}
	return (0);
}

struct pack_reader {
	struct store_in *in;
	uint8_t id[DIGEST_LEN];
	char name[PACK_NAME_LEN];
};

struct pack_reader *
pack_reader_adopt(struct store_in *in, const uint8_t id[DIGEST_LEN],
    struct err *e)
{
	struct pack_reader *r;

	if ((r = calloc(1, sizeof(*r))) == NULL) {
		err_nomem(e);
		store_in_close(in);
		return (NULL);
	}
	memcpy(r->id, id, DIGEST_LEN);
	pack_name(id, r->name);
	r->in = in;
	return (r);
}

struct pack_reader *
pack_reader_open(struct vault *v, const uint8_t id[DIGEST_LEN],
    struct err *e)
{
	char name[PACK_NAME_LEN];
	struct store_in *in;

	pack_name(id, name);
	if ((in = store_in_open(v->store, name, e)) == NULL)
		return (NULL);
	return (pack_reader_adopt(in, id, e));
}

void
pack_reader_close(struct pack_reader *r)
{
	if (r == NULL)
		return;
	store_in_close(r->in);
	free(r);
}

uint64_t
pack_reader_bytes(const struct pack_reader *r)
{
	return (store_in_bytes(r->in));
}

int
pack_reader_frame(struct pack_reader *r, struct frame_codec *codec,
    uint64_t off, size_t stored, void *raw, size_t rawlen,
    struct buf *scratch, struct err *e)
{
	uint8_t *p;

	buf_clear(scratch);
	if ((p = buf_reserve(scratch, stored)) == NULL)
		return (err_nomem(e));
	if (store_in_read(r->in, p, stored, off, e) == -1)
		return (-1);
	if (frame_decode(codec, p, stored, raw, rawlen, e) == -1)
		return (err_wrap(e, "%s: frame at %llu", r->name,
		    (unsigned long long)off));
	return (0);
}

/* Take the INDEX text out of its frame and prove it by the pack's name. */
static int
parse_index(struct pack_reader *r, const uint8_t *raw, size_t rawlen,
    const struct frame_trailer *t, struct packindex *x, struct err *e)
{
	uint8_t id[DIGEST_LEN];
	char name[101];
	struct digest *d;
	uint64_t size;

	if (ustar_decode(raw, name, &size, e) == -1)
		return (-1);
	if (strcmp(name, "INDEX") != 0 || size != t->index_bytes ||
	    size > rawlen - USTAR_BLOCK)
		return (err_set(e, ERR_DAMAGED, "no INDEX where the trailer "
		    "says"));
	if ((d = digest_new()) == NULL)
		return (err_nomem(e));
	digest_bytes(d, raw + USTAR_BLOCK, size, id);
	digest_free(d);
	if (memcmp(id, r->id, DIGEST_LEN) != 0)
		return (err_set(e, ERR_DAMAGED, "INDEX does not have the "
		    "digest that names the pack"));
	return (packindex_decode(x, raw + USTAR_BLOCK, size, t->index_off,
	    e));
}

int
pack_reader_index(struct pack_reader *r, struct packindex *x, struct err *e)
{
	uint64_t bytes = pack_reader_bytes(r);
	uint8_t trailer[FRAME_TRAILER_LEN];
	struct frame_codec *codec = NULL;
	struct buf scratch = BUF_INIT, raw = BUF_INIT;
	struct frame_trailer t;
	size_t rawlen;
	int rc = -1;

	memset(x, 0, sizeof(*x));
	if (bytes < FRAME_TRAILER_LEN) {
		err_set(e, ERR_DAMAGED, "too short for a pack (truncated?)");
		goto out;
	}
	if (store_in_read(r->in, trailer, sizeof(trailer),
	    bytes - sizeof(trailer), e) == -1 ||
	    frame_trailer_decode(trailer, bytes, &t, e) == -1)
		goto out;
	rawlen = USTAR_BLOCK + USTAR_PADDED(t.index_bytes) + END_BLOCKS;
	codec = frame_codec_new(1);
	if (codec == NULL || buf_reserve(&raw, rawlen) == NULL) {
		err_nomem(e);
		goto out;
	}
	if (pack_reader_frame(r, codec, t.index_off, t.index_stored,
	    raw.data, rawlen, &scratch, e) == -1)
		goto out;
	rc = parse_index(r, raw.data, rawlen, &t, x, e);
out:
	frame_codec_free(codec);
	buf_fini(&scratch);
	buf_fini(&raw);
	return (rc == 0 ? 0 : err_wrap(e, "%s", r->name));
}

static int
prove_frame(struct pack_reader *r, const struct packindex *x, size_t frame,
    struct frame_codec *codec, struct digest *d, struct buf *raw,
    struct buf *scratch, struct err *e)
{
	const struct packindex_frame *f = &x->frames[frame];
	const struct packindex_blob *b = &x->blobs[f->first];
	uint8_t id[DIGEST_LEN];
	size_t i;

	buf_clear(raw);
	if (buf_reserve(raw, f->raw) == NULL)
		return (err_nomem(e));
	if (pack_reader_frame(r, codec, f->off, f->stored, raw->data, f->raw,
	    scratch, e) == -1)
		return (-1);
	for (i = 0; i < f->count; i++) {
		digest_bytes(d, raw->data + b[i].off, b[i].len, id);
		if (memcmp(id, b[i].id, DIGEST_LEN) != 0)
			return (err_set(e, ERR_DAMAGED, "%s: a blob's bytes "
			    "do not have its digest", r->name));
	}
	return (0);
}

int
pack_reader_prove(struct pack_reader *r, struct err *e)
{
	struct frame_codec *codec = frame_codec_new(1);
	struct digest *d = digest_new();
	struct buf raw = BUF_INIT, scratch = BUF_INIT;
	struct packindex x;
	size_t i;
	int rc;

	if (codec == NULL || d == NULL) {
		memset(&x, 0, sizeof(x));
		rc = err_nomem(e);
	} else
		rc = pack_reader_index(r, &x, e);
	for (i = 0; rc == 0 && i < x.nframes; i++)
		rc = prove_frame(r, &x, i, codec, d, &raw, &scratch, e);
	packindex_fini(&x);
	buf_fini(&raw);
	buf_fini(&scratch);
	frame_codec_free(codec);
	digest_free(d);
	return (rc);
}

/* The blobs of one decoded frame, as far as its headers make sense. */
static int
salvage_blobs(struct packindex *x, struct digest *d, const uint8_t *raw,
    size_t rawlen, struct err *e)
{
	uint8_t id[DIGEST_LEN];
	struct err ignored;
	char name[101];
	uint64_t size;
	size_t off = 0;

	while (rawlen - off >= USTAR_BLOCK) {
		if (ustar_decode(raw + off, name, &size, &ignored) == -1 ||
		    strcmp(name, "INDEX") == 0)
			break;
		off += USTAR_BLOCK;
		if (size == 0 || size > BLOB_MAX ||
		    USTAR_PADDED(size) > rawlen - off)
			break;
		digest_bytes(d, raw + off, size, id);
		if (packindex_add_blob(x, id, (uint32_t)size, e) == -1)
			return (-1);
		off += USTAR_PADDED(size);
	}
	return (0);
}

/* Read the frame that starts at off, of which no length is known. */
static int
find_frame(struct pack_reader *r, uint64_t off, struct buf *in,
    size_t *stored, size_t *rawlen)
{
	uint64_t left = pack_reader_bytes(r) - off;
	const size_t windows[] = { 8 << 20, frame_bound(FRAME_RAW_MAX) };
	struct err ignored;
	size_t i, want;

	for (i = 0; i < 2; i++) {
		want = left < windows[i] ? (size_t)left : windows[i];
		buf_clear(in);
		if (buf_reserve(in, want) == NULL ||
		    store_in_read(r->in, in->data, want, off, &ignored) == -1)
			return (-1);
		if (frame_measure(in->data, want, stored, rawlen) == 0)
			return (0);
	}
	return (-1);
}

int
pack_reader_salvage(struct pack_reader *r, struct packindex *x,
    struct err *e)
{
	uint64_t bytes = pack_reader_bytes(r), off = 0;
	struct frame_codec *codec = frame_codec_new(1);
	struct digest *d = digest_new();
	struct buf in = BUF_INIT, raw = BUF_INIT;
	struct err ignored;
	size_t stored, rawlen;
	int rc = -1;

	memset(x, 0, sizeof(*x));
	if (codec == NULL || d == NULL)
		goto nomem;
	while (off < bytes) {
		if (find_frame(r, off, &in, &stored, &rawlen) == -1)
			break;
		buf_clear(&raw);
		if (buf_reserve(&raw, rawlen + 1) == NULL)
			goto nomem;
		if (frame_decode(codec, in.data, stored, raw.data, rawlen,
		    &ignored) == 0) {
			if (packindex_add_frame(x, off, (uint32_t)stored,
			    (uint32_t)rawlen, e) == -1 ||
			    salvage_blobs(x, d, raw.data, rawlen, e) == -1)
				goto out;
			/* A frame without blobs is the INDEX's own. */
			if (x->frames[x->nframes - 1].count == 0)
				x->nframes--;
		}
		off += stored;
	}
	rc = 0;
	goto out;
nomem:
	err_nomem(e);
out:
	frame_codec_free(codec);
	digest_free(d);
	buf_fini(&in);
	buf_fini(&raw);
	return (rc);
}
