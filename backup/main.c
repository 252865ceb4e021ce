#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "backup/backup.h"
#include "backup/run.h"
#include "base/cancel.h"
#include "base/cpu.h"
#include "base/human.h"

#define THREADS_MAX 64
#define THREADS_DEFAULT 16	/* at most, however many cores there are */
#define WALK_HELPERS 2

enum {
	OPT_VOLUME = CLI_OPT_OWN, OPT_SITE, OPT_EXCLUDE, OPT_ONE_FS,
	OPT_FORCE_READ, OPT_IGNORE_INODE, OPT_IGNORE_CTIME, OPT_THREADS,
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
	{ NULL, 0, NULL, 0 },
};

struct arguments {
	struct backup_options opt;
	struct backup_volume *volumes;
	const char **excludes;
	char site[65];
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
	struct backup_volume *v = &a->volumes[a->opt.nvolumes];
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
	a->opt.nvolumes++;
	v->path = clean_path(eq != NULL ? eq + 1 : arg);
	if (v->path == NULL && eq == NULL && realpath(arg, real) != NULL)
		v->path = strdup(real);
	if (v->path == NULL)
		return (err_set(e, ERR_USAGE, "--volume %s: not a usable "
		    "path", arg));
	for (i = 0; i + 1 < a->opt.nvolumes; i++)
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
	if (a->opt.nvolumes == 0)
		return (err_set(e, ERR_USAGE, "backup: no --volume DIR"));
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

static int
print_json(struct snapshot *s, struct err *e)
{
	struct buf text = BUF_INIT;
	json_t *j = NULL;
	int rc;

	rc = snapshot_encode(&text, s, e);
	if (rc == 0 && (j = json_loadb((const char *)text.data, text.len, 0,
	    NULL)) == NULL)
		rc = err_nomem(e);
	if (rc == 0) {
		json_object_set_new(j, "id", json_string(s->id));
		json_dumpf(j, stdout, JSON_INDENT(1));
		printf("\n");
	}
	json_decref(j);
	buf_fini(&text);
	return (rc);
}

static void
print_summary(const struct snapshot *s, size_t trouble)
{
	struct snapshot_totals t = { 0 };
	char bytes[HUMAN_LEN], stored[HUMAN_LEN], took[HUMAN_LEN];
	const struct snapshot_totals *v;
	size_t i;

	for (i = 0; i < s->nvolumes; i++) {
		v = &s->volumes[i].totals;
		t.entries += v->entries;
		t.bytes += v->bytes;
		t.new_files += v->new_files;
		t.changed_files += v->changed_files;
	}
	human_bytes(t.bytes, bytes);
	human_bytes(s->stored_bytes, stored);
	human_seconds((uint64_t)(s->end.tv_sec - s->start.tv_sec), took);
	printf("snapshot %s %s %s: %zu volume%s, %llu entries, %s; "
	    "%llu new and %llu changed files, %s stored, %s", s->id, s->site,
	    s->partial ? "partial" : "complete", s->nvolumes,
	    s->nvolumes == 1 ? "" : "s", (unsigned long long)t.entries,
	    bytes, (unsigned long long)t.new_files,
	    (unsigned long long)t.changed_files, stored, took);
	if (trouble > 0)
		printf("; %zu file%s reported", trouble,
		    trouble == 1 ? "" : "s");
	printf("\n");
}

static int
run(struct arguments *a, struct cli *cli)
{
	struct err e = { .kind = ERR_NONE };
	struct snapshot s;
	size_t trouble;
	int rc;

	cancel_catch_signals();
	a->opt.quiet = cli->quiet;
	a->opt.progress = !cli->quiet && !cli->json;
	rc = backup_run(&a->opt, &s, &trouble, &e);
	if (rc == 0 && cli->json)
		rc = print_json(&s, &e);
	else if (rc == 0 && !cli->quiet)
		print_summary(&s, trouble);
	snapshot_fini(&s);
	if (rc == -1)
		return (cli_fail(&e));
	/* The snapshot stands, whoever could be told of it. */
	if (cli_flush(&e) == -1) {
		cli_error(&e);
		return (STATUS_REPORTED);
	}
	return (trouble > 0 ? STATUS_REPORTED : STATUS_DONE);
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
	a.opt.volumes = a.volumes;
	a.opt.merge.walk.excludes = a.excludes;
	a.opt.merge.walk.helpers = WALK_HELPERS;
	a.opt.threads = cpu_count(THREADS_DEFAULT);
	if (a.volumes == NULL || a.excludes == NULL) {
		free(a.volumes);
		free(a.excludes);
		return (cli_fail((err_nomem(&e), &e)));
	}
	while (rc == 0 && (opt = getopt_long(argc, argv, CLI_SHORT, options,
	    NULL)) != -1)
		rc = take_option(&a, cli, opt, &e);
	if (rc == 0 && optind != argc)
		rc = err_set(&e, ERR_USAGE, "backup %s: sites are not "
		    "configured here; name directories with --volume",
		    argv[optind]);
	if (rc == 0)
		rc = check(&a, cli, &e);
	if (rc == 0)
		status = run(&a, cli);
	else if (e.kind != ERR_NONE)
		status = cli_fail(&e);
	for (i = 0; i < a.opt.nvolumes; i++) {
		free(a.volumes[i].source);
		free(a.volumes[i].path);
	}
	free(a.volumes);
	free(a.excludes);
	return (status);
}
