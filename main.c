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
	{ "init", init_main, "init", "make a new vault" },
	{ "backup", backup_main,
	    "backup SITE... | --all [--accept-row-loss]\n"
	    "       backup --volume DIR[=PATH]... [--site N]\n"
	    "    [--exclude GLOB]... [--one-file-system]\n"
	    "    [--force-read] [--ignore-inode] [--ignore-ctime]\n"
	    "    [--threads N]",
	    "store a snapshot of a node, or of directories" },
	{ "dump", dump_main, "dump check DIR",
	    "prove a dump of the database" },
	{ "site", site_main, "site list | site trust SITE\n"
	    "    [--yes | --fingerprint F]\n"
	    "    | site probe SITE [--sizes]",
	    "look after the management nodes" },
	{ "list", list_main, "list [--site N]", "show the snapshots" },
	{ "ls", ls_main, "ls SNAP [PATH] [-l] [-R] [--mtree]",
	    "show what a snapshot holds" },
	{ "find", find_main, "find SNAP PATTERN [-l]",
	    "find names in a snapshot" },
	{ "cat", cat_main, "cat SNAP PATH", "print a file of a snapshot" },
	{ "diff", diff_main, "diff SNAP SNAP [PATH | --db [TABLE]]",
	    "compare two snapshots" },
	{ "verify", verify_main, "verify [SNAP] [--read-data[=PERCENT]]\n"
	    "       verify --osimages SNAP",
	    "prove that a vault is whole" },
	{ "restore", restore_main, "restore SNAP [PATH...] --to DIR\n"
	    "    [--dry-run] [--exact] [--checksum]\n"
	    "       restore SNAP [PATH...] --site SITE\n"
	    "    [--dry-run] [--exact] [--checksum] [--keep-old] [--force]\n"
	    "    [--without-database] [--image NAME]\n"
	    "       restore SNAP --site SITE --database-only\n"
	    "    [--table NAME,...]... [--rehome OLD=NEW]... [--on-start]\n"
	    "    [--force] [--dry-run]\n"
	    "       restore SNAP --compose [-o FILE]",
	    "bring files back, or the database" },
	{ "undo", undo_main, "undo SITE [SNAP] [--force] [--dry-run]",
	    "put a node's database back" },
	{ "drill", drill_main, "drill SNAP [--to DIR] [--keep]\n"
	    "    [--without-database]",
	    "prove that a snapshot can be restored" },
	{ "export", export_main, "export SNAP PATH [-o FILE]",
	    "write a volume as a .tar.zst" },
	{ "image", image_main,
	    "image list [--site SITE]\n"
	    "       image export IMAGE [--site SITE] [-o FILE]\n"
	    "    [--complete] [--engine native]\n"
	    "       image inspect FILE\n"
	    "       image import FILE|--from-vault IMAGE --site SITE\n"
	    "    [--profile P]\n"
	    "    [--as NAME] [--replace] [--allow-unproved-arch]\n"
	    "       image keep FILE... [--site SITE]\n"
	    "       image copy IMAGE... --from SITE --to SITE\n"
	    "       image ready IMAGE --site SITE",
	    "move osimages between management nodes" },
	{ "serve", serve_main, "serve [--append-only] DIR",
	    "be the far side of an ssh vault" },
	{ "help", help_main, "help [COMMAND]", "explain a command" },
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

	(void)cli;
	if (argc < 2) {
		print_usage(stdout);
		return (STATUS_DONE);
	}
	if ((c = find_command(argv[1])) == NULL) {
		cli_warn("%s: no such command", argv[1]);
		return (STATUS_USAGE);
	}
	printf("%s: %s\n\nusage: xcatvault [-C CONFIG] [-V VAULT] %s\n\n"
	    "Everywhere: -C CONFIG, --json, -q, -v.  SNAP is latest, SITE, "
	    "SITE@TIME or the\nstart of an id.  \"man xcatvault\" says the "
	    "rest.\n",
	    c->name, c->purpose, c->usage);
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
			return (help_main(&cli, 2, argv + optind - 1));
	argc -= optind;
	argv += optind;
	argv[0] = program;	/* getopt's messages begin with it */
	optind = 0;	/* glibc: start over, and permute from here on */
	status = c->run(&cli, argc, argv);
	config_free(config);
	return (status);
}
