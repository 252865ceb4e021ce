#include <string.h>

#include "imgxfer/imgxfer.h"
#include "imgxfer/verbs.h"

static const struct verb {
	const char *name;
	int (*run)(struct cli *cli, int argc, char **argv);
} verbs[] = {
	{ "copy", imgcopy_main },
	{ "export", imgexport_main },
	{ "import", imgimport_main },
	{ "inspect", imginspect_main },
	{ "keep", imgkeep_main },
	{ "list", imglist_main },
	{ "ready", imgready_main },
	{ NULL, NULL },
};

int
image_main(struct cli *cli, int argc, char **argv)
{
	const struct verb *v;
	int i;

	/* Common options may stand before the word. */
	for (i = 1; i < argc; i++)
		for (v = verbs; v->name != NULL; v++) {
			if (strcmp(argv[i], v->name) != 0)
				continue;
			memmove(argv + i, argv + i + 1,
			    (size_t)(argc - i) * sizeof(*argv));
			return (v->run(cli, argc - 1, argv));
		}
	return (cli_usage(IMAGE_USAGE));
}
