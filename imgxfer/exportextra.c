#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "base/cancel.h"
#include "base/io.h"
#include "formats/scan.h"
#include "imgxfer/exportextra.h"
#include "remote/exec.h"
#include "remote/quote.h"

#define NAMES_MAX ((size_t)64 << 20)
#define FIND_S 900
#define IDLE_S 300
#define TRIES 3
#define CHUNK ((size_t)128 << 10)
#define LEVEL "3"

/* ---------------------------------------------------------------- listing */

static int
add_found(struct sidecar_left *l, struct exportplan *p,
    const struct sidecar_left *dir, struct scan *s, struct err *e)
{
	struct span path;
	uint64_t size;
	uint32_t mode;

	if (!scan_octal(s, &mode) || !scan_char(s, ' ') ||
	    !scan_u64(s, &size) || !scan_char(s, ' ') ||
	    !scan_word(s, '\0', '\0', &path) || !scan_char(s, '\0'))
		return (err_set(e, ERR_FAILED, "%s: find printed something "
		    "else", dir->path));
	memset(l, 0, sizeof(*l));
	l->what = dir->what;
	l->type = '0';
	l->mode = mode;
	l->size = size;
	l->carried = 1;
	l->path = exportplan_keep(p, path.p, path.len, e);
	return (l->path != NULL ? 0 : -1);
}

static int
find_files(const struct sidecar_left *dir, struct remote *r, struct buf *out,
    struct err *e)
{
	static const char script[] =
	    "exec find -L \"$1/\" -type f -printf '%04m %s %p\\0'\n";
	const char *args[] = { dir->path };
	struct buf command = BUF_INIT;
	struct remote_io io = { .max = NAMES_MAX, .out = out,
	    .limit_s = FIND_S };
	int rc = -1;

	remote_command(&command, script, args, 1);
	if (buf_ok(&command, e) == 0)
		rc = remote_run(r, buf_cstr(&command), &io, e);
	buf_fini(&command);
	if (rc == 0 && io.status != 0)
		rc = err_set(e, ERR_FAILED, "%s: %s cannot be listed",
		    remote_name(r), dir->path);
	return (rc);
}

/* "DIR//FILE" of find as "DIR/FILE". */
static void
squeeze(struct buf *b)
{
	size_t i, n = 0;

	for (i = 0; i < b->len; i++)
		if (b->data[i] != '/' || n == 0 || b->data[n - 1] != '/')
			b->data[n++] = b->data[i];
	b->len = n;
}

static size_t
count_names(const struct buf *b)
{
	size_t i, n = 0;

	for (i = 0; i < b->len; i++)
		n += b->data[i] == '\0';
	return (n);
}

/* The list with the directory's files behind it. */
static int
expand(struct exportplan *p, size_t at, struct remote *r, struct err *e)
{
	struct buf out = BUF_INIT;
	struct sidecar_left *list;
	struct scan s;
	size_t n, i;
	int rc = -1;

	if (find_files(&p->left[at], r, &out, e) == -1)
		goto out;
	squeeze(&out);
	n = count_names(&out);
	list = arena_alloc(&p->arena, (p->nleft + n + 1) * sizeof(*list));
	if (list == NULL) {
		err_nomem(e);
		goto out;
	}
	memcpy(list, p->left, (at + 1) * sizeof(*list));
	memcpy(list + at + 1 + n, p->left + at + 1,
	    (p->nleft - at - 1) * sizeof(*list));
	s.p = (const char *)out.data;
	s.end = s.p + out.len;
	for (i = 0; i < n; i++)
		if (add_found(&list[at + 1 + i], p, &p->left[at], &s,
		    e) == -1)
			goto out;
	p->left = list;
	p->nleft += n;
	rc = 0;
out:
	buf_fini(&out);
	return (rc);
}

int
exportextra_list(struct exportplan *p, struct remote *r, struct err *e)
{
	size_t i, n;

	for (i = 0; i < p->nleft; i++) {
		if (strcmp(p->left[i].what, "pkgdir") == 0)
			continue;
		p->left[i].carried = 1;
		if (p->left[i].type != '5')
			continue;
		n = p->nleft;
		if (expand(p, i, r, e) == -1)
			return (-1);
		i += p->nleft - n;
	}
	return (0);
}

/* --------------------------------------------------------------- fetching */

static int
packed(struct archive *a, struct err *e)
{
	return (err_set(e, ERR_FAILED, "the extra archive: %s",
	    archive_error_string(a) != NULL ? archive_error_string(a) :
	    "libarchive failed"));
}

static struct archive *
open_pack(int fd, struct err *e)
{
	struct archive *a = archive_write_new();
	struct archive_entry *ent = archive_entry_new();

	if (a == NULL || ent == NULL) {
		err_nomem(e);
		goto fail;
	}
	archive_entry_set_pathname(ent, "data");
	archive_entry_set_filetype(ent, AE_IFREG);
	if (archive_write_set_format_raw(a) != ARCHIVE_OK ||
	    archive_write_add_filter_zstd(a) != ARCHIVE_OK ||
	    archive_write_set_filter_option(a, "zstd", "compression-level",
	    LEVEL) != ARCHIVE_OK ||
	    archive_write_open_fd(a, fd) != ARCHIVE_OK ||
	    archive_write_header(a, ent) != ARCHIVE_OK) {
		packed(a, e);
		goto fail;
	}
	archive_entry_free(ent);
	return (a);
fail:
	archive_entry_free(ent);
	archive_write_free(a);
	return (NULL);
}

static struct remote_exec *
start_tar(struct remote *r, struct err *e)
{
	static const char script[] =
	    "exec tar -C / --format=posix -h --hard-dereference "
	    "--no-recursion --null --verbatim-files-from -T - -cf -\n";
	struct buf command = BUF_INIT;
	struct remote_exec *x = NULL;

	remote_command(&command, script, NULL, 0);
	if (buf_ok(&command, e) == 0)
		x = remote_exec_new(r, buf_cstr(&command), e);
	buf_fini(&command);
	return (x);
}

static int
end_tar(struct remote *r, struct remote_exec *x, struct err *e)
{
	struct buf words = BUF_INIT;
	const char *said;
	int status;

	if (remote_exec_wait(x, &status, e) == -1)
		return (-1);
	if (status == 0)
		return (0);
	said = buf_cstr(remote_exec_stderr(x));
	buf_put_printable(&words, said, strcspn(said, "\n"));
	err_set(e, ERR_FAILED, "%s: tar ended with status %d: %s",
	    remote_name(r), status, buf_cstr(&words));
	buf_fini(&words);
	return (-1);
}

/* One try: tar's bytes through zstd into the file. */
static int
pull(struct remote *r, const struct buf *names, struct sidecar_file *f,
    int fd, struct err *e)
{
	struct remote_exec *x = NULL;
	struct digest *d = digest_new();
	struct archive *a = NULL;
	uint8_t *p = malloc(CHUNK);
	ssize_t n = -1;
	int rc = -1;

	f->tar_bytes = 0;
	if (d == NULL || p == NULL) {
		err_nomem(e);
		goto out;
	}
	if (ftruncate(fd, 0) == -1 || lseek(fd, 0, SEEK_SET) == -1) {
		err_sys(e, "the extra archive");
		goto out;
	}
	if ((a = open_pack(fd, e)) == NULL ||
	    (x = start_tar(r, e)) == NULL ||
	    remote_exec_write(x, names->data, names->len, e) == -1 ||
	    remote_exec_end_input(x, e) == -1)
		goto out;
	while ((n = remote_exec_read(x, p, CHUNK, -1, e)) > 0) {
		digest_update(d, p, (size_t)n);
		f->tar_bytes += (uint64_t)n;
		if (archive_write_data(a, p, (size_t)n) != n) {
			packed(a, e);
			goto out;
		}
	}
	if (n == -1 || end_tar(r, x, e) == -1)
		goto out;
	digest_final(d, f->tar_digest);
	rc = archive_write_close(a) == ARCHIVE_OK ? 0 : packed(a, e);
out:
	remote_exec_free(x);
	archive_write_free(a);
	digest_free(d);
	free(p);
	return (rc);
}

/* ------------------------------------------------------------ reading back */

/* Another file offset for a file that was opened to write only. */
static int
reopen(int fd, struct err *e)
{
	char name[64];
	int again;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	if ((again = open(name, O_RDONLY | O_CLOEXEC)) == -1)
		err_sys(e, "the extra archive");
	return (again);
}

static int
digest_file(int fd, struct sidecar_file *f, struct err *e)
{
	struct digest *d = digest_new();
	uint8_t *p = malloc(CHUNK);
	ssize_t n = -1;

	f->bytes = 0;
	if (d == NULL || p == NULL)
		err_nomem(e);
	else {
		while ((n = io_pread(fd, p, CHUNK, (off_t)f->bytes)) > 0) {
			digest_update(d, p, (size_t)n);
			f->bytes += (uint64_t)n;
		}
		if (n == -1)
			err_sys(e, "the extra archive");
		digest_final(d, f->digest);
	}
	digest_free(d);
	free(p);
	return (n == 0 ? 0 : -1);
}

static int
prove_member(struct archive *a, struct archive_entry *ent,
    const struct sidecar *s, struct digest *d, uint8_t *p, struct err *e)
{
	const struct sidecar_left *l;
	uint8_t digest[DIGEST_LEN];
	const char *name;
	struct buf path = BUF_INIT;
	la_ssize_t n;

	if ((name = archive_entry_pathname(ent)) == NULL)
		return (err_set(e, ERR_DAMAGED, "the extra archive: a member "
		    "without a name"));
	buf_printf(&path, "/%s", name);
	l = sidecar_find(s, buf_cstr(&path));
	buf_fini(&path);
	if (l == NULL || l->type != '0')
		return (0);
	digest_reset(d);
	while ((n = archive_entry_sparse_count(ent) > 0 ? 0 :
	    archive_read_data(a, p, CHUNK)) > 0) {
		if (cancel_check(e) == -1)
			return (-1);
		digest_update(d, p, (size_t)n);
	}
	if (n < 0)
		return (packed(a, e));
	digest_final(d, digest);
	if (memcmp(digest, l->digest, DIGEST_LEN) != 0)
		return (err_set(e, ERR_DAMAGED, "%s %s: changed while it was "
		    "fetched", l->what, l->path));
	return (1);
}

static int
prove(int fd, const struct sidecar *s, size_t want, struct err *e)
{
	struct archive *a = archive_read_new();
	struct digest *d = digest_new();
	uint8_t *p = malloc(CHUNK);
	struct archive_entry *ent;
	size_t found = 0;
	int rc = -1, next;

	if (a == NULL || d == NULL || p == NULL) {
		err_nomem(e);
		goto out;
	}
	if (archive_read_support_filter_zstd(a) != ARCHIVE_OK ||
	    archive_read_support_format_tar(a) != ARCHIVE_OK ||
	    archive_read_open_fd(a, fd, CHUNK) != ARCHIVE_OK) {
		packed(a, e);
		goto out;
	}
	/* It warns of names that are not of this locale; they come as raw. */
	while ((next = archive_read_next_header(a, &ent)) == ARCHIVE_OK ||
	    next == ARCHIVE_WARN) {
		if ((rc = prove_member(a, ent, s, d, p, e)) == -1)
			goto out;
		found += (size_t)rc;
	}
	rc = next != ARCHIVE_EOF ? packed(a, e) : found == want ? 0 :
	    err_set(e, ERR_DAMAGED, "the extra archive has %zu of %zu files",
	    found, want);
out:
	archive_read_free(a);
	digest_free(d);
	free(p);
	return (rc);
}

static int
name_all(const struct sidecar *s, struct buf *names, size_t *files,
    struct err *e)
{
	const struct sidecar_left *l;
	size_t i;

	*files = 0;
	for (i = 0; i < s->nleft; i++) {
		l = &s->left[i];
		/* One that is wanted twice travels once. */
		if (!l->carried || sidecar_find(s, l->path) != l)
			continue;
		*files += l->type == '0';
		buf_append(names, l->path + 1, strlen(l->path));
	}
	return (buf_ok(names, e));
}

int
exportextra_fetch(const struct exportnode *n, struct sidecar *s,
    const char *bundle, int fd, struct err *e)
{
	struct buf names = BUF_INIT, name = BUF_INIT;
	struct sidecar_file *f = &s->extra;
	struct remote *r;
	size_t files;
	int rc = -1, tries, lost = 1, again = -1;

	buf_printf(&name, "%s" SIDECAR_EXTRA, bundle);
	f->compression = "zstd";
	f->file = arena_copy(&s->arena, buf_cstr(&name), name.len + 1);
	if (f->file == NULL || name.nomem)
		err_nomem(e);
	else if (name_all(s, &names, &files, e) == 0)
		for (tries = 0; rc == -1 && lost && tries < TRIES; tries++) {
			if ((r = remote_sibling(n->r, e)) == NULL)
				continue;
			rc = pull(r, &names, f, fd, e);
			lost = remote_lost(r);
			remote_close(r);
		}
	if (rc == 0)
		rc = (again = reopen(fd, e)) == -1 ||
		    digest_file(again, f, e) == -1 ||
		    prove(again, s, files, e) == -1 ? -1 : 0;
	if (again != -1)
		close(again);
	buf_fini(&names);
	buf_fini(&name);
	return (rc);
}

int
exportextra_temp(struct err *e)
{
	const char *dir = getenv("TMPDIR");
	struct buf path = BUF_INIT;
	int fd;

	if (dir == NULL || dir[0] == '\0')
		dir = "/var/tmp";
	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd != -1)
		return (fd);
	/* Not all file systems can. */
	buf_printf(&path, "%s/xcatvault.XXXXXX", dir);
	(void)buf_cstr(&path);
	if (buf_ok(&path, e) == 0) {
		if ((fd = mkostemp((char *)path.data, O_CLOEXEC)) == -1)
			err_sys(e, "a temporary file in %s", dir);
		else
			(void)unlink((char *)path.data);
	}
	buf_fini(&path);
	return (fd);
}
