#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <archive.h>
#include <archive_entry.h>

#include "imgxfer/importextra.h"

#define PIECE_BYTES ((size_t)256 << 10)

struct reading {
	const struct source *from;
	struct digest *digest;	/* of the archive, or NULL */
	struct archive *archive;
	struct err err;		/* of the source */
	size_t skipped;
	uint8_t piece[PIECE_BYTES];
};

static la_ssize_t
feed(struct archive *a, void *arg, const void **out)
{
	struct reading *r = arg;
	ssize_t n = r->from->read(r->from->arg, r->piece, PIECE_BYTES,
	    &r->err);

	if (n == -1) {
		archive_set_error(a, -1, "%s", r->err.msg);
		return (ARCHIVE_FATAL);
	}
	if (r->digest != NULL && n > 0)
		digest_update(r->digest, r->piece, (size_t)n);
	*out = r->piece;
	return (n);
}

static ssize_t
read_entry(void *arg, void *p, size_t len, struct err *e)
{
	struct reading *r = arg;
	la_ssize_t n = archive_read_data(r->archive, p, len);

	if (n < 0)
		return (err_set(e, ERR_DAMAGED, "%s: %s", r->from->name,
		    archive_error_string(r->archive)));
	return (n);
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

	if (name == NULL)
		return (err_set(e, ERR_DAMAGED, "%s: a member without a name",
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
	if (inspect_path(path, NULL) != NULL) {
		r->skipped++;
		return (0);
	}
	return (fn(arg, path, archive_entry_perm(entry) & 07777, &content,
	    (uint64_t)size, e));
}

static int
read_archive(struct reading *r, importextra_fn *fn, void *arg, struct err *e)
{
	struct archive_entry *entry;
	const void *rest;
	int status = ARCHIVE_FATAL, rc = 0;

	if ((r->archive = archive_read_new()) == NULL)
		return (err_nomem(e));
	(void)archive_read_support_filter_all(r->archive);
	(void)archive_read_support_format_tar(r->archive);
	if (archive_read_open(r->archive, r, NULL, feed, NULL) == ARCHIVE_OK)
		while (rc == 0 && (status = archive_read_next_header(
		    r->archive, &entry)) == ARCHIVE_OK)
			rc = take_entry(r, entry, fn, arg, e);
	if (rc == 0 && status != ARCHIVE_EOF)
		rc = err_set(e, ERR_DAMAGED, "%s: %s", r->from->name,
		    archive_error_string(r->archive));
	/* What is behind the archive's end belongs to its digest. */
	while (rc == 0 && r->digest != NULL) {
		la_ssize_t n = feed(r->archive, r, &rest);

		if (n < 0) {
			*e = r->err;
			rc = -1;
		}
		if (n <= 0)
			break;
	}
	(void)archive_read_free(r->archive);
	return (rc);
}

int
importextra_each(const struct source *archive, importextra_fn *fn, void *arg,
    struct err *e)
{
	struct reading *r = calloc(1, sizeof(*r));
	int rc;

	if (r == NULL)
		return (err_nomem(e));
	r->from = archive;
	rc = read_archive(r, fn, arg, e);
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
    const uint8_t digest[DIGEST_LEN], struct arena *arena,
    struct import_extra **out, size_t *n, size_t *skipped, struct err *e)
{
	struct reading *r = calloc(1, sizeof(*r));
	struct listing *l = calloc(1, sizeof(*l));
	uint8_t is[DIGEST_LEN];
	int rc = -1;

	if (r == NULL || l == NULL || (r->digest = digest_new()) == NULL ||
	    (l->digest = digest_new()) == NULL) {
		err_nomem(e);
		goto out;
	}
	digest_reset(r->digest);
	l->arena = arena;
	r->from = archive;
	if (read_archive(r, list_file, l, e) == -1)
		goto out;
	digest_final(r->digest, is);
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
	if (r != NULL)
		digest_free(r->digest);
	if (l != NULL) {
		digest_free(l->digest);
		free(l->at);
	}
	free(r);
	free(l);
	return (rc);
}
