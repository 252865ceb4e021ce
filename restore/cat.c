#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "restore/restore.h"
#include "restore/subtree.h"
#include "restore/view.h"
#include "vault/content.h"

static int
write_piece(void *arg, const void *p, size_t len, struct err *e)
{
	(void)arg;
	if (io_write(STDOUT_FILENO, p, len) == -1)
		return (err_sys(e, "standard output"));
	return (0);
}

static int
cat_entry(struct view *v, const struct entry *ent, const char *path,
    struct err *e)
{
	struct content *c;
	int rc;

	if (ent->type != ENTRY_FILE)
		return (err_set(e, ERR_USAGE, "%s: not a regular file (%s)",
		    path, mtree_type_name(ent->type)));
	if ((c = content_new(v->vault, v->index, e)) == NULL)
		return (-1);
	rc = content_read(c, ent, write_piece, NULL, e);
	content_free(c);
	/* What standard output says is not about the file. */
	if (rc == -1 && e->kind == ERR_DAMAGED)
		err_wrap(e, "%s", path);
	return (rc);
}

static int
cat_path(struct view *v, const char *path, struct err *e)
{
	const struct snapshot_volume *vol;
	struct subtree *t;
	struct entry ent;
	int rc;

	if ((t = subtree_at(v, path, &vol, e)) == NULL)
		return (-1);
	rc = subtree_first(t, &ent, e);
	if (rc == 0)
		rc = view_not_there(&v->snap, path, e);
	if (rc == 1)
		rc = cat_entry(v, &ent, path, e);
	subtree_free(t);
	return (rc);
}

int
cat_main(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		CLI_LONG,
		{ NULL, 0, NULL, 0 },
	};
	struct view v;
	struct err e;
	int opt, status;

	while ((opt = getopt_long(argc, argv, CLI_SHORT, options,
	    NULL)) != -1)
		if (cli_option(cli, opt, optarg) == -1)
			return (cli_usage(CAT_USAGE));
	if (argc - optind != 2)
		return (cli_usage(CAT_USAGE));
	if (view_open(&v, cli, argv[optind], &e) == -1)
		return (cli_fail(&e));
	status = STATUS_DONE;
	if (cat_path(&v, argv[optind + 1], &e) == -1)
		status = cli_fail(&e);
	view_close(&v);
	return (status);
}
