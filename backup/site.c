#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "backup/backup.h"
#include "backup/siteshow.h"
#include "base/cancel.h"
#include "remote/node/probe.h"
#include "remote/node/reach.h"

#define DU_S 20			/* for each volume, without --sizes */
#define DU_ALL_S 7200		/* with it */

struct arguments {
	int yes;
	int sizes;
	const char *fingerprint;
};

/* ------------------------------------------------------------------ trust */

/* Who is at the terminal has to spell it out. */
static int
agrees(void)
{
	char answer[16] = "";

	fprintf(stderr, "Record it, so that this host is trusted? (yes/no) ");
	if (fgets(answer, sizeof(answer), stdin) == NULL)
		fprintf(stderr, "\n");
	return (strcmp(answer, "yes\n") == 0);
}

/* 0 when the key may be recorded. */
static int
may_record(const struct arguments *a, const char *name,
    const struct remote_host_key *key, struct err *e)
{
	if (a->fingerprint != NULL || a->yes)
		return (0);
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return (err_set(e, ERR_FAILED, "%s: its key is not known and "
		    "not recorded: compare %s with the host's own, then say "
		    "--fingerprint %s", name, key->fingerprint,
		    key->fingerprint));
	fprintf(stderr, "%s shows the key %s %s\n"
	    "On the host itself, ssh-keygen -lf "
	    "/etc/ssh/ssh_host_ed25519_key.pub shows it.\n", name, key->type,
	    key->fingerprint);
	if (!agrees())
		return (err_set(e, ERR_FAILED, "%s: nothing recorded", name));
	return (0);
}

static int
check_fingerprint(const struct arguments *a, const char *name,
    const struct remote_host_key *key, struct err *e)
{
	if (a->fingerprint == NULL ||
	    strcmp(a->fingerprint, key->fingerprint) == 0)
		return (0);
	return (err_set(e, ERR_FAILED, "%s: its key is %s %s, not %s: nothing "
	    "recorded", name, key->type, key->fingerprint, a->fingerprint));
}

static int
tell_trust(const struct cli *cli, const char *name,
    const struct remote_host_key *key, struct err *e)
{
	const char *state = key->state == REMOTE_KEY_KNOWN ? "known" :
	    "recorded";
	json_t *j;

	if (cli->json) {
		j = json_pack("{s:s, s:s, s:s, s:s}", "site", name,
		    "type", key->type, "fingerprint", key->fingerprint,
		    "state", state);
		return (cli_json(j, e));
	}
	if (!cli->quiet)
		printf("%s: %s %s: %s\n", name, key->type, key->fingerprint,
		    key->state == REMOTE_KEY_KNOWN ? "known already" :
		    "recorded");
	return (0);
}

static int
trust(struct cli *cli, const struct arguments *a, const char *name,
    const struct reach *h, struct err *e)
{
	struct remote_host_key key = { .state = REMOTE_KEY_UNKNOWN };

	if (remote_trust(&h->target, 0, &key, e) == -1 ||
	    check_fingerprint(a, name, &key, e) == -1)
		return (STATUS_FAILED);
	switch (key.state) {
	case REMOTE_KEY_KNOWN:
		break;
	case REMOTE_KEY_CHANGED:
		/* It says what to do, and records nothing. */
		if (remote_trust(&h->target, 1, &key, e) == 0)
			err_set(e, ERR_FAILED, "%s: its key changes while one "
			    "looks", name);
		return (STATUS_FAILED);
	case REMOTE_KEY_UNKNOWN:
		/* The same host must show the same key once more. */
		if (may_record(a, name, &key, e) == -1 ||
		    remote_trust(&h->target, 1, &key, e) == -1)
			return (STATUS_FAILED);
		key.state = REMOTE_KEY_UNKNOWN;
		break;
	}
	return (tell_trust(cli, name, &key, e) == 0 ? STATUS_DONE :
	    STATUS_FAILED);
}

/* ------------------------------------------------------------------ probe */

static int
probe(struct cli *cli, const struct arguments *a, const char *name,
    struct reach *h, struct err *e)
{
	struct remote *r;
	struct probe p;
	unsigned du_s = a->sizes ? DU_ALL_S : DU_S, troubles = 0;
	int rc;

	/* While "du" runs nothing arrives. */
	if (h->target.idle_s == 0)
		h->target.idle_s = REMOTE_IDLE_S;
	if (h->target.idle_s < du_s + 60)
		h->target.idle_s = du_s + 60;
	if ((r = remote_open(&h->target, e)) == NULL)
		return (STATUS_FAILED);
	if (remote_weak_password(r)) {
		cli_warn("%s: root's password is the one that xCAT's "
		    "container image comes with, known to everybody: change "
		    "it", name);
		troubles++;
	}
	rc = probe_site(r, du_s, &p, e);
	if (rc == 0) {
		rc = siteshow_probe(name, remote_name(r), &p, cli->json, e);
		if (rc == 0)
			rc = cli_flush(e);
		troubles += siteshow_warn(name, &p);
		probe_fini(&p);
	}
	remote_close(r);
	if (rc == -1)
		return (STATUS_FAILED);
	return (troubles > 0 ? STATUS_REPORTED : STATUS_DONE);
}

/* ------------------------------------------------------------- the command */

static int
list(struct cli *cli, struct err *e)
{
	const struct config *c = cli_config(cli, e);

	if (c == NULL || siteshow_list(c, cli->json, e) == -1)
		return (STATUS_FAILED);
	return (STATUS_DONE);
}

static int
with_site(struct cli *cli, const struct arguments *a, const char *verb,
    const char *name, struct err *e)
{
	const struct config *c = cli_config(cli, e);
	struct reach h;
	int status = STATUS_FAILED;

	if (c == NULL)
		return (STATUS_FAILED);
	if (reach_init(&h, c, name, 1, e) == 0)
		status = strcmp(verb, "trust") == 0 ?
		    trust(cli, a, name, &h, e) : probe(cli, a, name, &h, e);
	reach_fini(&h);
	return (status);
}

static int
options_fit(const struct arguments *a, const char *verb)
{
	if (strcmp(verb, "trust") == 0)
		return (!a->sizes);
	return (!a->yes && a->fingerprint == NULL &&
	    (!a->sizes || strcmp(verb, "probe") == 0));
}

int
site_main(struct cli *cli, int argc, char **argv)
{
	enum { OPT_YES = CLI_OPT_OWN, OPT_FINGERPRINT, OPT_SIZES };
	static const struct option options[] = {
		CLI_LONG,
		{ "yes", no_argument, NULL, OPT_YES },
		{ "fingerprint", required_argument, NULL, OPT_FINGERPRINT },
		{ "sizes", no_argument, NULL, OPT_SIZES },
		{ NULL, 0, NULL, 0 },
	};
	struct arguments a = { 0 };
	struct err e = { .kind = ERR_NONE };
	const char *verb;
	int opt, n, status;

	while ((opt = getopt_long(argc, argv, CLI_SHORT, options,
	    NULL)) != -1) {
		if (opt == OPT_YES)
			a.yes = 1;
		else if (opt == OPT_FINGERPRINT)
			a.fingerprint = optarg;
		else if (opt == OPT_SIZES)
			a.sizes = 1;
		else if (cli_option(cli, opt, optarg) == -1)
			return (STATUS_USAGE);
	}
	n = argc - optind;
	verb = n > 0 ? argv[optind] : "";
	cancel_catch_signals();
	if (!options_fit(&a, verb))
		return (cli_usage(SITE_USAGE));
	if (strcmp(verb, "list") == 0 && n == 1)
		status = list(cli, &e);
	else if ((strcmp(verb, "trust") == 0 || strcmp(verb, "probe") == 0) &&
	    n == 2)
		status = with_site(cli, &a, verb, argv[optind + 1], &e);
	else
		return (cli_usage(SITE_USAGE));
	if (e.kind != ERR_NONE && status == STATUS_FAILED)
		return (cli_fail(&e));
	if (cli_flush(&e) == -1)
		return (cli_fail(&e));
	return (status);
}
