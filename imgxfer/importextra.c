#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <archive.h>
#include <archive_entry.h>

#include "base/cancel.h"
#include "imgxfer/importextra.h"
#include "imgxfer/unpack.h"

#define PIECE_BYTES ((size_t)256 << 10)

/* The packed bytes, counted into the digest of the archive. */
struct packed {
	const struct source *from;
	struct digest *digest;	/* or NULL */
};

struct reading {
	const struct source *from;
	struct source plain;	/* the tar archive within */
	struct archive *archive;
	struct err err;		/* of plain */
	importextra_heed *heed;	/* or NULL */
	void *arg;
	int within;		/* a file's bytes are being read */
	size_t taken, skipped;
	const struct inspect_options *opt;
	/* Of the member at hand: what was read of it, and what is there. */
	uint64_t size, at;
	const uint8_t *block;
	size_t left;
	uint8_t piece[PIECE_BYTES];
};

static ssize_t
read_packed(void *arg, void *p, size_t len, struct err *e)
{
	const struct packed *k = arg;
	ssize_t n = k->from->read(k->from->arg, p, len, e);

	if (k->digest != NULL && n > 0)
		digest_update(k->digest, p, (size_t)n);
	return (n);
}

static la_ssize_t
feed(struct archive *a, void *arg, const void **out)
{
	struct reading *r = arg;
	ssize_t n = -1;

	if (cancel_check(&r->err) == 0 && (r->heed == NULL || r->within ||
	    r->heed(r->arg, &r->err) == 0))
		n = r->plain.read(r->plain.arg, r->piece, PIECE_BYTES,
		    &r->err);

	if (n == -1) {
		archive_set_error(a, -1, "%s", r->err.msg);
		return (ARCHIVE_FATAL);
	}
	*out = r->piece;
	return (n);
}

static int
garbled(struct reading *r, struct err *e)
{
	const char *why = archive_error_string(r->archive);

	if (r->err.kind != ERR_NONE && r->err.kind != ERR_DAMAGED) {
		*e = r->err;
		return (-1);
	}
	return (err_set(e, ERR_DAMAGED, "%s: %s", r->from->name,
	    why != NULL ? why : "it is garbled"));
}

/* Bytes that are there: a sparse file would go on with zeros for ever. */
static ssize_t
read_entry(void *arg, void *p, size_t len, struct err *e)
{
	struct reading *r = arg;
	const void *block = NULL;
	la_int64_t off = 0;
	int rc;

	while (r->left == 0) {
		if (r->at == r->size)
			return (0);
		rc = archive_read_data_block(r->archive, &block, &r->left,
		    &off);
		if (rc < ARCHIVE_OK)
			return (garbled(r, e));
		if (rc == ARCHIVE_EOF || (uint64_t)off != r->at ||
		    r->left > r->size - r->at)
			return (err_set(e, ERR_DAMAGED, "%s: a member has "
			    "holes", r->from->name));
		r->block = block;
	}
	if (len > r->left)
		len = r->left;
	memcpy(p, r->block, len);
	r->block += len;
	r->left -= len;
	r->at += len;
	return ((ssize_t)len);
}

static int
take_entry(struct reading *r, struct archive_entry *entry,
    importextra_fn *fn, void *arg, struct err *e)
{
	struct source content = { r->from->name, read_entry, r };
	const char *name = archive_entry_pathname(entry);
	char path[1100];
	int64_t size = archive_entry_size(entry);
	size_t n;
	int rc;

	if (name == NULL)
		return (err_set(e, ERR_DAMAGED, "%s: a member without a name",
		    r->from->name));
	if (++r->taken > IMPORTEXTRA_MEMBERS_MAX)
		return (err_set(e, ERR_DAMAGED, "%s: too many members",
		    r->from->name));
	while (name[0] == '.' && name[1] == '/')
		name += 2;
	n = strlen(name);
	if (n > 0 && name[n - 1] == '/')
		n--;
	if (archive_entry_filetype(entry) == AE_IFDIR)
		return (0);
	if (n == 0 || n > 1024 || archive_entry_filetype(entry) != AE_IFREG ||
	    archive_entry_hardlink(entry) != NULL || size < 0) {
		r->skipped++;
		return (0);
	}
	path[0] = '/';
	memcpy(path + 1, name, n);
	path[n + 1] = '\0';
	if (inspect_path(path, r->opt) != NULL) {
		r->skipped++;
		return (0);
	}
	r->size = (uint64_t)size;
	r->at = r->left = 0;
	r->within = 1;
	rc = fn(arg, path, archive_entry_perm(entry) & 0777, &content,
	    (uint64_t)size, e);
	r->within = 0;
	return (rc);
}

static int
read_tar(struct reading *r, importextra_fn *fn, void *arg, struct err *e)
{
	struct archive_entry *entry;
	int status = ARCHIVE_FATAL, rc = 0;

	if ((r->archive = archive_read_new()) == NULL)
		return (err_nomem(e));
	/* No filters: some of them are programs that it would run. */
	(void)archive_read_support_format_tar(r->archive);
	if (archive_read_open(r->archive, r, NULL, feed, NULL) == ARCHIVE_OK)
		while (rc == 0 && (status = archive_read_next_header(
		    r->archive, &entry)) == ARCHIVE_OK)
			rc = take_entry(r, entry, fn, arg, e);
	if (rc == 0 && status != ARCHIVE_EOF)
		rc = garbled(r, e);
	(void)archive_read_free(r->archive);
	return (rc);
}

/* With a digest, all of the archive is read, whatever is behind the tar. */
static int
read_archive(struct reading *r, struct digest *digest, importextra_fn *fn,
    void *arg, struct err *e)
{
	struct packed k = { r->from, digest };
	const struct source src = { r->from->name, read_packed, &k };
	struct unpack *u = NULL;
	struct pull p;
	int rc = -1;

	if (pull_init(&p, &src, e) == 0 && (u = unpack_new(&p, e)) != NULL) {
		r->plain = unpack_source(u);
		rc = strcmp(unpack_form(u), "zstd") == 0 ?
		    read_tar(r, fn, arg, e) : err_set(e, ERR_DAMAGED,
		    "%s: it is not packed by zstd", r->from->name);
	}
	unpack_free(u);
	pull_fini(&p);
	return (rc == 0 && digest != NULL ? source_drain(&src, e) : rc);
}

int
importextra_each(const struct source *archive, importextra_fn *fn,
    importextra_heed *heed, void *arg, struct err *e)
{
	static const char *const root = "";
	const struct inspect_options anywhere = { &root, 1, 0 };
	struct reading *r = calloc(1, sizeof(*r));
	int rc;

	if (r == NULL)
		return (err_nomem(e));
	r->from = archive;
	r->opt = &anywhere;
	r->heed = heed;
	r->arg = arg;
	rc = read_archive(r, NULL, fn, arg, e);
	free(r);
	return (rc);
}

/* ------------------------------------------------------------- listing */

struct listing {
	struct arena *arena;
	struct import_extra *at;
	size_t n, cap;
	struct digest *digest;
	uint8_t piece[PIECE_BYTES];
};

static int
list_file(void *arg, const char *path, unsigned mode,
    const struct source *from, uint64_t bytes, struct err *e)
{
	struct listing *l = arg;
	struct import_extra *x;
	ssize_t n;

	if (l->n == l->cap) {
		x = reallocarray(l->at, l->cap + 256, sizeof(*x));
		if (x == NULL)
			return (err_nomem(e));
		l->at = x;
		l->cap += 256;
	}
	x = l->at + l->n;
	x->path = arena_copy(l->arena, path, strlen(path) + 1);
	x->bytes = bytes;
	x->mode = mode;
	if (x->path == NULL)
		return (err_nomem(e));
	digest_reset(l->digest);
	while ((n = from->read(from->arg, l->piece, PIECE_BYTES, e)) > 0)
		digest_update(l->digest, l->piece, (size_t)n);
	digest_final(l->digest, x->digest);
	l->n++;
	return (n == 0 ? 0 : -1);
}

static int
by_path(const void *a, const void *b)
{
	const struct import_extra *x = a, *y = b;

	return (strcmp(x->path, y->path));
}

static int
check_twice(const struct listing *l, const struct source *archive,
    struct err *e)
{
	size_t i;

	for (i = 1; i < l->n; i++)
		if (strcmp(l->at[i].path, l->at[i - 1].path) == 0)
			return (err_set(e, ERR_DAMAGED, "%s: %s: it is in it "
			    "twice", archive->name, l->at[i].path));
	return (0);
}

int
importextra_list(const struct source *archive,
    const struct inspect_options *opt, const uint8_t digest[DIGEST_LEN],
    struct arena *arena, struct import_extra **out, size_t *n,
    size_t *skipped, struct err *e)
{
	struct reading *r = calloc(1, sizeof(*r));
	struct listing *l = calloc(1, sizeof(*l));
	struct digest *d = NULL;
	uint8_t is[DIGEST_LEN];
	int rc = -1;

	if (r == NULL || l == NULL || (d = digest_new()) == NULL ||
	    (l->digest = digest_new()) == NULL) {
		err_nomem(e);
		goto out;
	}
	digest_reset(d);
	l->arena = arena;
	r->from = archive;
	r->opt = opt;
	if (read_archive(r, d, list_file, l, e) == -1)
		goto out;
	digest_final(d, is);
	if (memcmp(is, digest, DIGEST_LEN) != 0) {
		err_set(e, ERR_DAMAGED, "%s: it is not what its sidecar "
		    "tells of", archive->name);
		goto out;
	}
	if (l->n > 1)
		qsort(l->at, l->n, sizeof(*l->at), by_path);
	if ((rc = check_twice(l, archive, e)) == -1)
		goto out;
	*out = l->at;
	*n = l->n;
	*skipped = r->skipped;
	l->at = NULL;
out:
	digest_free(d);
	if (l != NULL) {
		digest_free(l->digest);
		free(l->at);
	}
	free(r);
	free(l);
	return (rc);
}
