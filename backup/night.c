#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backup/archived.h"
#include "backup/full.h"
#include "backup/hook.h"
#include "backup/night.h"
#include "backup/places.h"
#include "backup/summary.h"
#include "base/cancel.h"
#include "remote/node/dump.h"
#include "remote/node/node.h"
#include "remote/node/probe.h"
#include "remote/node/reach.h"
#include "remote/node/stand.h"

#define TELL_FINDINGS 20	/* of a dump that is stored */
#define AS_IT_WAS "is as it was"
#define NO_XCAT "xCAT's commands are not on the node"
#define TELL_BROKEN 5		/* of one that is not: the first say it */

struct night {
	const struct night_options *opt;
	const struct config_site *site;
	const struct cli *cli;
	struct backup_run *run;
	struct report *report;	/* the run's */
	struct reach reach;
	struct node node;	/* control NULL: the site has no address */
	struct probe probe;
	struct dump *dump;
	struct places places;
	struct full *full;	/* of profile "full", or NULL */
	struct full_options full_options;
	const char **excludes;	/* of the site and the command line */
};

static int
set_text(char **to, const char *from)
{
	if (from == NULL)
		return (0);
	return ((*to = strdup(from)) != NULL ? 0 : -1);
}

/* Who was backed up goes into the snapshot. */
static int
describe_node(struct night *n, struct err *e)
{
	struct snapshot_node *to = &backup_run_snapshot(n->run)->node;
	const struct probe *p = &n->probe;

	if (set_text(&to->address, remote_name(n->node.control)) == -1 ||
	    set_text(&to->fingerprint,
	    remote_fingerprint(n->node.control)) == -1 ||
	    set_text(&to->hostname, p->hostname) == -1 ||
	    set_text(&to->os, p->os) == -1 ||
	    set_text(&to->arch, p->arch) == -1 ||
	    set_text(&to->xcat, p->xcat_version) == -1 ||
	    set_text(&to->engine, p->db_engine) == -1)
		return (err_nomem(e));
	return (0);
}

static int
reach_node(struct night *n, struct err *e)
{
	if (n->site->address == NULL)
		return (0);
	if (reach_site(&n->reach, n->site, isatty(STDIN_FILENO), e) == -1 ||
	    (n->node.control = remote_open(&n->reach.target, e)) == NULL)
		return (-1);
	if (remote_weak_password(n->node.control))
		report_add(n->report, "password", "/", "root's password is "
		    "the one that xCAT's container image comes with, known "
		    "to everybody: change it");
	if (probe_site(n->node.control, 0, &n->probe, e) == -1 ||
	    probe_check_tools(&n->probe, e) == -1)
		return (-1);
	if (n->probe.tools[PROBE_TAR_XATTRS].trouble != NULL)
		report_add(n->report, "attributes", "/", "not stored: tar on "
		    "the node has no --xattrs");
	return (describe_node(n, e));
}

/* ------------------------------------------------------------ the database */

/* The newest proved dump of the site, to compare rows with. */
static const struct snapshot_database *
earlier_dump(const struct night *n)
{
	const struct snapshot *old;
	size_t i, count;

	old = backup_run_earlier(n->run, &count);
	for (i = 0; i < count; i++)
		if (old[i].database.ntables > 0)
			return (&old[i].database);
	return (NULL);
}

static void
tell_finding(struct night *n, const struct xcatdump_finding *f)
{
	struct buf text = BUF_INIT, path = BUF_INIT;

	xcatdump_finding_text(&text, f);
	buf_puts(&path, DUMP_TARGET);
	if (xcatdump_table_named(dump_proof(n->dump), f->table) != NULL)
		buf_printf(&path, "/%s.csv", f->table);
	if (f->level > XCATCSV_NOTE)
		report_add(n->report, "database", buf_cstr(&path), "%s",
		    buf_cstr(&text));
	else
		report_note(n->report, "database", buf_cstr(&path), "%s",
		    buf_cstr(&text));
	buf_fini(&text);
	buf_fini(&path);
}

static void
tell_findings(struct night *n)
{
	const struct xcatdump *proof = dump_proof(n->dump);
	size_t i, all = xcatdump_findings(proof), most = TELL_FINDINGS;

	if (dump_verdict(n->dump) == SNAPSHOT_DUMP_FAILED)
		most = TELL_BROKEN;
	for (i = 0; i < all && i < most; i++)
		tell_finding(n, xcatdump_finding(proof, i));
	if (i < all)
		report_note(n->report, "database", DUMP_TARGET, "and %zu "
		    "more findings of the kind", all - i);
}

/*
 * The snapshot will be without a database, and says so first of all.
 * target: what is in DUMP_TARGET.
 */
static int
lose_database(struct night *n, const char *reason, const char *target,
    struct err *e)
{
	struct snapshot *s = backup_run_snapshot(n->run);
	struct snapshot_database *d = &s->database;
	size_t i;

	for (i = 0; i < d->ntables; i++)
		free(d->tables[i].name);
	d->ntables = 0;
	d->dump = SNAPSHOT_DUMP_FAILED;
	s->partial = 1;
	free(d->reason);
	if ((d->reason = strdup(reason)) == NULL)
		return (err_nomem(e));
	cli_warn("%s: NO DATABASE in this snapshot, which will be partial; "
	    DUMP_TARGET " %s: %s", n->site->name, target, reason);
	return (0);
}

static int
make_dump(struct night *n, struct err *e)
{
	struct dump_options opt = { .probe = &n->probe, .publish = 1 };
	struct err why = { .kind = ERR_NONE };

	if (n->node.control == NULL)
		return (0);
	if (n->probe.xcatd == PROBE_XCATD_ABSENT) {
		if (lose_database(n, NO_XCAT, AS_IT_WAS, e) == -1)
			return (-1);
		report_add(n->report, "database", DUMP_TARGET, NO_XCAT);
		return (0);
	}
	opt.earlier = earlier_dump(n);
	opt.max_loss = n->opt->accept_loss ? 100 : n->site->max_loss;
	opt.limit_s = n->site->dump_s;
	if ((n->dump = dump_new(n->node.control, &opt, e)) == NULL ||
	    dump_describe(n->dump, &backup_run_snapshot(n->run)->database,
	    e) == -1)
		return (-1);
	if (dump_verdict(n->dump) != SNAPSHOT_DUMP_FAILED &&
	    dump_publish(n->dump, &why) == -1) {
		if (cancel_check(e) == -1)
			return (-1);
		if (lose_database(n, why.msg, dump_unsure(n->dump) ?
		    "is as it was, or has the new dump" : AS_IT_WAS, e) == -1)
			return (-1);
		report_add(n->report, "database", DUMP_TARGET, "%s",
		    why.msg);
	} else if (dump_verdict(n->dump) == SNAPSHOT_DUMP_FAILED &&
	    lose_database(n, dump_reason(n->dump), AS_IT_WAS, e) == -1)
		return (-1);
	if (n->probe.xcatd != PROBE_XCATD_UP)
		report_add(n->report, "database", DUMP_TARGET, "xcatd does "
		    "not answer (%s): dumped with XCATBYPASS=1",
		    n->probe.xcatd_reason != NULL ? n->probe.xcatd_reason :
		    "no reason given");
	tell_findings(n);
	return (0);
}

static int
has_database(const struct night *n)
{
	enum snapshot_dump dump = backup_run_snapshot(n->run)->database.dump;

	return (dump == SNAPSHOT_DUMP_WHOLE || dump == SNAPSHOT_DUMP_WARNED);
}

/* --------------------------------------------------------------- volumes */

static int
is_dump_target(const char *path)
{
	return (strcmp(path, DUMP_TARGET) == 0);
}

/*
 * Configured volumes, or those that the node has.  Without a proved dump
 * the old one is left out: it must not look like tonight's.
 */
static int
choose_volumes(struct night *n, struct err *e)
{
	const struct config_volume *v;
	size_t i;

	for (i = 0; i < n->site->nvolumes; i++) {
		v = &n->site->volumes[i];
		if (is_dump_target(v->path) && n->node.control != NULL &&
		    !has_database(n))
			continue;
		if (places_add(&n->places, v->path, v->path, e) == -1)
			return (-1);
	}
	for (i = 0; n->site->nvolumes == 0 && i < n->probe.nvolumes; i++)
		if (!is_dump_target(n->probe.volumes[i].path) &&
		    places_add(&n->places, n->probe.volumes[i].path,
		    n->probe.volumes[i].source, e) == -1)
			return (-1);
	if (has_database(n) && places_holding(&n->places, DUMP_TARGET) ==
	    NULL)
		return (places_add(&n->places, DUMP_TARGET, DUMP_TARGET, e));
	return (0);
}

/* Where this host sees a volume itself, or NULL. */
static const char *
local_of(const struct night *n, const char *path)
{
	size_t i;

	if (n->full != NULL && strcmp(path, FULL_VOLUME) == 0)
		return (full_dir(n->full));
	for (i = 0; i < n->site->nvolumes; i++)
		if (strcmp(n->site->volumes[i].path, path) == 0)
			return (n->site->volumes[i].local);
	return (NULL);
}

static int
use_local(struct night *n, struct err *e)
{
	struct backup_volume *v;
	const char *local;
	size_t i;

	for (i = 0; i < n->places.n; i++) {
		v = &n->places.at[i];
		if ((local = local_of(n, v->path)) == NULL) {
			if (n->node.control != NULL)
				continue;
			return (err_set(e, ERR_USAGE, "site %s: volume %s is "
			    "not read locally, and the site has no address",
			    n->site->name, v->path));
		}
		free(v->source);
		if ((v->source = strdup(local)) == NULL)
			return (err_nomem(e));
		if (backup_run_check(n->run, v, e) == -1)
			return (-1);
	}
	return (0);
}

/* A volume that is not there costs itself, not the others. */
static int
drop_missing(struct night *n, struct err *e)
{
	struct places *p = &n->places;
	const char **paths;
	enum stand *is;
	size_t i;
	int rc;

	if (n->node.control == NULL || p->n == 0)
		return (0);
	paths = calloc(p->n, sizeof(*paths));
	is = calloc(p->n, sizeof(*is));
	if (paths == NULL || is == NULL) {
		free(paths);
		free(is);
		return (err_nomem(e));
	}
	for (i = 0; i < p->n; i++)
		paths[i] = p->at[i].source;
	rc = stand_ask(n->node.control, paths, is, p->n, e);
	for (i = 0; rc == 0 && i < p->n; i++) {
		if (local_of(n, p->at[i].path) != NULL)
			is[i] = STAND_DIR;
		if (is[i] == STAND_DIR)
			continue;
		report_add(n->report, "missing", p->at[i].path,
		    "there is no such directory on the node");
		backup_run_snapshot(n->run)->partial = 1;
	}
	for (i = p->n; rc == 0 && i-- > 0;)
		if (is[i] != STAND_DIR)
			places_remove(p, i);
	free(paths);
	free(is);
	return (rc);
}

/* What is known of the node besides its files is a volume of its own. */
static int
gather_facts(struct night *n, struct err *e)
{
	struct full_options *opt = &n->full_options;
	const struct backup_volume *v;

	if (!n->site->full)
		return (0);
	opt->site = n->site;
	opt->control = n->node.control;
	opt->proof = n->dump != NULL ? dump_proof(n->dump) : NULL;
	opt->report = n->report;
	if ((n->full = full_new(opt, e)) == NULL)
		return (-1);
	if (full_dir(n->full) == NULL)
		return (0);
	if ((v = places_holding(&n->places, FULL_VOLUME)) == NULL)
		return (places_add(&n->places, FULL_VOLUME,
		    full_dir(n->full), e));
	report_add(n->report, "facts", FULL_VOLUME, "not stored: the volume "
	    "%s would hold it", v->path);
	return (0);
}

/* Extra paths of the configuration, and those of profile "full". */
static int
ask_wanted(struct night *n, struct wanted *w, struct err *e)
{
	const struct wanted_question q = {
		WANTED_PATHS, (const char *const *)n->site->extra.at,
		n->site->extra.n, 1,
	};

	if (wanted_ask(w, n->node.control, &q, n->report, e) == -1)
		return (-1);
	if (n->full == NULL)
		return (0);
	return (full_paths(n->full, &n->places, w, e));
}

static int
select_there(struct night *n, const struct wanted *w, struct err *e)
{
	size_t i;
	int *dir, rc;

	if ((dir = calloc(w->n + 1, sizeof(*dir))) == NULL)
		return (err_nomem(e));
	for (i = 0; i < w->n; i++)
		dir[i] = w->kind[i] == 'd';
	rc = places_select(&n->places, (const char *const *)w->paths, dir,
	    w->n, e);
	free(dir);
	return (rc);
}

static int
select_wanted(struct night *n, struct err *e)
{
	struct wanted w = { NULL, NULL, 0, 0 };
	const struct backup_volume *below;
	size_t i;
	int rc;

	if (n->node.control == NULL)
		return (0);
	if ((rc = ask_wanted(n, &w, e)) == 0)
		rc = select_there(n, &w, e);
	for (i = 0; rc == 0 && i < w.n; i++) {
		/* Links that cannot be are among the facts. */
		if (w.kind[i] == 'l' ||
		    places_stores(&n->places, w.paths[i]))
			continue;
		below = places_below(&n->places, w.paths[i]);
		if (below != NULL)
			report_add(n->report, "left out", w.paths[i], "the "
			    "volume %s lies below it: name what else is "
			    "wanted of it", below->path);
		else
			report_add(n->report, "left out", w.paths[i], "it is "
			    "no directory, and beside it lies a volume, or "
			    "it lies directly below /");
	}
	wanted_fini(&w);
	return (rc);
}

static int
store_volumes(struct night *n, struct err *e)
{
	const struct backup_volume *v;
	struct node *node;
	size_t i;

	if (n->places.n == 0)
		return (err_set(e, ERR_FAILED, "site %s: there is nothing to "
		    "store", n->site->name));
	backup_run_expect(n->run, n->places.at, n->places.n);
	for (i = 0; i < n->places.n; i++) {
		v = &n->places.at[i];
		node = v->only == NULL && local_of(n, v->path) != NULL ?
		    NULL : &n->node;
		if (backup_run_volume(n->run, v, node, e) == -1)
			return (-1);
	}
	return (backup_run_store(n->run, e));
}

/* --------------------------------------------------------------- the night */

static int
store_night(struct night *n, struct err *e)
{
	const struct snapshot_database *d;
	struct err why = { .kind = ERR_NONE };

	n->report = backup_run_report(n->run);
	if (reach_node(n, e) == -1 || make_dump(n, e) == -1 ||
	    choose_volumes(n, e) == -1 || drop_missing(n, e) == -1 ||
	    gather_facts(n, e) == -1 || use_local(n, e) == -1 ||
	    select_wanted(n, e) == -1 ||
	    store_volumes(n, e) == -1)
		return (-1);
	d = &backup_run_snapshot(n->run)->database;
	if (has_database(n) && archived_dump(n->run, d, &why) == -1) {
		if (lose_database(n, why.msg, "has the new dump", e) == -1)
			return (-1);
		report_add(n->report, "database", DUMP_TARGET, "%s",
		    why.msg);
	}
	return (backup_run_publish(n->run, e));
}

static int
prepare(struct night *n, struct err *e)
{
	const struct night_options *opt = n->opt;
	struct backup_options run = opt->run;
	size_t i, k = 0;

	n->excludes = calloc(n->site->excludes.n +
	    opt->run.merge.walk.nexcludes + 1, sizeof(*n->excludes));
	if (n->excludes == NULL)
		return (err_nomem(e));
	for (i = 0; i < n->site->excludes.n; i++)
		n->excludes[k++] = n->site->excludes.at[i];
	for (i = 0; i < opt->run.merge.walk.nexcludes; i++)
		n->excludes[k++] = opt->run.merge.walk.excludes[i];
	run.merge.walk.excludes = n->excludes;
	run.merge.walk.nexcludes = k;
	run.merge.walk.one_file_system |= n->site->one_file_system;
	run.site = n->site->name;
	if (n->site->lanes > 0)
		run.threads = n->site->lanes;
	n->run = backup_run_new(&run, e);
	return (n->run != NULL ? 0 : -1);
}

/* The threads of the run know the node: it ends first. */
static void
finish(struct night *n)
{
	backup_run_free(n->run);
	full_free(n->full);
	dump_free(n->dump);
	places_fini(&n->places);
	probe_fini(&n->probe);
	remote_close(n->node.control);
	reach_fini(&n->reach);
	free(n->excludes);
}

static int
tell(struct night *n, size_t trouble, struct err *e)
{
	struct snapshot *s = backup_run_snapshot(n->run);

	if (n->cli->json && summary_json(s, n->cli, e) == -1)
		return (-1);
	if (!n->cli->json && !n->cli->quiet)
		summary_print(s, trouble);
	return (cli_flush(e));
}

int
night_run(const struct night_options *opt, const struct cli *cli)
{
	struct night n = { .opt = opt, .site = opt->site, .cli = cli };
	struct err e = { .kind = ERR_NONE };
	size_t trouble = 0;
	int status = STATUS_DONE;

	if (hook_run(opt->site->before, opt->site->name, -1, &e) == -1) {
		status = cli_fail(&e);
		if (opt->log != NULL)
			summary_log(opt->log, opt->site->name, NULL, NULL,
			    status, &e);
		return (status);
	}
	if (prepare(&n, &e) == -1 || store_night(&n, &e) == -1) {
		(void)err_wrap(&e, "%s", opt->site->name);
		status = cli_fail(&e);
	} else {
		trouble = report_count(n.report);
		if (trouble > 0 || backup_run_snapshot(n.run)->partial)
			status = STATUS_REPORTED;
		if (tell(&n, trouble, &e) == -1) {
			cli_error(&e);
			status = STATUS_REPORTED;
		}
	}
	if (opt->log != NULL)
		summary_log(opt->log, opt->site->name, n.run != NULL ?
		    backup_run_snapshot(n.run) : NULL, n.report, status, &e);
	finish(&n);
	if (hook_run(opt->site->after, opt->site->name, status, &e) == -1) {
		cli_error(&e);
		if (status == STATUS_DONE)
			status = STATUS_REPORTED;
	}
	return (status);
}
