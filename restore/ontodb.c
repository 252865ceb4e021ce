#include <stdlib.h>
#include <string.h>

#include "formats/xcatschema.h"
#include "remote/node/dump.h"
#include "restore/dbcmd.h"
#include "restore/ontoplan.h"

static int
split_tables(struct ontodb *d, const char *text, struct err *e)
{
	char *p;
	size_t n = 2;

	for (p = strchr(text, ','); p != NULL; p = strchr(p + 1, ','))
		n++;
	if ((d->names = strdup(text)) == NULL ||
	    (d->tables = calloc(n, sizeof(*d->tables))) == NULL)
		return (err_nomem(e));
	for (p = d->names; p != NULL;) {
		d->tables[d->ntables] = strsep(&p, ",");
		if (!xcatschema_valid_table(d->tables[d->ntables],
		    strlen(d->tables[d->ntables])))
			return (err_set(e, ERR_USAGE, "--table %s: names of "
			    "tables with commas between them are wanted",
			    text));
		d->ntables++;
	}
	return (0);
}

int
ontodb_prepare(struct onto *o, struct err *e)
{
	const struct onto_arguments *a = o->args;
	struct ontodb *d = &o->db;
	size_t i;

	d->wanted = !a->without_database &&
	    (o->whole || a->tables != NULL || a->image != NULL) &&
	    o->view.snap.database.ntables > 0;
	if (a->image != NULL && !a->without_database && !d->wanted)
		report_add(o->report, "database", DUMP_TARGET, "osimage %s "
		    "is restored without its definition: the snapshot has no "
		    "proof of its dump", a->image);
	if (a->tables != NULL && split_tables(d, a->tables, e) == -1)
		return (-1);
	if (dbcmd_site_name(&d->site, a->site, e) == -1)
		return (-1);
	(void)buf_cstr(&d->site);
	for (i = 0; i < a->nrehome; i++)
		if (rehome_add(&d->rehome, a->rehome[i], e) == -1)
			return (-1);
	if (a->image != NULL && (a->tables != NULL || a->on_start))
		return (err_set(e, ERR_USAGE, "--image restores the rows of "
		    "that osimage: it does not go with --table or "
		    "--on-start"));
	if (!d->wanted && (a->tables != NULL || a->nrehome > 0 ||
	    a->on_start))
		return (err_set(e, ERR_USAGE, "--table, --rehome and "
		    "--on-start are about the database, %s",
		    a->without_database ? "which is not wanted" :
		    o->view.snap.database.ntables == 0 ?
		    "which the snapshot does not have" :
		    "which is restored without PATH, or with --table"));
	return (0);
}

void
ontodb_fini(struct ontodb *d)
{
	dbput_free(d->plan);
	if (d->done)
		dbput_result_fini(&d->result);
	rehome_fini(&d->rehome);
	free(d->tables);
	free(d->names);
	buf_fini(&d->site);
}

static struct dbput_options
options(struct onto *o)
{
	const struct config_site *site = o->reach.site;

	return ((struct dbput_options){
		.remote = o->node.control, .probe = &o->probe,
		.view = &o->view, .tables = o->db.tables,
		.ntables = o->db.ntables, .image = o->args->image,
		.rehome = o->db.rehome.n > 0 ? &o->db.rehome : NULL,
		.on_start = o->args->on_start, .force = o->args->force,
		.dry_run = o->args->dry_run,
		.verbose = o->args->verbose,
		.limit_s = site != NULL ? site->dump_s : 0,
		.report = o->report,
		.site = (const char *)o->db.site.data,
	});
}

int
ontodb_plan(struct onto *o, FILE *tell, struct err *e)
{
	struct dbput_options opt;

	if (!o->db.wanted)
		return (0);
	if (o->args->image != NULL && o->probe.xcatd == PROBE_XCATD_ABSENT) {
		report_add(o->report, "database", DUMP_TARGET, "xCAT's "
		    "commands are not there: osimage %s is restored without "
		    "its definition", o->args->image);
		o->db.wanted = 0;
		return (0);
	}
	if (node_wake(&o->node, e) == -1)
		return (-1);
	opt = options(o);
	opt.out = tell;
	if ((o->db.plan = dbput_new(&opt, e)) == NULL)
		return (err_wrap(e, "database"));
	/* It may have been restarted. */
	o->probe.xcatd = ontodb_planned(&o->db)->xcatd;
	return (0);
}

const struct dbput_plan *
ontodb_planned(const struct ontodb *d)
{
	return (d->plan != NULL ? dbput_planned(d->plan) : NULL);
}

int
ontodb_keep_undo(struct onto *o, struct err *e)
{
	if (o->db.plan == NULL)
		return (0);
	if (dbput_keep_undo(o->db.plan, &o->db.undo, e) == -1)
		return (err_wrap(e, "database"));
	o->db.kept = 1;
	return (0);
}

void
ontodb_refusal(const struct onto *o, struct buf *out, int forced)
{
	const struct dbput_plan *p = ontodb_planned(&o->db);

	if (p == NULL || forced)
		return;
	if (p->in_use)
		buf_printf(out, "the database there is in use and differs: "
		    "%zu of its rows would go or change; use --force, or "
		    "--without-database", p->lost);
	else if (p->unsure)
		buf_printf(out, "the database there gives no whole dump, so "
		    "that there would be no undo%s%s: use --force, or "
		    "--without-database", p->trouble != NULL ? "; " : "",
		    p->trouble != NULL ? p->trouble : "");
}

int
ontodb_run(struct onto *o, FILE *tell, struct err *e)
{
	struct dbput_options opt;
	int rc;

	if (!o->db.wanted)
		return (0);
	if (node_wake(&o->node, e) == -1)
		return (-1);
	opt = options(o);
	opt.out = tell;
	opt.undo = o->db.kept ? &o->db.undo : NULL;
	opt.planned = 1;
	opt.late = o->nvolumes > 0;
	o->db.done = 1;
	rc = dbput_run(&opt, &o->db.result, e);
	if (rc == -1)
		(void)err_wrap(e, "database");
	return (rc);
}

int
ontodb_status(const struct ontodb *d)
{
	return (d->done ? d->result.status : d->plan != NULL ?
	    dbput_planned(d->plan)->status : STATUS_DONE);
}
