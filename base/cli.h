#ifndef BASE_CLI_H_
#define BASE_CLI_H_

#include <getopt.h>
#include <stdio.h>

#include <jansson.h>

#include "base/config.h"
#include "base/err.h"

/*
 * What every command has in common: the options that may stand before or
 * after its name, and how it speaks.
 */
struct cli {
	const char *vault;	/* -V, or $XCATVAULT_VAULT; may be NULL */
	const char *config;	/* -C; NULL: where config_load() looks */
	struct config **loaded;	/* main's, who frees it: see cli_config() */
	int json;
	json_t *told;		/* for cli_tell(); NULL: one document */
	int quiet;		/* errors only */
	int verbose;
};

enum {
	CLI_OPT_JSON = 256,	/* values of long options without a letter */
	CLI_OPT_OWN = 512,	/* where a command's own values start */
};

#define CLI_SHORT "C:V:qv"
#define CLI_LONG \
	{ "config", required_argument, NULL, 'C' }, \
	{ "vault", required_argument, NULL, 'V' }, \
	{ "json", no_argument, NULL, CLI_OPT_JSON }, \
	{ "quiet", no_argument, NULL, 'q' }, \
	{ "verbose", no_argument, NULL, 'v' }

/*
 * Take one of the common options.  0, or -1 when it is none of them; then
 * getopt has said so and the command leaves with STATUS_USAGE.
 */
int cli_option(struct cli *c, int opt, const char *arg);

/*
 * The configuration, loaded at the first call.  Its folder for ssh becomes
 * $XCATVAULT_SSH_DIR where that is not set.
 */
const struct config *cli_config(const struct cli *c, struct err *e);

/*
 * The vault's path or address: -V, $XCATVAULT_VAULT, the configuration's.
 * NULL with ERR_USAGE when there is none.
 */
const char *cli_vault(const struct cli *c, struct err *e);

/* One line on standard error. */
void cli_error(const struct err *e);
void cli_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* cli_error() and the exit status that belongs to it. */
int cli_fail(const struct err *e);

/*
 * How a command is called: text has a form on each line, which begins with
 * the command's name; a line that begins with a blank goes on with the form
 * above.  Printed are the forms that begin with the words of "only", or all
 * when none does or it is NULL.
 */
void cli_usage_print(FILE *f, const char *text, const char *only);

/* The same, all of it, on standard error; returns STATUS_USAGE. */
int cli_usage(const char *text);

/*
 * What a command says with --json: on standard output, released; NULL is
 * ERR_FAILED, no memory.
 */
int cli_json(json_t *j, struct err *e);

/*
 * The same where a command has one for each of several things: all of them
 * are one array.  Between cli_tell_begin() and cli_tell_end(), which prints
 * it, cli_tell() adds to it; without them it is cli_json().  Without --json
 * the two do nothing.
 */
int cli_tell_begin(struct cli *c, struct err *e);
int cli_tell(const struct cli *c, json_t *j, struct err *e);
int cli_tell_end(struct cli *c, struct err *e);

/*
 * Finish standard output: 0 if all of it was written, else an error (a full
 * disk behind a redirection must not look like success).
 */
int cli_flush(struct err *e);

#endif
