#include <stdio.h>

#include "backup/backup.h"
#include "vault/vault.h"

int
init_main(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		CLI_LONG,
		{ NULL, 0, NULL, 0 },
	};
	struct err e;
	const char *path;
	int opt;

	while ((opt = getopt_long(argc, argv, CLI_SHORT, options,
	    NULL)) != -1)
		if (cli_option(cli, opt, optarg) == -1)
			return (STATUS_USAGE);
	/* "xcatvault init DIR" is what people type first. */
	if (optind + 1 == argc && cli->vault == NULL)
		cli->vault = argv[optind++];
	if (optind != argc)
		return (cli_usage(INIT_USAGE));
	if ((path = cli_vault(cli, &e)) == NULL || vault_init(path, &e) == -1)
		return (cli_fail(&e));
	if (cli->json)
		printf("{\"vault\": \"created\"}\n");
	else if (!cli->quiet)
		printf("vault %s made; keep it where the node's own loss "
		    "cannot reach it\n", path);
	return (cli_flush(&e) == -1 ? cli_fail(&e) : STATUS_DONE);
}
