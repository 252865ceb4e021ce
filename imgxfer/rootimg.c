#include <string.h>

#include <archive.h>
#include <archive_entry.h>

#include "base/buf.h"
#include "base/human.h"
#include "imgxfer/newc.h"
#include "imgxfer/rootimg.h"
#include "imgxfer/squash.h"
#include "imgxfer/treenames.h"
#include "imgxfer/unpack.h"

/* One part of a path: takes it and the "/" behind it. */
static size_t
part(const char **p, size_t *len, const char **name)
{
	const char *slash = memchr(*p, '/', *len);
	size_t n = slash != NULL ? (size_t)(slash - *p) : *len;

	*name = *p;
	*p += n + (slash != NULL);
	*len -= n + (slash != NULL);
	return (n);
}

static int
is(const char *name, size_t n, const char *what)
{
	return (strlen(what) == n && memcmp(name, what, n) == 0);
}

int
rootimg_place(enum rootimg_kind kind, const char *path, size_t len)
{
	const char *name = "";
	size_t n;

	do	/* "./", "/" */
		n = part(&path, &len, &name);
	while (len > 0 && (n == 0 || is(name, n, ".")));
	if (kind == ROOTIMG_TREE) {
		if (!is(name, n, "rootimg"))
			return (ROOTIMG_ELSEWHERE);
		n = part(&path, &len, &name);
	}
	if (is(name, n, "usr"))
		n = part(&path, &len, &name);
	if (len == 0)
		return (ROOTIMG_ELSEWHERE);
	if (is(name, n, "bin") || is(name, n, "sbin"))
		return (ROOTIMG_BIN);
	if (n < 3 || memcmp(name, "lib", 3) != 0 || is(name, n, "libexec"))
		return (ROOTIMG_ELSEWHERE);
	/* What runs elsewhere: on devices, in boot loaders, in guests. */
	n = part(&path, &len, &name);
	if (is(name, n, "firmware") || is(name, n, "grub") ||
	    is(name, n, "syslinux") || is(name, n, "xen") ||
	    is(name, n, "debug"))
		return (ROOTIMG_ELSEWHERE);
	return (ROOTIMG_LIB);
}

void
rootimg_file(struct rootimg *r, int place, const uint8_t *head, size_t len)
{
	enum osarch a;

	if (place >= ROOTIMG_PLACES)
		return;
	if ((a = osarch_of_elf(head, len)) != OSARCH_UNKNOWN)
		r->programs[place][a]++;
}

enum osarch
rootimg_arch(const struct rootimg *r, uint32_t *n, uint32_t *all)
{
	enum osarch best = OSARCH_UNKNOWN;
	int place;
	unsigned a;

	*n = *all = 0;
	for (place = 0; place < ROOTIMG_PLACES && *all == 0; place++)
		for (a = OSARCH_UNKNOWN + 1; a <= OSARCH_OTHER; a++) {
			*all += r->programs[place][a];
			if (r->programs[place][a] > *n) {
				*n = r->programs[place][a];
				best = (enum osarch)a;
			}
		}
	return (best);
}

/* cpio, up to its trailer. */
struct walk {
	struct rootimg *r;
	enum rootimg_kind kind;
	struct treenames names;	/* of a tree */
	struct err escape;	/* the first that would leave it */
};

static void
judge_name(struct walk *w, const struct newc *ent)
{
	const char *why;
	struct buf name = BUF_INIT;

	if (w->escape.kind != ERR_NONE ||
	    (why = treenames_add(&w->names, ent)) == NULL)
		return;
	buf_put_printable(&name, ent->name, ent->name_len);
	err_set(&w->escape, ERR_DAMAGED, "cpio: %s: %s", buf_cstr(&name),
	    why);
	buf_fini(&name);
}

static void
on_newc(void *arg, const struct newc *ent, const uint8_t *head, size_t len)
{
	struct walk *w = arg;

	w->r->entries++;
	if (w->kind == ROOTIMG_TREE)
		judge_name(w, ent);
	if ((ent->mode & 0170000) != 0100000)
		return;
	w->r->bytes += ent->size;
	rootimg_file(w->r, rootimg_place(w->kind, ent->name, ent->name_len),
	    head, len);
}

/* Behind the archive: gunzip and cpio do not look there. */
static int
walk_rest(struct rootimg *r, struct pull *p, struct err *e)
{
	const uint8_t *data;
	ssize_t n, i;

	while ((n = pull_peek(p, 1, &data, e)) > 0) {
		for (i = 0; i < n && r->remark == NULL; i++)
			if (data[i] != 0)
				r->remark = "bytes behind the end of the "
				    "archive";
		pull_skip(p, (size_t)n);
	}
	return ((int)n);
}

/* tar, of any kind that libarchive reads. */
struct reader {
	struct pull *in;
	size_t lent;
	struct err *e;
	int failed;
};

static la_ssize_t
lend(struct archive *a, void *arg, const void **block)
{
	struct reader *r = arg;
	const uint8_t *data;
	ssize_t n;

	(void)a;
	pull_skip(r->in, r->lent);
	r->lent = 0;
	if ((n = pull_peek(r->in, 1, &data, r->e)) == -1) {
		r->failed = 1;
		return (-1);
	}
	*block = data;
	r->lent = (size_t)n;
	return (n);
}

static int
tar_entry(struct walk *w, struct archive *a, struct archive_entry *ent)
{
	const char *path = archive_entry_pathname(ent);
	const void *block = NULL;
	size_t len = 0;
	la_int64_t off = 0, size = archive_entry_size(ent);
	int place, rc;

	w->r->entries++;
	if (archive_entry_filetype(ent) != AE_IFREG ||
	    archive_entry_hardlink(ent) != NULL || size <= 0)
		return (ARCHIVE_OK);
	w->r->bytes += (uint64_t)size;
	place = path == NULL ? ROOTIMG_ELSEWHERE :
	    rootimg_place(w->kind, path, strlen(path));
	if (place != ROOTIMG_ELSEWHERE) {
		rc = archive_read_data_block(a, &block, &len, &off);
		if (rc < ARCHIVE_WARN)
			return (rc);
		if (rc != ARCHIVE_EOF && off == 0)
			rootimg_file(w->r, place, block, len);
	}
	return (archive_read_data_skip(a));
}

static int
walk_tar(struct walk *w, struct pull *p, struct err *e)
{
	struct archive *a = archive_read_new();
	struct reader r = { p, 0, e, 0 };
	struct archive_entry *ent;
	const char *why;
	int rc;

	if (a == NULL)
		return (err_nomem(e));
	archive_read_support_format_tar(a);
	rc = archive_read_open(a, &r, NULL, lend, NULL);
	while (rc >= ARCHIVE_WARN && (rc = archive_read_next_header(a,
	    &ent)) != ARCHIVE_EOF && rc >= ARCHIVE_WARN)
		rc = tar_entry(w, a, ent);
	if (rc != ARCHIVE_EOF && !r.failed) {
		why = archive_error_string(a);
		err_set(e, ERR_DAMAGED, "tar: %s", why != NULL ? why :
		    "it is garbled");
	}
	if (rc == ARCHIVE_EOF)
		pull_skip(p, r.lent);
	archive_read_free(a);
	return (rc == ARCHIVE_EOF ? 0 : -1);
}

static int
is_tar(const uint8_t *p, size_t n)
{
	return (n >= 512 && memcmp(p + 257, "ustar", 5) == 0);
}

static int
is_newc(const uint8_t *p, size_t n)
{
	return (n >= 6 && memcmp(p, "07070", 5) == 0 &&
	    (p[5] == '1' || p[5] == '2'));
}

/* What a compression holds. */
static int
walk_archive(struct walk *w, struct pull *p, struct err *e)
{
	const uint8_t *head;
	ssize_t n;

	if ((n = pull_peek(p, 512, &head, e)) == -1)
		return (-1);
	if (n == 0)
		return (err_set(e, ERR_DAMAGED, "it is empty"));
	if (is_tar(head, (size_t)n)) {
		w->r->archive = "tar";
		if (walk_tar(w, p, e) == -1)
			return (-1);
	} else if (is_newc(head, (size_t)n)) {
		w->r->archive = "cpio";
		if (newc_walk(p, on_newc, w, e) == -1)
			return (-1);
	} else
		return (err_set(e, ERR_DAMAGED, "it is neither cpio (newc), "
		    "tar nor squashfs"));
	return (walk_rest(w->r, p, e));
}

static int
walk_packed(struct walk *w, struct pull *p, struct err *e)
{
	struct unpack *u;
	struct source plain;
	struct pull in;
	int rc;

	if ((u = unpack_new(p, e)) == NULL)
		return (-1);
	w->r->packing = unpack_form(u);
	plain = unpack_source(u);
	rc = pull_init(&in, &plain, e);
	if (rc == 0)
		rc = walk_archive(w, &in, e);
	pull_fini(&in);
	unpack_free(u);
	return (rc);
}

/*
 * An initrd: archives one behind the other, zeros between them, as the
 * kernel takes it; the first are of microcode and not packed.
 */
static int
walk_initrd(struct walk *w, struct pull *p, struct err *e)
{
	const uint8_t *head;
	ssize_t n;
	size_t i;

	w->r->packing = "none";
	for (;;) {
		if ((n = pull_peek(p, 512, &head, e)) <= 0)
			break;
		for (i = 0; i < (size_t)n && head[i] == 0; i++)
			;
		if (i > 0) {
			pull_skip(p, i);
			continue;
		}
		if (!is_newc(head, (size_t)n))
			return (walk_packed(w, p, e));
		w->r->archive = "cpio";
		if (newc_walk(p, on_newc, w, e) == -1)
			return (-1);
	}
	if (n == 0 && w->r->archive == NULL)
		return (err_set(e, ERR_DAMAGED, "it is empty"));
	return ((int)n);
}

int
rootimg_walk(struct rootimg *r, enum rootimg_kind kind,
    const struct source *src, uint64_t size, struct err *e)
{
	struct walk w = { .r = r, .kind = kind };
	const uint8_t *head;
	struct pull p;
	ssize_t n;
	int rc;

	memset(r, 0, sizeof(*r));
	if (pull_init(&p, src, e) == -1)
		return (-1);
	if ((n = pull_peek(&p, 512, &head, e)) == -1)
		rc = -1;
	else if (n >= 4 && memcmp(head, "hsqs", 4) == 0) {
		r->archive = "squashfs";
		r->packing = "none";
		rc = squash_walk(r, kind, &p, size, e);
	} else if (kind == ROOTIMG_INITRD)
		rc = walk_initrd(&w, &p, e);
	else
		rc = walk_packed(&w, &p, e);
	if (rc == -1 && e->kind == ERR_DAMAGED) {
		r->damage = *e;
		memset(e, 0, sizeof(*e));
		rc = 0;
	}
	if (w.escape.kind != ERR_NONE)
		r->damage = w.escape;
	treenames_fini(&w.names);
	pull_fini(&p);
	return (rc == 0 ? source_drain(src, e) : -1);
}
