#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cancel.h"
#include "imgxfer/import.h"
#include "imgxfer/importextra.h"
#include "imgxfer/sidecar.h"
#include "imgxfer/verbs.h"
#include "remote/node/reach.h"

#define USAGE "image import FILE --site SITE [--profile PROFILE] " \
    "[--as NAME]\n       [--replace [--force]] [--allow-unproved-arch] " \
    "[--limit SECONDS] [--dry-run]"

enum {
	OPT_SITE = CLI_OPT_OWN, OPT_PROFILE, OPT_AS, OPT_REPLACE, OPT_FORCE,
	OPT_UNPROVED, OPT_LIMIT, OPT_DRY_RUN,
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
	{ "dry-run", no_argument, NULL, OPT_DRY_RUN },
	{ NULL, 0, NULL, 0 },
};

/* The bundle and what lies beside it. */
struct brought {
	const char *path;
	struct inspect inspect;
	struct sidecar sidecar;
	struct import_extra *extras;
	size_t nextras, skipped;
	struct arena arena;
};

struct arguments {
	const char *site;
	struct import_options opt;
	struct brought from;
};

static int
take_limit(struct arguments *a, const char *text)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (!isdigit((unsigned char)text[0]) || *end != '\0' || v == 0 ||
	    v > 7 * 86400)
		return (-1);
	a->opt.limit_s = (unsigned)v;
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
	case OPT_LIMIT:
		return (take_limit(a, value) == 0 ? 1 : -1);
	default:
		return (0);
	}
}

/* ------------------------------------------------------------- the bundle */

/* The bundle must be the one that its sidecar tells of. */
static int
check_sidecar(struct brought *b, struct err *e)
{
	const struct sidecar_file *s = &b->sidecar.bundle;

	if (s->bytes != b->inspect.bundle_bytes || memcmp(s->digest,
	    b->inspect.bundle_digest, DIGEST_LEN) != 0)
		return (err_set(e, ERR_DAMAGED, "%s: it is not the bundle "
		    "that %s" SIDECAR_SUFFIX " tells of", b->path, b->path));
	return (0);
}

/* The path of what lies beside the bundle. */
static char *
beside(const char *path, const char *name, struct err *e)
{
	const char *slash = strrchr(path, '/');
	struct buf b = BUF_INIT;
	char *out = NULL;

	if (slash != NULL)
		buf_append(&b, path, (size_t)(slash - path) + 1);
	buf_puts(&b, name);
	if (buf_ok(&b, e) == 0 && (out = strdup(buf_cstr(&b))) == NULL)
		err_nomem(e);
	buf_fini(&b);
	return (out);
}

static int
list_extras(struct brought *b, struct err *e)
{
	struct source_file file;
	struct source source;
	char *path;
	int rc;

	if (strchr(b->sidecar.extra.file, '/') != NULL)
		return (err_set(e, ERR_DAMAGED, "%s" SIDECAR_SUFFIX ": %s is "
		    "no name of a file beside it", b->path,
		    b->sidecar.extra.file));
	if ((path = beside(b->path, b->sidecar.extra.file, e)) == NULL)
		return (-1);
	if ((rc = source_file_open(&file, path, &source, e)) == 0) {
		rc = importextra_list(&source, b->sidecar.extra.digest,
		    &b->arena, &b->extras, &b->nextras, &b->skipped, e);
		source_file_close(&file);
	}
	free(path);
	return (rc);
}

static int
bring(struct brought *b, const struct inspect_options *opt, struct err *e)
{
	struct source_file file;
	struct source source;
	int rc;

	if (strcmp(b->path, "-") == 0)
		return (err_set(e, ERR_USAGE, "FILE is read twice, so it "
		    "cannot be standard input"));
	if (source_file_open(&file, b->path, &source, e) == -1)
		return (-1);
	rc = inspect_run(&b->inspect, &source, opt, e);
	source_file_close(&file);
	if (rc == -1 || (rc = sidecar_load(&b->sidecar, b->path, e)) == -1)
		return (-1);
	if (rc == 1 && (check_sidecar(b, e) == -1 ||
	    (b->sidecar.extra.file != NULL && list_extras(b, e) == -1)))
		return (-1);
	return (0);
}

static void
brought_fini(struct brought *b)
{
	inspect_fini(&b->inspect);
	sidecar_fini(&b->sidecar);
	free(b->extras);
	arena_fini(&b->arena);
}

/* ----------------------------------------------------------------- the run */

static int
run_on(struct arguments *a, struct node *n, const struct cli *cli,
    struct import_result *res, struct err *e)
{
	struct source_file file, extra_file;
	struct source source, extra;
	struct import_bundle bundle = { &a->from.inspect, &source, NULL };
	char *path = NULL;
	int rc, has_extra = 0;

	if (source_file_open(&file, a->from.path, &source, e) == -1)
		return (-1);
	rc = 0;
	if (a->from.nextras > 0) {
		rc = -1;
		path = beside(a->from.path, a->from.sidecar.extra.file, e);
		if (path != NULL)
			rc = source_file_open(&extra_file, path, &extra, e);
		has_extra = rc == 0;
		a->opt.extras = a->from.extras;
		a->opt.nextras = a->from.nextras;
		a->opt.extras_tar = &extra;
	}
	a->opt.progress = progress_new("sent", !cli->quiet && !cli->json);
	if (rc == 0)
		rc = import_run(n, &bundle, &a->opt, res, e);
	progress_free(a->opt.progress);
	source_file_close(&file);
	if (has_extra)
		source_file_close(&extra_file);
	free(path);
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
	json_t *j;
	size_t i;

	if (a->from.skipped > 0)
		cli_warn("%zu members of the archive beside the bundle were "
		    "passed over: links, or no plain paths below xCAT's "
		    "directories", a->from.skipped);
	for (i = 0; i < res->nwarnings; i++)
		cli_warn("%s", res->warnings[i].text);
	if (cli->json) {
		if ((j = import_json(res)) == NULL)
			return (err_nomem(e));
		json_dumpf(j, stdout, JSON_INDENT(1));
		printf("\n");
		json_decref(j);
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

/* Letters that a site's name may have, of an address. */
static int
site_name(struct buf *out, const char *site, struct err *e)
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
	if (site_name(&site, a->site, &e) == 0 &&
	    bring(&a->from, a->opt.inspect, &e) == 0 &&
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
	struct arguments a = { .site = NULL };
	int opt, taken, status;

	while ((opt = getopt_long(argc, argv, CLI_SHORT, options,
	    NULL)) != -1) {
		if ((taken = take_option(&a, opt, optarg)) == -1 ||
		    (taken == 0 && cli_option(cli, opt, optarg) == -1))
			return (cli_usage(USAGE));
	}
	if (optind + 1 != argc || a.site == NULL)
		return (cli_usage(USAGE));
	a.from.path = argv[optind];
	cancel_catch_signals();
	status = run(&a, cli);
	brought_fini(&a.from);
	return (status);
}
