#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/cancel.h"
#include "base/human.h"
#include "base/outfile.h"
#include "base/progress.h"
#include "formats/pathtext.h"
#include "restore/pax.h"
#include "restore/restore.h"
#include "restore/show.h"
#include "restore/sieve.h"
#include "restore/subtree.h"
#include "restore/view.h"
#include "restore/zout.h"
#include "vault/content.h"

#define LEVEL 3

/*
 * Hard links whose first name lies outside of what is exported: the first
 * of their names inside carries the contents.
 */
struct carrier {
	UT_hash_handle hh;
	char *member;		/* raw name in the archive */
	char first[];		/* catalog text of the set's first name */
};

struct export {
	struct view view;
	const char *path;	/* as the user gave it */
	const char *output;
	const struct snapshot_volume *vol;
	struct subtree *tree;
	struct content *content;
	struct zout *out;
	struct progress *progress;
	uint64_t members, bytes;	/* written, of contents */
	struct carrier *carriers;
	struct span top;	/* path of the first entry, without its name */
	struct buf top_text;
	struct buf name, link;	/* raw, of the member being written */
	struct buf head, holes;
};

/* "./" and what the path has below the top; the top itself is ".". */
static int
member_name(struct export *x, const struct span *path, struct buf *out,
    struct err *e)
{
	buf_clear(out);
	buf_putc(out, '.');
	if (pathtext_decode(out, path->p + x->top.len,
	    path->len - x->top.len) == -1)
		return (err_nomem(e));	/* decoding has proved the text */
	return (buf_ok(out, e));
}

/* Whether memory sufficed for the table shows in the entry's handle. */
static int
add_carrier(struct export *x, const struct span *first, struct err *e)
{
	struct carrier *c;

	if ((c = malloc(sizeof(*c) + first->len)) == NULL)
		return (err_nomem(e));
	memset(c, 0, sizeof(*c));
	memcpy(c->first, first->p, first->len);
	if ((c->member = strdup(buf_cstr(&x->name))) != NULL)
		HASH_ADD(hh, x->carriers, first, first->len, c);
	if (c->member == NULL || c->hh.tbl == NULL) {
		free(c->member);
		free(c);
		return (err_nomem(e));
	}
	return (0);
}

/*
 * What the first name of a set is called in the archive: in x->link, empty
 * when this entry is the one to carry the contents.
 */
static int
find_carrier(struct export *x, const struct span *first, struct err *e)
{
	struct carrier *c;

	HASH_FIND(hh, x->carriers, first->p, first->len, c);
	if (c == NULL)
		return (add_carrier(x, first, e));
	buf_puts(&x->link, c->member);
	return (buf_ok(&x->link, e));
}

static int
hard_link(struct export *x, const struct entry *ent, struct err *e)
{
	const struct span *first = &ent->hardlink;
	struct span top = { (const char *)x->top_text.data, x->top_text.len };

	if (view_is_below(first, &top) && pathtext_compare(first->p,
	    first->len, ent->path.p, ent->path.len) < 0)
		return (member_name(x, first, &x->link, e));
	return (find_carrier(x, first, e));
}

static int
put(void *arg, const void *p, size_t len, struct err *e)
{
	return (zout_write(arg, p, len, e));
}

static int
write_content(struct export *x, const struct entry *ent, struct err *e)
{
	static const uint8_t zeros[PAX_BLOCK];

	if (sieve_read(x->content, ent, put, x->out, e) == -1) {
		if (e->kind == ERR_DAMAGED)
			err_wrap(e, "%s", buf_cstr(&x->name));
		return (-1);
	}
	return (zout_write(x->out, zeros,
	    pax_padding(pax_content_bytes(ent)), e));
}

static int
write_member(struct export *x, const struct entry *entry, struct err *e)
{
	struct pax_member m = { .link = "" };
	struct entry rounded = *entry;
	const struct entry *ent = &rounded;

	pax_round_holes(&x->holes, entry);
	rounded.holes.p = (const char *)x->holes.data;
	rounded.holes.len = x->holes.len;
	m.ent = ent;
	buf_clear(&x->link);
	buf_clear(&x->head);
	if (member_name(x, &ent->path, &x->name, e) == -1)
		return (-1);
	if (ent->hardlink.len > 0 && hard_link(x, ent, e) == -1)
		return (-1);
	m.hard = x->link.len > 0;
	if (!m.hard && ent->type == ENTRY_LINK &&
	    pathtext_decode(&x->link, ent->link.p, ent->link.len) == -1)
		return (err_nomem(e));
	m.name = buf_cstr(&x->name);
	m.name_len = x->name.len;
	m.link = buf_cstr(&x->link);
	m.link_len = x->link.len;
	if (buf_ok(&x->name, e) == -1 || buf_ok(&x->link, e) == -1 ||
	    buf_ok(&x->holes, e) == -1 ||
	    pax_encode(&x->head, &m, e) == -1 ||
	    zout_write(x->out, x->head.data, x->head.len, e) == -1)
		return (-1);
	if (ent->type == ENTRY_FILE && !m.hard) {
		if (write_content(x, ent, e) == -1)
			return (-1);
		progress_add(x->progress, 1, ent->size);
		x->bytes += ent->size;
	}
	x->members++;
	return (0);
}

/* Where members' names begin: a directory is ".", a file keeps its name. */
static int
set_top(struct export *x, const struct entry *ent, struct err *e)
{
	const char *slash;

	buf_append(&x->top_text, ent->path.p, ent->path.len);
	if (buf_ok(&x->top_text, e) == -1)
		return (-1);
	x->top.p = (const char *)x->top_text.data;
	x->top.len = x->top_text.len;
	slash = memrchr(x->top.p, '/', x->top.len);
	if (ent->type != ENTRY_DIR && slash != NULL)
		x->top.len = (size_t)(slash - x->top.p);
	return (0);
}

static int
write_members(struct export *x, struct err *e)
{
	struct entry ent;
	int rc;

	if ((rc = subtree_first(x->tree, &ent, e)) == 0)
		return (view_not_there(&x->view.snap, x->path, e));
	if (rc == -1 || set_top(x, &ent, e) == -1)
		return (-1);
	do
		if (cancel_check(e) == -1 || write_member(x, &ent, e) == -1)
			return (-1);
	while ((rc = subtree_next(x->tree, &ent, e)) == 1);
	if (rc == -1)
		return (-1);
	buf_clear(&x->head);
	pax_encode_end(&x->head);
	if (buf_ok(&x->head, e) == -1 ||
	    zout_write(x->out, x->head.data, x->head.len, e) == -1)
		return (-1);
	return (zout_commit(x->out, e));
}

static json_t *
summary_json(struct export *x)
{
	struct span top = { (const char *)x->top_text.data, x->top_text.len };
	struct span path;

	buf_clear(&x->name);
	view_full_path(&x->name, x->vol, &top);
	path.p = buf_cstr(&x->name);
	path.len = x->name.len;
	return (json_pack("{s:s, s:o, s:I, s:I, s:I}",
	    "snapshot", x->view.snap.id, "path", show_text_json(&path),
	    "entries", (json_int_t)x->members,
	    "bytes", (json_int_t)x->bytes,
	    "stored_bytes", (json_int_t)zout_bytes(x->out)));
}

/* Nothing may be said where standard output is the archive. */
static int
tell(struct export *x, const struct cli *cli, struct err *e)
{
	char bytes[HUMAN_LEN], stored[HUMAN_LEN];

	if (strcmp(x->output, "-") == 0 || (cli->quiet && !cli->json))
		return (0);
	if (cli->json) {
		return (cli_json(summary_json(x), e));
	} else {
		human_bytes(x->bytes, bytes);
		human_bytes(zout_bytes(x->out), stored);
		printf("archive of %s: %llu %s, %s in files\n", stored,
		    (unsigned long long)x->members,
		    x->members == 1 ? "entry" : "entries", bytes);
	}
	return (cli_flush(e));
}

static int
export(struct export *x, const struct cli *cli, struct err *e)
{
	struct outfile *o = NULL;
	int rc = -1;

	if ((x->tree = subtree_at(&x->view, x->path, &x->vol,
	    e)) == NULL ||
	    (x->content = content_new(x->view.vault, x->view.index,
	    e)) == NULL ||
	    (o = outfile_new(x->output, e)) == NULL ||
	    (x->out = zout_new(outfile_fd(o), LEVEL, e)) == NULL)
		goto out;
	x->progress = progress_new("exported", !cli->quiet);
	rc = write_members(x, e);
	progress_free(x->progress);
out:
	if (rc == -1) {
		outfile_abort(o);
		return (-1);
	}
	if (outfile_commit(o, e) == -1)
		return (-1);
	return (tell(x, cli, e));
}

static void
export_fini(struct export *x)
{
	struct carrier *c, *tmp;

	HASH_ITER(hh, x->carriers, c, tmp) {
		HASH_DEL(x->carriers, c);
		free(c->member);
		free(c);
	}
	zout_free(x->out);
	content_free(x->content);
	subtree_free(x->tree);
	buf_fini(&x->top_text);
	buf_fini(&x->name);
	buf_fini(&x->link);
	buf_fini(&x->head);
	buf_fini(&x->holes);
	view_close(&x->view);
}

static int
parse_options(struct export *x, struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		CLI_LONG,
		{ "output", required_argument, NULL, 'o' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, CLI_SHORT "o:", options,
	    NULL)) != -1) {
		if (opt == 'o')
			x->output = optarg;
		else if (cli_option(cli, opt, optarg) == -1)
			return (-1);
	}
	return (argc - optind == 2 ? 0 : -1);
}

int
export_main(struct cli *cli, int argc, char **argv)
{
	struct export x;
	struct err e;
	int status = STATUS_DONE;

	memset(&x, 0, sizeof(x));
	x.output = "-";
	if (parse_options(&x, cli, argc, argv) == -1)
		return (cli_usage(EXPORT_USAGE));
	if (view_open(&x.view, cli, argv[optind], &e) == -1)
		return (cli_fail(&e));
	cancel_catch_signals();
	x.path = argv[optind + 1];
	if (export(&x, cli, &e) == -1)
		status = cli_fail(&e);
	export_fini(&x);
	return (status);
}
