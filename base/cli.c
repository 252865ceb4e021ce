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

/* Whether a form begins with these words. */
static int
begins(const char *form, const char *words)
{
	size_t n = strlen(words);

	return (strncmp(form, words, n) == 0 &&
	    (form[n] == ' ' || form[n] == '\n' || form[n] == '\0'));
}

/* How many forms were printed. */
static int
print_forms(FILE *f, const char *text, const char *only)
{
	int n = 0, wanted = 1;
	size_t len;

	for (; *text != '\0'; text += len + (text[len] == '\n')) {
		len = strcspn(text, "\n");
		if (*text != ' ')
			wanted = only == NULL || begins(text, only);
		if (!wanted)
			continue;
		if (*text == ' ')
			fprintf(f, "           %.*s\n", (int)len - 1, text + 1);
		else
			fprintf(f, "%s xcatvault %.*s\n", n++ == 0 ? "usage:" :
			    "      ", (int)len, text);
	}
	return (n);
}

void
cli_usage_print(FILE *f, const char *text, const char *only)
{
	if (print_forms(f, text, only) == 0)
		(void)print_forms(f, text, NULL);
}

int
cli_usage(const char *text)
{
	cli_usage_print(stderr, text, NULL);
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
cli_tell_begin(struct cli *c, struct err *e)
{
	if (c->json && (c->told = json_array()) == NULL)
		return (err_nomem(e));
	return (0);
}

int
cli_tell(const struct cli *c, json_t *j, struct err *e)
{
	if (c->told == NULL)
		return (cli_json(j, e));
	return (json_array_append_new(c->told, j) == -1 ? err_nomem(e) : 0);
}

int
cli_tell_end(struct cli *c, struct err *e)
{
	json_t *j = c->told;

	c->told = NULL;
	if (j == NULL)
		return (0);
	return (cli_json(j, e) == -1 ? -1 : cli_flush(e));
}

int
cli_flush(struct err *e)
{
	if (fflush(stdout) != 0 || ferror(stdout))
		return (err_sys(e, "standard output"));
	return (0);
}
