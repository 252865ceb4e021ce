#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "vault/segment.h"

/*
 * The image, in a file or in memory; numbers in the host's byte order, for
 * the file never leaves the host:
 *	head	magic, kind, numbers of packs, frames and blobs
 *	packs	id, length
 *	digest of the frames and blobs
 *	digest of all before it
 *	frames	offset in the pack, pack, stored and raw length
 *	blobs	id, frame, offset, length
 */
#define MAGIC "xcvseg01"
#define HEAD_LEN 24
#define PACK_LEN (DIGEST_LEN + 8)
#define FRAME_LEN 20
#define BLOB_LEN (DIGEST_LEN + 12)
#define PACKS_MAX (1u << 22)

struct segment {
	enum pack_kind kind;
	uint32_t npacks, nframes, nblobs;
	uint8_t *image;
	size_t head_len;	/* up to the frames */
	size_t len;		/* of the whole image */
	int mapped;		/* image is a mapping of the file */
	int ready;		/* the image is whole and proved */
	uint32_t *fan;		/* first blob for each prefix of ids; or NULL */
	unsigned fan_bits;
	char file[PATH_MAX];	/* "" when only in memory */
};

static uint8_t *
frame_at(const struct segment *s, size_t i)
{
	return (s->image + s->head_len + i * FRAME_LEN);
}

static uint8_t *
blob_at(const struct segment *s, size_t i)
{
	return (s->image + s->head_len + (size_t)s->nframes * FRAME_LEN +
	    i * BLOB_LEN);
}

static uint32_t
get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return (v);
}

static uint64_t
get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return (v);
}

static void
put32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, sizeof(v));
}

static void
put64(uint8_t *p, uint64_t v)
{
	memcpy(p, &v, sizeof(v));
}

static void
set_lengths(struct segment *s)
{
	s->head_len = HEAD_LEN + (size_t)s->npacks * PACK_LEN +
	    2 * DIGEST_LEN;
	s->len = s->head_len + (size_t)s->nframes * FRAME_LEN +
	    (size_t)s->nblobs * BLOB_LEN;
}

static struct segment *
segment_alloc(enum pack_kind kind, size_t npacks, size_t nframes,
    size_t nblobs, struct err *e)
{
	struct segment *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		goto nomem;
	s->kind = kind;
	s->npacks = (uint32_t)npacks;
	s->nframes = (uint32_t)nframes;
	s->nblobs = (uint32_t)nblobs;
	set_lengths(s);
	if ((s->image = calloc(1, s->len)) == NULL)
		goto nomem;
	memcpy(s->image, MAGIC, 8);
	put32(s->image + 8, kind);
	put32(s->image + 12, s->npacks);
	put32(s->image + 16, s->nframes);
	put32(s->image + 20, s->nblobs);
	s->ready = 1;
	return (s);
nomem:
	err_nomem(e);
	free(s);
	return (NULL);
}

static int
compare_blobs(const void *a, const void *b)
{
	return (memcmp(a, b, DIGEST_LEN));
}

struct segment *
segment_new(const struct segment_pack *pack, const struct packindex *x,
    struct err *e)
{
	struct segment *s;
	uint8_t *p;
	size_t i;

	s = segment_alloc(x->kind, 1, x->nframes, x->nblobs, e);
	if (s == NULL)
		return (NULL);
	memcpy(s->image + HEAD_LEN, pack->id, DIGEST_LEN);
	put64(s->image + HEAD_LEN + DIGEST_LEN, pack->bytes);
	for (i = 0; i < x->nframes; i++) {
		p = frame_at(s, i);
		put64(p, x->frames[i].off);
		put32(p + 8, 0);
		put32(p + 12, x->frames[i].stored);
		put32(p + 16, x->frames[i].raw);
	}
	for (i = 0; i < x->nblobs; i++) {
		p = blob_at(s, i);
		memcpy(p, x->blobs[i].id, DIGEST_LEN);
		put32(p + DIGEST_LEN, x->blobs[i].frame);
		put32(p + DIGEST_LEN + 4, x->blobs[i].off);
		put32(p + DIGEST_LEN + 8, x->blobs[i].len);
	}
	qsort(blob_at(s, 0), s->nblobs, BLOB_LEN, compare_blobs);
	return (s);
}

/* Packs and frames one after another, renumbered. */
static void
merge_tables(struct segment *out, struct segment *const *segs, size_t n)
{
	size_t i, j, packs = 0, frames = 0;
	uint8_t *p;

	for (i = 0; i < n; i++) {
		memcpy(out->image + HEAD_LEN + packs * PACK_LEN,
		    segs[i]->image + HEAD_LEN,
		    (size_t)segs[i]->npacks * PACK_LEN);
		for (j = 0; j < segs[i]->nframes; j++) {
			p = frame_at(out, frames + j);
			memcpy(p, frame_at(segs[i], j), FRAME_LEN);
			put32(p + 8, get32(p + 8) + (uint32_t)packs);
		}
		packs += segs[i]->npacks;
		frames += segs[i]->nframes;
	}
}

struct segment *
segment_merge(struct segment *const *segs, size_t n, struct err *e)
{
	size_t packs = 0, frames = 0, blobs = 0, i, k, out = 0;
	size_t *next = NULL;
	uint32_t *base = NULL;
	struct segment *s = NULL;
	uint8_t *p;

	next = calloc(n, sizeof(*next));
	base = calloc(n, sizeof(*base));
	if (next == NULL || base == NULL) {
		err_nomem(e);
		goto out;
	}
	for (i = 0; i < n; i++) {
		base[i] = (uint32_t)frames;
		packs += segs[i]->npacks;
		frames += segs[i]->nframes;
		blobs += segs[i]->nblobs;
	}
	if ((s = segment_alloc(segs[0]->kind, packs, frames, blobs,
	    e)) == NULL)
		goto out;
	merge_tables(s, segs, n);
	while (out < blobs) {
		for (k = n, i = 0; i < n; i++)
			if (next[i] < segs[i]->nblobs && (k == n ||
			    memcmp(blob_at(segs[i], next[i]),
			    blob_at(segs[k], next[k]), DIGEST_LEN) < 0))
				k = i;
		p = blob_at(s, out++);
		memcpy(p, blob_at(segs[k], next[k]++), BLOB_LEN);
		put32(p + DIGEST_LEN, get32(p + DIGEST_LEN) + base[k]);
	}
out:
	free(next);
	free(base);
	return (s);
}

static uint32_t
prefix(const struct segment *s, const uint8_t *id)
{
	uint32_t v = (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 |
	    (uint32_t)id[2] << 8 | id[3];

	return (v >> (32 - s->fan_bits));
}

/*
 * Where the blobs of each prefix begin, about four to a prefix: a look-up
 * then touches one place of the image instead of a dozen.  Without memory
 * for it, look-ups are only slower.
 */
static void
make_fan(struct segment *s)
{
	uint32_t at = 0, n;
	size_t i;

	for (s->fan_bits = 1; s->fan_bits < 24 &&
	    (size_t)4 << s->fan_bits < s->nblobs; s->fan_bits++)
		;
	n = (uint32_t)1 << s->fan_bits;
	if ((s->fan = malloc(((size_t)n + 1) * sizeof(*s->fan))) == NULL)
		return;
	for (i = 0; i < s->nblobs; i++)
		while (at <= prefix(s, blob_at(s, i)))
			s->fan[at++] = (uint32_t)i;
	while (at <= n)
		s->fan[at++] = s->nblobs;
}

/* The two digests, in place or compared.  0 when they are right. */
static int
digests(struct segment *s, int set)
{
	uint8_t body[DIGEST_LEN], head[DIGEST_LEN];
	uint8_t *at = s->image + s->head_len - 2 * DIGEST_LEN;
	struct digest *d;
	int rc = 0;

	if ((d = digest_new()) == NULL)
		return (-1);
	digest_bytes(d, s->image + s->head_len, s->len - s->head_len, body);
	if (set)
		memcpy(at, body, DIGEST_LEN);
	else
		rc = memcmp(at, body, DIGEST_LEN);
	digest_bytes(d, s->image, s->head_len - DIGEST_LEN, head);
	if (set)
		memcpy(at + DIGEST_LEN, head, DIGEST_LEN);
	else if (rc == 0)
		rc = memcmp(at + DIGEST_LEN, head, DIGEST_LEN);
	digest_free(d);
	return (rc == 0 ? 0 : -1);
}

void
segment_save(struct segment *s, const char *folder)
{
	char hex[DIGEST_HEX + 1], tmp[PATH_MAX], file[PATH_MAX];
	uint8_t *map;
	int fd;

	if (folder == NULL || s->file[0] != '\0' || digests(s, 1) == -1)
		return;
	digest_hexz(s->image + s->head_len - DIGEST_LEN, hex);
	if (snprintf(file, sizeof(file), "%s/%.32s.seg", folder, hex) >=
	    (int)sizeof(file) || snprintf(tmp, sizeof(tmp), "%s/%.32s.%ld",
	    folder, hex, (long)getpid()) >= (int)sizeof(tmp))
		return;
	fd = open(tmp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (fd == -1)
		return;
	if (io_write(fd, s->image, s->len) == -1 ||
	    rename(tmp, file) == -1) {
		(void)unlink(tmp);
		close(fd);
		return;
	}
	map = mmap(NULL, s->len, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (map != MAP_FAILED) {
		free(s->image);
		s->image = map;
		s->mapped = 1;
	}
	memcpy(s->file, file, sizeof(s->file));
}

/* Counts that fit the file, and a head that has its digest. */
static int
check_head(struct segment *s, uint64_t bytes)
{
	uint8_t head[DIGEST_LEN];
	struct digest *d;
	int rc;

	if (bytes < HEAD_LEN || memcmp(s->image, MAGIC, 8) != 0)
		return (-1);
	s->kind = get32(s->image + 8) == PACK_DATA ? PACK_DATA : PACK_CATALOG;
	s->npacks = get32(s->image + 12);
	s->nframes = get32(s->image + 16);
	s->nblobs = get32(s->image + 20);
	set_lengths(s);
	if (s->npacks == 0 || s->npacks > PACKS_MAX || s->len != bytes ||
	    (d = digest_new()) == NULL)
		return (-1);
	digest_bytes(d, s->image, s->head_len - DIGEST_LEN, head);
	digest_free(d);
	rc = memcmp(s->image + s->head_len - DIGEST_LEN, head, DIGEST_LEN);
	return (rc == 0 ? 0 : -1);
}

struct segment *
segment_load(const char *folder, const char *file)
{
	struct segment *s;
	struct stat st;
	uint8_t *map;
	int fd;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return (NULL);
	if (snprintf(s->file, sizeof(s->file), "%s/%s", folder, file) >=
	    (int)sizeof(s->file))
		goto fail;
	fd = open(s->file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd == -1)
		goto fail;
	if (fstat(fd, &st) == -1 || st.st_size < HEAD_LEN) {
		close(fd);
		goto fail;
	}
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		goto fail;
	s->image = map;
	s->mapped = 1;
	if (check_head(s, (uint64_t)st.st_size) == -1) {
		munmap(map, (size_t)st.st_size);
		s->image = NULL;
		(void)unlink(s->file);
		goto fail;
	}
	return (s);
fail:
	free(s);
	return (NULL);
}

int
segment_ready(struct segment *s)
{
	size_t i;

	if (s->ready) {
		if (s->fan == NULL)
			make_fan(s);
		return (0);
	}
	if (digests(s, 0) == -1)
		return (-1);
	/* Proved to be what was written; the rest guards against our bugs. */
	for (i = 0; i < s->nframes; i++)
		if (get32(frame_at(s, i) + 8) >= s->npacks)
			return (-1);
	for (i = 0; i < s->nblobs; i++)
		if (get32(blob_at(s, i) + DIGEST_LEN) >= s->nframes)
			return (-1);
	s->ready = 1;
	make_fan(s);
	return (0);
}

void
segment_free(struct segment *s)
{
	if (s == NULL)
		return;
	if (s->mapped)
		munmap(s->image, s->len);
	else
		free(s->image);
	free(s->fan);
	free(s);
}

void
segment_discard(struct segment *s)
{
	if (s != NULL && s->file[0] != '\0')
		(void)unlink(s->file);
	segment_free(s);
}

enum pack_kind
segment_kind(const struct segment *s)
{
	return (s->kind);
}

size_t
segment_blobs(const struct segment *s)
{
	return (s->nblobs);
}

size_t
segment_packs(const struct segment *s)
{
	return (s->npacks);
}

void
segment_get_pack(const struct segment *s, size_t i, struct segment_pack *pack)
{
	const uint8_t *p = s->image + HEAD_LEN + i * PACK_LEN;

	memcpy(pack->id, p, DIGEST_LEN);
	pack->bytes = get64(p + DIGEST_LEN);
}

size_t
segment_find(const struct segment *s, const uint8_t id[DIGEST_LEN])
{
	size_t low = 0, high = s->nblobs, mid;

	if (s->fan != NULL) {
		low = s->fan[prefix(s, id)];
		high = s->fan[prefix(s, id) + 1];
	}
	while (low < high) {
		mid = low + (high - low) / 2;
		if (memcmp(blob_at(s, mid), id, DIGEST_LEN) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < s->nblobs && memcmp(blob_at(s, low), id, DIGEST_LEN) == 0)
		return (low);
	return (s->nblobs);
}

const uint8_t *
segment_id(const struct segment *s, size_t pos)
{
	return (blob_at(s, pos));
}

void
segment_get(const struct segment *s, size_t pos, struct segment_blob *b)
{
	const uint8_t *p = blob_at(s, pos), *f;

	f = frame_at(s, get32(p + DIGEST_LEN));
	b->frame_off = get64(f);
	b->pack = get32(f + 8);
	b->stored = get32(f + 12);
	b->raw = get32(f + 16);
	b->off = get32(p + DIGEST_LEN + 4);
	b->len = get32(p + DIGEST_LEN + 8);
}
