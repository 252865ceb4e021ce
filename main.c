#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/backup.h"
#include "base/cli.h"
#include "base/version.h"
#include "imgxfer/imgxfer.h"
#include "restore/restore.h"

struct command {
	const char *name;
	int (*run)(struct cli *cli, int argc, char **argv);
	const char *usage;
	const char *purpose;
};

static int help_main(struct cli *, int, char **);

static const struct command commands[] = {
	{ "init", init_main, INIT_USAGE, "make a new vault" },
	{ "backup", backup_main, BACKUP_USAGE,
	    "store a snapshot of a node, or of directories" },
	{ "dump", dump_main, DUMP_USAGE, "prove a dump of the database" },
	{ "site", site_main, SITE_USAGE, "look after the management nodes" },
	{ "list", list_main, LIST_USAGE, "show the snapshots" },
	{ "ls", ls_main, LS_USAGE, "show what a snapshot holds" },
	{ "find", find_main, FIND_USAGE, "find names in a snapshot" },
	{ "cat", cat_main, CAT_USAGE, "print a file of a snapshot" },
	{ "diff", diff_main, DIFF_USAGE, "compare two snapshots" },
	{ "verify", verify_main, VERIFY_USAGE, "prove that a vault is whole" },
	{ "restore", restore_main, RESTORE_USAGE,
	    "bring files back, or the database" },
	{ "undo", undo_main, UNDO_USAGE, "put a node's database back" },
	{ "drill", drill_main, DRILL_USAGE,
	    "prove that a snapshot can be restored" },
	{ "export", export_main, EXPORT_USAGE, "write a volume as a .tar.zst" },
	{ "image", image_main, IMAGE_USAGE,
	    "move osimages between management nodes" },
	{ "serve", serve_main, SERVE_USAGE,
	    "be the far side of an ssh vault" },
	{ "help", help_main, "help [COMMAND [WORD]]", "explain a command" },
};
#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct command *
find_command(const char *name)
{
	size_t i;

	for (i = 0; i < NCOMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return (&commands[i]);
	return (NULL);
}

static void
print_usage(FILE *f)
{
	size_t i;

	fprintf(f, "usage: xcatvault [-C CONFIG] [-V VAULT] [--json] "
	    "[-q | -v] "
	    "COMMAND ...\n\n");
	for (i = 0; i < NCOMMANDS; i++)
		fprintf(f, "  %-9s %s\n", commands[i].name,
		    commands[i].purpose);
	fprintf(f, "\n\"xcatvault help COMMAND\" says more; xcatvault(1) "
	    "says all.\n");
}

static int
help_main(struct cli *cli, int argc, char **argv)
{
	const struct command *c;
	char words[64];

	(void)cli;
	if (argc < 2) {
		print_usage(stdout);
		return (STATUS_DONE);
	}
	if ((c = find_command(argv[1])) == NULL) {
		cli_warn("%s: no such command; \"xcatvault help\" lists them",
		    argv[1]);
		return (STATUS_USAGE);
	}
	printf("%s: %s\n\n", c->name, c->purpose);
	if (argc > 2)
		snprintf(words, sizeof(words), "%s %s", argv[1], argv[2]);
	cli_usage_print(stdout, c->usage, argc > 2 ? words : NULL);
	printf("\nEverywhere: -C CONFIG, -V VAULT, --json, -q, -v.  SNAP is "
	    "latest, SITE, SITE@TIME\nor the start of an id.  \"man "
	    "xcatvault\" names the page that says the rest.\n");
	return (STATUS_DONE);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		CLI_LONG,
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, CLI_OPT_OWN },
		{ NULL, 0, NULL, 0 },
	};
	struct config *config = NULL;
	struct cli cli = {
		.vault = getenv("XCATVAULT_VAULT"),
		.loaded = &config,
	};
	static char program[] = "xcatvault";
	const struct command *c;
	int i, opt, status;

	while ((opt = getopt_long(argc, argv, "+" CLI_SHORT "h", options,
	    NULL)) != -1) {
		if (opt == 'h') {
			print_usage(stdout);
			return (STATUS_DONE);
		}
		if (opt == CLI_OPT_OWN) {
			printf("xcatvault %s\n", XCATVAULT_VERSION);
			return (STATUS_DONE);
		}
		if (cli_option(&cli, opt, optarg) == -1)
			return (STATUS_USAGE);
	}
	if (optind == argc) {
		print_usage(stderr);
		return (STATUS_USAGE);
	}
	if ((c = find_command(argv[optind])) == NULL) {
		cli_warn("%s: no such command; \"xcatvault help\" lists them",
		    argv[optind]);
		return (STATUS_USAGE);
	}
	for (i = optind + 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0)
			return (help_main(&cli, i > optind + 1 ? 3 : 2,
			    argv + optind - 1));
	argc -= optind;
	argv += optind;
	argv[0] = program;	/* getopt's messages begin with it */
	optind = 0;	/* glibc: start over, and permute from here on */
	status = c->run(&cli, argc, argv);
	config_free(config);
	return (status);
}
