#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "backup/known.h"
#include "backup/present.h"
#include "vault/catalog.h"


struct file {
	struct known_file known;
	int checked;		/* 1 all of it is there, -1 not; atomic */
	UT_hash_handle hh;	/* by digest */
};

struct known {
	struct file *files;
	struct file **by_size;
	size_t n;
	struct present *present;
};

static int
add_file(struct known *k, const struct entry *ent, struct err *e)
{
	struct file *f;

	HASH_FIND(hh, k->files, ent->digest, DIGEST_LEN, f);
	if (f != NULL)
		return (0);
	if ((f = calloc(1, sizeof(*f))) == NULL)
		return (err_nomem(e));
	f->known.size = ent->size;
	memcpy(f->known.digest, ent->digest, DIGEST_LEN);
	memcpy(f->known.list, ent->list, DIGEST_LEN);
	f->known.list_depth = ent->list_depth;
	f->known.blobs_len = ent->blobs.len;
	if (ent->blobs.len > 0) {
		f->known.blobs = malloc(ent->blobs.len);
		if (f->known.blobs == NULL) {
			free(f);
			return (err_nomem(e));
		}
		memcpy(f->known.blobs, ent->blobs.p, ent->blobs.len);
	}
	HASH_ADD(hh, k->files, known.digest, DIGEST_LEN, f);
	k->n++;
	return (0);
}

/* What is damaged in an old catalog is not known; no more than that. */
static int
add_volume(struct known *k, struct vault *v, struct index *ix,
    const struct snapshot_volume *volume, struct err *e)
{
	struct catalog_reader *r;
	struct entry ent;
	struct err why;
	int rc;

	r = catalog_reader_new(v, ix, volume->root, volume->depth, NULL,
	    CATALOG_PREFETCH, &why);
	if (r == NULL)
		return (0);
	while ((rc = catalog_reader_next(r, &ent, &why)) != 0 &&
	    k->n < KNOWN_FILES) {
		if (rc == -1 || ent.type != ENTRY_FILE ||
		    ent.size < KNOWN_MIN)
			continue;
		if (add_file(k, &ent, e) == -1)
			break;
	}
	catalog_reader_free(r);
	return (e->kind == ERR_NONE ? 0 : -1);
}

static int
add_snapshot(struct known *k, struct vault *v, struct index *ix,
    const struct snapshot_ref *ref, struct err *e)
{
	struct snapshot s;
	struct err why;
	size_t i;
	int rc = 0;

	if (snapshot_load(&s, v, ref, &why) == -1)
		return (0);
	for (i = 0; i < s.nvolumes && rc == 0; i++)
		rc = add_volume(k, v, ix, &s.volumes[i], e);
	snapshot_fini(&s);
	return (rc);
}

static int
compare_sizes(const void *a, const void *b)
{
	uint64_t x = (*(struct file *const *)a)->known.size;
	uint64_t y = (*(struct file *const *)b)->known.size;

	return (x < y ? -1 : x > y);
}

static int
sort_sizes(struct known *k, struct err *e)
{
	struct file *f;
	size_t n = 0;

	k->by_size = calloc(k->n + 1, sizeof(struct file *));
	if (k->by_size == NULL)
		return (err_nomem(e));
	for (f = k->files; f != NULL; f = f->hh.next)
		k->by_size[n++] = f;
	qsort(k->by_size, k->n, sizeof(struct file *), compare_sizes);
	return (0);
}

struct known *
known_new(struct vault *v, struct index *ix, const struct snapshot_list *list,
    struct err *e)
{
	struct known *k;
	size_t i;

	e->kind = ERR_NONE;
	if ((k = calloc(1, sizeof(*k))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	if ((k->present = present_new(v, ix, e)) == NULL)
		goto fail;
	for (i = list->n; i-- > 0;)
		if (snapshot_list_newest(list, list->refs[i].site) ==
		    &list->refs[i] &&
		    add_snapshot(k, v, ix, &list->refs[i], e) == -1)
			goto fail;
	if (sort_sizes(k, e) == 0)
		return (k);
fail:
	known_free(k);
	return (NULL);
}

void
known_free(struct known *k)
{
	struct file *f, *next;

	if (k == NULL)
		return;
	HASH_ITER(hh, k->files, f, next) {
		HASH_DEL(k->files, f);
		free(f->known.blobs);
		free(f);
	}
	free(k->by_size);
	present_free(k->present);
	free(k);
}

static int
is_there(struct known *k, struct file *f)
{
	struct entry ent;

	int checked = __atomic_load_n(&f->checked, __ATOMIC_RELAXED);

	if (checked == 0) {
		memset(&ent, 0, sizeof(ent));
		ent.type = ENTRY_FILE;
		ent.size = f->known.size;
		memcpy(ent.digest, f->known.digest, DIGEST_LEN);
		memcpy(ent.list, f->known.list, DIGEST_LEN);
		ent.list_depth = f->known.list_depth;
		ent.blobs.p = f->known.blobs;
		ent.blobs.len = f->known.blobs_len;
		checked = present_file(k->present, &ent) ? 1 : -1;
		__atomic_store_n(&f->checked, checked, __ATOMIC_RELAXED);
	}
	return (checked == 1);
}

int
known_size(struct known *k, uint64_t size)
{
	size_t low = 0, high = k->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (k->by_size[mid]->known.size < size)
			low = mid + 1;
		else
			high = mid;
	}
	for (mid = 0; low < k->n && k->by_size[low]->known.size == size;
	    low++)
		mid += (size_t)is_there(k, k->by_size[low]);
	return (mid > 0);
}

const struct known_file *
known_find(const struct known *k, const uint8_t digest[DIGEST_LEN])
{
	const struct file *f;

	if (k == NULL)
		return (NULL);
	HASH_FIND(hh, k->files, digest, DIGEST_LEN, f);
	if (f == NULL || __atomic_load_n(&f->checked, __ATOMIC_RELAXED) != 1)
		return (NULL);
	return (&f->known);
}
