#include <string.h>
#include <unistd.h>

#include "imgxfer/imgsite.h"
#include "remote/exec.h"

static int
give_table(void *arg, const char *name, osimages_piece *fn, void *fn_arg,
    struct err *e)
{
	const struct imgsite *s = arg;
	const struct buf *text = tables_text(s->tables, name);

	if (text == NULL)
		return (0);
	return (fn(fn_arg, text->data, text->len, e) == -1 ? -1 : 1);
}

/* Past xcatd where it does not answer; why not is what counts otherwise. */
static int
read_tables(struct imgsite *s, const char *const *names, size_t n,
    struct err *e)
{
	struct err second;

	s->tables = tables_read(s->remote, names, n, 0, e);
	if (s->tables != NULL)
		return (0);
	if (remote_lost(s->remote))
		return (-1);
	s->tables = tables_read(s->remote, names, n, 1, &second);
	s->bypass = s->tables != NULL;
	return (s->bypass ? 0 : -1);
}

int
imgsite_open(struct imgsite *s, const struct cli *cli, const char *site,
    const char *const *names, size_t n, struct err *e)
{
	const struct config *config;

	memset(s, 0, sizeof(*s));
	if ((config = cli_config(cli, e)) == NULL || reach_init(&s->reach,
	    config, site, isatty(STDIN_FILENO), e) == -1 ||
	    (s->remote = remote_open(&s->reach.target, e)) == NULL ||
	    read_tables(s, names, n, e) == -1)
		return (-1);
	if (s->bypass && !cli->quiet)
		cli_warn("%s: xcatd does not answer; the tables were read "
		    "past it", remote_name(s->remote));
	if ((s->fs = nodefs_new(s->remote, e)) == NULL)
		return (-1);
	buf_printf(&s->name, "on %s", remote_name(s->remote));
	s->place = (struct osimages_place){
		.fs = nodefs_osfs(s->fs), .table = give_table, .arg = s,
		.suffix = "", .tables = "xCAT's database",
		.name = buf_cstr(&s->name),
	};
	return (buf_ok(&s->name, e));
}

void
imgsite_close(struct imgsite *s)
{
	nodefs_free(s->fs);
	tables_free(s->tables);
	remote_close(s->remote);
	reach_fini(&s->reach);
	buf_fini(&s->name);
}

int
imgsite_options(struct cli *cli, int argc, char **argv, const char **site)
{
	enum { OPT_SITE = CLI_OPT_OWN };
	static const struct option options[] = {
		CLI_LONG,
		{ "site", required_argument, NULL, OPT_SITE },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	*site = NULL;
	while ((opt = getopt_long(argc, argv, CLI_SHORT, options,
	    NULL)) != -1) {
		if (opt == OPT_SITE)
			*site = optarg;
		else if (cli_option(cli, opt, optarg) == -1)
			return (-1);
	}
	return (0);
}
