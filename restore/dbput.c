#include <stdlib.h>
#include <string.h>

#include "base/cli.h"
#include "base/clock.h"
#include "restore/dbjudge.h"
#include "restore/dbstage.h"
#include "restore/dbundo.h"

#define TELL_MAX 10		/* rows of one table that differ */

void
dbput_plan_fini(struct dbput_plan *p)
{
	size_t i;

	for (i = 0; i < p->ntables; i++) {
		free(p->tables[i].name);
		free(p->tables[i].why);
	}
	free(p->tables);
	free(p->trouble);
	memset(p, 0, sizeof(*p));
}

void
dbput_result_fini(struct dbput_result *r)
{
	dbput_plan_fini(&r->plan);
	memset(r, 0, sizeof(*r));
}

/* --------------------------------------------------------------- may it be */

/* What would be lost, by table: "nodelist: 3 rows, hosts: 1 row". */
static void
put_lost(const struct dbput_plan *p, struct buf *b)
{
	const char *sep = "";
	size_t i;

	for (i = 0; i < p->ntables; i++) {
		if (!p->tables[i].put || p->tables[i].lost == 0)
			continue;
		buf_printf(b, "%s%s: %zu row%s", sep, p->tables[i].name,
		    p->tables[i].lost, p->tables[i].lost == 1 ? "" : "s");
		sep = ", ";
	}
}

static void
tell_left_out(const struct dbwork *w)
{
	const struct dbput_table *t;
	struct buf path = BUF_INIT;
	size_t i;

	for (i = 0; i < w->plan->ntables; i++) {
		t = &w->plan->tables[i];
		if (t->why == NULL)
			continue;
		buf_clear(&path);
		buf_printf(&path, DUMP_TARGET "/%s.csv", t->name);
		report_add(w->opt->report, t->put ? "changed" : "left out",
		    buf_cstr(&path), "%s", t->why);
	}
	buf_fini(&path);
}

static void
tell_no_undo(const struct dbwork *w)
{
	struct buf b = BUF_INIT;

	put_lost(w->plan, &b);
	report_add(w->opt->report, "database", DUMP_TARGET, "there is no "
	    "undo%s%s%s: %s", b.len > 0 ? " for what goes or changes (" :
	    "", buf_cstr(&b), b.len > 0 ? ")" : "", w->plan->trouble);
	buf_fini(&b);
}

static int
has_undo(const struct dbwork *w)
{
	return (w->opt->undo != NULL && w->opt->undo->id[0] != '\0');
}

static int
may_run(const struct dbwork *w, struct err *e)
{
	const struct dbput_plan *p = w->plan;
	const char *name = remote_name(w->opt->remote);
	struct buf b = BUF_INIT;

	if (p->unsure && !w->opt->force && !has_undo(w))
		return (err_set(e, ERR_FAILED, "%s: its database cannot be "
		    "dumped first, so there would be no way back (--force "
		    "goes on without; %s): %s", name, dbwork_untouched(w),
		    p->trouble));
	if (p->put == 0) {
		tell_left_out(w);
		return (err_set(e, ERR_FAILED, "%s: none of the tables can "
		    "be restored; %s", name, dbwork_untouched(w)));
	}
	if (!p->in_use || w->opt->replace || w->opt->force)
		return (0);
	put_lost(p, &b);
	err_set(e, ERR_FAILED, "%s: its database has nodes, and rows that "
	    "would be lost or changed (--force does that; %s): %s", name,
	    dbwork_untouched(w), buf_cstr(&b));
	buf_fini(&b);
	return (-1);
}

/* ------------------------------------------------------------- the restore */

static int
is_to_change(const struct dbwork *w, const struct dbput_table *p)
{
	return (p->put &&
	    (p->differ > 0 || dbset_find(&w->there, p->name) == NULL));
}

static size_t
to_change(const struct dbwork *w)
{
	size_t i, n = 0;

	for (i = 0; i < w->plan->ntables; i++)
		n += is_to_change(w, &w->plan->tables[i]) ? 1 : 0;
	return (n);
}

/* The tables to be given to xCAT; all: also those that are so already. */
static const struct dbset_table **
choose(const struct dbwork *w, int all, size_t *n, struct err *e)
{
	const struct dbset_table **t;
	const struct dbput_table *p;
	size_t i;

	*n = 0;
	if ((t = calloc(w->plan->ntables + 1, sizeof(*t))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	for (i = 0; i < w->plan->ntables; i++) {
		p = &w->plan->tables[i];
		if (all ? p->put : is_to_change(w, p))
			t[(*n)++] = dbset_find(&w->want, p->name);
	}
	return (t);
}

static unsigned
limit_of(const struct dbwork *w)
{
	return (w->opt->limit_s != 0 ? w->opt->limit_s : DBPUT_LIMIT_S);
}

/* The connection went while xCAT was at it. */
static int
cut_short(const struct dbwork *w, struct err *e)
{
	if (w->opt->replace)
		return (err_wrap(e, "the database may be restored in part "
		    "(run \"xcatvault undo %s %s\" again)", w->opt->site,
		    w->opt->view->snap.id));
	return (err_wrap(e, "the database may be restored in part (run it "
	    "again, or \"xcatvault undo %s\")", w->opt->site));
}

static int
give_to_xcat(struct dbwork *w, struct dbput_result *r, struct err *e)
{
	const struct dbset_table **t;
	struct dbstage_done done;
	double start = clock_now();
	size_t n;
	int begun, rc;

	if ((t = choose(w, 0, &n, e)) == NULL)
		return (-1);
	r->bypass = w->probe.xcatd != PROBE_XCATD_UP;
	if (r->bypass)
		report_note(w->opt->report, "database", DUMP_TARGET, "xcatd "
		    "does not answer: restored with XCATBYPASS=1");
	dbwork_say(w, "restorexCATdb: %zu tables", n);
	rc = dbstage_restore(w->opt->remote, t, n, r->bypass, limit_of(w),
	    &done, &begun, e);
	w->xcat_s += clock_now() - start;
	free(t);
	if (rc == -1 && begun)
		return (cut_short(w, e));
	if (rc == 0 && done.status == -1)
		report_add(w->opt->report, "database", DUMP_TARGET,
		    "restorexCATdb did not end within %u seconds, and was "
		    "ended", limit_of(w));
	else if (rc == 0 && done.status != 0)
		report_add(w->opt->report, "database", DUMP_TARGET,
		    "restorexCATdb ended with status %d", done.status);
	if (rc == 0 && done.said != NULL)
		report_add(w->opt->report, "database", DUMP_TARGET,
		    "restorexCATdb: %s", done.said);
	if (rc == 0 && done.restored < n)
		report_add(w->opt->report, "database", DUMP_TARGET,
		    "restorexCATdb speaks of %zu of %zu tables",
		    done.restored, n);
	dbstage_done_fini(&done);
	return (rc);
}

static void
tell_row(void *arg, const char *table, const char *line)
{
	const struct dbwork *w = arg;
	struct buf path = BUF_INIT;

	buf_printf(&path, DUMP_TARGET "/%s.csv", table);
	if (dbjudge_is_moving(table))
		report_note(w->opt->report, "database", buf_cstr(&path),
		    "%s (as xcatd is running or not)", line);
	else
		report_add(w->opt->report, "differs", buf_cstr(&path), "%s",
		    line);
	buf_fini(&path);
}

/* A dump that is not whole still has tables that are. */
static int
is_whole(const struct dbset *now, const char *name)
{
	const struct dbset_table *t = dbset_find(now, name);

	return (t != NULL && t->worst < XCATCSV_BROKEN);
}

static void
tell_unproved(const struct dbwork *w, const char *name)
{
	struct buf path = BUF_INIT;

	buf_printf(&path, DUMP_TARGET "/%s.csv", name);
	report_add(w->opt->report, "not compared", buf_cstr(&path), "the "
	    "second dump does not have it whole");
	buf_fini(&path);
}

static int
compare(struct dbwork *w, const struct dbset *now, struct dbput_result *r,
    struct err *e)
{
	struct dbjudge_options opt = { .as_restored = 1, .tell = tell_row,
	    .arg = w, .most = TELL_MAX };
	struct dbput_table *p;
	struct dbjudge j;
	size_t i;

	for (i = 0; i < w->plan->ntables; i++) {
		p = &w->plan->tables[i];
		if (!p->put)
			continue;
		if (!is_whole(now, p->name)) {
			tell_unproved(w, p->name);
			r->unproved += !dbjudge_is_moving(p->name);
			continue;
		}
		if (dbjudge_table(dbset_find(&w->want, p->name),
		    dbset_find(now, p->name), &opt, &j, e) == -1)
			return (-1);
		p->differ = j.gone + j.changed + j.added;
		if (p->differ > TELL_MAX && !dbjudge_is_moving(p->name))
			report_add(w->opt->report, "differs", DUMP_TARGET,
			    "%s: %zu rows in all", p->name, p->differ);
		if (!dbjudge_is_moving(p->name))
			r->differ += p->differ;
		r->lossy += j.lossy;
	}
	return (0);
}

/* Nobody's word is taken for it: dump it once more. */
static int
prove(struct dbwork *w, struct dbput_result *r, struct err *e)
{
	struct dump_options opt = { .probe = &w->probe, .max_loss = 100,
	    .limit_s = w->opt->limit_s };
	struct dbset now = { NULL, 0, 0 };
	struct dump *d;
	double start = clock_now(), then;
	int rc = -1;

	dbwork_say(w, "dumping it once more, to compare");
	dbset_take(&now, &opt);
	if ((d = dump_new(w->opt->remote, &opt, e)) != NULL) {
		then = clock_now();
		w->xcat_s += then - start;
		if (dump_verdict(d) == SNAPSHOT_DUMP_FAILED)
			report_add(w->opt->report, "database", DUMP_TARGET,
			    "the second dump is not whole: %s",
			    dump_reason(d) != NULL ? dump_reason(d) :
			    "no reason given");
		if ((rc = dbset_taken(&now, dump_proof(d), e)) == 0)
			rc = compare(w, &now, r, e);
		r->compared = rc == 0 && r->unproved == 0;
		w->own_s += clock_now() - then;
	}
	dump_free(d);
	dbset_fini(&now);
	r->agrees = rc == 0 && r->compared && r->differ == 0;
	return (rc);
}

/*
 * xcatd reads its tables anew; one that was not running is started, as a
 * management node without it is of no use to anyone.
 */
static int
have_it_run(struct dbwork *w, struct dbput_result *r, struct err *e)
{
	int was_up = w->probe.xcatd == PROBE_XCATD_UP;

	if (dbwork_restart(w, e) == -1)
		return (-1);
	r->started = !was_up && w->probe.xcatd == PROBE_XCATD_UP;
	return (0);
}

static int
keep_undo(struct dbwork *w, struct dbput_result *r, struct err *e)
{
	const struct dbput_undo *kept = w->opt->undo;
	int rc;

	if (!has_undo(w)) {
		if (!w->plan->unsure)
			return (dbundo_keep(w, &r->undo, e));
		if (kept == NULL)
			tell_no_undo(w);
		return (0);
	}
	r->undo = *kept;
	if (w->plan->unsure) {
		report_add(w->opt->report, "database", DUMP_TARGET, "whether "
		    "the target's tables are still those of the undo is not "
		    "known: %s", w->plan->trouble);
		return (0);
	}
	if ((rc = dbundo_covers(w, kept, e)) == 0)
		report_note(w->opt->report, "database", DUMP_TARGET, "the "
		    "target's tables have changed since the undo was kept, "
		    "which leads to what they were then");
	return (rc == -1 ? -1 : 0);
}

/* A plain undo would now lead back again. */
static int
uncompared(const struct dbwork *w, const char *how, struct err *e)
{
	if (w->opt->replace)
		return (err_wrap(e, "the database is restored, but %s (run "
		    "\"xcatvault undo %s %s\" to prove it)", how,
		    w->opt->site, w->opt->view->snap.id));
	return (err_wrap(e, "the database is restored, but %s", how));
}

static int
restore(struct dbwork *w, struct dbput_result *r, struct err *e)
{
	if (keep_undo(w, r, e) == -1 || give_to_xcat(w, r, e) == -1)
		return (-1);
	if (have_it_run(w, r, e) == -1)
		return (uncompared(w, "neither xcatd restarted nor it "
		    "compared", e));
	if (prove(w, r, e) == -1)
		return (uncompared(w, "not compared", e));
	return (0);
}

static int
publish(struct dbwork *w, struct dbput_result *r, struct err *e)
{
	const struct dbset_table **t;
	size_t n;
	int rc;

	if ((t = choose(w, 1, &n, e)) == NULL)
		return (-1);
	rc = dbstage_publish(w->opt->remote, t, n, e);
	free(t);
	r->published = rc == 0;
	return (rc);
}

/* ---------------------------------------------------------------- the plan */

struct dbput {
	struct dbput_options opt;
	struct dbput_plan plan;
	struct dbwork work;
};

struct dbput *
dbput_new(const struct dbput_options *opt, struct err *e)
{
	struct dbput *d = calloc(1, sizeof(*d));

	if (d == NULL) {
		err_nomem(e);
		return (NULL);
	}
	d->opt = *opt;
	if (dbwork_init(&d->work, &d->opt, &d->plan, e) == 0 &&
	    dbwork_prepare(&d->work, !opt->dry_run, e) == 0)
		return (d);
	dbput_free(d);
	return (NULL);
}

void
dbput_free(struct dbput *d)
{
	if (d == NULL)
		return;
	dbwork_fini(&d->work);
	dbput_plan_fini(&d->plan);
	free(d);
}

const struct dbput_plan *
dbput_planned(const struct dbput *d)
{
	return (&d->plan);
}

int
dbput_keep_undo(struct dbput *d, struct dbput_undo *out, struct err *e)
{
	struct dbwork *w = &d->work;
	int rc = 0;

	memset(out, 0, sizeof(*out));
	if (!w->opt->on_start && to_change(w) > 0) {
		if (w->plan->unsure)
			tell_no_undo(w);
		else
			rc = dbundo_keep(w, out, e);
	}
	dbwork_drop(w);
	return (rc);
}

/* The tables in which a node says who it is. */
static int
is_identity(const char *table)
{
	return (strcmp(table, "site") == 0 || strcmp(table, "policy") == 0 ||
	    strcmp(table, "networks") == 0);
}

static void
tell_steps(const struct dbwork *w, FILE *f)
{
	const struct dbput_options *opt = w->opt;
	int identity = opt->image == NULL && opt->ntables == 0;
	size_t i;

	for (i = 0; i < opt->ntables; i++)
		identity = identity || is_identity(opt->tables[i]);
	if (identity && w->rehome.n > 0)
		rehome_steps(&w->rehome, f);
}

void
dbput_steps(const struct dbput *d, FILE *f)
{
	tell_steps(&d->work, f);
}

/* ------------------------------------------------------------------ the run */

static int
run(struct dbwork *w, struct dbput_result *r, struct err *e)
{
	int rc;

	if (w->opt->on_start && w->opt->ntables > 0)
		return (err_set(e, ERR_USAGE, DUMP_TARGET " holds all tables "
		    "or none: --on-start does not go with --table"));
	if (dbwork_prepare(w, !w->opt->dry_run, e) == -1)
		return (-1);
	if (w->opt->finish) {
		if ((rc = dbundo_is_midway(w, e)) != 1) {
			r->other = 1;
			return (rc);
		}
		dbwork_say(w, "the undo to snapshot %s was cut short: it is "
		    "completed", w->opt->view->snap.id);
	}
	if (!w->opt->dry_run && may_run(w, e) == -1)
		return (-1);
	tell_left_out(w);
	if (w->opt->dry_run)
		return (0);
	if (w->opt->on_start)
		return (publish(w, r, e));
	if (w->opt->undo != NULL)
		r->undo = *w->opt->undo;
	if (to_change(w) > 0)
		return (restore(w, r, e));
	/* The dump that was just proved is what a second one would be. */
	r->compared = r->agrees = 1;
	return (w->probe.xcatd == PROBE_XCATD_UP ? 0 :
	    have_it_run(w, r, e));
}

int
dbput_run(const struct dbput_options *opt, struct dbput_result *out,
    struct err *e)
{
	struct dbwork w;
	int rc;

	memset(out, 0, sizeof(*out));
	if ((rc = dbwork_init(&w, opt, &out->plan, e)) == 0)
		rc = run(&w, out, e);
	out->status = out->plan.status;
	if (rc == 0 && !opt->dry_run && !out->published && !out->agrees &&
	    !out->other)
		out->status = STATUS_DAMAGED;
	if (rc == 0 && opt->out != NULL && !out->other)
		tell_steps(&w, opt->out);
	out->own_s = w.own_s;
	out->xcat_s = w.xcat_s;
	dbwork_fini(&w);
	return (rc);
}
