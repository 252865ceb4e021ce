#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/progress.h"
#include "imgxfer/exportextra.h"
#include "imgxfer/exportshow.h"
#include "imgxfer/exportvault.h"
#include "imgxfer/imgkeep.h"
#include "imgxfer/keptcmd.h"

struct into {
	struct exportrun *run;
	const struct exportargs *args;
	struct cli *cli;
	struct vault *vault;
	struct imgkeep *keep;
	struct sidecar sidecar;
	int extra;		/* descriptor of a file without a name, or -1 */
};

static int
carry(struct into *x, struct err *e)
{
	struct sink to = imgkeep_sink(x->keep);
	struct progress *progress;
	int rc;

	progress = progress_new("fetched", !x->cli->quiet && !x->cli->json);
	rc = exportrun_carry(x->run, &x->args->run, &to, progress, e);
	progress_free(progress);
	return (rc == 0 ? exportrun_prove(x->run, e) : -1);
}

static int
describe(struct into *x, const char *name, struct err *e)
{
	if (exportrun_sidecar(x->run, name, &x->sidecar, e) == -1)
		return (-1);
	if (!x->args->complete)
		return (0);
	if ((x->extra = exportextra_temp(e)) == -1)
		return (-1);
	return (exportextra_fetch(x->run->node, &x->sidecar, name, x->extra,
	    e));
}

static int
commit(struct into *x, struct imgkeep_result *r, struct err *e)
{
	struct imgkeep_about about = { .in = &x->run->in,
		.sidecar = &x->sidecar, .site = x->args->from };
	char path[32];

	if (x->extra != -1) {
		snprintf(path, sizeof(path), "/dev/fd/%d", x->extra);
		about.extra = path;
	}
	return (imgkeep_commit(x->keep, &about, r, e));
}

static int
run_all(struct into *x, struct imgkeep_result *r, struct err *e)
{
	const char *path, *image = x->run->plan.image;
	struct buf name = BUF_INIT;
	struct err left;
	int rc = -1;

	buf_printf(&name, "%s.tgz", image);
	(void)buf_cstr(&name);
	/* The vault is locked no longer than it takes to carry. */
	if (buf_ok(&name, e) == 0 && (path = cli_vault(x->cli, e)) != NULL &&
	    (x->vault = vault_open(path, e)) != NULL &&
	    exportrun_make(x->run, &x->args->run, e) == 0 &&
	    (x->keep = imgkeep_new(x->vault, image, e)) != NULL &&
	    carry(x, e) == 0 && describe(x, buf_cstr(&name), e) == 0) {
		rc = 0;
		if (exportrun_end(x->run, &left) == -1)
			rc = exportplan_warn(&x->run->plan, e, "%s",
			    left.msg);
		if (rc == 0)
			rc = commit(x, r, e);
	}
	buf_fini(&name);
	return (rc);
}

int
exportvault_run(struct exportrun *run, const struct exportargs *args,
    struct cli *cli, struct err *e)
{
	struct into x = { run, args, cli, .extra = -1 };
	struct imgkeep_result r;
	int rc;

	if ((rc = run_all(&x, &r, e)) == 0) {
		exportshow_warnings(run, cli);
		rc = exportrun_status(run);
		if (keptcmd_tell_kept(cli, run->plan.image, &r, e) == -1)
			rc = -1;
	}
	if (x.extra != -1)
		close(x.extra);
	imgkeep_free(x.keep);
	sidecar_fini(&x.sidecar);
	vault_close(x.vault);
	return (rc);
}
