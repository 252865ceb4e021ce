#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "imgxfer/exportargs.h"
#include "imgxfer/imgxfer.h"

#define SECONDS_MAX 604800

enum {
	OPT_FROM = CLI_OPT_OWN, OPT_TO, OPT_COMPLETE, OPT_DRY_RUN, OPT_LIMIT,
	OPT_GRACE, OPT_WORK, OPT_AS, OPT_PROFILE, OPT_REPLACE, OPT_FORCE,
	OPT_UNPROVED, OPT_IMPORT_LIMIT, OPT_ENGINE, OPT_ROOT
};

static int
take_seconds(unsigned *out, const char *text)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (text[0] < '1' || text[0] > '9' || *end != '\0' ||
	    v > SECONDS_MAX) {
		cli_warn("\"%s\": wants a number of seconds, 1 to %d", text,
		    SECONDS_MAX);
		return (-1);
	}
	*out = (unsigned)v;
	return (0);
}

static int
take_root(struct exportargs *a, const char *arg)
{
	if (arg[0] != '/' || a->run.nroots == INSPECT_ROOTS_MAX) {
		cli_warn("--root \"%s\": wants an absolute path, and no more "
		    "than %d of them", arg, INSPECT_ROOTS_MAX);
		return (-1);
	}
	a->roots[a->run.nroots++] = arg;
	a->run.roots = a->roots;
	return (0);
}

/* 0; 1: none of these; -1: said why. */
static int
take_option(struct exportargs *a, int opt, const char *arg)
{
	switch (opt) {
	case OPT_FROM:
		a->from = arg;
		return (0);
	case OPT_TO:
		a->to = arg;
		return (0);
	case 'o':
		a->output = arg;
		return (0);
	case OPT_COMPLETE:
		a->complete = 1;
		return (0);
	case OPT_DRY_RUN:
		a->dry_run = 1;
		return (0);
	case OPT_LIMIT:
		return (take_seconds(&a->run.limit_s, arg));
	case OPT_GRACE:
		return (take_seconds(&a->run.grace_s, arg));
	case OPT_IMPORT_LIMIT:
		return (take_seconds(&a->import_limit_s, arg));
	case OPT_WORK:
		a->run.work = arg;
		return (0);
	case OPT_ENGINE:
		a->run.native = strcmp(arg, "native") == 0;
		if (a->run.native || strcmp(arg, "imgexport") == 0)
			return (0);
		cli_warn("\"%s\": no engine: imgexport or native", arg);
		return (-1);
	case OPT_ROOT:
		return (take_root(a, arg));
	case OPT_AS:
		a->as = arg;
		return (0);
	case OPT_PROFILE:
		a->profile = arg;
		return (0);
	case OPT_REPLACE:
		a->replace = 1;
		return (0);
	case OPT_FORCE:
		a->force = 1;
		return (0);
	case OPT_UNPROVED:
		a->allow_unproved_arch = 1;
		return (0);
	default:
		return (1);
	}
}

/* What both of them take. */
#define EXPORT_OPTIONS \
	{ "complete", no_argument, NULL, OPT_COMPLETE }, \
	{ "dry-run", no_argument, NULL, OPT_DRY_RUN }, \
	{ "limit", required_argument, NULL, OPT_LIMIT }, \
	{ "grace", required_argument, NULL, OPT_GRACE }, \
	{ "work", required_argument, NULL, OPT_WORK }, \
	{ "engine", required_argument, NULL, OPT_ENGINE }, \
	{ "root", required_argument, NULL, OPT_ROOT }

int
exportargs_parse(struct exportargs *a, struct cli *cli, int argc,
    char **argv, int copy)
{
	static const struct option export_options[] = {
		CLI_LONG,
		EXPORT_OPTIONS,
		{ "site", required_argument, NULL, OPT_FROM },
		{ "output", required_argument, NULL, 'o' },
		{ NULL, 0, NULL, 0 },
	};
	static const struct option copy_options[] = {
		CLI_LONG,
		EXPORT_OPTIONS,
		{ "from", required_argument, NULL, OPT_FROM },
		{ "to", required_argument, NULL, OPT_TO },
		{ "as", required_argument, NULL, OPT_AS },
		{ "profile", required_argument, NULL, OPT_PROFILE },
		{ "replace", no_argument, NULL, OPT_REPLACE },
		{ "force", no_argument, NULL, OPT_FORCE },
		{ "allow-unproved-arch", no_argument, NULL, OPT_UNPROVED },
		{ "import-limit", required_argument, NULL, OPT_IMPORT_LIMIT },
		{ NULL, 0, NULL, 0 },
	};
	int opt, rc;

	memset(a, 0, sizeof(*a));
	while ((opt = getopt_long(argc, argv, copy ? CLI_SHORT : CLI_SHORT
	    "o:", copy ? copy_options : export_options, NULL)) != -1) {
		if ((rc = take_option(a, opt, optarg)) == -1)
			return (STATUS_USAGE);
		if (rc == 1 && cli_option(cli, opt, optarg) == -1)
			return (cli_usage(copy ? IMAGE_COPY_USAGE :
			    IMAGE_EXPORT_USAGE));
	}
	a->images = argv + optind;
	a->nimages = (size_t)(argc - optind);
	return (0);
}

void
exportargs_fini(struct exportargs *a)
{
	memset(a, 0, sizeof(*a));
}
