#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "base/arena.h"
#include "formats/pathtext.h"
#include "restore/snapfs.h"
#include "restore/subtree.h"
#include "vault/content.h"
#include "vault/fetch.h"
#include "vault/tree.h"

#define FRAMES_KEPT 16		/* decoded catalog frames */
#define LINKS_MAX 40		/* as in the kernel */
#define PATH_BYTES_MAX 65536	/* of a path with its links put in */

/* A path without links in its directories, as the catalog has it. */
struct node {
	UT_hash_handle hh;
	enum osfs_what what;
	int is_link;
	const char *target;	/* raw */
	const struct snapshot_volume *vol;
	struct entry ent;
	char path[];		/* raw, clean */
};

struct snapfs {
	struct view *view;
	struct fetch *fetch;
	struct content *content;
	struct node *nodes;
	struct arena arena;	/* texts of entries, targets */
	struct osfs fs;
};

void
snapfs_free(struct snapfs *fs)
{
	struct node *n, *tmp;

	if (fs == NULL)
		return;
	HASH_ITER(hh, fs->nodes, n, tmp) {
		HASH_DEL(fs->nodes, n);
		free(n);
	}
	content_free(fs->content);
	fetch_free(fs->fetch);
	arena_fini(&fs->arena);
	free(fs);
}

/* One path of a catalog. */

static int
keep_entry(struct snapfs *fs, struct node *n, const struct entry *ent,
    struct err *e)
{
	struct buf target = BUF_INIT;
	struct scan text;

	text.p = arena_copy(&fs->arena, ent->text.p, ent->text.len);
	if (text.p == NULL)
		return (err_nomem(e));
	text.end = text.p + ent->text.len;
	if (mtree_decode(&text, &n->ent, e) != 1)
		return (-1);
	n->what = ent->type == ENTRY_FILE ? OSFS_FILE :
	    ent->type == ENTRY_DIR ? OSFS_DIR : OSFS_OTHER;
	if ((n->is_link = ent->type == ENTRY_LINK) == 0)
		return (0);
	if (pathtext_decode(&target, ent->link.p, ent->link.len) == 0)
		n->target = arena_copy(&fs->arena, buf_cstr(&target),
		    target.len + 1);
	buf_fini(&target);
	return (n->target != NULL ? 0 : err_nomem(e));
}

/* Look through the leaf that would hold the path: 1, 0, -1. */
static int
search_leaf(struct snapfs *fs, struct node *n, const uint8_t *id,
    const struct buf *path, struct err *e)
{
	struct entry ent;
	struct scan s;
	const uint8_t *p;
	size_t len;
	int rc, c;

	if (fetch_blob(fs->fetch, PACK_CATALOG, id, &p, &len, e) == -1)
		return (-1);
	s.p = (const char *)p;
	s.end = s.p + len;
	while ((rc = mtree_decode(&s, &ent, e)) == 1) {
		c = pathtext_compare(ent.path.p, ent.path.len,
		    (const char *)path->data, path->len);
		if (c == 0)
			return (keep_entry(fs, n, &ent, e) == -1 ? -1 : 1);
		if (c > 0)
			return (0);
	}
	return (rc);
}

static int
search_volume(struct snapfs *fs, struct node *n, const struct buf *path,
    struct err *e)
{
	const struct snapshot_volume *vol = n->vol;
	uint8_t id[DIGEST_LEN];
	struct tree_reader *t;
	uint64_t bytes;
	int rc = 0;

	if (vol == NULL)
		return (0);
	t = tree_reader_new(fs->fetch, TREE_CATALOG, vol->root, vol->depth,
	    e);
	if (t == NULL)
		return (-1);
	if (path->len > 1)
		rc = tree_reader_seek(t, (const char *)path->data, path->len,
		    e);
	if (rc == 0 && (rc = tree_reader_next(t, id, &bytes, e)) == 1)
		rc = search_leaf(fs, n, id, path, e);
	tree_reader_free(t);
	return (rc);
}

/* What there is of a path above the volumes: directories on the way down. */
static enum osfs_what
above_volumes(const struct snapshot *s, const char *path)
{
	size_t i, n = strcmp(path, "/") == 0 ? 0 : strlen(path);

	for (i = 0; i < s->nvolumes; i++)
		if (strncmp(s->volumes[i].path, path, n) == 0 &&
		    s->volumes[i].path[n] == '/')
			return (OSFS_DIR);
	return (OSFS_OUTSIDE);
}

static int
fill_node(struct snapfs *fs, struct node *n, struct err *e)
{
	struct buf text = BUF_INIT;
	int rc;

	if (view_locate(&fs->view->snap, n->path, &n->vol, &text, e) == -1) {
		n->vol = NULL;
		n->what = above_volumes(&fs->view->snap, n->path);
		buf_fini(&text);
		return (e->kind == ERR_USAGE ? 0 : -1);
	}
	rc = search_volume(fs, n, &text, e);
	buf_fini(&text);
	if (rc == 0) {
		n->what = n->vol == NULL || n->vol->selected ?
		    OSFS_OUTSIDE : OSFS_MISSING;
		/* A volume may lie below what another one has not. */
		if (above_volumes(&fs->view->snap, n->path) == OSFS_DIR)
			n->what = OSFS_DIR;
	}
	if (rc == -1 && e->kind == ERR_DAMAGED &&
	    !store_lost(fs->view->vault->store, e)) {
		n->what = OSFS_LOST;
		rc = 0;
	}
	return (rc == -1 ? -1 : 0);
}

static struct node *
get_node(struct snapfs *fs, const char *path, struct err *e)
{
	size_t len = strlen(path);
	struct node *n = NULL;

	HASH_FIND(hh, fs->nodes, path, len, n);
	if (n != NULL)
		return (n);
	if ((n = calloc(1, sizeof(*n) + len + 1)) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	memcpy(n->path, path, len + 1);
	if (fill_node(fs, n, e) == -1) {
		free(n);
		return (NULL);
	}
	HASH_ADD_KEYPTR(hh, fs->nodes, n->path, len, n);
	return (n);
}

/* Walking down. */

struct walk {
	struct buf rest;	/* what is still to be looked up */
	size_t at;		/* in rest */
	struct buf done;	/* clean; "" for "/" */
	unsigned links;
};

/* Take the next component; 0 when there is none. */
static int
next_component(struct walk *w, const char **name, size_t *len)
{
	const char *p = (const char *)w->rest.data;

	while (w->at < w->rest.len && p[w->at] == '/')
		w->at++;
	*name = p + w->at;
	for (*len = 0; w->at < w->rest.len && p[w->at] != '/'; w->at++)
		++*len;
	return (*len > 0);
}

static void
go_up(struct walk *w)
{
	while (w->done.len > 0 && w->done.data[--w->done.len] != '/')
		;
}

/* Put a link's target in the place of its name. */
static int
follow(struct walk *w, const char *target, struct err *e)
{
	struct buf rest = BUF_INIT;

	if (target[0] == '/')
		buf_clear(&w->done);
	else
		go_up(w);
	buf_puts(&rest, target);
	buf_append(&rest, w->rest.data + w->at, w->rest.len - w->at);
	buf_fini(&w->rest);
	w->rest = rest;
	w->at = 0;
	return (buf_ok(&rest, e));
}

static const char *
done_path(struct walk *w)
{
	return (w->done.len > 0 ? buf_cstr(&w->done) : "/");
}

/* 1 to go on, 0 when n is all that will be found, -1. */
static int
step(struct snapfs *fs, struct walk *w, const char *name, size_t len,
    struct node **n, enum osfs_what *what, struct err *e)
{
	if (len == 1 && name[0] == '.')
		return (1);
	if (len == 2 && memcmp(name, "..", 2) == 0)
		go_up(w);
	else {
		buf_putc(&w->done, '/');
		buf_append(&w->done, name, len);
	}
	if (buf_ok(&w->done, e) == -1 ||
	    (*n = get_node(fs, done_path(w), e)) == NULL)
		return (-1);
	*what = (*n)->what;
	if (!(*n)->is_link)
		return (*what == OSFS_DIR);
	if (++w->links > LINKS_MAX ||
	    w->rest.len + strlen((*n)->target) > PATH_BYTES_MAX) {
		*what = OSFS_LOOP;
		return (0);
	}
	return (follow(w, (*n)->target, e) == -1 ? -1 : 1);
}

static int
look(void *arg, const char *path, struct osfs_found *f, struct err *e)
{
	struct snapfs *fs = arg;
	struct walk w = { .links = 0 };
	struct node *n;
	const char *name;
	size_t len;
	int rc = 1;

	memset(f, 0, sizeof(*f));
	buf_puts(&w.rest, path);
	if (buf_ok(&w.rest, e) == -1 || (n = get_node(fs, "/", e)) == NULL)
		rc = -1;
	else
		f->what = n->what;
	while (rc == 1 && next_component(&w, &name, &len))
		rc = step(fs, &w, name, len, &n, &f->what, e);
	/* Nothing lies below what is no directory. */
	if (rc == 0 && next_component(&w, &name, &len) &&
	    (f->what == OSFS_FILE || f->what == OSFS_OTHER))
		f->what = OSFS_MISSING;
	if (rc != -1) {
		f->path = n->path;
		f->own = n;
		if (f->what == OSFS_FILE)
			f->size = n->ent.size;
	}
	buf_fini(&w.rest);
	buf_fini(&w.done);
	return (rc == -1 ? -1 : 0);
}

/* What was found. */

static int
take_piece(void *arg, const void *p, size_t len, struct err *e)
{
	struct buf *out = arg;

	buf_append(out, p, len);
	return (buf_ok(out, e));
}

int
snapfs_links(struct snapfs *fs, osimages_file *fn, void *arg, struct err *e)
{
	struct node *n, *next;
	int rc = 0;

	HASH_ITER(hh, fs->nodes, n, next)
		if (rc == 0 && n->is_link && n->ent.text.len > 0)
			rc = fn(arg, n->path, "link", NULL, e);
	return (rc);
}

static int
read_file(void *arg, const struct osfs_found *f, size_t max, struct buf *out,
    struct err *e)
{
	struct snapfs *fs = arg;
	const struct node *n = f->own;

	if (f->what != OSFS_FILE)
		return (err_set(e, ERR_FAILED, "not a regular file"));
	if (n->ent.size > max)
		return (0);
	return (content_read(fs->content, &n->ent, take_piece, out, e) ==
	    -1 ? -1 : 1);
}

static int
has_blob(struct snapfs *fs, const uint8_t id[DIGEST_LEN], struct err *e)
{
	struct blob_loc loc;

	return (index_find(fs->view->index, PACK_DATA, id, &loc, e));
}

static int
has_list(struct snapfs *fs, const struct entry *ent, struct err *e)
{
	uint8_t id[DIGEST_LEN];
	struct tree_reader *t;
	uint64_t bytes;
	int rc, have = 1;

	t = tree_reader_new(fs->fetch, TREE_LIST, ent->list, ent->list_depth,
	    e);
	if (t == NULL)
		return (-1);
	while ((rc = tree_reader_next(t, id, &bytes, e)) == 1)
		if ((have = has_blob(fs, id, e)) != 1)
			break;
	tree_reader_free(t);
	if (rc == -1)
		return (store_lost(fs->view->vault->store, e) ? -1 : 0);
	return (have);
}

static int
is_whole(void *arg, const struct osfs_found *f, struct err *e)
{
	struct snapfs *fs = arg;
	const struct node *n = f->own;
	const struct entry *ent = &n->ent;
	struct scan s;
	uint8_t id[DIGEST_LEN];
	int rc = 1;

	if (f->what != OSFS_FILE || ent->size == 0)
		return (1);
	if (ent->list_depth > 0)
		return (has_list(fs, ent, e));
	if (ent->blobs.len == 0)
		return (has_blob(fs, ent->digest, e));
	s = mtree_scan(&ent->blobs);
	while (rc == 1 && s.p < s.end && mtree_next_blob(&s, id))
		rc = has_blob(fs, id, e);
	return (rc);
}

/* Directories. */

static int
give_name(const struct span *path, size_t top, osfs_name *fn, void *arg,
    struct err *e)
{
	struct buf name = BUF_INIT;
	int rc = 0;

	if (pathtext_decode(&name, path->p + top + 1, path->len - top - 1) ==
	    0)
		rc = fn(arg, buf_cstr(&name), e);
	buf_fini(&name);
	return (rc);
}

static int
list_dir(void *own, const struct osfs_found *f, osfs_name *fn, void *arg,
    struct err *e)
{
	struct snapfs *fs = own;
	const struct node *n = f->own;
	const struct span *top = &n->ent.path;
	struct subtree *t;
	struct entry ent;
	struct err lost;
	int rc, got = 0;

	if (f->what != OSFS_DIR || n->ent.text.len == 0)
		return (0);
	t = subtree_new(fs->view->vault, fs->view->index, n->vol, top,
	    e);
	if (t == NULL)
		return (-1);
	while (got == 0 && (rc = subtree_next(t, &ent, &lost)) != 0) {
		if (rc == -1) {
			view_trouble(fs->view, &lost);
			continue;
		}
		if (ent.path.len <= top->len)
			continue;
		got = give_name(&ent.path, top->len, fn, arg, e);
		if (got == 0 && ent.type == ENTRY_DIR &&
		    subtree_skip(t, e) == -1)
			got = -1;
	}
	subtree_free(t);
	return (got);
}

struct snapfs *
snapfs_new(struct view *v, struct err *e)
{
	struct snapfs *fs;

	if ((fs = calloc(1, sizeof(*fs))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	fs->view = v;
	fs->fs = (struct osfs){
		.arg = fs, .at = "in the snapshot",
		.lost = "that part of the catalog cannot be read",
		.look = look, .read = read_file, .whole = is_whole,
		.list = list_dir,
	};
	if ((fs->fetch = fetch_new(v->vault, v->index, FRAMES_KEPT,
	    e)) == NULL ||
	    (fs->content = content_new(v->vault, v->index, e)) == NULL) {
		snapfs_free(fs);
		return (NULL);
	}
	return (fs);
}

const struct osfs *
snapfs_osfs(struct snapfs *fs)
{
	return (&fs->fs);
}
