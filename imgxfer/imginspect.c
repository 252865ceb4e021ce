#include <stdio.h>
#include <stdlib.h>

#include "imgxfer/inspect.h"
#include "imgxfer/verbs.h"

#define ROOTS_MAX 64

enum { OPT_ROOT = CLI_OPT_OWN };

static int
show(const struct cli *cli, const struct inspect *in, const char *name,
    struct err *e)
{
	struct buf b = BUF_INIT;

	if (cli->json) {
		if (cli_json(inspect_json(in, name), e) == -1)
			return (-1);
	} else if (!cli->quiet)
		inspect_print(in, name, cli->verbose, stdout);
	else if (in->status == STATUS_DAMAGED) {
		inspect_worst(in, &b);
		cli_warn("%s: %s", name, buf_cstr(&b));
		buf_fini(&b);
	}
	return (cli_flush(e));
}

static int
inspect_file(const struct cli *cli, const char *path,
    const struct inspect_options *opt)
{
	struct source_file f;
	struct source src;
	struct inspect in;
	struct err e = { 0 };
	int rc;

	if (source_file_open(&f, path, &src, &e) == -1)
		return (cli_fail(&e));
	if ((rc = inspect_run(&in, &src, opt, &e)) == 0)
		rc = show(cli, &in, src.name, &e);
	rc = rc == -1 ? cli_fail(&e) : in.status;
	inspect_fini(&in);
	source_file_close(&f);
	return (rc);
}

int
imginspect_main(struct cli *cli, int argc, char **argv)
{
	static const struct option longopts[] = {
		CLI_LONG,
		{ "root", required_argument, NULL, OPT_ROOT },
		{ NULL, 0, NULL, 0 },
	};
	struct inspect_options opt = { 0 };
	const char *roots[INSPECT_ROOTS_MAX];
	int o;

	opt.roots = roots;
	while ((o = getopt_long(argc, argv, CLI_SHORT, longopts, NULL)) !=
	    -1) {
		if (o == OPT_ROOT && optarg[0] == '/' &&
		    opt.nroots < INSPECT_ROOTS_MAX)
			roots[opt.nroots++] = optarg;
		else if (o == OPT_ROOT || cli_option(cli, o, optarg) == -1)
			return (cli_usage(IMAGE_INSPECT_USAGE));
	}
	if (argc - optind != 1)
		return (cli_usage(IMAGE_INSPECT_USAGE));
	return (inspect_file(cli, argv[optind], &opt));
}
