#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <jansson.h>

#include "base/cancel.h"
#include "base/human.h"
#include "base/io.h"
#include "imgxfer/exportargs.h"
#include "imgxfer/exportextra.h"
#include "imgxfer/exportrun.h"
#include "imgxfer/exportshow.h"
#include "imgxfer/exportvault.h"
#include "imgxfer/keptcmd.h"
#include "imgxfer/publish.h"
#include "imgxfer/verbs.h"

#define MODE 0644		/* there is nothing secret in it */

struct export {
	struct exportargs args;
	struct exportnode node;
	struct exportrun run;
	const char *base;		/* of args.output */
	struct publish files;
	struct sidecar about;
	uint64_t left_bytes;
};

/* ------------------------------------------------------------------ files */

static struct outfile *
open_beside(const char *file, const char *suffix, struct err *e)
{
	struct buf name = BUF_INIT;
	struct outfile *o = NULL;

	buf_printf(&name, "%s%s", file, suffix);
	if (buf_ok(&name, e) == 0)
		o = outfile_new(buf_cstr(&name), e);
	buf_fini(&name);
	return (o);
}

/* Before anything is begun over there: whether it can be written here. */
static int
open_files(struct export *x, struct err *e)
{
	const char *file = x->args.output, *slash = strrchr(file, '/');
	struct publish *f = &x->files;

	x->base = slash != NULL ? slash + 1 : file;
	if (x->base[0] == '\0' || x->base[0] == '.' ||
	    strcmp(file, "-") == 0)
		return (err_set(e, ERR_USAGE, "-o %s: wants the name of a "
		    "file", file));
	if ((f->bundle = outfile_new(file, e)) == NULL ||
	    (f->sidecar = open_beside(file, SIDECAR_SUFFIX, e)) == NULL ||
	    (x->args.complete && (f->extra = open_beside(file, SIDECAR_EXTRA,
	    e)) == NULL))
		return (-1);
	return (0);
}

static int
check_room(const struct export *x, uint64_t bytes, struct err *e)
{
	char wants[HUMAN_LEN], has[HUMAN_LEN];
	struct statvfs fs;
	uint64_t room;

	if (fstatvfs(outfile_fd(x->files.bundle), &fs) == -1)
		return (0);
	room = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (room >= bytes)
		return (0);
	human_bytes(bytes, wants);
	human_bytes(room, has);
	return (err_set(e, ERR_FAILED, "%s: the bundle has %s, and %s are "
	    "free", x->args.output, wants, has));
}

static int
put(void *arg, const void *p, size_t len, struct err *e)
{
	const struct export *x = arg;

	return (io_write(outfile_fd(x->files.bundle), p, len) == 0 ? 0 :
	    err_sys(e, "%s", x->args.output));
}

static int
open_up(struct outfile *o, const char *name, struct err *e)
{
	struct stat st;

	/* A device keeps what it has. */
	if (o != NULL && (fstat(outfile_fd(o), &st) == -1 ||
	    (S_ISREG(st.st_mode) && fchmod(outfile_fd(o), MODE) == -1)))
		return (err_sys(e, "%s", name));
	return (0);
}

static int
publish(struct export *x, struct err *e)
{
	struct publish *f = &x->files;
	const char *name = x->args.output;
	struct buf text = BUF_INIT;
	int rc = -1;

	if (sidecar_encode(&text, &x->about, e) == 0 &&
	    io_write(outfile_fd(f->sidecar), text.data, text.len) == -1)
		err_sys(e, "%s" SIDECAR_SUFFIX, name);
	else if (text.len > 0 && open_up(f->bundle, name, e) == 0 &&
	    open_up(f->extra, name, e) == 0 &&
	    open_up(f->sidecar, name, e) == 0)
		rc = publish_commit(f, e);
	buf_fini(&text);
	return (rc);
}

/* -------------------------------------------------------------------- run */

static int
carry(struct export *x, const struct cli *cli, struct err *e)
{
	struct sink to = { put, x };
	struct progress *progress;
	int rc;

	if (check_room(x, x->run.bytes, e) == -1)
		return (-1);
	progress = progress_new("fetched", !cli->quiet && !cli->json);
	rc = exportrun_carry(&x->run, &x->args.run, &to, progress, e);
	progress_free(progress);
	return (rc == 0 ? exportrun_prove(&x->run, e) : -1);
}

static int
to_file(struct export *x, const struct cli *cli, struct err *e)
{
	struct err left;

	if (open_files(x, e) == -1 ||
	    exportrun_make(&x->run, &x->args.run, e) == -1 ||
	    carry(x, cli, e) == -1 ||
	    exportrun_sidecar(&x->run, x->base, &x->about, e) == -1)
		return (-1);
	if (x->files.extra != NULL && exportextra_fetch(&x->node, &x->about,
	    x->base, outfile_fd(x->files.extra), e) == -1)
		return (-1);
	if (exportrun_end(&x->run, &left) == -1 &&
	    exportplan_warn(&x->run.plan, e, "%s", left.msg) == -1)
		return (-1);
	return (publish(x, e));
}

static int
tell(struct export *x, const struct cli *cli, int status, struct err *e)
{
	if (cli->json) {
		if (exportshow_json(&x->run, &x->about, x->args.output,
		    status, stdout, e) == -1)
			return (-1);
	} else {
		exportshow_warnings(&x->run, cli);
		if (!cli->quiet)
			exportshow_done(&x->run, &x->about, x->args.output,
			    stdout);
	}
	return (cli_flush(e));
}

static int
run(struct export *x, struct cli *cli, struct err *e)
{
	int status;

	if (exportnode_open(&x->node, cli, x->args.from, e) == -1 ||
	    exportrun_plan(&x->run, &x->node, x->args.images[0],
	    &x->args.run, e) == -1)
		return (-1);
	if (x->args.complete && exportextra_list(&x->run.plan, x->node.r,
	    e) == -1)
		return (-1);
	if (x->args.dry_run)
		return (exportshow_plan(&x->run, cli, e));
	if (exportrun_check(&x->run, e) == -1)
		return (-1);
	if (x->args.output == NULL)
		return (exportvault_run(&x->run, &x->args, cli, e));
	if (to_file(x, cli, e) == -1)
		return (-1);
	status = exportrun_status(&x->run);
	return (tell(x, cli, status, e) == -1 ? -1 : status);
}

static void
export_fini(struct export *x)
{
	publish_abort(&x->files);
	sidecar_fini(&x->about);
	exportrun_fini(&x->run);
	exportnode_close(&x->node);
	exportargs_fini(&x->args);
}

/* What only a copy, or only a node's export, would heed. */
static int
check_words(const struct exportargs *a)
{
	const struct exportrun_options *r = &a->run;

	if (a->nimages != 1 || a->to != NULL || a->as != NULL ||
	    a->profile != NULL || a->replace || a->force ||
	    a->allow_unproved_arch || a->import_limit_s > 0)
		return (-1);
	if (a->from != NULL)
		return (0);
	return (a->output == NULL || a->complete || a->dry_run || r->native ||
	    r->work != NULL || r->limit_s > 0 || r->grace_s > 0 ||
	    r->nroots > 0 ? -1 : 0);
}

int
imgexport_main(struct cli *cli, int argc, char **argv)
{
	struct export x;
	struct err e = { 0 };
	int status;

	memset(&x, 0, sizeof(x));
	if ((status = exportargs_parse(&x.args, cli, argc, argv,
	    0)) != 0)
		return (status);
	if (check_words(&x.args) == -1) {
		exportargs_fini(&x.args);
		return (cli_usage(IMAGE_EXPORT_USAGE));
	}
	if (x.args.from == NULL) {
		status = keptcmd_export(cli, x.args.images[0], x.args.output);
		exportargs_fini(&x.args);
		return (status);
	}
	cancel_catch_signals();
	status = run(&x, cli, &e);
	export_fini(&x);
	return (status == -1 ? cli_fail(&e) : status);
}
