#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cancel.h"
#include "base/io.h"
#include "imgxfer/imgkeep.h"
#include "imgxfer/keptcmd.h"
#include "imgxfer/verbs.h"

enum { OPT_SITE = CLI_OPT_OWN };

struct keeping {
	struct cli *cli;
	struct vault *vault;
	const char *site;	/* where it is said to come from, or NULL */
	const char *path;
	struct inspect in;
	struct sidecar sidecar;
	int has_sidecar;
	struct buf extra;	/* path of the extra archive, or empty */
};

/* What has been inspected must not be kept, or may; it is read twice. */
static int
look(struct keeping *k, struct err *e)
{
	struct inspect_options opt = { .roots = NULL };
	struct source_file file;
	struct source from;
	struct buf why = BUF_INIT;
	int rc;

	if (source_file_open(&file, k->path, &from, e) == -1)
		return (-1);
	rc = inspect_run(&k->in, &from, &opt, e);
	source_file_close(&file);
	if (rc == 0 && k->in.status == STATUS_DAMAGED) {
		inspect_worst(&k->in, &why);
		rc = err_set(e, ERR_DAMAGED, "%s: %.600s", k->path,
		    buf_cstr(&why));
	}
	if (rc == 0 && k->in.image == NULL)
		rc = err_set(e, ERR_DAMAGED, "%s: it does not say what image "
		    "it is", k->path);
	buf_fini(&why);
	return (rc);
}

static int
find_sidecar(struct keeping *k, struct err *e)
{
	struct stat st;

	if ((k->has_sidecar = sidecar_load(&k->sidecar, k->path, e)) == -1)
		return (-1);
	buf_clear(&k->extra);
	if (!k->has_sidecar || k->sidecar.extra.file == NULL)
		return (0);
	buf_printf(&k->extra, "%s%s", k->path, SIDECAR_EXTRA);
	if (buf_ok(&k->extra, e) == -1)
		return (-1);
	if (stat(buf_cstr(&k->extra), &st) == -1)
		return (err_sys(e, "%s", buf_cstr(&k->extra)));
	return (0);
}

static int
copy(struct imgkeep *to, const struct keeping *k, struct err *e)
{
	struct sink sink = imgkeep_sink(to);
	struct source_file file;
	struct source from, both;
	struct source_tee tee;
	int rc;

	if (source_file_open(&file, k->path, &from, e) == -1)
		return (-1);
	tee.from = &from;
	tee.to = &sink;
	both = source_tee(&tee);
	rc = source_drain(&both, e);
	source_file_close(&file);
	return (rc);
}

static int
keep(struct keeping *k, struct imgkeep_result *r, struct err *e)
{
	struct imgkeep_about about = { .in = &k->in, .site = k->site };
	struct imgkeep *to;
	int rc = -1;

	if (k->has_sidecar)
		about.sidecar = &k->sidecar;
	if (k->extra.len > 0)
		about.extra = buf_cstr(&k->extra);
	if ((to = imgkeep_new(k->vault, k->in.image, e)) == NULL)
		return (-1);
	if (copy(to, k, e) == 0)
		rc = imgkeep_commit(to, &about, r, e);
	imgkeep_free(to);
	return (rc);
}

static int
keep_file(struct keeping *k)
{
	struct imgkeep_result r;
	struct err e;
	int status;

	memset(&k->in, 0, sizeof(k->in));
	memset(&k->sidecar, 0, sizeof(k->sidecar));
	if (find_sidecar(k, &e) == -1 || look(k, &e) == -1 ||
	    keep(k, &r, &e) == -1)
		status = cli_fail(&e);
	else {
		status = k->in.status;
		if (keptcmd_tell_kept(k->cli, k->in.image, &r, &e) == -1)
			status = cli_fail(&e);
		else if (status != STATUS_DONE && !k->cli->quiet)
			cli_warn("%s: kept, though not without findings; "
			    "\"xcatvault image inspect\" tells them", k->path);
	}
	inspect_fini(&k->in);
	sidecar_fini(&k->sidecar);
	return (status);
}

int
imgkeep_main(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		CLI_LONG,
		{ "site", required_argument, NULL, OPT_SITE },
		{ NULL, 0, NULL, 0 },
	};
	struct keeping k = { .cli = cli };
	int opt, status = STATUS_DONE, one;
	const char *path;
	struct err e;

	while ((opt = getopt_long(argc, argv, CLI_SHORT, options,
	    NULL)) != -1) {
		if (opt == OPT_SITE)
			k.site = optarg;
		else if (cli_option(cli, opt, optarg) == -1)
			return (cli_usage(IMAGE_KEEP_USAGE));
	}
	if (optind == argc)
		return (cli_usage(IMAGE_KEEP_USAGE));
	if ((path = cli_vault(cli, &e)) == NULL ||
	    (k.vault = vault_open(path, &e)) == NULL)
		return (cli_fail(&e));
	if (argc - optind > 1 && cli_tell_begin(cli, &e) == -1) {
		vault_close(k.vault);
		return (cli_fail(&e));
	}
	cancel_catch_signals();
	for (; optind < argc; optind++) {
		k.path = argv[optind];
		if ((one = keep_file(&k)) > status)
			status = one;
		if (cancel_check(&e) == -1)
			break;
	}
	if (cli_tell_end(cli, &e) == -1 && (one = cli_fail(&e)) > status)
		status = one;
	buf_fini(&k.extra);
	vault_close(k.vault);
	return (status);
}
