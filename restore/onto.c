#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/cpu.h"
#include "base/io.h"
#include "restore/attrs.h"
#include "restore/ontokey.h"
#include "restore/ontoplan.h"
#include "restore/target.h"

#define THREADS_MAX 16
#define DATABASE "/.dbbackup"
#define FACTS "/.xcatvault"	/* found out by a backup: not the node's */

/* ---------------------------------------------------------------- before */

/* The vault: the command line's, the site's own, or the default one. */
static int
open_view(struct onto *o, const struct cli *cli, struct err *e)
{
	struct cli with = *cli;

	if (with.vault == NULL && o->reach.site != NULL)
		with.vault = o->reach.site->vault;
	return (view_open(&o->view, &with, o->args->snap, e));
}

static int
reach(struct onto *o, struct err *e)
{
	const struct probe_tool *t;

	if ((o->node.control = remote_open(&o->reach.target, e)) == NULL ||
	    probe_site(o->node.control, 0, &o->probe, e) == -1 ||
	    probe_check_tools(&o->probe, e) == -1)
		return (-1);
	t = &o->probe.tools[PROBE_SHA256SUM];
	if (t->trouble != NULL)
		return (err_set(e, ERR_FAILED, "%s: %s: %s",
		    remote_name(o->node.control), t->name, t->trouble));
	return (0);
}

/* Where this host sees a volume of the site itself. */
static const char *
local_of(const struct onto *o, const struct snapshot_volume *vol)
{
	const struct config_site *site = o->reach.site;
	size_t i;

	/* Nothing is kept aside there. */
	if (site == NULL || o->args->keep_old)
		return (NULL);
	for (i = 0; i < site->nvolumes; i++)
		if (strcmp(site->volumes[i].path, vol->path) == 0)
			return (site->volumes[i].local);
	return (NULL);
}

static int
is_wanted(const struct onto *o, const struct snapshot_volume *vol)
{
	size_t i;

	/* With tables only, volumes are wanted where paths are named. */
	if (strcmp(vol->path, DATABASE) == 0 ||
	    (o->whole && strcmp(vol->path, FACTS) == 0) ||
	    (o->whole && o->args->tables != NULL))
		return (0);
	for (i = 0; i < o->sel.n; i++)
		if (o->sel.tops[i].volume == vol)
			return (1);
	return (0);
}

/* What a login there rests upon comes last. */
static int
comes_late(const struct onto *o, const struct snapshot_volume *vol)
{
	return (strcmp(vol->path, "/root") == 0 ? 2 :
	    ontokey_covers(o, vol) ? 1 : 0);
}

static void
add_volume(struct onto *o, const struct snapshot_volume *vol)
{
	struct onto_volume *v = &o->volumes[o->nvolumes++];

	v->vol = vol;
	v->local = local_of(o, vol);
	survey_init(&v->survey, &o->survey, vol, vol->path);
}

static int
choose_volumes(struct onto *o, struct err *e)
{
	const struct snapshot_volume *vol;
	size_t i;
	int late;

	o->volumes = calloc(o->view.snap.nvolumes + 1, sizeof(*o->volumes));
	if (o->volumes == NULL)
		return (err_nomem(e));
	for (late = 0; late <= 2; late++)
		for (i = 0; i < o->view.snap.nvolumes; i++) {
			vol = &o->view.snap.volumes[i];
			if (is_wanted(o, vol) && comes_late(o, vol) == late)
				add_volume(o, vol);
		}
	if (o->nvolumes == 0 && !o->db.wanted)
		return (err_set(e, ERR_USAGE, "nothing to restore: "
		    DATABASE " is the database's, which is restored as a "
		    "whole or with --table"));
	return (0);
}

/* ---------------------------------------------------- by way of this host */

static void
add_newer(void *arg, const char *path, uint64_t size)
{
	survey_add_newer(arg, path, size);
}

/* A volume that this host sees is restored below that directory. */
static int
run_local(struct onto *o, struct onto_volume *v, int dry_run,
    struct plan_totals *t, struct err *e)
{
	struct plan_node node = {
		.vol = v->vol, .database = o->survey.database,
		.since = o->view.snap.start,
		.newer = dry_run ? add_newer : NULL, .arg = &v->survey,
	};
	struct plan_options opt = {
		.node = &node, .root = -1, .dry_run = dry_run,
		.exact = o->args->exact,
		.checksum = o->args->checksum,
		.verbose = dry_run && o->survey.verbose,
		.out = o->survey.out, .threads = cpu_count(THREADS_MAX),
		.report = o->report,
	};
	struct selection sel = { NULL, 0, 0 };
	struct stat st;
	size_t i;
	int rc = -1;

	sel.tops = calloc(o->sel.n, sizeof(*sel.tops));
	if (sel.tops == NULL)
		return (err_nomem(e));
	for (i = 0; i < o->sel.n; i++) {
		if (o->sel.tops[i].volume == v->vol)
			sel.tops[sel.n++] = o->sel.tops[i];
	}
	if (!dry_run || stat(v->local, &st) == 0)
		opt.root = target_open_root(v->local, !dry_run, e);
	if (opt.root != -1 || (dry_run && stat(v->local, &st) == -1))
		rc = plan_run(&o->view, &sel, &opt, t, e);
	if (opt.root != -1)
		close(opt.root);
	free(sel.tops);
	return (rc);
}

static int
look_locally(struct onto *o, struct onto_volume *v, struct err *e)
{
	struct statvfs fs;
	int rc;

	rc = run_local(o, v, 1, &v->totals.plan, e);
	v->totals.newer = v->survey.totals.newer;
	v->totals.newer_bytes = v->survey.totals.newer_bytes;
	v->totals.blocks = v->totals.plan.bytes;
	v->room = v->inodes = UINT64_MAX;
	if (statvfs(v->local, &fs) == 0)
		v->room = (uint64_t)fs.f_bavail * fs.f_frsize;
	return (rc);
}

/* ------------------------------------------------------------------- plan */

static int
ask_facts(struct onto *o, struct err *e)
{
	const char **paths;
	size_t i;
	int rc;

	if ((paths = calloc(o->nvolumes + 1, sizeof(*paths))) == NULL)
		return (err_nomem(e));
	for (i = 0; i < o->nvolumes; i++)
		paths[i] = o->volumes[i].survey.root;
	rc = ontofacts_ask(&o->node, paths, o->nvolumes, &o->facts, e);
	free(paths);
	for (i = 0; rc == 0 && i < o->nvolumes; i++)
		if (o->volumes[i].local == NULL) {
			o->volumes[i].room = o->facts.places[i].room;
			o->volumes[i].inodes = o->facts.places[i].inodes;
		}
	return (rc);
}

static int
make_plan(struct onto *o, FILE *tell, struct err *e)
{
	struct onto_volume *v;

	if (choose_volumes(o, e) == -1 || ask_facts(o, e) == -1)
		return (-1);
	for (v = o->volumes; v < o->volumes + o->nvolumes; v++) {
		if (v->local != NULL) {
			if (look_locally(o, v, e) == -1)
				return (-1);
			continue;
		}
		if (survey_run(&v->survey, SURVEY_FIRST, e) == -1)
			return (-1);
		v->totals = v->survey.totals;
	}
	return (ontodb_plan(o, tell, e));
}

/* --------------------------------------------------------------- execution */

static int
restore_volumes(struct onto *o, const struct cli *cli, struct err *e)
{
	struct send_options opt = {
		.survey = o->survey, .probe = &o->probe,
		.old_name = o->old_name,
		.lanes = o->reach.site != NULL ? o->reach.site->lanes : 0,
	};
	struct plan_totals t = { 0 };
	struct onto_volume *v;
	uint64_t files = 0, bytes = 0;
	int rc = 0;

	opt.progress = progress_new("restored", !cli->quiet && !cli->json);
	for (v = o->volumes; v < o->volumes + o->nvolumes; v++) {
		files += v->totals.plan.created + v->totals.plan.replaced;
		bytes += v->totals.plan.bytes;
	}
	progress_expect(opt.progress, files, bytes);
	for (v = o->volumes; rc == 0 && v < o->volumes + o->nvolumes; v++) {
		ontokey_expect(o, v->vol);
		if (v->local != NULL) {
			rc = run_local(o, v, 0, &t, e);
			v->sent.damaged = t.damaged;
		} else
			rc = send_volume(&opt, &v->survey, &v->sent, e);
		v->done = rc == 0;
		if (rc == -1)
			err_wrap(e, "%s: %s", remote_name(o->node.control),
			    v->vol->path);
	}
	progress_free(opt.progress);
	return (rc);
}

static int
print_json(json_t *j, struct err *e)
{
	return (cli_json(j, e) == -1 ? -1 : cli_flush(e));
}

/* Whether it may be done: 1; 0 when a dry run has told why not; -1. */
static int
may_be_done(const struct onto *o, struct err *e)
{
	struct buf why = BUF_INIT;
	int rc = 1;

	ontoplan_refusal(o, &why, o->args->force);
	if (why.len == 0)
		ontodb_refusal(o, &why, o->args->force);
	if (why.len > 0 && o->args->dry_run) {
		cli_warn("would be refused: %s", buf_cstr(&why));
		rc = 0;
	} else if (why.len > 0)
		rc = err_set(e, ERR_FAILED, "%s; nothing was changed: %s",
		    remote_name(o->node.control), buf_cstr(&why));
	buf_fini(&why);
	return (rc);
}

static int
carry_out(struct onto *o, const struct cli *cli, struct err *e)
{
	FILE *tell = cli->json || cli->quiet ? NULL : stdout;
	json_t *j = NULL;
	int rc, may;

	if (make_plan(o, tell, e) == -1)
		return (-1);
	if (cli->json)
		j = ontoplan_json(o);
	else if (!cli->quiet)
		ontoplan_print(o, stdout);
	if (fflush(stdout) != 0 || (may = may_be_done(o, e)) == -1) {
		json_decref(j);
		return (-1);
	}
	if (o->args->dry_run) {
		if (o->db.plan != NULL && tell != NULL)
			dbput_steps(o->db.plan, tell);
		rc = cli->json ? print_json(j, e) : cli_flush(e);
		return (rc == -1 ? -1 : !may);
	}
	if ((rc = ontodb_keep_undo(o, e)) == 0)
		rc = restore_volumes(o, cli, e);
	if (rc == 0)
		rc = ontokey_tell(o, e);
	if (rc == 0)
		rc = ontodb_run(o, tell, e);
	if (cli->json && rc == 0) {
		json_object_set_new(j, "result", ontoplan_result_json(o));
		rc = print_json(j, e);
	} else {
		json_decref(j);
		if (!cli->quiet && !cli->json)
			ontoplan_print_result(o, stdout);
		if (rc == 0)
			rc = cli_flush(e);
	}
	return (rc);
}

/* ------------------------------------------------------------------- whole */

/* What is named, and what an osimage needs. */
static int
choose_paths(struct onto *o, struct err *e)
{
	const struct onto_arguments *a = o->args;
	char **all;
	size_t i, n = 0;
	int rc;

	if (a->image == NULL)
		return (select_paths(&o->sel, &o->view, a->paths, a->npaths,
		    e));
	if (ontoimage_paths(&o->image, &o->view, a->image, o->report,
	    e) == -1)
		return (-1);
	if ((all = calloc(a->npaths + o->image.n, sizeof(*all))) == NULL)
		return (err_nomem(e));
	for (i = 0; i < a->npaths; i++)
		all[n++] = a->paths[i];
	for (i = 0; i < o->image.n; i++)
		all[n++] = o->image.paths[i];
	rc = select_paths(&o->sel, &o->view, all, n, e);
	free(all);
	return (rc);
}

static int
open_all(struct onto *o, struct cli *cli, struct err *e)
{
	const struct config *config;

	if ((config = cli_config(cli, e)) == NULL ||
	    reach_init(&o->reach, config, o->args->site,
	    isatty(STDIN_FILENO), e) == -1 ||
	    open_view(o, cli, e) == -1)
		return (-1);
	/* A second run of a restore adds to what the first has kept. */
	snprintf(o->old_name, sizeof(o->old_name), WALK_ASIDE "%s",
	    o->view.snap.id);
	(void)io_max_files();
	umask(0);
	cancel_catch_signals();
	if (choose_paths(o, e) == -1)
		return (-1);
	if (ontodb_prepare(o, e) == -1)
		return (-1);
	o->survey.database = o->db.wanted;
	if (reach(o, e) == -1)
		return (-1);
	o->survey.no_attrs = attrs_trouble(&o->probe);
	return (0);
}

static void
prepare(struct onto *o, const struct onto_arguments *a,
    const struct cli *cli)
{
	memset(o, 0, sizeof(*o));
	o->args = a;
	o->whole = a->npaths == 0 && a->image == NULL;
	o->survey = (struct survey_options){
		.view = &o->view, .sel = &o->sel, .node = &o->node,
		.exact = a->exact, .keep_old = a->keep_old,
		.checksum = a->checksum, .verbose = a->verbose,
		.out = cli->json ? stderr : stdout,
	};
}

static void
finish(struct onto *o)
{
	size_t i;

	for (i = 0; i < o->nvolumes; i++)
		survey_fini(&o->volumes[i].survey);
	free(o->volumes);
	ontodb_fini(&o->db);
	ontoimage_fini(&o->image);
	ontofacts_fini(&o->facts);
	probe_fini(&o->probe);
	remote_close(o->node.control);
	reach_fini(&o->reach);
	select_fini(&o->sel);
	view_close(&o->view);
	report_free(o->report);
}

static int
damage(const struct onto *o)
{
	size_t i;

	for (i = 0; i < o->nvolumes; i++)
		if (o->volumes[i].sent.damaged > 0 ||
		    o->volumes[i].sent.wrong > 0)
			return (1);
	return (0);
}

int
onto_run(const struct onto_arguments *a, struct cli *cli)
{
	struct err e = { .kind = ERR_NONE };
	struct onto o;
	int rc, status;

	prepare(&o, a, cli);
	if ((o.report = report_new(REPORT_ALL)) == NULL)
		return (cli_fail((err_nomem(&e), &e)));
	o.survey.report = o.report;
	rc = open_all(&o, cli, &e);
	if (rc == 0)
		rc = carry_out(&o, cli, &e);
	status = rc == -1 ? cli_fail(&e) :
	    damage(&o) ? STATUS_DAMAGED :
	    ontodb_status(&o.db) > STATUS_REPORTED ? ontodb_status(&o.db) :
	    o.view.status != STATUS_DONE ? o.view.status :
	    rc == 1 || ontodb_status(&o.db) != STATUS_DONE ||
	    report_count(o.report) > 0 ? STATUS_REPORTED :
	    STATUS_DONE;
	finish(&o);
	return (status);
}
