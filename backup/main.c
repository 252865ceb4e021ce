#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/backup.h"
#include "backup/night.h"
#include "backup/run.h"
#include "backup/summary.h"
#include "base/cancel.h"
#include "base/cpu.h"

#define THREADS_MAX 64
#define THREADS_DEFAULT 16	/* at most, however many cores there are */
#define WALK_HELPERS 2

enum {
	OPT_VOLUME = CLI_OPT_OWN, OPT_SITE, OPT_EXCLUDE, OPT_ONE_FS,
	OPT_FORCE_READ, OPT_IGNORE_INODE, OPT_IGNORE_CTIME, OPT_THREADS,
	OPT_ALL, OPT_ACCEPT_LOSS,
};

static const struct option options[] = {
	CLI_LONG,
	{ "volume", required_argument, NULL, OPT_VOLUME },
	{ "site", required_argument, NULL, OPT_SITE },
	{ "exclude", required_argument, NULL, OPT_EXCLUDE },
	{ "one-file-system", no_argument, NULL, OPT_ONE_FS },
	{ "force-read", no_argument, NULL, OPT_FORCE_READ },
	{ "ignore-inode", no_argument, NULL, OPT_IGNORE_INODE },
	{ "ignore-ctime", no_argument, NULL, OPT_IGNORE_CTIME },
	{ "threads", required_argument, NULL, OPT_THREADS },
	{ "all", no_argument, NULL, OPT_ALL },
	{ "accept-row-loss", no_argument, NULL, OPT_ACCEPT_LOSS },
	{ NULL, 0, NULL, 0 },
};

struct arguments {
	struct backup_options opt;
	struct backup_volume *volumes;
	size_t nvolumes;
	const char **excludes;
	char site[65];
	int all, accept_loss;
};

/* An absolute path without empty, "." or ".." parts; NULL when it has "..". */
static char *
clean_path(const char *path)
{
	char cwd[PATH_MAX] = "", *out, *to;
	const char *p, *end;
	size_t n;

	if (path[0] != '/' && getcwd(cwd, sizeof(cwd)) == NULL)
		return (NULL);
	if ((out = malloc(strlen(cwd) + strlen(path) + 3)) == NULL)
		return (NULL);
	to = stpcpy(out, strcmp(cwd, "/") == 0 ? "" : cwd);
	for (p = path; *p != '\0'; p = end) {
		p += strspn(p, "/");
		end = p + strcspn(p, "/");
		n = (size_t)(end - p);
		if (n == 0 || (n == 1 && p[0] == '.'))
			continue;
		if (n == 2 && p[0] == '.' && p[1] == '.') {
			free(out);
			return (NULL);
		}
		*to++ = '/';
		to = (char *)mempcpy(to, p, n);
	}
	if (to == out)
		*to++ = '/';
	*to = '\0';
	return (out);
}

/* Whether a clean path is the other one or lies below it. */
static int
is_within(const char *path, const char *top)
{
	size_t n = strcmp(top, "/") == 0 ? 0 : strlen(top);

	return (strncmp(path, top, n) == 0 &&
	    (path[n] == '/' || path[n] == '\0'));
}

/* DIR or DIR=PATH; a directory that has "=" in its name is meant as such. */
static int
add_volume(struct arguments *a, const char *arg, struct err *e)
{
	struct backup_volume *v = &a->volumes[a->nvolumes];
	const char *eq = strrchr(arg, '=');
	struct stat st;
	char real[PATH_MAX];
	size_t i;

	if (eq != NULL && (eq[1] != '/' || stat(arg, &st) == 0))
		eq = NULL;
	v->source = eq != NULL ? strndup(arg, (size_t)(eq - arg)) :
	    strdup(arg);
	if (v->source == NULL)
		return (err_nomem(e));
	a->nvolumes++;
	v->path = clean_path(eq != NULL ? eq + 1 : arg);
	if (v->path == NULL && eq == NULL && realpath(arg, real) != NULL)
		v->path = strdup(real);
	if (v->path == NULL)
		return (err_set(e, ERR_USAGE, "--volume %s: not a usable "
		    "path", arg));
	for (i = 0; i + 1 < a->nvolumes; i++)
		if (is_within(a->volumes[i].path, v->path) ||
		    is_within(v->path, a->volumes[i].path))
			return (err_set(e, ERR_USAGE, "--volume %s: %s and "
			    "%s are the same or one within the other; name "
			    "the outer one only", arg, a->volumes[i].path,
			    v->path));
	return (0);
}

static int
parse_threads(const char *arg, unsigned *n, struct err *e)
{
	char *end;
	long v = strtol(arg, &end, 10);

	if (*arg == '\0' || *end != '\0' || v < 1 || v > THREADS_MAX)
		return (err_set(e, ERR_USAGE, "--threads %s: a number from 1 "
		    "to %d is wanted", arg, THREADS_MAX));
	*n = (unsigned)v;
	return (0);
}

static int
take_option(struct arguments *a, struct cli *cli, int opt, struct err *e)
{
	switch (opt) {
	case OPT_VOLUME:
		return (add_volume(a, optarg, e));
	case OPT_SITE:
		a->opt.site = optarg;
		return (0);
	case OPT_EXCLUDE:
		a->excludes[a->opt.merge.walk.nexcludes++] = optarg;
		return (0);
	case OPT_ONE_FS:
		a->opt.merge.walk.one_file_system = 1;
		return (0);
	case OPT_FORCE_READ:
		a->opt.merge.force_read = 1;
		return (0);
	case OPT_IGNORE_INODE:
		a->opt.merge.ignore_inode = 1;
		return (0);
	case OPT_IGNORE_CTIME:
		a->opt.merge.ignore_ctime = 1;
		return (0);
	case OPT_THREADS:
		return (parse_threads(optarg, &a->opt.threads, e));
	case OPT_ALL:
		a->all = 1;
		return (0);
	case OPT_ACCEPT_LOSS:
		a->accept_loss = 1;
		return (0);
	default:
		e->kind = ERR_NONE;	/* getopt has said what is wrong */
		return (cli_option(cli, opt, optarg));
	}
}

static int
check(struct arguments *a, struct cli *cli, struct err *e)
{
	if ((a->opt.vault = cli_vault(cli, e)) == NULL)
		return (-1);
	if (a->nvolumes == 0)
		return (err_set(e, ERR_USAGE, "backup: neither a site nor "
		    "--volume DIR"));
	if (a->opt.site == NULL) {
		(void)gethostname(a->site, sizeof(a->site) - 1);
		a->opt.site = snapshot_valid_site(a->site) ? a->site :
		    "localhost";
	}
	if (!snapshot_valid_site(a->opt.site) ||
	    strcmp(a->opt.site, "latest") == 0)
		return (err_set(e, ERR_USAGE, "--site %s: letters, digits, "
		    "\".\", \"_\" and \"-\" only, and not \"latest\"",
		    a->opt.site));
	return (0);
}

/* Volumes of this host into a snapshot, which appears when all is well. */
static int
store_volumes(struct arguments *a, struct backup_run *r, struct err *e)
{
	size_t i;

	for (i = 0; i < a->nvolumes; i++)
		if (backup_run_check(r, &a->volumes[i], e) == -1)
			return (-1);
	backup_run_expect(r, a->volumes, a->nvolumes);
	for (i = 0; i < a->nvolumes; i++)
		if (backup_run_volume(r, &a->volumes[i], NULL, e) == -1)
			return (-1);
	if (backup_run_store(r, e) == -1)
		return (-1);
	return (backup_run_publish(r, e));
}

static int
run(struct arguments *a, struct cli *cli)
{
	struct err e = { .kind = ERR_NONE };
	struct backup_run *r;
	size_t trouble = 0;
	int rc = -1;

	cancel_catch_signals();
	a->opt.quiet = cli->quiet;
	a->opt.progress = !cli->quiet && !cli->json;
	if (a->opt.threads == 0)
		a->opt.threads = cpu_count(THREADS_DEFAULT);
	if ((r = backup_run_new(&a->opt, &e)) != NULL)
		rc = store_volumes(a, r, &e);
	if (rc == 0) {
		trouble = report_count(backup_run_report(r));
		if (cli->json)
			rc = summary_json(backup_run_snapshot(r), cli, &e);
		else if (!cli->quiet)
			summary_print(backup_run_snapshot(r), trouble);
	}
	backup_run_free(r);
	if (rc == -1)
		return (cli_fail(&e));
	/* The snapshot stands, whoever could be told of it. */
	if (cli_flush(&e) == -1) {
		cli_error(&e);
		return (STATUS_REPORTED);
	}
	return (trouble > 0 ? STATUS_REPORTED : STATUS_DONE);
}

/* ------------------------------------------------------ configured sites */

#define NODE_THREADS 4	/* ssh sessions at once, at most, by default */

static int
run_site(const struct arguments *a, struct cli *cli,
    const struct config *config, const struct config_site *site)
{
	struct night_options opt = { .site = site, .log = config->log,
	    .run = a->opt, .accept_loss = a->accept_loss };

	if (cli->vault != NULL)
		opt.run.vault = cli->vault;
	else
		opt.run.vault = site->vault;
	if (opt.run.vault == NULL) {
		cli_warn("site %s: no vault: name one in %s or with -V",
		    site->name, config->path);
		return (STATUS_USAGE);
	}
	if (opt.run.threads == 0)
		opt.run.threads = cpu_count(NODE_THREADS);
	opt.run.quiet = cli->quiet ||
	    (config->log != NULL && !isatty(STDERR_FILENO));
	opt.run.progress = !cli->quiet && !cli->json;
	return (night_run(&opt, cli));
}

/* Of several sites the worst counts; failures of two kinds are 2. */
static int
worse(int a, int b)
{
	if (a <= STATUS_REPORTED || b <= STATUS_REPORTED)
		return (a > b ? a : b);
	return (a == b ? a : STATUS_FAILED);
}

static int
run_sites(const struct arguments *a, struct cli *cli, int argc, char **argv)
{
	const struct config *config;
	const struct config_site *site;
	struct err e;
	size_t i, n;
	int status = STATUS_DONE;

	if ((config = cli_config(cli, &e)) == NULL)
		return (cli_fail(&e));
	n = a->all ? config->nsites : (size_t)argc;
	if (n == 0)
		return (cli_fail((err_set(&e, ERR_USAGE, "backup --all: no "
		    "sites are configured in %s", config->path), &e)));
	for (i = 0; !a->all && i < n; i++)
		if (config_find(config, argv[i], &e) == NULL)
			return (cli_fail(&e));
	if ((a->all || n > 1) && cli_tell_begin(cli, &e) == -1)
		return (cli_fail(&e));
	cancel_catch_signals();
	for (i = 0; i < n; i++) {
		if (cancel_check(&e) == -1) {
			(void)err_wrap(&e, "%zu of %zu sites not backed up",
			    n - i, n);
			status = worse(status, cli_fail(&e));
			break;
		}
		site = a->all ? &config->sites[i] :
		    config_find(config, argv[i], &e);
		status = worse(status, run_site(a, cli, config, site));
	}
	/* The snapshots stand, whoever could be told of them. */
	if (cli_tell_end(cli, &e) == -1) {
		cli_error(&e);
		status = worse(status, STATUS_REPORTED);
	}
	return (status);
}

/* What the command line asks for: sites, or directories of this host. */
static int
dispatch(struct arguments *a, struct cli *cli, int argc, char **argv)
{
	struct err e;

	if (a->nvolumes == 0 && (a->all || argc > 0)) {
		if (a->opt.site != NULL || (a->all && argc > 0))
			return (cli_fail((err_set(&e, ERR_USAGE, "backup: "
			    "name either sites, or --all, or --volume DIR "
			    "and --site"), &e)));
		return (run_sites(a, cli, argc, argv));
	}
	if (a->all || argc > 0)
		return (cli_fail((err_set(&e, ERR_USAGE, "backup %s: "
		    "--volume is for directories of this host; sites have "
		    "theirs in the configuration", a->all ? "--all" :
		    argv[0]), &e)));
	if (check(a, cli, &e) == -1)
		return (cli_fail(&e));
	return (run(a, cli));
}

int
backup_main(struct cli *cli, int argc, char **argv)
{
	struct arguments a;
	struct err e;
	size_t i;
	int opt, rc = 0, status = STATUS_USAGE;

	memset(&a, 0, sizeof(a));
	a.volumes = calloc((size_t)argc + 1, sizeof(*a.volumes));
	a.excludes = calloc((size_t)argc + 1, sizeof(*a.excludes));
	a.opt.merge.walk.excludes = a.excludes;
	a.opt.merge.walk.helpers = WALK_HELPERS;
	a.opt.merge.walk.leave_aside = 1;
	if (a.volumes == NULL || a.excludes == NULL) {
		free(a.volumes);
		free(a.excludes);
		return (cli_fail((err_nomem(&e), &e)));
	}
	while (rc == 0 && (opt = getopt_long(argc, argv, CLI_SHORT, options,
	    NULL)) != -1)
		rc = take_option(&a, cli, opt, &e);
	if (rc == 0)
		status = dispatch(&a, cli, argc - optind, argv + optind);
	else if (e.kind != ERR_NONE)
		status = cli_fail(&e);
	for (i = 0; i < a.nvolumes; i++) {
		free(a.volumes[i].source);
		free(a.volumes[i].path);
	}
	free(a.volumes);
	free(a.excludes);
	return (status);
}
