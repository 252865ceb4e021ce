#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/pathtext.h"
#include "restore/dbdiff.h"
#include "restore/restore.h"
#include "restore/show.h"
#include "restore/subtree.h"
#include "restore/view.h"
#include "vault/snapshots.h"

enum { OPT_DB = CLI_OPT_OWN };

/* What may differ between two entries of the same path. */
enum change {
	CHANGE_TYPE = 1, CHANGE_CONTENT = 2, CHANGE_LINK = 4,
	CHANGE_DEVICE = 8, CHANGE_MODE = 16, CHANGE_OWNER = 32,
	CHANGE_MTIME = 64, CHANGE_XATTR = 128,
};

static const struct {
	enum change change;
	const char *name;
} changes[] = {
	{ CHANGE_TYPE, "type" }, { CHANGE_CONTENT, "content" },
	{ CHANGE_LINK, "link" }, { CHANGE_DEVICE, "device" },
	{ CHANGE_MODE, "mode" }, { CHANGE_OWNER, "owner" },
	{ CHANGE_MTIME, "mtime" }, { CHANGE_XATTR, "xattr" },
};
#define NCHANGES (sizeof(changes) / sizeof(changes[0]))

/* One of the two catalogs that are merged. */
struct side {
	const struct snapshot_volume *vol;	/* NULL: has no such volume */
	struct subtree *tree;	/* NULL: nothing can be read */
	struct entry ent;
	int have;		/* ent is the next entry */
	int gap;		/* what is just before it or the end is lost */
	int end;		/* no more entries */
};

struct diff {
	struct view view;	/* of the older snapshot */
	struct snapshot newer;
	struct show show;
	struct buf clean;	/* user's path */
	struct buf text;
	struct side old, new;
	int seen;		/* the path is in one of the snapshots */
	int found;		/* some difference */
};

static int
same_span(const struct span *a, const struct span *b)
{
	return (a->len == b->len &&
	    (a->len == 0 || memcmp(a->p, b->p, a->len) == 0));
}

/* Inode, ctime, link count and holes do not count. */
static unsigned
compare(const struct entry *a, const struct entry *b)
{
	unsigned what = 0;

	if (a->type != b->type)
		return (CHANGE_TYPE);
	if (a->type == ENTRY_FILE && (a->size != b->size ||
	    memcmp(a->digest, b->digest, DIGEST_LEN) != 0))
		what |= CHANGE_CONTENT;
	if (!same_span(&a->link, &b->link) ||
	    !same_span(&a->hardlink, &b->hardlink))
		what |= CHANGE_LINK;
	if (a->major != b->major || a->minor != b->minor)
		what |= CHANGE_DEVICE;
	if (a->mode != b->mode)
		what |= CHANGE_MODE;
	if (a->uid != b->uid || a->gid != b->gid)
		what |= CHANGE_OWNER;
	if (a->mtime != b->mtime || a->mtime_ns != b->mtime_ns)
		what |= CHANGE_MTIME;
	if (!same_span(&a->xattrs, &b->xattrs))
		what |= CHANGE_XATTR;
	return (what);
}

static int
tell_json(struct diff *d, const char *kind, const struct buf *path,
    unsigned what, struct err *e)
{
	struct span sp = { (const char *)path->data, path->len };
	json_t *list = NULL, *j;
	size_t i;

	j = json_pack("{s:s, s:o}", "change", kind, "path",
	    show_text_json(&sp));
	if (what != 0)
		list = json_array();
	for (i = 0; i < NCHANGES && what != 0; i++)
		if (what & changes[i].change)
			json_array_append_new(list,
			    json_string(changes[i].name));
	if (list != NULL && json_object_set_new(j, "what", list) == -1) {
		json_decref(j);
		j = NULL;
	}
	return (show_json(&d->show, j, e));
}

/* mark: '+', '-' or 'M'. */
static int
tell(struct diff *d, char mark, const struct snapshot_volume *vol,
    const struct entry *ent, unsigned what, struct err *e)
{
	struct buf *b = &d->show.line;
	const char *between = " (";
	size_t i;

	d->found = 1;
	buf_clear(b);
	if (!d->show.json) {
		buf_putc(b, mark);
		buf_putc(b, ' ');
	}
	view_full_path(b, vol, &ent->path);
	if (buf_ok(b, e) == -1)
		return (-1);
	if (d->show.json)
		return (tell_json(d, mark == '+' ? "added" :
		    mark == '-' ? "removed" : "changed", b, what, e));
	for (i = 0; i < NCHANGES; i++)
		if (what & changes[i].change) {
			buf_puts(b, between);
			buf_puts(b, changes[i].name);
			between = " ";
		}
	if (what != 0)
		buf_putc(b, ')');
	if (buf_ok(b, e) == -1)
		return (-1);
	return (show_line(&d->show, b->data, b->len, e));
}

/* Have the side's next entry, if there is one. */
static void
advance(struct diff *d, struct side *s)
{
	struct err lost;
	int rc;

	if (s->have || s->end)
		return;
	s->gap = 0;
	while ((rc = subtree_next(s->tree, &s->ent, &lost)) == -1) {
		view_trouble(&d->view, &lost);
		s->gap = 1;
	}
	s->have = rc == 1;
	s->end = rc == 0;
}

/* Where both stand between leaves, leaves that are the same need no look. */
static void
drop_common(struct diff *d)
{
	const uint8_t *a, *b;

	if (d->old.have || d->old.end || d->new.have || d->new.end)
		return;
	while (subtree_peek_leaf(d->old.tree, &a) &&
	    subtree_peek_leaf(d->new.tree, &b) &&
	    memcmp(a, b, DIGEST_LEN) == 0) {
		subtree_drop_leaf(d->old.tree);
		subtree_drop_leaf(d->new.tree);
	}
}

/*
 * <0: the older side's entry comes first, >0: the newer one's, 0: the same
 * path.  At least one side has an entry.
 */
static int
which_first(const struct diff *d)
{
	const struct span *a = &d->old.ent.path, *b = &d->new.ent.path;

	if (!d->old.have || !d->new.have)
		return (d->old.have ? -1 : 1);
	return (pathtext_compare(a->p, a->len, b->p, b->len));
}

static int
merge(struct diff *d, struct err *e)
{
	struct side *old = &d->old, *new = &d->new;
	unsigned what;
	int c, rc = 0;

	while (rc == 0) {
		drop_common(d);
		advance(d, old);
		advance(d, new);
		if (!old->have && !new->have)
			break;
		c = which_first(d);
		/* Where entries are lost, nothing is known to be missing. */
		if (c < 0 && !new->gap)
			rc = tell(d, '-', old->vol, &old->ent, 0, e);
		else if (c > 0 && !old->gap)
			rc = tell(d, '+', new->vol, &new->ent, 0, e);
		else if (c == 0 &&
		    (what = compare(&old->ent, &new->ent)) != 0)
			rc = tell(d, 'M', new->vol, &new->ent, what, e);
		if (c <= 0)
			old->have = 0;
		if (c >= 0)
			new->have = 0;
	}
	return (rc);
}

/* Begin to read a side, if the path touches its volume. */
static void
open_side(struct diff *d, struct side *s, const struct snapshot_volume *vol)
{
	struct span top;
	struct err lost;

	memset(s, 0, sizeof(*s));
	s->vol = vol;
	s->end = 1;
	if (vol == NULL || !view_scope(vol, buf_cstr(&d->clean), &d->text))
		return;
	top.p = (const char *)d->text.data;
	top.len = d->text.len;
	s->tree = subtree_new(d->view.vault, d->view.index, vol, &top, &lost);
	if (s->tree == NULL) {
		view_trouble(&d->view, &lost);
		s->gap = d->seen = 1;
		return;
	}
	s->end = 0;
	if (top.len > 1)
		advance(d, s);		/* is it there at all? */
	if (top.len == 1 || s->have || s->gap)
		d->seen = 1;
}

/* Either volume may be NULL. */
static int
diff_volumes(struct diff *d, const struct snapshot_volume *old,
    const struct snapshot_volume *new, struct err *e)
{
	int rc;

	open_side(d, &d->old, old);
	open_side(d, &d->new, new);
	rc = merge(d, e);
	subtree_free(d->old.tree);
	subtree_free(d->new.tree);
	return (rc);
}

static const struct snapshot_volume *
volume_named(const struct snapshot *s, const char *path)
{
	size_t i;

	for (i = 0; i < s->nvolumes; i++)
		if (strcmp(s->volumes[i].path, path) == 0)
			return (&s->volumes[i]);
	return (NULL);
}

static int
diff(struct diff *d, const char *path, struct err *e)
{
	const struct snapshot *old = &d->view.snap, *new = &d->newer;
	const struct snapshot_volume *vol;
	size_t i;

	if (view_clean_path(&d->clean, path != NULL ? path : "/", e) == -1)
		return (-1);
	for (i = 0; i < old->nvolumes; i++) {
		vol = volume_named(new, old->volumes[i].path);
		if (diff_volumes(d, &old->volumes[i], vol, e) == -1)
			return (-1);
	}
	for (i = 0; i < new->nvolumes; i++) {
		vol = &new->volumes[i];
		if (volume_named(old, vol->path) == NULL &&
		    diff_volumes(d, NULL, vol, e) == -1)
			return (-1);
	}
	if (!d->seen && path != NULL)
		return (err_set(e, ERR_USAGE, "%s: in neither snapshot",
		    path));
	return (show_end(&d->show, e));
}

int
diff_main(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		CLI_LONG,
		{ "db", no_argument, NULL, OPT_DB },
		{ NULL, 0, NULL, 0 },
	};
	struct diff d;
	struct err e;
	int opt, db = 0, status = STATUS_FAILED;

	memset(&d, 0, sizeof(d));
	while ((opt = getopt_long(argc, argv, CLI_SHORT, options,
	    NULL)) != -1)
		if (opt == OPT_DB)
			db = 1;
		else if (cli_option(cli, opt, optarg) == -1)
			return (cli_usage(DIFF_USAGE));
	if (argc - optind < 2 || argc - optind > 3)
		return (cli_usage(DIFF_USAGE));
	show_init(&d.show, cli, 0);
	if (view_open(&d.view, cli, argv[optind], &e) == -1 ||
	    snapshot_open(&d.newer, d.view.vault, argv[optind + 1],
	    &e) == -1 || (db ? dbdiff_print(&d.view, &d.newer,
	    argv[optind + 2], &d.show, &d.found, &e) :
	    diff(&d, argv[optind + 2], &e)) == -1)
		status = cli_fail(&e);
	else
		status = d.view.status != STATUS_DONE ? d.view.status :
		    d.found ? STATUS_DAMAGED : STATUS_DONE;
	show_fini(&d.show);
	buf_fini(&d.clean);
	buf_fini(&d.text);
	snapshot_fini(&d.newer);
	view_close(&d.view);
	return (status);
}
