#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/human.h"
#include "imgxfer/exportargs.h"
#include "imgxfer/exportextra.h"
#include "imgxfer/exportshow.h"
#include "imgxfer/import.h"
#include "imgxfer/importextra.h"
#include "imgxfer/lay.h"
#include "imgxfer/verbs.h"

struct copy {
	struct exportargs args;
	const struct cli *cli;
	struct exportnode from, to;
	struct node target;	/* the import's session with to */
	struct buf site;	/* to, as import wants it called */
	struct inspect_roots roots;	/* where images may be put there */
	struct vault *vault;
	json_t *told;
};

/* One image on its way. */
struct copying {
	struct exportrun run;
	struct lay *lay;
	struct import_result res;
	unsigned again;		/* connections made anew */
	double seconds;		/* that the carrying took */
	int imported;
	/* What imgexport leaves out: its archive, in a nameless file. */
	struct sidecar side;
	int extra;		/* -1: there is none */
	struct import_extra *extras;
	size_t nextras;
	struct arena arena;
};

static void
import_how(const struct copy *c, struct import_options *opt)
{
	const struct exportargs *a = &c->args;

	memset(opt, 0, sizeof(*opt));
	opt->site = (const char *)c->site.data;
	opt->as = a->as;
	opt->profile = a->profile;
	opt->replace = a->replace;
	opt->force = a->force;
	opt->allow_unproved_arch = a->allow_unproved_arch;
	opt->limit_s = a->import_limit_s;
	opt->vault = c->vault;
	opt->inspect = &c->roots.opt;
}

/* ---------------------------------------------------------------- one image */

/*
 * What the import would refuse when all of it has been carried.  A profile of
 * its own gives the files other places.
 */
static int
check_targets(const struct copy *c, const struct exportplan *p,
    struct err *e)
{
	const char *why, *node = remote_name(c->target.control);
	size_t i;

	if (exportplan_value(&p->osimage, "kitcomponents")[0] != '\0')
		return (err_set(e, ERR_FAILED, "osimage.kitcomponents: "
		    "bundles with kits are not imported: imgimport would "
		    "have xcatd run what they bring, which nothing could put "
		    "back.  Copy the image without them (chdef -t osimage %s "
		    "kitcomponents=, and back again afterwards), and bring "
		    "the kits to %s with addkit", p->image, node));
	for (i = 0; i < p->nfiles && c->args.profile == NULL; i++)
		if ((why = inspect_path(p->files[i].path, &c->roots.opt)) !=
		    NULL)
			return (err_set(e, ERR_USAGE, "%s: %s %s: %s", node,
			    p->files[i].role, p->files[i].path, why));
	return (0);
}

/* What can be known before imgexport begins. */
static int
look(struct copy *c, struct copying *o, const char *image, struct err *e)
{
	struct import_options opt;

	import_how(c, &opt);
	opt.dry_run = c->args.dry_run;
	if (exportrun_plan(&o->run, &c->from, image, &c->args.run, e) == -1 ||
	    exportrun_check(&o->run, e) == -1)
		return (-1);
	if (c->args.complete && exportextra_list(&o->run.plan, c->from.r,
	    e) == -1)
		return (-1);
	if (exportnode_rouse(&c->target.control, e) == -1)
		return (-1);
	if (check_targets(c, &o->run.plan, e) == -1)
		return (-1);
	return (import_preflight(&c->target, opt.as != NULL ? opt.as : image,
	    o->run.plan.bytes, &opt, e));
}

static const char *
find_place(struct copy *c, uint64_t bytes, struct err *e)
{
	struct nodefs *fs;
	const char *place;

	if (exportnode_rouse(&c->target.control, e) == -1 ||
	    (fs = nodefs_new(c->target.control, e)) == NULL)
		return (NULL);
	place = lay_place(&c->to.probe, fs, bytes, e);
	nodefs_free(fs);
	return (place);
}

static int
open_extra(const struct copying *o, struct source_file *file,
    struct source *out, struct err *e)
{
	char path[32];

	snprintf(path, sizeof(path), "/dev/fd/%d", o->extra);
	return (source_file_open(file, path, out, e));
}

/* What the bundle lacks, to be put beside the image there. */
static int
bring_extras(struct copy *c, struct copying *o, struct err *e)
{
	struct source_file file;
	struct source from;
	size_t i, skipped, carried = 0;
	int rc;

	for (i = 0; i < o->run.plan.nleft; i++)
		carried += o->run.plan.left[i].carried != 0;
	if (carried == 0)
		return (0);
	if (exportrun_sidecar(&o->run, "bundle", &o->side, e) == -1 ||
	    (o->extra = exportextra_temp(e)) == -1 ||
	    exportextra_fetch(&c->from, &o->side, "bundle", o->extra, e) ==
	    -1 || open_extra(o, &file, &from, e) == -1)
		return (-1);
	rc = importextra_list(&from, &c->roots.opt, o->side.extra.digest,
	    &o->arena, &o->extras, &o->nextras, &skipped, e);
	source_file_close(&file);
	if (rc == 0 && skipped > 0)
		rc = exportplan_warn(&o->run.plan, e, "%zu of what imgexport "
		    "leaves out may not be put there: other things than "
		    "files, or paths that xCAT would not have", skipped);
	return (rc);
}

/* Then the first node is done with; the other one hears of us meanwhile. */
static int
prove(struct copy *c, struct copying *o, struct err *e)
{
	struct err left;
	int rc;

	o->again = held_reconnected(lay_held(o->lay));
	if (o->run.held != NULL)
		o->again += held_reconnected(o->run.held);
	if (held_keep(lay_held(o->lay), e) == -1)
		return (-1);
	rc = exportrun_prove(&o->run, e);
	if (rc == 0 && c->args.complete)
		rc = bring_extras(c, o, e);
	if (rc == 0 && exportrun_end(&o->run, &left) == -1)
		rc = exportplan_warn(&o->run.plan, e, "%s", left.msg);
	held_unkeep(lay_held(o->lay));
	return (rc);
}

/* The disk there takes its time; the first node hears of us meanwhile. */
static int
end_laying(struct copying *o, const struct err *failed, struct err *e)
{
	struct held *from = o->run.held;
	int rc;

	if (from == NULL || failed != NULL)
		return (lay_end(o->lay, failed, e));
	if (held_keep(from, e) == -1)
		return (lay_end(o->lay, e, e));
	rc = lay_end(o->lay, NULL, e);
	held_unkeep(from);
	return (rc);
}

/* From there to there, and proved at both ends. */
static int
carry(struct copy *c, struct copying *o, struct err *e)
{
	struct lay_options opt = { .grace_s = c->args.run.grace_s,
	    .from = &c->from, .path = o->run.held != NULL ?
	    held_path(o->run.held) : NULL };
	uint8_t digest[DIGEST_LEN];
	struct progress *progress;
	struct sink to;
	int rc;

	if ((opt.base = find_place(c, o->run.bytes, e)) == NULL ||
	    (o->lay = lay_new(c->target.control, &opt, e)) == NULL)
		return (-1);
	to = lay_sink(o->lay);
	progress = progress_new("copied", !c->cli->quiet && !c->cli->json);
	o->seconds = clock_now();
	rc = exportrun_carry(&o->run, &c->args.run, &to, progress, e);
	rc = end_laying(o, rc == -1 ? e : NULL, e);
	progress_free(progress);
	if (rc == -1 || prove(c, o, e) == -1 ||
	    held_digest(lay_held(o->lay), digest, e) == -1)
		return (-1);
	o->seconds = clock_now() - o->seconds;
	return (memcmp(digest, o->run.in.bundle_digest, DIGEST_LEN) == 0 ? 0 :
	    err_set(e, ERR_DAMAGED, "%s: the SHA-256 of the bundle is "
	    "another one there than here",
	    remote_name(c->target.control)));
}

/* The bundle lies there; its directory must live as long as this takes. */
static int
import(struct copy *c, struct copying *o, struct err *e)
{
	struct import_bundle bundle = { .in = &o->run.in,
	    .lies_at = held_path(lay_held(o->lay)) };
	struct import_options opt;
	struct source_file file;
	struct source extras;
	int rc = -1;

	import_how(c, &opt);
	if (exportnode_rouse(&c->target.control, e) == -1)
		return (-1);
	if (o->nextras > 0) {
		if (open_extra(o, &file, &extras, e) == -1)
			return (-1);
		opt.extras = o->extras;
		opt.nextras = o->nextras;
		opt.extras_tar = &extras;
	}
	if (held_keep(lay_held(o->lay), e) == 0) {
		rc = import_run(&c->target, &bundle, &opt, &o->res, e);
		o->imported = 1;
		held_unkeep(lay_held(o->lay));
	}
	if (o->nextras > 0)
		source_file_close(&file);
	return (rc);
}

static int
copy_one(struct copy *c, struct copying *o, const char *image, struct err *e)
{
	struct err left;
	int rc;

	if (look(c, o, image, e) == -1)
		return (-1);
	if (c->args.dry_run)
		return (0);
	if (exportrun_make(&o->run, &c->args.run, e) == -1 ||
	    carry(c, o, e) == -1)
		return (-1);
	rc = import(c, o, e);
	if (held_end(lay_held(o->lay), &left) == -1 && rc == 0)
		rc = exportplan_warn(&o->run.plan, e, "%s", left.msg);
	return (rc);
}

/* ----------------------------------------------------------------- telling */

static void
tell_text(struct copy *c, const struct copying *o)
{
	const struct inspect *in = &o->run.in;
	char bytes[HUMAN_LEN];
	size_t i;

	if (c->cli->quiet)
		return;
	for (i = 0; i < o->run.plan.nwarnings; i++)
		cli_warn("%s: %s", o->run.plan.image,
		    o->run.plan.warnings[i].text);
	for (i = 0; i < o->res.nwarnings; i++)
		cli_warn("%s: %s", o->run.plan.image,
		    o->res.warnings[i].text);
	human_bytes(in->bundle_bytes, bytes);
	printf("%s: %s from %s to %s, the same at both ends%s\n",
	    o->run.plan.image, bytes, remote_name(c->from.r),
	    remote_name(c->target.control), o->again > 0 ?
	    ", over connections made anew" : "");
	import_print(&o->res, c->cli->quiet, stdout);
}

/* One object for each image, whatever it came to. */
static int
tell_json(struct copy *c, const struct copying *o, const char *image,
    int status, const struct err *why)
{
	char hex[DIGEST_HEX + 1];
	json_t *j;

	j = json_pack("{s:s, s:s, s:s, s:i, s:I}", "image", image,
	    "from", c->args.from, "to", c->args.to, "status", status,
	    "reconnected", (json_int_t)o->again);
	if (j == NULL)
		return (-1);
	if (why != NULL)
		(void)json_object_set_new(j, "error",
		    json_string(why->msg));
	if (o->run.proved) {
		digest_hexz(o->run.in.bundle_digest, hex);
		(void)json_object_set_new(j, "bundle_bytes",
		    json_integer((json_int_t)o->run.in.bundle_bytes));
		(void)json_object_set_new(j, "sha256", json_string(hex));
		(void)json_object_set_new(j, "transfer_seconds",
		    json_real(o->seconds));
	}
	if (c->args.dry_run && o->run.plan.image != NULL)
		(void)json_object_set_new(j, "plan",
		    exportshow_plan_json(&o->run));
	if (o->imported)
		(void)json_object_set_new(j, "import",
		    import_json(&o->res));
	return (json_array_append_new(c->told, j));
}

/* An error, and what it has left standing. */
static int
tell_failure(struct copy *c, const struct copying *o, const char *image,
    struct err *why)
{
	size_t i;
	int status;

	if (c->args.nimages > 1)
		(void)err_wrap(why, "%s", image);
	status = cli_fail(why);
	for (i = 0; o->imported && i < o->res.nstanding; i++)
		cli_warn("%s", o->res.standing[i].text);
	if (o->imported && o->res.undo != NULL &&
	    o->res.fate != IMPORT_PUT_BACK)
		cli_warn("what was to be replaced is kept as snapshot %s",
		    o->res.undo);
	return (status);
}

static int
run_one(struct copy *c, const char *image)
{
	struct copying o;
	struct err e = { 0 };
	int rc, status;

	memset(&o, 0, sizeof(o));
	o.extra = -1;
	rc = copy_one(c, &o, image, &e);
	if (rc == -1)
		status = tell_failure(c, &o, image, &e);
	else if (c->args.dry_run)
		status = c->cli->json ? STATUS_DONE :
		    exportshow_plan(&o.run, c->cli, &e);
	else {
		status = exportrun_status(&o.run);
		if (status == STATUS_DONE)
			status = import_status(&o.res);
		if (!c->cli->json)
			tell_text(c, &o);
	}
	if (c->cli->json && tell_json(c, &o, image, status,
	    rc == -1 ? &e : NULL) == -1)
		status = STATUS_FAILED;
	lay_free(o.lay);
	import_result_fini(&o.res);
	exportrun_fini(&o.run);
	sidecar_fini(&o.side);
	if (o.extra != -1)
		close(o.extra);
	free(o.extras);
	arena_fini(&o.arena);
	return (status);
}

/* --------------------------------------------------------------------- all */

static int
open_ends(struct copy *c, struct err *e)
{
	struct cli with = *c->cli;
	struct err none;
	const char *path;

	if (exportnode_open(&c->from, c->cli, c->args.from, e) == -1 ||
	    exportnode_open(&c->to, c->cli, c->args.to, e) == -1 ||
	    import_site_name(&c->site, c->args.to, e) == -1)
		return (-1);
	(void)buf_cstr(&c->site);
	/* From here on the session is the import's, who may replace it. */
	nodefs_free(c->to.fs);
	c->to.fs = NULL;
	inspect_roots(&c->roots, c->args.roots, c->args.run.nroots,
	    c->to.probe.installdir);
	c->target.control = c->to.r;
	c->to.r = NULL;
	if (!c->args.replace)
		return (0);
	if (with.vault == NULL && c->to.reach.site != NULL)
		with.vault = c->to.reach.site->vault;
	if ((path = cli_vault(&with, &none)) == NULL)
		return (0);
	c->vault = vault_open(path, e);
	return (c->vault != NULL ? 0 : -1);
}

static int
run_all(struct copy *c)
{
	struct err e;
	size_t i;
	int status = STATUS_DONE, one;

	if (open_ends(c, &e) == -1)
		return (cli_fail(&e));
	if ((c->told = json_array()) == NULL)
		return (STATUS_FAILED);
	for (i = 0; i < c->args.nimages; i++) {
		one = run_one(c, c->args.images[i]);
		status = one > status ? one : status;
		if (cancel_check(&e) == -1)
			break;
	}
	if (c->cli->json) {
		(void)cli_json(json_incref(c->told), &e);
	}
	return (cli_flush(&e) == -1 ? cli_fail(&e) : status);
}

static int
check_words(const struct exportargs *a)
{
	if (a->nimages == 0 || a->from == NULL || a->to == NULL ||
	    a->output != NULL)
		return (-1);
	/* One name for several images? */
	return (a->nimages > 1 && (a->as != NULL || a->profile != NULL) ?
	    -1 : 0);
}

int
imgcopy_main(struct cli *cli, int argc, char **argv)
{
	struct copy c;
	int status;

	memset(&c, 0, sizeof(c));
	c.cli = cli;
	if ((status = exportargs_parse(&c.args, cli, argc, argv,
	    1)) != 0)
		return (status);
	if (check_words(&c.args) == -1)
		return (cli_usage(IMAGE_COPY_USAGE));
	cancel_catch_signals();
	status = run_all(&c);
	vault_close(c.vault);
	json_decref(c.told);
	buf_fini(&c.site);
	if (c.target.control != NULL)
		remote_close(c.target.control);
	exportnode_close(&c.to);
	exportnode_close(&c.from);
	exportargs_fini(&c.args);
	return (status);
}
