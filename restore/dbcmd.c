#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cancel.h"
#include "formats/xcatschema.h"
#include "remote/node/reach.h"
#include "restore/compose.h"
#include "restore/dbcmd.h"
#include "restore/dbput.h"
#include "restore/restore.h"

enum {
	OPT_SITE = CLI_OPT_OWN, OPT_DATABASE_ONLY, OPT_TABLE, OPT_REHOME,
	OPT_ON_START, OPT_FORCE, OPT_DRY_RUN, OPT_COMPOSE,
};

static const struct option options[] = {
	CLI_LONG,
	{ "site", required_argument, NULL, OPT_SITE },
	{ "database-only", no_argument, NULL, OPT_DATABASE_ONLY },
	{ "table", required_argument, NULL, OPT_TABLE },
	{ "rehome", required_argument, NULL, OPT_REHOME },
	{ "on-start", no_argument, NULL, OPT_ON_START },
	{ "force", no_argument, NULL, OPT_FORCE },
	{ "dry-run", no_argument, NULL, OPT_DRY_RUN },
	{ "compose", no_argument, NULL, OPT_COMPOSE },
	{ "output", required_argument, NULL, 'o' },
	{ NULL, 0, NULL, 0 },
};

static const struct option undo_options[] = {
	CLI_LONG,
	{ "force", no_argument, NULL, OPT_FORCE },
	{ "dry-run", no_argument, NULL, OPT_DRY_RUN },
	{ NULL, 0, NULL, 0 },
};

struct arguments {
	const char *snap, *site, *output;
	char **tables;
	size_t ntables;
	struct rehome rehome;
	int compose;
	struct dbput_options put;
};

int
dbcmd_wanted(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--database-only") == 0 ||
		    strcmp(argv[i], "--compose") == 0)
			return (1);
	return (0);
}

int
dbcmd_site_name(struct buf *out, const char *site, struct err *e)
{
	const char *at = strrchr(site, '@');
	const char *p = at != NULL ? at + 1 : site;

	for (; *p != '\0'; p++)
		buf_putc(out, isalnum((unsigned char)*p) ||
		    strchr("._-", *p) != NULL ? *p : '_');
	return (buf_ok(out, e));
}

/* -------------------------------------------------------------- arguments */

/* "nodelist,hosts" */
static int
add_tables(struct arguments *a, const char *list, struct err *e)
{
	char **more;
	size_t n;

	for (; *list != '\0'; list += n + (list[n] == ',')) {
		n = strcspn(list, ",");
		if (!xcatschema_valid_table(list, n))
			return (err_set(e, ERR_USAGE, "--table %s: names of "
			    "tables with commas between them are wanted",
			    list));
		more = reallocarray(a->tables, a->ntables + 1,
		    sizeof(*more));
		if (more == NULL)
			return (err_nomem(e));
		a->tables = more;
		if ((more[a->ntables] = strndup(list, n)) == NULL)
			return (err_nomem(e));
		a->ntables++;
	}
	return (0);
}

static void
fini(struct arguments *a)
{
	size_t i;

	for (i = 0; i < a->ntables; i++)
		free(a->tables[i]);
	free(a->tables);
	rehome_fini(&a->rehome);
}

/* 1: taken; 0: not ours; -1. */
static int
take_option(struct arguments *a, int opt, struct err *e)
{
	switch (opt) {
	case OPT_SITE:
		a->site = optarg;
		return (1);
	case OPT_TABLE:
		return (add_tables(a, optarg, e) == 0 ? 1 : -1);
	case OPT_REHOME:
		return (rehome_add(&a->rehome, optarg, e) == 0 ? 1 : -1);
	case OPT_ON_START:
		a->put.on_start = 1;
		return (1);
	case OPT_FORCE:
		a->put.force = 1;
		return (1);
	case OPT_DRY_RUN:
		a->put.dry_run = 1;
		return (1);
	case OPT_COMPOSE:
		a->compose = 1;
		return (1);
	case OPT_DATABASE_ONLY:
		return (1);
	case 'o':
		a->output = optarg;
		return (1);
	default:
		return (0);
	}
}

/* ----------------------------------------------------------------- the run */

static int
print(const struct arguments *a, const struct cli *cli,
    const struct dbput_result *r, struct err *e)
{
	json_t *j;

	if (cli->json) {
		j = a->put.dry_run ? dbput_plan_json(&r->plan) :
		    dbput_result_json(r);
		if (cli_json(j, e) == -1)
			return (-1);
	} else if (a->put.dry_run) {
		dbput_plan_print(&r->plan, 1, stdout);
	} else if (!cli->quiet) {
		dbput_result_print(r, a->site, stdout);
	}
	return (cli_flush(e));
}

static int
put(struct arguments *a, const struct cli *cli, struct view *v,
    struct reach *h, struct err *e)
{
	struct dbput_options opt = a->put;
	struct dbput_result r;
	struct probe probe;
	struct remote *remote;
	size_t trouble;
	int rc, status = -1;

	if ((remote = remote_open(&h->target, e)) == NULL)
		return (-1);
	if (probe_site(remote, 0, &probe, e) == -1) {
		remote_close(remote);
		return (-1);
	}
	opt.remote = remote;
	opt.probe = &probe;
	opt.view = v;
	opt.limit_s = h->site != NULL ? h->site->dump_s : 0;
	opt.verbose = cli->verbose;
	opt.out = cli->json || cli->quiet ? NULL : stdout;
	if ((rc = dbput_run(&opt, &r, e)) == 0 && !r.other)
		rc = print(a, cli, &r, e);
	a->put.finish = rc == 0 && r.other;
	trouble = report_count(a->put.report);
	if (rc == 0)
		status = r.status != STATUS_DONE ? r.status :
		    v->status != STATUS_DONE ? v->status :
		    trouble > 0 ? STATUS_REPORTED : STATUS_DONE;
	dbput_result_fini(&r);
	probe_fini(&probe);
	remote_close(remote);
	return (status);
}

static int
open_view(const struct arguments *a, struct view *v, const struct cli *cli,
    const char *name, struct err *e)
{
	struct buf snap = BUF_INIT;
	int rc;

	if (a->snap != NULL)
		return (view_open(v, cli, a->snap, e));
	buf_printf(&snap, "%s.undo", name);
	if ((rc = buf_ok(&snap, e)) == 0 &&
	    (rc = view_open(v, cli, buf_cstr(&snap), e)) == -1 &&
	    e->kind == ERR_USAGE)
		(void)err_wrap(e, "no undo of %s is kept", a->site);
	buf_fini(&snap);
	return (rc);
}

#define NOT_CUT (-2)

/*
 * A plain undo behind one that was cut short completes that.  last: the newest
 * undo, which would be put back else.  NOT_CUT, or a status.
 */
static int
finish_undo(struct arguments *a, const struct cli *cli,
    const struct view *last, struct reach *h, struct err *e)
{
	struct view v;
	int status;

	if (a->snap != NULL || last->snap.undoes == NULL)
		return (NOT_CUT);
	memset(&v, 0, sizeof(v));
	if (view_open(&v, cli, last->snap.undoes, e) == -1)
		return (e->kind == ERR_USAGE ? NOT_CUT : -1);
	a->put.finish = 1;
	status = put(a, cli, &v, h, e);
	view_close(&v);
	if (!a->put.finish)
		return (status);
	a->put.finish = 0;
	return (NOT_CUT);
}

static int
run(struct arguments *a, const struct cli *cli)
{
	struct cli with = *cli;
	const struct config *c;
	struct buf name = BUF_INIT;
	struct reach h;
	struct view v;
	struct err e = { .kind = ERR_NONE };
	int status = -1;

	memset(&v, 0, sizeof(v));
	memset(&h, 0, sizeof(h));
	if ((a->put.report = report_new(REPORT_ALL)) == NULL)
		return (cli_fail((err_nomem(&e), &e)));
	if ((c = cli_config(cli, &e)) == NULL ||
	    reach_init(&h, c, a->site, isatty(STDIN_FILENO), &e) == -1)
		goto out;
	if (with.vault == NULL && h.site != NULL)
		with.vault = h.site->vault;
	cancel_catch_signals();
	if (dbcmd_site_name(&name, a->site, &e) == -1 ||
	    open_view(a, &v, &with, buf_cstr(&name), &e) == -1)
		goto out;
	a->put.site = buf_cstr(&name);
	a->put.tables = (const char *const *)a->tables;
	a->put.ntables = a->ntables;
	a->put.rehome = &a->rehome;
	if ((status = finish_undo(a, &with, &v, &h, &e)) == NOT_CUT)
		status = put(a, cli, &v, &h, &e);
out:
	if (status == -1)
		status = cli_fail(&e);
	view_close(&v);
	reach_fini(&h);
	report_free(a->put.report);
	buf_fini(&name);
	return (status);
}

static int
wrong(const char *text)
{
	cli_warn("restore: %s", text);
	return (STATUS_USAGE);
}

int
dbcmd_main(struct cli *cli, int argc, char **argv)
{
	struct arguments a;
	struct err e;
	int opt, rc = 0, status;

	memset(&a, 0, sizeof(a));
	while (rc != -1 && (opt = getopt_long(argc, argv, CLI_SHORT "o:",
	    options, NULL)) != -1)
		if ((rc = take_option(&a, opt, &e)) == 0 &&
		    cli_option(cli, opt, optarg) == -1) {
			fini(&a);
			return (cli_usage(RESTORE_USAGE));
		}
	if (rc == -1)
		status = cli_fail(&e);
	else if (optind == argc)
		status = cli_usage(RESTORE_USAGE);
	else if (optind + 1 < argc)
		status = wrong("no paths go with --database-only or "
		    "--compose");
	else if (a.compose)
		status = compose_main(cli, argv[optind], a.output);
	else if (a.site == NULL)
		status = wrong("no target: name a site with --site");
	else {
		a.snap = argv[optind];
		status = run(&a, cli);
	}
	fini(&a);
	return (status);
}

int
undo_main(struct cli *cli, int argc, char **argv)
{
	struct arguments a;
	struct err e;
	int opt, status;

	memset(&a, 0, sizeof(a));
	while ((opt = getopt_long(argc, argv, CLI_SHORT, undo_options,
	    NULL)) != -1)
		if (take_option(&a, opt, &e) != 1 &&
		    cli_option(cli, opt, optarg) == -1)
			return (cli_usage(UNDO_USAGE));
	if (optind == argc || argc - optind > 2)
		return (cli_usage(UNDO_USAGE));
	a.site = argv[optind++];
	a.snap = optind < argc ? argv[optind] : NULL;
	a.put.replace = 1;
	status = run(&a, cli);
	fini(&a);
	return (status);
}
