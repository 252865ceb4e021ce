#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <jansson.h>

#include "base/cancel.h"
#include "base/cpu.h"
#include "base/human.h"
#include "base/io.h"
#include "restore/dbcmd.h"
#include "restore/onto.h"
#include "restore/plan.h"
#include "restore/restore.h"
#include "restore/target.h"

#define THREADS_MAX 16
#define REHOME_MAX 64

enum {
	OPT_TO = CLI_OPT_OWN, OPT_SITE, OPT_DRY_RUN, OPT_EXACT, OPT_CHECKSUM,
	OPT_KEEP_OLD, OPT_FORCE, OPT_WITHOUT_DATABASE, OPT_TABLE, OPT_REHOME,
	OPT_ON_START, OPT_IMAGE,
};

static const struct option options[] = {
	CLI_LONG,
	{ "to", required_argument, NULL, OPT_TO },
	{ "dry-run", no_argument, NULL, OPT_DRY_RUN },
	{ "exact", no_argument, NULL, OPT_EXACT },
	{ "checksum", no_argument, NULL, OPT_CHECKSUM },
	{ "site", required_argument, NULL, OPT_SITE },
	{ "keep-old", no_argument, NULL, OPT_KEEP_OLD },
	{ "force", no_argument, NULL, OPT_FORCE },
	{ "without-database", no_argument, NULL, OPT_WITHOUT_DATABASE },
	{ "table", required_argument, NULL, OPT_TABLE },
	{ "image", required_argument, NULL, OPT_IMAGE },
	{ "rehome", required_argument, NULL, OPT_REHOME },
	{ "on-start", no_argument, NULL, OPT_ON_START },
	{ NULL, 0, NULL, 0 },
};

struct arguments {
	const char *to;
	const char *snap;
	char **paths;
	size_t npaths;
	struct plan_options opt;
	struct onto_arguments onto;	/* with --site */
	const char *rehome[REHOME_MAX];
	int site_only;		/* an option that is for --site */
};

/* What the snapshot holds, when all of it is wanted. */
static void
whole(const struct view *v, uint64_t *files, uint64_t *bytes)
{
	size_t i;

	*files = *bytes = 0;
	for (i = 0; i < v->snap.nvolumes; i++) {
		*files += v->snap.volumes[i].totals.files;
		*bytes += v->snap.volumes[i].totals.bytes;
	}
}

/*
 * Room for what is to be written.  Only when the whole snapshot would not
 * fit is it worth the time to find out how much is missing below the target.
 */
static int
check_space(struct view *v, const struct selection *sel,
    const struct arguments *a, int root, struct err *e)
{
	struct plan_options dry = a->opt;
	struct plan_totals t;
	struct statvfs fs;
	char need[HUMAN_LEN], have[HUMAN_LEN];
	uint64_t files, bytes, room;

	if (fstatvfs(root, &fs) == -1)
		return (err_sys(e, "%s", a->to));
	room = (uint64_t)fs.f_bavail * fs.f_frsize;
	whole(v, &files, &bytes);
	/* A file takes whole blocks. */
	if (bytes + files * fs.f_frsize <= room)
		return (0);
	dry.dry_run = 1;
	dry.verbose = 0;
	dry.exact = 0;
	dry.progress = NULL;
	if ((dry.report = report_new(REPORT_SILENT)) == NULL)
		return (err_nomem(e));
	if (plan_run(v, sel, &dry, &t, e) == -1) {
		report_free(dry.report);
		return (-1);
	}
	report_free(dry.report);
	if (t.bytes <= room)
		return (0);
	human_bytes(t.bytes, need);
	human_bytes(room, have);
	return (err_set(e, ERR_FAILED, "%s: not enough space: %s are to be "
	    "written, %s are free; nothing was restored", a->to, need, have));
}

static int
print_json(const struct view *v, const struct arguments *a,
    const struct plan_totals *t, size_t trouble, struct err *e)
{
	json_t *j;

	j = json_pack("{s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
	    "s:I}", "snapshot", v->snap.id, "dry_run", a->opt.dry_run,
	    "entries", (json_int_t)t->entries,
	    "created", (json_int_t)t->created,
	    "replaced", (json_int_t)t->replaced,
	    "adjusted", (json_int_t)t->adjusted,
	    "kept", (json_int_t)t->kept, "deleted", (json_int_t)t->deleted,
	    "bytes", (json_int_t)t->bytes,
	    "damaged_blobs", (json_int_t)t->damaged,
	    "reported", (json_int_t)trouble);
	return (cli_json(j, e));
}

static void
print_summary(const struct view *v, const struct arguments *a,
    const struct plan_totals *t, size_t trouble)
{
	char bytes[HUMAN_LEN];

	human_bytes(t->bytes, bytes);
	printf("%s %s %s %s: %llu entries; %llu created, %llu replaced, "
	    "%llu adjusted, %llu kept, %llu deleted; %s",
	    a->opt.dry_run ? "would restore" : "restored", v->snap.id,
	    "below", a->to, (unsigned long long)t->entries,
	    (unsigned long long)t->created, (unsigned long long)t->replaced,
	    (unsigned long long)t->adjusted, (unsigned long long)t->kept,
	    (unsigned long long)t->deleted, bytes);
	if (trouble > 0)
		printf("; %zu %s reported", trouble,
		    trouble == 1 ? "entry" : "entries");
	printf("\n");
}

/* Open (or for a dry run, only look at) the target and carry it out. */
static int
carry_out(struct view *v, const struct selection *sel, struct arguments *a,
    struct plan_totals *t, struct err *e)
{
	struct stat st;
	uint64_t files, bytes;
	int rc;

	a->opt.root = -1;
	if (!a->opt.dry_run || stat(a->to, &st) == 0)
		a->opt.root = target_open_root(a->to, !a->opt.dry_run, e);
	else
		goto run;
	if (a->opt.root == -1)
		return (-1);
	if (!a->opt.dry_run &&
	    check_space(v, sel, a, a->opt.root, e) == -1) {
		close(a->opt.root);
		return (-1);
	}
run:
	if (sel->all && !a->opt.dry_run) {
		whole(v, &files, &bytes);
		progress_expect(a->opt.progress, files, bytes);
	}
	rc = plan_run(v, sel, &a->opt, t, e);
	if (a->opt.root != -1)
		close(a->opt.root);
	return (rc);
}

static int
run(struct arguments *a, const struct cli *cli)
{
	struct selection sel = { NULL, 0, 0 };
	struct plan_totals t = { 0 };
	struct view v;
	struct err e = { .kind = ERR_NONE };
	size_t trouble = 0;
	int rc = -1, status;

	memset(&v, 0, sizeof(v));
	if ((a->opt.report = report_new(REPORT_ALL)) == NULL)
		return (cli_fail((err_nomem(&e), &e)));
	if (view_open(&v, cli, a->snap, &e) == -1)
		goto out;
	(void)io_max_files();
	umask(0);
	cancel_catch_signals();
	if (select_paths(&sel, &v, a->paths, a->npaths, &e) == -1)
		goto out;
	a->opt.progress = progress_new("restored", !cli->quiet &&
	    !cli->json && !a->opt.verbose);
	rc = carry_out(&v, &sel, a, &t, &e);
	progress_free(a->opt.progress);
	trouble = report_count(a->opt.report);
	if (rc == 0 && cli->json)
		rc = print_json(&v, a, &t, trouble, &e);
	else if (rc == 0 && !cli->quiet)
		print_summary(&v, a, &t, trouble);
	if (rc == 0)
		rc = cli_flush(&e);
out:
	status = rc == -1 ? cli_fail(&e) : t.damaged > 0 ? STATUS_DAMAGED :
	    v.status != STATUS_DONE ? v.status :
	    trouble > 0 ? STATUS_REPORTED : STATUS_DONE;
	select_fini(&sel);
	view_close(&v);
	report_free(a->opt.report);
	return (status);
}

/* 0, or -1 when it is none of ours. */
static int
take_option(struct arguments *a, int opt, char *arg)
{
	switch (opt) {
	case OPT_TO:
		a->to = arg;
		return (0);
	case OPT_SITE:
		a->onto.site = arg;
		return (0);
	case OPT_DRY_RUN:
		a->opt.dry_run = a->onto.dry_run = 1;
		return (0);
	case OPT_EXACT:
		a->opt.exact = a->onto.exact = 1;
		return (0);
	case OPT_CHECKSUM:
		a->opt.checksum = a->onto.checksum = 1;
		return (0);
	case OPT_KEEP_OLD:
		return ((a->onto.keep_old = a->site_only = 1) - 1);
	case OPT_FORCE:
		return ((a->onto.force = a->site_only = 1) - 1);
	case OPT_ON_START:
		return ((a->onto.on_start = a->site_only = 1) - 1);
	case OPT_IMAGE:
		a->onto.image = arg;
		a->site_only = 1;
		return (0);
	case OPT_TABLE:
		a->onto.tables = arg;
		a->site_only = 1;
		return (0);
	case OPT_REHOME:
		if (a->onto.nrehome == REHOME_MAX)
			return (-1);
		a->rehome[a->onto.nrehome++] = arg;
		a->site_only = 1;
		return (0);
	case OPT_WITHOUT_DATABASE:
		return ((a->onto.without_database = a->site_only = 1) - 1);
	default:
		return (-1);
	}
}

/* Whether the options go together. */
static int
check_arguments(const struct arguments *a)
{
	if (a->to != NULL && a->onto.site != NULL)
		cli_warn("restore: --to and --site: one of them only");
	else if (a->onto.site != NULL)
		return (0);
	else if (a->to == NULL || a->to[0] == '\0')
		cli_warn("restore: no target: name a directory with --to, or "
		    "a management node with --site");
	else if (a->site_only)
		cli_warn("restore: --keep-old, --force, --without-database, "
		    "--image, --table, --rehome and --on-start are for --site");
	else
		return (0);
	return (-1);
}

int
restore_main(struct cli *cli, int argc, char **argv)
{
	struct arguments a;
	int opt;

	if (dbcmd_wanted(argc, argv))
		return (dbcmd_main(cli, argc, argv));
	memset(&a, 0, sizeof(a));
	while ((opt = getopt_long(argc, argv, CLI_SHORT, options,
	    NULL)) != -1)
		if (take_option(&a, opt, optarg) == -1 &&
		    cli_option(cli, opt, optarg) == -1)
			return (cli_usage(RESTORE_USAGE));
	if (optind == argc)
		return (cli_usage(RESTORE_USAGE));
	if (check_arguments(&a) == -1)
		return (STATUS_USAGE);
	a.snap = a.onto.snap = argv[optind++];
	a.paths = a.onto.paths = argv + optind;
	a.npaths = a.onto.npaths = (size_t)(argc - optind);
	if (a.onto.site != NULL) {
		a.onto.rehome = a.rehome;
		a.onto.verbose = cli->verbose && !cli->json && !cli->quiet;
		return (onto_run(&a.onto, cli));
	}
	a.opt.verbose = (cli->verbose || a.opt.dry_run) && !cli->json &&
	    !cli->quiet;
	a.opt.out = cli->json ? stderr : stdout;
	a.opt.threads = cpu_count(THREADS_MAX);
	return (run(&a, cli));
}
