#include <fnmatch.h>
#include <string.h>

#include "formats/pathtext.h"
#include "restore/restore.h"
#include "restore/show.h"
#include "restore/subtree.h"
#include "restore/view.h"

struct find {
	struct view view;
	struct show show;
	int whole;		/* the pattern is for whole paths */
	struct buf pattern;
	struct buf path;	/* raw, of the entry looked at */
};

/* The entry's raw path, or of it the base name alone. */
static int
raw_name(struct find *f, const struct snapshot_volume *vol,
    const struct entry *ent, struct err *e)
{
	const char *name = ent->path.p, *slash;
	size_t len = ent->path.len;

	buf_clear(&f->path);
	if (len == 1 || f->whole) {
		/* A volume's top has the name of the volume. */
		if (strcmp(vol->path, "/") != 0)
			buf_puts(&f->path, vol->path);
		else if (len == 1)
			buf_putc(&f->path, '/');
		name++;
		len--;
	} else if ((slash = memrchr(name, '/', len)) != NULL) {
		len -= (size_t)(slash + 1 - name);
		name = slash + 1;
	}
	if (pathtext_decode(&f->path, name, len) == -1)
		return (err_nomem(e));	/* decoding has proved the text */
	(void)buf_cstr(&f->path);
	return (buf_ok(&f->path, e));
}

static int
matches(struct find *f)
{
	const char *name = buf_cstr(&f->path), *slash;

	if (!f->whole && (slash = strrchr(name, '/')) != NULL &&
	    slash[1] != '\0')
		name = slash + 1;
	return (fnmatch(buf_cstr(&f->pattern), name, 0) == 0);
}

static int
find_in(struct find *f, const struct snapshot_volume *vol, struct err *e)
{
	static const struct span top = { ".", 1 };
	struct subtree *t;
	struct entry ent;
	struct err lost;
	int rc;

	t = subtree_new(f->view.vault, f->view.index, vol, &top, &lost);
	if (t == NULL) {
		view_trouble(&f->view, &lost);
		return (0);
	}
	while ((rc = subtree_next(t, &ent, &lost)) != 0) {
		if (rc == -1) {
			view_trouble(&f->view, &lost);
			continue;
		}
		if (raw_name(f, vol, &ent, e) == -1 || (matches(f) &&
		    show_entry(&f->show, vol, &ent, e) == -1)) {
			rc = -1;
			break;
		}
	}
	subtree_free(t);
	return (rc);
}

/*
 * A pattern without "/" is for base names, like find -name; any other is for
 * whole paths, like find -path, and may begin at any directory unless it
 * begins with "/".
 */
static int
find(struct find *f, const char *pattern, struct err *e)
{
	size_t i;

	f->whole = strchr(pattern, '/') != NULL;
	if (f->whole && pattern[0] != '/')
		buf_puts(&f->pattern, "*/");
	buf_puts(&f->pattern, pattern);
	(void)buf_cstr(&f->pattern);
	if (buf_ok(&f->pattern, e) == -1)
		return (-1);
	for (i = 0; i < f->view.snap.nvolumes; i++)
		if (find_in(f, &f->view.snap.volumes[i], e) == -1)
			return (-1);
	return (show_end(&f->show, e));
}

static int
parse_options(int *long_form, struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		CLI_LONG,
		{ "long", no_argument, NULL, 'l' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, CLI_SHORT "l", options,
	    NULL)) != -1) {
		if (opt == 'l')
			*long_form = 1;
		else if (cli_option(cli, opt, optarg) == -1)
			return (-1);
	}
	return (argc - optind == 2 ? 0 : -1);
}

int
find_main(struct cli *cli, int argc, char **argv)
{
	struct find f;
	struct err e;
	int status, long_form = 0;

	memset(&f, 0, sizeof(f));
	if (parse_options(&long_form, cli, argc, argv) == -1)
		return (cli_usage(FIND_USAGE));
	if (view_open(&f.view, cli, argv[optind], &e) == -1)
		return (cli_fail(&e));
	show_init(&f.show, cli, long_form);
	status = find(&f, argv[optind + 1], &e) == -1 ? cli_fail(&e) :
	    f.view.status;
	show_fini(&f.show);
	buf_fini(&f.pattern);
	buf_fini(&f.path);
	view_close(&f.view);
	return (status);
}
