#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cancel.h"
#include "imgxfer/import.h"
#include "imgxfer/importextra.h"
#include "imgxfer/importfrom.h"
#include "imgxfer/verbs.h"
#include "remote/node/reach.h"

enum {
	OPT_SITE = CLI_OPT_OWN, OPT_PROFILE, OPT_AS, OPT_REPLACE, OPT_FORCE,
	OPT_UNPROVED, OPT_LIMIT, OPT_GRACE, OPT_DRY_RUN, OPT_FROM_VAULT,
	OPT_ROOT,
};

static const struct option options[] = {
	CLI_LONG,
	{ "site", required_argument, NULL, OPT_SITE },
	{ "profile", required_argument, NULL, OPT_PROFILE },
	{ "as", required_argument, NULL, OPT_AS },
	{ "replace", no_argument, NULL, OPT_REPLACE },
	{ "force", no_argument, NULL, OPT_FORCE },
	{ "allow-unproved-arch", no_argument, NULL, OPT_UNPROVED },
	{ "limit", required_argument, NULL, OPT_LIMIT },
	{ "grace", required_argument, NULL, OPT_GRACE },
	{ "dry-run", no_argument, NULL, OPT_DRY_RUN },
	{ "from-vault", required_argument, NULL, OPT_FROM_VAULT },
	{ "root", required_argument, NULL, OPT_ROOT },
	{ NULL, 0, NULL, 0 },
};

/* The bundle and what lies beside it. */
struct brought {
	const char *name;	/* of a file, or an image in the vault */
	int kept;
	struct importfrom from;
	struct inspect inspect;
	struct import_extra *extras;
	size_t nextras, skipped;
	struct arena arena;
};

struct arguments {
	const char *site;
	struct import_options opt;
	struct inspect_options inspect;
	const char *roots[INSPECT_ROOTS_MAX];
	struct brought from;
};

static int
take_seconds(unsigned *out, const char *text)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (!isdigit((unsigned char)text[0]) || *end != '\0' || v == 0 ||
	    v > 7 * 86400)
		return (-1);
	*out = (unsigned)v;
	return (0);
}

/* 1: taken; 0: not ours; -1. */
static int
take_option(struct arguments *a, int opt, const char *value)
{
	switch (opt) {
	case OPT_SITE:
		a->site = value;
		return (1);
	case OPT_PROFILE:
		a->opt.profile = value;
		return (1);
	case OPT_AS:
		a->opt.as = value;
		return (1);
	case OPT_REPLACE:
		a->opt.replace = 1;
		return (1);
	case OPT_FORCE:
		a->opt.force = 1;
		return (1);
	case OPT_UNPROVED:
		a->opt.allow_unproved_arch = 1;
		return (1);
	case OPT_DRY_RUN:
		a->opt.dry_run = 1;
		return (1);
	case OPT_FROM_VAULT:
		a->from.name = value;
		a->from.kept = 1;
		return (1);
	case OPT_LIMIT:
		return (take_seconds(&a->opt.limit_s, value) == 0 ? 1 : -1);
	case OPT_GRACE:
		return (take_seconds(&a->opt.grace_s, value) == 0 ? 1 : -1);
	case OPT_ROOT:
		if (value[0] != '/' || a->inspect.nroots == INSPECT_ROOTS_MAX)
			return (-1);
		a->roots[a->inspect.nroots++] = value;
		a->inspect.roots = a->roots;
		a->opt.inspect = &a->inspect;
		return (1);
	default:
		return (0);
	}
}

/* ------------------------------------------------------------- the bundle */

static int
list_extras(struct brought *b, const struct inspect_options *opt,
    struct err *e)
{
	struct source source;

	if (importfrom_extra(&b->from, &source, e) == -1)
		return (-1);
	return (importextra_list(&source, opt,
	    b->from.sidecar->extra.digest, &b->arena, &b->extras,
	    &b->nextras, &b->skipped, e));
}

static int
bring(struct brought *b, const struct inspect_options *opt,
    const struct cli *cli, struct err *e)
{
	const struct sidecar *s;
	struct source source;

	if (importfrom_open(&b->from, b->name, b->kept, cli, e) == -1 ||
	    importfrom_bundle(&b->from, &source, e) == -1 ||
	    inspect_run(&b->inspect, &source, opt, e) == -1 ||
	    importfrom_check(&b->from, &b->inspect, e) == -1)
		return (-1);
	s = b->from.sidecar;
	return (s != NULL && s->extra.file != NULL ?
	    list_extras(b, opt, e) : 0);
}

static void
brought_fini(struct brought *b)
{
	importfrom_close(&b->from);
	inspect_fini(&b->inspect);
	free(b->extras);
	arena_fini(&b->arena);
}

/* ------------------------------------------------------------- the run */

static int
run_on(struct arguments *a, struct node *n, const struct cli *cli,
    struct import_result *res, struct err *e)
{
	struct source source, extra;
	struct import_bundle bundle = { .in = &a->from.inspect,
	    .source = &source };
	int rc;

	if (importfrom_bundle(&a->from.from, &source, e) == -1)
		return (-1);
	if (a->from.nextras > 0) {
		if (importfrom_extra(&a->from.from, &extra, e) == -1)
			return (-1);
		a->opt.extras = a->from.extras;
		a->opt.nextras = a->from.nextras;
		a->opt.extras_tar = &extra;
	}
	a->opt.progress = progress_new("sent", !cli->quiet && !cli->json);
	rc = import_run(n, &bundle, &a->opt, res, e);
	progress_free(a->opt.progress);
	a->opt.progress = NULL;
	a->opt.extras_tar = NULL;
	return (rc);
}

/* Another architecture than the node's wants more than its files. */
static int
add_notes(struct arguments *a, struct import_result *res, struct err *e)
{
	struct import_text *more;
	struct buf line = BUF_INIT;
	int rc;

	if (res->image == NULL)
		return (0);
	buf_printf(&line, "what %s may lack to boot there: xcatvault image "
	    "ready %s --site %s", res->image, res->image, a->site);
	if ((rc = buf_ok(&line, e)) == 0) {
		more = reallocarray(res->notes, res->nnotes + 1,
		    sizeof(*more));
		if (more == NULL) {
			rc = err_nomem(e);
		} else {
			res->notes = more;
			more[res->nnotes].text = arena_copy(&res->arena,
			    buf_cstr(&line), line.len + 1);
			if (more[res->nnotes].text != NULL)
				res->nnotes++;
		}
	}
	buf_fini(&line);
	return (rc);
}

static int
tell(const struct arguments *a, const struct cli *cli,
    const struct import_result *res, struct err *e)
{
	size_t i;

	if (a->from.skipped > 0)
		cli_warn("%zu members of the archive beside the bundle were "
		    "passed over: links, or no plain paths below xCAT's "
		    "directories", a->from.skipped);
	for (i = 0; i < res->nwarnings; i++)
		cli_warn("%s", res->warnings[i].text);
	if (cli->json) {
		if (cli_json(import_json(res), e) == -1)
			return (-1);
	} else
		import_print(res, cli->quiet, stdout);
	return (cli_flush(e));
}

/* What stands where, behind the error itself. */
static int
tell_failure(const struct arguments *a, const struct cli *cli,
    const struct import_result *res, const struct err *e)
{
	struct err ignored;
	int status = cli_fail(e);
	size_t i;

	for (i = 0; i < res->nstanding; i++)
		cli_warn("%s", res->standing[i].text);
	if (res->undo != NULL && res->fate != IMPORT_PUT_BACK)
		cli_warn("what was to be replaced is kept as snapshot %s",
		    res->undo);
	if (cli->json)
		(void)tell(a, cli, res, &ignored);
	return (status);
}

int
import_site_name(struct buf *out, const char *site, struct err *e)
{
	const char *at = strrchr(site, '@'), *p = at != NULL ? at + 1 : site;

	for (; *p != '\0'; p++)
		buf_putc(out, isalnum((unsigned char)*p) ||
		    strchr("._-", *p) != NULL ? *p : '_');
	return (buf_ok(out, e));
}

static int
open_vault(struct arguments *a, const struct cli *cli,
    const struct config_site *site, struct err *e)
{
	struct cli with = *cli;
	struct err none;
	const char *path;

	if (!a->opt.replace)
		return (0);
	if (with.vault == NULL && site != NULL)
		with.vault = site->vault;
	if ((path = cli_vault(&with, &none)) == NULL)
		return (0);	/* import_run() says whether that will do */
	a->opt.vault = vault_open(path, e);
	return (a->opt.vault != NULL ? 0 : -1);
}

static int
run(struct arguments *a, const struct cli *cli)
{
	struct import_result res = { .image = NULL };
	struct node n = { NULL };
	struct buf site = BUF_INIT;
	const struct config *c;
	struct reach reach;
	struct err e;
	int rc = -1, status;

	if ((c = cli_config(cli, &e)) == NULL || reach_init(&reach, c,
	    a->site, isatty(STDIN_FILENO), &e) == -1)
		return (cli_fail(&e));
	if (import_site_name(&site, a->site, &e) == 0 &&
	    bring(&a->from, a->opt.inspect, cli, &e) == 0 &&
	    open_vault(a, cli, reach.site, &e) == 0 &&
	    (n.control = remote_open(&reach.target, &e)) != NULL) {
		a->opt.site = buf_cstr(&site);
		rc = run_on(a, &n, cli, &res, &e);
	}
	if (rc == 0 && (rc = add_notes(a, &res, &e)) == 0)
		rc = tell(a, cli, &res, &e);
	status = rc == 0 ? import_status(&res) | (a->from.skipped > 0) :
	    tell_failure(a, cli, &res, &e);
	import_result_fini(&res);
	if (n.control != NULL)
		remote_close(n.control);
	vault_close(a->opt.vault);
	buf_fini(&site);
	reach_fini(&reach);
	return (status);
}

int
imgimport_main(struct cli *cli, int argc, char **argv)
{
	struct arguments a = { .from = { .from = { .file = { .fd = -1 },
		.extra_file = { .fd = -1 } } } };
	int opt, taken, status;

	while ((opt = getopt_long(argc, argv, CLI_SHORT, options,
	    NULL)) != -1) {
		if ((taken = take_option(&a, opt, optarg)) == -1 ||
		    (taken == 0 && cli_option(cli, opt, optarg) == -1))
			return (cli_usage(IMAGE_IMPORT_USAGE));
	}
	if (optind + !a.from.kept != argc || a.site == NULL)
		return (cli_usage(IMAGE_IMPORT_USAGE));
	if (!a.from.kept)
		a.from.name = argv[optind];
	cancel_catch_signals();
	status = run(&a, cli);
	brought_fini(&a.from);
	return (status);
}
