#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqfs/compressor.h>
#include <sqfs/data_reader.h>
#include <sqfs/dir.h>
#include <sqfs/dir_reader.h>
#include <sqfs/error.h>
#include <sqfs/id_table.h>
#include <sqfs/inode.h>
#include <sqfs/io.h>
#include <sqfs/super.h>

#include "imgxfer/squash.h"

#define INODES_MAX ((uint32_t)32 << 20)
#define FRAGMENTS_MAX ((uint32_t)1 << 20)
#define ENTRIES_MAX ((uint64_t)20 << 20)
#define PROGRAMS_MAX 256	/* looked at, of a place */
#define WINDOWS (SQUASH_STRIPES + 2)

struct window {
	uint64_t off, len, got;
	uint8_t *p;
};

/* What libsquashfs takes for a file. */
struct windows {
	sqfs_file_t file;	/* first: it is cast */
	struct window w[WINDOWS];
	size_t n;
	uint64_t size;
};

static int
windows_read(sqfs_file_t *file, sqfs_u64 off, void *buf, size_t size)
{
	const struct windows *ws = (const void *)file;
	const struct window *w;
	size_t i;

	for (i = 0; i < ws->n; i++) {
		w = &ws->w[i];
		if (off < w->off || off - w->off > w->got ||
		    size > w->got - (off - w->off))
			continue;
		memcpy(buf, w->p + (off - w->off), size);
		return (0);
	}
	return (SQFS_ERROR_OUT_OF_BOUNDS);
}

static sqfs_u64
windows_size(const sqfs_file_t *file)
{
	return (((const struct windows *)(const void *)file)->size);
}

static int
windows_write(sqfs_file_t *file, sqfs_u64 off, const void *buf, size_t size)
{
	(void)file;
	(void)off;
	(void)buf;
	(void)size;
	return (SQFS_ERROR_IO);
}

static int
windows_truncate(sqfs_file_t *file, sqfs_u64 size)
{
	(void)file;
	(void)size;
	return (SQFS_ERROR_IO);
}

static void
windows_destroy(sqfs_object_t *o)
{
	(void)o;	/* squash_walk() frees them */
}

static int
windows_add(struct windows *ws, uint64_t off, uint64_t len, struct err *e)
{
	struct window *w = &ws->w[ws->n];

	if (len == 0)
		return (0);
	if ((w->p = malloc(len)) == NULL)
		return (err_nomem(e));
	w->off = off;
	w->len = len;
	ws->n++;
	return (0);
}

static uint64_t
le64(const uint8_t *p)
{
	uint64_t v = 0;
	int i;

	for (i = 7; i >= 0; i--)
		v = v << 8 | p[i];
	return (v);
}

/* Which stretches to keep, from the super block's bytes. */
static int
windows_plan(struct windows *ws, const uint8_t *super, uint64_t size,
    struct rootimg *r, struct err *e)
{
	uint64_t used = le64(super + 40), inodes = le64(super + 64), step, i;

	if (inodes < 96 || inodes >= used)
		return (err_set(e, ERR_DAMAGED, "squashfs: its super block is "
		    "garbled"));
	if (used > size)
		return (err_set(e, ERR_DAMAGED, "squashfs: it is cut off: "
		    "%llu of %llu bytes are there", (unsigned long long)size,
		    (unsigned long long)used));
	ws->size = used;
	if (used - inodes > SQUASH_META_MAX) {
		r->remark = "too many inodes to walk them";
		return (0);
	}
	if (inodes <= SQUASH_HEAD + SQUASH_STRIPES * SQUASH_STRIPE)
		return (windows_add(ws, 0, used, e));
	if (windows_add(ws, 0, SQUASH_HEAD, e) == -1)
		return (-1);
	step = (inodes - SQUASH_HEAD) / SQUASH_STRIPES;
	for (i = 0; i < SQUASH_STRIPES; i++)
		if (windows_add(ws, SQUASH_HEAD + i * step, SQUASH_STRIPE,
		    e) == -1)
			return (-1);
	return (windows_add(ws, inodes, used - inodes, e));
}

/* Keep what of a piece of the stream lies in windows. */
static void
windows_keep(struct windows *ws, uint64_t off, const uint8_t *p, size_t len)
{
	uint64_t from, to;
	struct window *w;
	size_t i;

	for (i = 0; i < ws->n; i++) {
		w = &ws->w[i];
		from = w->off > off ? w->off : off;
		to = w->off + w->len < off + len ? w->off + w->len :
		    off + len;
		if (from >= to)
			continue;
		memcpy(w->p + (from - w->off), p + (from - off), to - from);
		w->got = to - w->off;
	}
}

static const char *
reason(int rc)
{
	switch (rc) {
	case SQFS_ERROR_COMPRESSOR:
		return ("a block does not unpack");
	case SQFS_ERROR_OUT_OF_BOUNDS:
		return ("a block lies outside of the image");
	case SQFS_ERROR_LINK_LOOP:
		return ("a directory contains itself");
	case SQFS_ERROR_ALLOC:
		return ("a length is absurd");
	default:
		return ("an inode or a table is garbled");
	}
}

/* A directory to be walked. */
struct pending {
	struct pending *next;
	sqfs_inode_generic_t *inode;
	size_t parts;
	char path[];		/* its first parts, for rootimg_place() */
};

struct walk {
	struct rootimg *r;
	enum rootimg_kind kind;
	struct windows *file;
	sqfs_super_t super;
	sqfs_compressor_t *cmp;
	sqfs_dir_reader_t *dirs;
	sqfs_data_reader_t *data;
	sqfs_id_table_t *ids;
	struct pending *todo;
	uint8_t *seen;		/* directories, a bit by inode number */
	uint32_t looked[ROOTIMG_PLACES];
};

#define PARTS 5

/* Takes the inode, also when it fails. */
static int
walk_later(struct walk *w, sqfs_inode_generic_t *inode,
    const struct pending *parent, const char *name)
{
	uint32_t n = inode->base.inode_number;
	const char *path = parent != NULL ? parent->path : "";
	size_t parts = parent != NULL ? parent->parts : 0;
	struct pending *d;
	size_t len;

	if (n == 0 || n > w->super.inode_count ||
	    (w->seen[n / 8] & 1 << n % 8) != 0) {
		sqfs_free(inode);
		return (SQFS_ERROR_LINK_LOOP);
	}
	w->seen[n / 8] |= (uint8_t)(1 << n % 8);
	if (parts >= PARTS)
		name = "";	/* the first parts decide */
	len = strlen(path) + strlen(name) + 2;
	if ((d = malloc(sizeof(*d) + len)) == NULL) {
		sqfs_free(inode);
		return (SQFS_ERROR_ALLOC);
	}
	(void)snprintf(d->path, len, "%s%s%s", path, name,
	    name[0] != '\0' ? "/" : "");
	d->parts = parts + (name[0] != '\0');
	d->inode = inode;
	d->next = w->todo;
	w->todo = d;
	return (0);
}

static void
walk_file(struct walk *w, const sqfs_inode_generic_t *inode,
    const struct pending *dir, const char *name)
{
	uint8_t head[OSARCH_ELF_HEAD];
	char path[4096 + 256];
	sqfs_u64 size = 0;
	int place, len;

	(void)sqfs_inode_get_file_size(inode, &size);
	w->r->bytes += size;
	if (size < sizeof(head) || w->data == NULL)
		return;
	len = snprintf(path, sizeof(path), "%s%s", dir->path, name);
	if (len < 0 || (size_t)len >= sizeof(path))
		return;
	place = rootimg_place(w->kind, path, (size_t)len);
	if (place >= ROOTIMG_PLACES || w->looked[place] >= PROGRAMS_MAX)
		return;
	/* Most lie outside of the windows. */
	if (sqfs_data_reader_read(w->data, inode, 0, head, sizeof(head)) !=
	    (sqfs_s32)sizeof(head))
		return;
	w->looked[place]++;
	rootimg_file(w->r, place, head, sizeof(head));
}

static int
walk_dir(struct walk *w, const struct pending *dir)
{
	sqfs_inode_generic_t *inode;
	sqfs_dir_entry_t *ent;
	char name[256 + 1];
	size_t len;
	int rc;

	if ((rc = sqfs_dir_reader_open_dir(w->dirs, dir->inode, 0)) != 0)
		return (rc);
	while ((rc = sqfs_dir_reader_read(w->dirs, &ent)) == 0) {
		len = (size_t)ent->size + 1;
		if (len > sizeof(name) - 1)
			len = sizeof(name) - 1;
		memcpy(name, ent->name, len);
		name[len] = '\0';
		sqfs_free(ent);
		if (++w->r->entries > ENTRIES_MAX)
			return (SQFS_ERROR_OVERFLOW);
		if ((rc = sqfs_dir_reader_get_inode(w->dirs, &inode)) != 0)
			return (rc);
		if (inode->base.type == SQFS_INODE_DIR ||
		    inode->base.type == SQFS_INODE_EXT_DIR) {
			if ((rc = walk_later(w, inode, dir, name)) != 0)
				return (rc);
			continue;
		}
		if (inode->base.type == SQFS_INODE_FILE ||
		    inode->base.type == SQFS_INODE_EXT_FILE)
			walk_file(w, inode, dir, name);
		sqfs_free(inode);
	}
	return (rc > 0 ? 0 : rc);
}

/* Super block, compressor, tables. */
static int
walk_open(struct walk *w)
{
	sqfs_file_t *file = &w->file->file;
	sqfs_compressor_config_t conf;
	int rc;

	if ((rc = sqfs_super_read(&w->super, file)) != 0)
		return (rc);
	if (w->super.inode_count > INODES_MAX ||
	    w->super.fragment_entry_count > FRAGMENTS_MAX)
		return (SQFS_ERROR_ALLOC);
	rc = sqfs_compressor_config_init(&conf,
	    (SQFS_COMPRESSOR)w->super.compression_id, w->super.block_size,
	    SQFS_COMP_FLAG_UNCOMPRESS);
	if (rc == 0)
		rc = sqfs_compressor_create(&conf, &w->cmp);
	if (rc == 0 &&
	    (w->super.flags & SQFS_FLAG_COMPRESSOR_OPTIONS) != 0)
		rc = w->cmp->read_options(w->cmp, file);
	if (rc != 0)
		return (rc);
	w->ids = sqfs_id_table_create(0);
	w->dirs = sqfs_dir_reader_create(&w->super, w->cmp, file, 0);
	w->data = sqfs_data_reader_create(file, w->super.block_size, w->cmp,
	    0);
	w->seen = calloc(1, w->super.inode_count / 8 + 1);
	if (w->ids == NULL || w->dirs == NULL || w->data == NULL ||
	    w->seen == NULL)
		return (SQFS_ERROR_ALLOC);
	rc = sqfs_id_table_read(w->ids, file, &w->super, w->cmp);
	if (rc == 0)
		rc = sqfs_data_reader_load_fragment_table(w->data, &w->super);
	return (rc);
}

static void
pending_free(struct pending *d)
{
	sqfs_free(d->inode);
	free(d);
}

static int
walk_all(struct walk *w)
{
	sqfs_inode_generic_t *root;
	struct pending *d;
	int rc;

	if ((rc = walk_open(w)) == 0 &&
	    (rc = sqfs_dir_reader_get_root_inode(w->dirs, &root)) == 0)
		rc = walk_later(w, root, NULL, "");
	while (rc == 0 && (d = w->todo) != NULL) {
		w->todo = d->next;
		rc = walk_dir(w, d);
		pending_free(d);
	}
	while ((d = w->todo) != NULL) {
		w->todo = d->next;
		pending_free(d);
	}
	sqfs_destroy(w->data);
	sqfs_destroy(w->dirs);
	sqfs_destroy(w->ids);
	sqfs_destroy(w->cmp);
	free(w->seen);
	return (rc);
}

static int
walk_kept(struct rootimg *r, enum rootimg_kind kind, struct windows *ws,
    struct err *e)
{
	struct walk w;
	int rc;

	memset(&w, 0, sizeof(w));
	w.r = r;
	w.kind = kind;
	w.file = ws;
	rc = walk_all(&w);
	if (rc == SQFS_ERROR_UNSUPPORTED) {
		r->remark = "compressed in a way that cannot be read here";
		return (0);
	}
	if (rc != 0)
		return (err_set(e, ERR_DAMAGED, "squashfs: %s", reason(rc)));
	return (0);
}

int
squash_walk(struct rootimg *r, enum rootimg_kind kind, struct pull *p,
    uint64_t size, struct err *e)
{
	struct windows ws;
	const uint8_t *data;
	uint64_t start = p->taken;
	ssize_t n;
	size_t i;
	int rc;

	memset(&ws, 0, sizeof(ws));
	ws.file.base.destroy = windows_destroy;
	ws.file.read_at = windows_read;
	ws.file.write_at = windows_write;
	ws.file.get_size = windows_size;
	ws.file.truncate = windows_truncate;
	if ((n = pull_peek(p, 96, &data, e)) == -1)
		return (-1);
	rc = n < 96 ? err_set(e, ERR_DAMAGED, "squashfs: it is cut off") :
	    windows_plan(&ws, data, size, r, e);
	while (rc == 0 && (n = pull_peek(p, 1, &data, e)) > 0) {
		windows_keep(&ws, p->taken - start, data, (size_t)n);
		pull_skip(p, (size_t)n);
	}
	if (n == -1)
		rc = -1;
	else if (rc == 0 && p->taken - start < ws.size)
		rc = err_set(e, ERR_DAMAGED, "squashfs: it is cut off");
	if (rc == 0 && ws.n > 0)
		rc = walk_kept(r, kind, &ws, e);
	for (i = 0; i < ws.n; i++)
		free(ws.w[i].p);
	return (rc);
}
