#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cli.h"
#include "base/clock.h"
#include "remote/exec.h"
#include "remote/quote.h"
#include "restore/dbcsv.h"
#include "restore/dbjudge.h"
#include "restore/dbmerge.h"
#include "restore/dbnames.h"
#include "restore/dbstage.h"
#include "restore/dbundo.h"
#include "restore/dbwork.h"

#define SEEN_MAX 10		/* rows of a table with an old name */
#define BYPASS_S 60
#define BYPASS_MAX ((size_t)64 << 20)

void
dbwork_say(const struct dbwork *w, const char *fmt, ...)
{
	va_list ap;

	if (w->opt->out == NULL)
		return;
	va_start(ap, fmt);
	vfprintf(w->opt->out, fmt, ap);
	va_end(ap);
	fputc('\n', w->opt->out);
	fflush(w->opt->out);
}

int
dbwork_init(struct dbwork *w, const struct dbput_options *opt,
    struct dbput_plan *plan, struct err *e)
{
	const struct rehome *r = opt->rehome;
	struct buf text = BUF_INIT;
	size_t i;
	int rc = 0;

	memset(w, 0, sizeof(*w));
	memset(plan, 0, sizeof(*plan));
	w->opt = opt;
	w->plan = plan;
	w->probe = *opt->probe;
	for (i = 0; r != NULL && i < r->n && rc == 0; i++) {
		if (r->pairs[i].new == NULL) {
			rc = rehome_look(&w->rehome, r->pairs[i].old, e);
			continue;
		}
		buf_clear(&text);
		buf_printf(&text, "%s=%s", r->pairs[i].old, r->pairs[i].new);
		rc = rehome_add(&w->rehome, buf_cstr(&text), e);
	}
	buf_fini(&text);
	return (rc);
}

void
dbwork_fini(struct dbwork *w)
{
	dump_free(w->dump);
	rehome_fini(&w->rehome);
	buf_fini(&w->addresses);
	dbset_fini(&w->want);
	dbset_fini(&w->there);
}

void
dbwork_drop(struct dbwork *w)
{
	dump_free(w->dump);
	w->dump = NULL;
	dbset_fini(&w->want);
	dbset_fini(&w->there);
}

const char *
dbwork_untouched(const struct dbwork *w)
{
	return (w->opt->late ? "the files are restored, the database is as "
	    "it was" : "nothing was changed");
}

/* ---------------------------------------------------------- the target now */

int
dbwork_restart(struct dbwork *w, struct err *e)
{
	int was_down = w->probe.xcatd == PROBE_XCATD_DOWN;
	int state = dbstage_restart(w->opt->remote, e);

	if (state == -1)
		return (-1);
	w->probe.xcatd = state != DBSTAGE_DOWN ? PROBE_XCATD_UP :
	    PROBE_XCATD_DOWN;
	if (state == DBSTAGE_ALIVE)
		report_add(w->opt->report, "database", DUMP_TARGET, "xcatd "
		    "answers, but could not be restarted: restart it there");
	else if (state == DBSTAGE_UP && !was_down)
		dbwork_say(w, "xcatd restarted");
	else if (state == DBSTAGE_UP)
		report_note(w->opt->report, "database", DUMP_TARGET, "xcatd "
		    "did not answer; it has been started and does");
	else
		report_add(w->opt->report, "database", DUMP_TARGET, "xcatd "
		    "%s and does not answer: going on with XCATBYPASS=1",
		    was_down ? "cannot be started" : "was restarted");
	return (0);
}

static int
dump_target(struct dbwork *w, struct err *e)
{
	struct dump_options opt = { .probe = &w->probe, .max_loss = 100,
	    .limit_s = w->opt->limit_s };
	double start = clock_now();

	dump_free(w->dump);
	dbset_fini(&w->there);
	dbset_take(&w->there, &opt);
	w->dump = dump_new(w->opt->remote, &opt, e);
	w->xcat_s += clock_now() - start;
	if (w->dump == NULL)
		return (-1);
	return (dbset_taken(&w->there, dump_proof(w->dump), e));
}

/*
 * An xcatd whose transaction is stuck shows an empty table.  Whether there
 * are rows all the same is seen past it.  1: it is stuck.
 */
static int
is_stuck(struct dbwork *w, struct err *e)
{
	const struct dbset_table *t = dbset_find(&w->there, "nodelist");
	struct buf command = BUF_INIT, out = BUF_INIT;
	struct remote_io io = { .max = BYPASS_MAX, .out = &out,
	    .limit_s = BYPASS_S };
	const char *nl;
	int rc;

	if (w->probe.xcatd != PROBE_XCATD_UP || t == NULL || t->rows > 0)
		return (0);
	remote_xcat_command(&command, "exec tabdump nodelist\n", 1, NULL, 0);
	if ((rc = buf_ok(&command, e)) == 0 &&
	    remote_run(w->opt->remote, buf_cstr(&command), &io, e) == -1)
		rc = remote_lost(w->opt->remote) ? -1 : 0;
	else if (rc == 0 && io.status == 0 && out.len > 0 &&
	    out.data[0] == '#') {
		nl = memchr(out.data, '\n', out.len);
		rc = nl != NULL && (const uint8_t *)nl + 1 < out.data +
		    out.len;
	}
	buf_fini(&command);
	buf_fini(&out);
	return (rc);
}

static int
set_trouble(struct dbput_plan *p, const char *text, struct err *e)
{
	free(p->trouble);
	p->trouble = strdup(text);
	return (p->trouble != NULL ? 0 : err_nomem(e));
}

static int
judge_target(struct dbwork *w, int *stuck, struct err *e)
{
	*stuck = 0;
	if (dump_target(w, e) == -1)
		return (-1);
	if (dump_verdict(w->dump) == SNAPSHOT_DUMP_FAILED) {
		*stuck = w->probe.xcatd == PROBE_XCATD_UP;
		w->plan->unsure = 1;
		return (set_trouble(w->plan, dump_reason(w->dump) != NULL ?
		    dump_reason(w->dump) : "the target's database cannot be "
		    "dumped", e));
	}
	w->plan->unsure = 0;
	if ((*stuck = is_stuck(w, e)) == -1)
		return (-1);
	if (*stuck) {
		w->plan->unsure = 1;
		return (set_trouble(w->plan, "xcatd is stuck: it shows no "
		    "nodes, the database has some; restart it", e));
	}
	free(w->plan->trouble);
	w->plan->trouble = NULL;
	return (0);
}

static int
look_at_target(struct dbwork *w, int may_restart, struct err *e)
{
	int stuck;

	if (w->probe.xcatd == PROBE_XCATD_ABSENT) {
		if (!w->opt->on_start)
			return (err_set(e, ERR_FAILED, "%s: xCAT's commands "
			    "are not there: install xCAT first, or have its "
			    "container load the database when it starts "
			    "(--on-start)", remote_name(w->opt->remote)));
		report_add(w->opt->report, "database", DUMP_TARGET, "xCAT's "
		    "commands are not there: whether its tables are the "
		    "same is not known");
		return (0);
	}
	dbwork_say(w, "looking at the target's database");
	if (w->probe.xcatd == PROBE_XCATD_HUNG && may_restart) {
		dbwork_say(w, "xcatd does not answer in time");
		if (dbwork_restart(w, e) == -1)
			return (-1);
	}
	if (judge_target(w, &stuck, e) == -1)
		return (-1);
	if (!stuck || !may_restart)
		return (0);
	dbwork_say(w, "%s", w->plan->trouble);
	if (dbwork_restart(w, e) == -1)
		return (-1);
	return (judge_target(w, &stuck, e));
}

/* ---------------------------------------------------------- table by table */

static void
tell_name(void *arg, const char *table, const char *line, int edited)
{
	struct dbwork *w = arg;

	(void)edited;
	if ((w->seen++ < SEEN_MAX || w->opt->verbose) && !w->opt->planned)
		dbwork_say(w, "%s: %s", table, line);
}

static int
leave_out(struct dbwork *w, struct dbput_table *p, int status,
    const char *why, struct err *e)
{
	p->put = 0;
	free(p->why);
	if ((p->why = strdup(why)) == NULL)
		return (err_nomem(e));
	if (status > w->plan->status)
		w->plan->status = status;
	return (0);
}

/* Columns that the target's table has not, "a, b"; how many. */
static size_t
missing_columns(const struct dbset_table *want,
    const struct dbset_table *there, struct buf *text,
    char (**names)[XCATCSV_NAME_MAX + 1], struct err *e)
{
	char (*a)[XCATCSV_NAME_MAX + 1], (*b)[XCATCSV_NAME_MAX + 1];
	size_t i, k, na, nb, n = 0;

	a = calloc(XCATCSV_COLUMNS_MAX, sizeof(*a));
	b = calloc(XCATCSV_COLUMNS_MAX, sizeof(*b));
	*names = a;
	if (a == NULL || b == NULL) {
		free(b);
		err_nomem(e);
		return (SIZE_MAX);
	}
	na = dbset_columns(want, a, XCATCSV_COLUMNS_MAX);
	nb = dbset_columns(there, b, XCATCSV_COLUMNS_MAX);
	for (i = 0; i < na; i++) {
		for (k = 0; k < nb && strcmp(a[i], b[k]) != 0; k++)
			;
		if (k < nb)
			continue;
		buf_printf(text, "%s%s", n > 0 ? ", " : "", a[i]);
		if (n != i)
			memcpy(a[n], a[i], sizeof(a[n]));
		n++;
	}
	free(b);
	return (n);
}

static int
drop_columns(struct dbset_table *t, char (*names)[XCATCSV_NAME_MAX + 1],
    size_t n, struct err *e)
{
	struct dbcsv_edit edit = { .ndrop = n };
	struct buf text = BUF_INIT;
	const char **drop;
	size_t i;
	int rc = -1;

	if ((drop = calloc(n, sizeof(*drop))) == NULL)
		return (err_nomem(e));
	for (i = 0; i < n; i++)
		drop[i] = names[i];
	edit.drop = drop;
	if (dbcsv_rewrite(t->text.data, t->text.len, &edit, &text, e) == 0)
		rc = dbset_replace(t, &text, e);
	buf_fini(&text);
	free(drop);
	return (rc);
}

/*
 * A header column that the target's schema lacks would leave its database
 * locked, with the table emptied.
 */
static int
fit_columns(struct dbwork *w, struct dbput_table *p, struct dbset_table *t,
    const struct dbset_table *there, struct err *e)
{
	char (*names)[XCATCSV_NAME_MAX + 1] = NULL;
	struct buf text = BUF_INIT, why = BUF_INIT;
	size_t n;
	int rc = 0;

	n = missing_columns(t, there, &text, &names, e);
	if (n == SIZE_MAX || buf_ok(&text, e) == -1) {
		rc = -1;
	} else if (n > 0 && !w->opt->force) {
		buf_printf(&why, "the target's table has no column %s, and "
		    "would be left locked (--force drops the column%s)",
		    buf_cstr(&text), n == 1 ? "" : "s");
		rc = leave_out(w, p, STATUS_REPORTED, buf_cstr(&why), e);
	} else if (n > 0 && (rc = drop_columns(t, names, n, e)) == 0) {
		buf_printf(&why, "without column%s %s, which the target's "
		    "table has not", n == 1 ? "" : "s", buf_cstr(&text));
		rc = leave_out(w, p, STATUS_REPORTED, buf_cstr(&why), e);
		p->put = 1;
	}
	free(names);
	buf_fini(&text);
	buf_fini(&why);
	return (rc);
}

static int
edit_names(struct dbwork *w, struct dbput_table *p, struct dbset_table *t,
    struct err *e)
{
	struct buf text = BUF_INIT;
	struct span is;
	size_t found;
	int rc;

	if (w->rehome.n == 0)
		return (0);
	is.p = (const char *)t->text.data;
	is.len = t->text.len;
	w->seen = 0;
	rc = rehome_table(&w->rehome, t->name, &is, &text, tell_name,
	    w, &p->edits, &found, e);
	if (w->seen > SEEN_MAX && !w->opt->verbose && !w->opt->planned)
		dbwork_say(w, "%s: and %zu more (-v shows them)", t->name,
		    w->seen - SEEN_MAX);
	if (rc == 0 && p->edits > 0) {
		rc = dbset_replace(t, &text, e);
		w->plan->edits += p->edits;
		if (rc == 0 && t->worst >= XCATCSV_UNRESTORABLE)
			rc = leave_out(w, p, STATUS_REPORTED, t->why != NULL ?
			    t->why : "not restorable with the new names", e);
	}
	buf_fini(&text);
	return (rc);
}

static int
is_listed(const struct probe *p, const char *name)
{
	size_t i;

	for (i = 0; i < p->ntables; i++)
		if (strcmp(p->tables[i], name) == 0)
			return (1);
	return (0);
}

static int
count_lost(struct dbwork *w, struct dbput_table *p,
    const struct dbset_table *t, const struct dbset_table *there,
    struct err *e)
{
	/* What xCAT makes of a value anyway is no reason to restore it. */
	struct dbjudge_options opt = { .as_restored = 1 };
	struct dbjudge j;

	p->there = there->rows;
	if (dbjudge_table(there, t, &opt, &j, e) == -1)
		return (-1);
	if (!xcatschema_is_volatile(t->name))
		p->lost = j.gone + j.changed;
	if (j.gone + j.changed + j.added == 0)
		w->plan->same++;
	p->differ = j.gone + j.changed + j.added;
	return (0);
}

/* An osimage's rows become the target's table with these rows in it. */
static int
merge(struct dbwork *w, struct dbput_table *p, struct dbset_table *t,
    const struct dbset_table *there, struct err *e)
{
	if (w->plan->unsure)
		return (leave_out(w, p, STATUS_REPORTED, "the target's own "
		    "table may not be whole", e));
	p->merged = 1;
	if (dbmerge_into(t, there, e) == -1)
		return (-1);
	if (t->worst < XCATCSV_UNRESTORABLE)
		return (0);
	return (leave_out(w, p, STATUS_REPORTED, t->why != NULL ? t->why :
	    "xCAT could not restore the target's own table", e));
}

static int
plan_table(struct dbwork *w, struct dbput_table *p, struct dbset_table *t,
    struct err *e)
{
	const struct dbset_table *there = dbset_find(&w->there, t->name);

	p->put = 1;
	p->rows = t->rows;
	if (t->damaged)
		return (leave_out(w, p, STATUS_DAMAGED, t->why, e));
	if (t->worst >= XCATCSV_UNRESTORABLE)
		return (leave_out(w, p, STATUS_REPORTED, t->why != NULL ?
		    t->why : "xCAT could not restore it", e));
	if (xcatschema_is_skipped(t->name))
		return (leave_out(w, p, STATUS_DONE, "history, which xCAT "
		    "does not restore", e));
	if (w->dump != NULL && there == NULL)
		return (leave_out(w, p, STATUS_REPORTED,
		    !is_listed(&w->probe, t->name) ? "the target's xCAT has "
		    "no such table" : w->plan->unsure ? "the target's own "
		    "table is not known" : "the target leaves it out of its "
		    "own dumps (site.skiptables)", e));
	if (there != NULL && there->worst == XCATCSV_BROKEN)
		return (leave_out(w, p, STATUS_REPORTED, "the target's own "
		    "table cannot be read", e));
	if (there != NULL && fit_columns(w, p, t, there, e) == -1)
		return (-1);
	if (p->put && edit_names(w, p, t, e) == -1)
		return (-1);
	if (w->opt->image != NULL && p->put && there == NULL)
		return (leave_out(w, p, STATUS_REPORTED, "the target's own "
		    "table is not known", e));
	if (w->opt->image != NULL && p->put &&
	    merge(w, p, t, there, e) == -1)
		return (-1);
	if (p->put && there != NULL)
		return (count_lost(w, p, t, there, e));
	return (0);
}

static int
is_wanted(const struct dbput_options *opt, const char *name)
{
	size_t i;

	for (i = 0; i < opt->ntables; i++)
		if (strcmp(opt->tables[i], name) == 0)
			return (1);
	return (opt->ntables == 0);
}

static int
check_names(const struct dbwork *w, struct err *e)
{
	size_t i;

	for (i = 0; i < w->opt->ntables; i++)
		if (dbset_find(&w->want, w->opt->tables[i]) == NULL)
			return (err_set(e, ERR_USAGE, "%s: no such table in "
			    "snapshot %s", w->opt->tables[i],
			    w->opt->view->snap.id));
	return (0);
}

static int
plan_tables(struct dbwork *w, struct err *e)
{
	struct dbput_plan *plan = w->plan;
	struct dbput_table *p;
	size_t i;

	plan->tables = calloc(w->want.n + 1, sizeof(*plan->tables));
	if (plan->tables == NULL)
		return (err_nomem(e));
	for (i = 0; i < w->want.n; i++) {
		if (!is_wanted(w->opt, w->want.tables[i].name))
			continue;
		p = &plan->tables[plan->ntables];
		if ((p->name = strdup(w->want.tables[i].name)) == NULL)
			return (err_nomem(e));
		plan->ntables++;
		if (plan_table(w, p, &w->want.tables[i], e) == -1)
			return (-1);
		if (p->put) {
			plan->put++;
			plan->rows += p->rows;
			plan->lost += p->lost;
		} else {
			plan->left_out++;
		}
	}
	return (0);
}

int
dbwork_prepare(struct dbwork *w, int may_restart, struct err *e)
{
	const struct dbset_table *nodes;
	double start = clock_now(), then;
	int rc;

	if (dbset_load(&w->want, w->opt->view, e) == -1 ||
	    check_names(w, e) == -1)
		return (-1);
	w->own_s += clock_now() - start;
	if (look_at_target(w, may_restart, e) == -1)
		return (-1);
	then = clock_now();
	if (dbnames_look(w, e) == -1 ||
	    (w->opt->image != NULL &&
	    dbmerge_pick(&w->want, w->opt->image, e) == -1) ||
	    plan_tables(w, e) == -1)
		return (-1);
	w->own_s += clock_now() - then;
	w->plan->xcatd = w->probe.xcatd;
	nodes = dbset_find(&w->there, "nodelist");
	if (nodes == NULL || nodes->rows == 0 || w->plan->lost == 0)
		return (0);
	if ((rc = dbundo_resumes(w, &w->plan->resumed, e)) == 0)
		w->plan->in_use = 1;
	return (rc == -1 ? -1 : 0);
}
