#include <stdio.h>
#include <string.h>

#include "restore/restore.h"
#include "restore/show.h"
#include "restore/subtree.h"
#include "restore/view.h"
#include "vault/snapshots.h"

enum { OPT_MTREE = CLI_OPT_OWN };

struct ls {
	struct view view;
	struct show show;
	int long_form, recursive, mtree;
};

/* The catalog as it stands, for mtree(8) and bsdtar(1). */
static int
show_text(struct ls *l, const struct entry *ent, struct err *e)
{
	/* An entry ends in a newline, which show_line() adds. */
	return (show_line(&l->show, ent->text.p, ent->text.len - 1, e));
}

static int
show_below(struct ls *l, struct subtree *t, const struct snapshot_volume *vol,
    struct err *e)
{
	struct entry ent;
	struct err lost;
	int rc;

	while ((rc = subtree_next(t, &ent, &lost)) != 0) {
		if (rc == -1) {
			view_trouble(&l->view, &lost);
			continue;
		}
		if (l->mtree)
			rc = show_text(l, &ent, e);
		else
			rc = show_entry(&l->show, vol, &ent, e);
		if (rc == -1 || (!l->recursive && ent.type == ENTRY_DIR &&
		    subtree_skip(t, e) == -1))
			return (-1);
	}
	return (0);
}

/* What is said of the path itself, before what lies below it. */
static int
show_first(struct ls *l, const struct snapshot_volume *vol,
    const struct entry *ent, struct err *e)
{
	static const char head[] = "#mtree";

	if (l->mtree) {
		if (show_line(&l->show, head, sizeof(head) - 1, e) == -1)
			return (-1);
		return (show_text(l, ent, e));
	}
	if (ent->type != ENTRY_DIR)
		return (show_entry(&l->show, vol, ent, e));
	return (0);
}

/* One file, a directory's children, or all below it. */
static int
show_path(struct ls *l, const char *path, struct err *e)
{
	const struct snapshot_volume *vol;
	struct subtree *t;
	struct entry ent;
	struct err lost;
	int rc;

	if ((t = subtree_at(&l->view, path, &vol, e)) == NULL)
		return (-1);
	rc = subtree_first(t, &ent, &lost);
	if (rc == 0)
		rc = view_not_there(&l->view.snap, path, e);
	else if (rc == -1) {
		/* The rest of a directory may be there all the same. */
		view_trouble(&l->view, &lost);
		rc = 0;
	} else
		rc = show_first(l, vol, &ent, e);
	if (rc == 0)
		rc = show_below(l, t, vol, e);
	subtree_free(t);
	return (rc);
}

/* All volumes, or those below a directory that holds nothing else. */
static int
show_volumes(struct ls *l, const char *clean, struct err *e)
{
	const struct snapshot *s = &l->view.snap;
	struct buf text = BUF_INIT;
	size_t i;
	int rc = 0;

	for (i = 0; i < s->nvolumes && rc == 0; i++)
		if (view_scope(&s->volumes[i], clean, &text))
			rc = show_volume(&l->show, &s->volumes[i], e);
	buf_fini(&text);
	if (rc == 0 && !l->show.begun)
		return (view_not_there(s, clean, e));
	return (rc);
}

static int
show(struct ls *l, const char *path, struct err *e)
{
	const struct snapshot *s = &l->view.snap;
	struct buf clean = BUF_INIT;
	int rc = -1;

	if (l->mtree && path == NULL && s->nvolumes > 1)
		return (err_set(e, ERR_USAGE, "--mtree shows one volume: say "
		    "which"));
	if (path == NULL)
		path = l->mtree ? s->volumes[0].path : NULL;
	if (path == NULL)
		rc = show_volumes(l, "/", e);
	else if (view_clean_path(&clean, path, e) == 0)
		rc = l->mtree || snapshot_volume_of(s, buf_cstr(&clean)) ?
		    show_path(l, path, e) :
		    show_volumes(l, buf_cstr(&clean), e);
	buf_fini(&clean);
	return (rc == 0 ? show_end(&l->show, e) : -1);
}

static int
parse_options(struct ls *l, struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		CLI_LONG,
		{ "long", no_argument, NULL, 'l' },
		{ "recursive", no_argument, NULL, 'R' },
		{ "mtree", no_argument, NULL, OPT_MTREE },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, CLI_SHORT "lR", options,
	    NULL)) != -1) {
		if (opt == 'l')
			l->long_form = 1;
		else if (opt == 'R')
			l->recursive = 1;
		else if (opt == OPT_MTREE)
			l->mtree = l->recursive = 1;
		else if (cli_option(cli, opt, optarg) == -1)
			return (-1);
	}
	if (l->mtree && (l->long_form || cli->json))
		return (-1);
	return (argc - optind == 1 || argc - optind == 2 ? 0 : -1);
}

int
ls_main(struct cli *cli, int argc, char **argv)
{
	struct ls l;
	struct err e;
	int status;

	memset(&l, 0, sizeof(l));
	if (parse_options(&l, cli, argc, argv) == -1)
		return (cli_usage(LS_USAGE));
	if (view_open(&l.view, cli, argv[optind], &e) == -1)
		return (cli_fail(&e));
	show_init(&l.show, cli, l.long_form);
	status = show(&l, argv[optind + 1], &e) == -1 ? cli_fail(&e) :
	    l.view.status;
	show_fini(&l.show);
	view_close(&l.view);
	return (status);
}
