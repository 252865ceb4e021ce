#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cli.h"

int
cli_option(struct cli *c, int opt, const char *arg)
{
	switch (opt) {
	case 'V':
		c->vault = arg;
		return (0);
	case 'C':
		c->config = arg;
		return (0);
	case 'q':
		c->quiet = 1;
		return (0);
	case 'v':
		c->verbose = 1;
		return (0);
	case CLI_OPT_JSON:
		c->json = 1;
		return (0);
	default:
		return (-1);
	}
}

const struct config *
cli_config(const struct cli *c, struct err *e)
{
	if (*c->loaded != NULL)
		return (*c->loaded);
	if ((*c->loaded = config_load(c->config, e)) == NULL)
		return (NULL);
	/* The room for ssh knows of no configuration. */
	if ((*c->loaded)->ssh_dir != NULL && setenv("XCATVAULT_SSH_DIR",
	    (*c->loaded)->ssh_dir, 0) == -1) {
		err_nomem(e);
		return (NULL);
	}
	return (*c->loaded);
}

const char *
cli_vault(const struct cli *c, struct err *e)
{
	int named = c->vault != NULL && c->vault[0] != '\0';
	const struct config *conf = NULL;

	/* A directory that was named can do without a configuration. */
	if (named && c->config == NULL && strncmp(c->vault, "ssh://", 6) != 0)
		return (c->vault);
	if ((conf = cli_config(c, e)) == NULL)
		return (NULL);
	if (named)
		return (c->vault);
	if (conf->vault == NULL)
		err_set(e, ERR_USAGE, "no vault named: use -V VAULT, set "
		    "XCATVAULT_VAULT, or have vault = ... in %s", conf->path);
	return (conf->vault);
}

void
cli_error(const struct err *e)
{
	fprintf(stderr, "xcatvault: %s\n", e->msg);
}

void
cli_warn(const char *fmt, ...)
{
	struct err line;
	va_list ap;
	char text[sizeof(line.msg)];

	/* By way of an error, so that a hostile name stays on its line. */
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err_set(&line, ERR_FAILED, "%s", text);
	cli_error(&line);
}

int
cli_fail(const struct err *e)
{
	cli_error(e);
	return (err_status(e));
}

int
cli_usage(const char *text)
{
	fprintf(stderr, "usage: xcatvault %s\n", text);
	return (STATUS_USAGE);
}

int
cli_json(json_t *j, struct err *e)
{
	if (j == NULL)
		return (err_nomem(e));
	/* A full disk is cli_flush()'s to tell. */
	(void)json_dumpf(j, stdout, JSON_INDENT(1));
	(void)putchar('\n');
	json_decref(j);
	return (0);
}

int
cli_flush(struct err *e)
{
	if (fflush(stdout) != 0 || ferror(stdout))
		return (err_sys(e, "standard output"));
	return (0);
}
