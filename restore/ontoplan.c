#include <stdio.h>
#include <string.h>

#include "base/human.h"
#include "remote/quote.h"
#include "remote/session.h"
#include "restore/ontoplan.h"

#define STEPS_MAX 8

static unsigned long long
ull(uint64_t v)
{
	return (v);
}

static const char *
known(const char *text)
{
	return (text != NULL ? text : "unknown");
}

static int
differ(const char *a, const char *b)
{
	return (a != NULL && *a != '\0' && b != NULL && *b != '\0' &&
	    strcmp(a, b) != 0);
}

/* ------------------------------------------------------------------ space */

struct need {
	uint64_t bytes, inodes;
};

/* What all volumes on the file system of this one need of it. */
static struct need
need_of(const struct onto *o, size_t at)
{
	const struct ontofacts_place *places = o->facts.places;
	const struct survey_totals *t;
	uint64_t freed = 0;
	struct need n = { 0, 0 };
	size_t i;

	for (i = 0; i < o->nvolumes; i++) {
		if (o->volumes[i].local != NULL ? i != at :
		    o->volumes[at].local != NULL ||
		    places[i].fs != places[at].fs)
			continue;
		t = &o->volumes[i].totals;
		n.bytes += t->blocks;
		n.inodes += t->inodes;
		freed += o->args->keep_old ? 0 : t->freed;
	}
	n.bytes -= freed < n.bytes ? freed : n.bytes;
	return (n);
}

static const struct onto_volume *
too_small(const struct onto *o, struct need *n)
{
	const struct onto_volume *v;
	size_t i;

	for (i = 0; i < o->nvolumes; i++) {
		v = &o->volumes[i];
		*n = need_of(o, i);
		if (n->bytes > v->room || n->inodes > v->inodes)
			return (v);
	}
	return (NULL);
}

/* --------------------------------------------------------------- refusals */

/*
 * A fresh host's xCAT has logged something already, and would never be free
 * of newer files: logs are told of, but ask for no --force.
 */
static int
holds_logs(const struct onto_volume *v)
{
	return (strncmp(v->vol->path, "/var/log/", 9) == 0);
}

static void
newer_files(const struct onto *o, struct survey_totals *sum,
    const char **first)
{
	size_t i;

	memset(sum, 0, sizeof(*sum));
	*first = NULL;
	for (i = 0; i < o->nvolumes; i++) {
		if (holds_logs(&o->volumes[i]))
			continue;
		sum->newer += o->volumes[i].totals.newer;
		sum->newer_bytes += o->volumes[i].totals.newer_bytes;
		if (*first == NULL)
			*first = o->volumes[i].survey.newer[0];
	}
}

void
ontoplan_refusal(const struct onto *o, struct buf *out, int forced)
{
	char a[HUMAN_LEN], b[HUMAN_LEN];
	const struct onto_volume *v;
	struct survey_totals newer;
	struct need n;
	const char *first;

	buf_clear(out);
	newer_files(o, &newer, &first);
	if ((v = too_small(o, &n)) != NULL) {
		human_bytes(n.bytes, a);
		human_bytes(v->room, b);
		buf_printf(out, "not enough space for %s: %s and %llu "
		    "inodes are needed, %s and %llu are free",
		    v->vol->path, a, ull(n.inodes), b, ull(v->inodes));
	} else if (!forced && o->whole && !o->args->without_database &&
	    o->view.snap.partial)
		buf_printf(out, "the snapshot is partial%s%s: use --force, "
		    "or --without-database for its files only",
		    o->view.snap.database.reason != NULL ? "; " : "",
		    o->view.snap.database.reason != NULL ?
		    o->view.snap.database.reason : "");
	else if (!forced && newer.newer > 0 && !o->args->keep_old) {
		human_bytes(newer.newer_bytes, a);
		buf_printf(out, "%llu %s (%s) there, changed since the "
		    "snapshot, would be lost, %s among them: use --keep-old, "
		    "which keeps them aside, or --force",
		    ull(newer.newer), newer.newer == 1 ? "file" : "files", a,
		    first != NULL ? first : "some");
	}
}

/* ------------------------------------------------------------------ notes */

typedef void note_fn(void *arg, const char *kind, const char *text);

/* The files that xcatd has open. */
static void
note_database(const struct onto *o, note_fn *fn, void *arg)
{
	struct buf text = BUF_INIT;
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < o->nvolumes; i++)
		n += o->volumes[i].totals.plan.database;
	if (n == 0)
		return;
	buf_printf(&text, "%llu %s of xCAT's database (/etc/xcat/*.sqlite) ",
	    ull(n), n == 1 ? "file" : "files");
	if (o->survey.database)
		buf_printf(&text, "%s left alone: what is in %s comes by "
		    "the database's own way", n == 1 ? "is" : "are",
		    n == 1 ? "it" : "them");
	else
		buf_puts(&text, "will be put there as they are: stop xcatd "
		    "before, and start it behind");
	fn(arg, "database-files", buf_cstr(&text));
	buf_fini(&text);
}

/* What is different there, missing, or in the way; kind: for programs. */
static void
each_note(const struct onto *o, note_fn *fn, void *arg)
{
	const struct snapshot_node *then = &o->view.snap.node;
	const struct probe_tool *t;
	struct buf text = BUF_INIT;
	size_t i;

	if (differ(then->xcat, o->probe.xcat_version)) {
		buf_printf(&text, "xCAT was %s and is %s there",
		    then->xcat, o->probe.xcat_version);
		fn(arg, "xcat", buf_cstr(&text));
	}
	buf_clear(&text);
	if (differ(then->arch, o->probe.arch)) {
		buf_printf(&text, "the architecture was %s and is %s there",
		    then->arch, o->probe.arch);
		fn(arg, "architecture", buf_cstr(&text));
	}
	buf_clear(&text);
	if (differ(then->engine, o->probe.db_engine)) {
		buf_printf(&text, "the database was in %s and is in %s there",
		    then->engine, o->probe.db_engine);
		fn(arg, "engine", buf_cstr(&text));
	}
	buf_clear(&text);
	if (differ(then->hostname, o->probe.hostname)) {
		buf_printf(&text, "the node was %s and is %s there: see "
		    "--rehome", then->hostname, o->probe.hostname);
		fn(arg, "hostname", buf_cstr(&text));
	}
	for (i = 0; i < PROBE_TOOLS; i++) {
		t = &o->probe.tools[i];
		if (t->trouble == NULL)
			continue;
		buf_clear(&text);
		buf_printf(&text, "%s: %s", t->name, t->trouble);
		fn(arg, "tool", buf_cstr(&text));
	}
	note_database(o, fn, arg);
	if (o->view.snap.partial)
		fn(arg, "partial", "the snapshot is partial");
	buf_fini(&text);
}

static size_t
steps(const struct onto *o, const char *at[STEPS_MAX])
{
	size_t n = 0;

	if (o->db.wanted && !o->args->on_start)
		at[n++] = "keep the database that is there, for undo";
	if (o->args->keep_old)
		at[n++] = "keep aside what will be replaced or deleted";
	if (o->nvolumes > 0) {
		at[n++] = "delete what is in the way or, with --exact, too "
		    "much";
		at[n++] = "send directories, files, links; set owners, "
		    "modes, times";
		at[n++] = "prove it: digests and a new listing";
	}
	if (o->db.wanted && o->args->on_start)
		at[n++] = "publish the dump to /.dbbackup";
	else if (o->db.wanted) {
		at[n++] = "restore the database and (re)start xcatd";
		at[n++] = "prove it: a second dump, row by row";
	}
	return (n);
}

/* ------------------------------------------------------------------- text */

static void
print_note(void *arg, const char *kind, const char *text)
{
	(void)kind;
	fprintf(arg, "note      %s\n", text);
}

static void
print_volume(const struct onto_volume *v, FILE *f)
{
	const struct plan_totals *t = &v->totals.plan;
	char bytes[HUMAN_LEN], room[HUMAN_LEN];

	human_bytes(t->bytes, bytes);
	human_bytes(v->room, room);
	fprintf(f, "volume    %s%s%s: %llu to create, %llu to replace, "
	    "%llu to adjust, %llu to keep, %llu to delete; %s to write, %s "
	    "free\n", v->vol->path, v->local != NULL ? " in " : "",
	    v->local != NULL ? v->local : "", ull(t->created),
	    ull(t->replaced), ull(t->adjusted), ull(t->kept),
	    ull(t->deleted), bytes, room);
	if (v->totals.newer > 0)
		fprintf(f, "newer     %llu %s of %s changed there since the "
		    "snapshot: %s%s%s%s%s%s\n", ull(v->totals.newer),
		    v->totals.newer == 1 ? "file" : "files", v->vol->path,
		    known(v->survey.newer[0]),
		    v->survey.newer[1] != NULL ? ", " : "",
		    v->survey.newer[1] != NULL ? v->survey.newer[1] : "",
		    v->survey.newer[2] != NULL ? ", " : "",
		    v->survey.newer[2] != NULL ? v->survey.newer[2] : "",
		    v->totals.newer > 3 ? ", ..." : "");
}

void
ontoplan_print(const struct onto *o, FILE *f)
{
	const struct snapshot *s = &o->view.snap;
	char when[SNAPSHOT_TIME_LEN];
	const char *at[STEPS_MAX];
	size_t i, n;

	snapshot_time_text(&s->start, 0, when);
	fprintf(f, "snapshot  %s of %s, %s\n", s->id, s->site, when);
	fprintf(f, "onto      %s, host %s, %s, xCAT %s\n",
	    remote_name(o->node.control), known(o->probe.hostname),
	    known(o->probe.arch), known(o->probe.xcat_version));
	each_note(o, print_note, f);
	for (i = 0; i < o->nvolumes; i++)
		print_volume(&o->volumes[i], f);
	if (o->db.plan != NULL)
		dbput_plan_print(ontodb_planned(&o->db), o->args->verbose, f);
	if (o->facts.services[0][0] != '\0') {
		fprintf(f, "running   ");
		for (i = 0; o->facts.services[i][0] != '\0'; i++)
			fprintf(f, "%s%s", i > 0 ? ", " : "",
			    o->facts.services[i]);
		fprintf(f, ": better stopped until it is done\n");
	}
	n = steps(o, at);
	for (i = 0; i < n; i++)
		fprintf(f, "step %zu    %s\n", i + 1, at[i]);
}

/* Where --keep-old has put things; replaces out.  NULL: nowhere. */
static const char *
kept_aside(const struct onto *o, const struct onto_volume *v, struct buf *out)
{
	buf_clear(out);
	if (!v->sent.kept_old)
		return (NULL);
	buf_printf(out, "%s/%s", strcmp(v->vol->path, "/") == 0 ? "" :
	    v->vol->path, o->old_name);
	return (buf_cstr(out));
}

static void
print_kept(const struct onto *o, FILE *f)
{
	struct buf path = BUF_INIT, word = BUF_INIT;
	size_t i;

	for (i = 0; i < o->nvolumes; i++) {
		if (kept_aside(o, &o->volumes[i], &path) == NULL)
			continue;
		buf_clear(&word);
		remote_quote(&word, path.data, path.len);
		fprintf(f, "kept      what was there before is in %s "
		    "(and %s.~1~ and so on, where names clashed); no backup "
		    "takes it; to remove all of it, on the node: rm -rf %s*\n",
		    buf_cstr(&path), buf_cstr(&path), buf_cstr(&word));
	}
	buf_fini(&path);
	buf_fini(&word);
}

void
ontoplan_print_result(const struct onto *o, FILE *f)
{
	const struct onto_volume *v;
	const struct plan_totals *t;
	char bytes[HUMAN_LEN];
	size_t i;

	for (i = 0; i < o->nvolumes; i++) {
		v = &o->volumes[i];
		if (!v->done)
			continue;
		t = &v->totals.plan;
		human_bytes(t->bytes, bytes);
		fprintf(f, "restored %s: %llu created, %llu replaced, %llu "
		    "adjusted, %llu kept, %llu deleted; %s",
		    v->vol->path, ull(t->created), ull(t->replaced),
		    ull(t->adjusted), ull(t->kept), ull(t->deleted), bytes);
		if (v->local == NULL)
			fprintf(f, "; %llu %s proved there",
			    ull(v->sent.proved),
			    v->sent.proved == 1 ? "file" : "files");
		if (v->sent.again > 0)
			fprintf(f, "; connected again %u times",
			    v->sent.again);
		fprintf(f, "\n");
	}
	if (o->db.done)
		dbput_result_print(&o->db.result, o->args->site, f);
	print_kept(o, f);
}

/* ------------------------------------------------------------------- JSON */

static json_t *
volume_json(const struct onto_volume *v)
{
	const struct plan_totals *t = &v->totals.plan;

	return (json_pack("{s:s, s:s?, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
	    "s:I, s:I, s:I, s:I}", "path", v->vol->path, "local", v->local,
	    "entries", (json_int_t)t->entries,
	    "created", (json_int_t)t->created,
	    "replaced", (json_int_t)t->replaced,
	    "adjusted", (json_int_t)t->adjusted,
	    "kept", (json_int_t)t->kept, "deleted", (json_int_t)t->deleted,
	    "bytes", (json_int_t)t->bytes,
	    "database_files", (json_int_t)t->database,
	    "free_bytes", (json_int_t)v->room,
	    "newer_files", (json_int_t)v->totals.newer,
	    "newer_bytes", (json_int_t)v->totals.newer_bytes));
}

static void
add_note(void *arg, const char *kind, const char *text)
{
	json_array_append_new(arg, json_pack("{s:s, s:s}", "kind", kind,
	    "text", text));
}

json_t *
ontoplan_json(const struct onto *o)
{
	json_t *volumes = json_array(), *notes = json_array();
	json_t *services = json_array(), *order = json_array();
	const char *at[STEPS_MAX];
	struct buf why = BUF_INIT;
	json_t *j;
	size_t i, n;

	for (i = 0; i < o->nvolumes; i++)
		json_array_append_new(volumes, volume_json(&o->volumes[i]));
	each_note(o, add_note, notes);
	for (i = 0; o->facts.services[i][0] != '\0'; i++)
		json_array_append_new(services,
		    json_string(o->facts.services[i]));
	n = steps(o, at);
	for (i = 0; i < n; i++)
		json_array_append_new(order, json_string(at[i]));
	ontoplan_refusal(o, &why, o->args->force);
	if (why.len == 0)
		ontodb_refusal(o, &why, o->args->force);
	j = json_pack("{s:s, s:s, s:s, s:s?, s:s?, s:s?, s:b, s:o, s:o, "
	    "s:o, s:o, s:s?}", "snapshot", o->view.snap.id,
	    "site", o->view.snap.site,
	    "target", remote_name(o->node.control),
	    "hostname", o->probe.hostname, "arch", o->probe.arch,
	    "xcat", o->probe.xcat_version,
	    "dry_run", o->args->dry_run, "volumes", volumes,
	    "notes", notes, "running", services, "steps", order,
	    "refused", why.len > 0 ? buf_cstr(&why) : NULL);
	if (j != NULL && o->db.plan != NULL)
		json_object_set_new(j, "database",
		    dbput_plan_json(ontodb_planned(&o->db)));
	buf_fini(&why);
	return (j);
}

json_t *
ontoplan_result_json(const struct onto *o)
{
	json_t *volumes = json_array();
	const struct onto_volume *v;
	struct buf path = BUF_INIT;
	size_t i;

	for (i = 0; i < o->nvolumes; i++) {
		v = &o->volumes[i];
		json_array_append_new(volumes, json_pack("{s:s, s:b, s:I, "
		    "s:I, s:I, s:I, s:i, s:s?}", "path", v->vol->path,
		    "done", v->done, "sent", (json_int_t)v->sent.sent,
		    "proved", (json_int_t)v->sent.proved,
		    "damaged", (json_int_t)v->sent.damaged,
		    "wrong", (json_int_t)v->sent.wrong,
		    "reconnected", (int)v->sent.again,
		    "kept_aside", kept_aside(o, v, &path)));
	}
	buf_fini(&path);
	return (json_pack("{s:o, s:o?, s:I}", "volumes", volumes,
	    "database", o->db.done ? dbput_result_json(&o->db.result) : NULL,
	    "reported", (json_int_t)report_count(o->report)));
}
