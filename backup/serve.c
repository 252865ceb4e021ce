#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "backup/backup.h"
#include "base/cancel.h"
#include "vault/serve.h"

int
serve_main(struct cli *cli, int argc, char **argv)
{
	enum { OPT_APPEND_ONLY = CLI_OPT_OWN };
	static const struct option options[] = {
		CLI_LONG,
		{ "append-only", no_argument, NULL, OPT_APPEND_ONLY },
		{ NULL, 0, NULL, 0 },
	};
	struct serve_options opt = { NULL, 0 };
	struct err e;
	int c;

	while ((c = getopt_long(argc, argv, CLI_SHORT, options,
	    NULL)) != -1) {
		if (c == OPT_APPEND_ONLY)
			opt.append_only = 1;
		else if (cli_option(cli, c, optarg) == -1)
			return (cli_usage(SERVE_USAGE));
	}
	if (argc - optind != 1)
		return (cli_usage(SERVE_USAGE));
	opt.path = argv[optind];
	if (isatty(STDIN_FILENO)) {
		cli_warn("serve talks to another xcatvault, which starts it "
		    "by way of ssh: see xcatvault-serve(1)");
		return (STATUS_USAGE);
	}
	cancel_catch_signals();
	if (serve_run(&opt, STDIN_FILENO, STDOUT_FILENO, &e) == -1)
		return (cli_fail(&e));
	return (STATUS_DONE);
}
