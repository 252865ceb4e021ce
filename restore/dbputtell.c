#include <string.h>

#include "restore/dbput.h"

static const char *
plural(size_t n)
{
	return (n == 1 ? "" : "s");
}

static void
print_table(const struct dbput_table *t, FILE *f)
{
	if (!t->put)
		fprintf(f, "  %-16s left out: %s\n", t->name, t->why);
	else if (t->merged && t->differ > 0)
		fprintf(f, "  %-16s %llu row%s of it among %llu%s%s\n",
		    t->name, (unsigned long long)t->rows, plural(t->rows),
		    (unsigned long long)t->there, t->why != NULL ? ", " : "",
		    t->why != NULL ? t->why : "");
	else if (t->differ == 0 && t->why == NULL)
		fprintf(f, "  %-16s %llu rows, as they are there already\n",
		    t->name, (unsigned long long)t->rows);
	else
		fprintf(f, "  %-16s %llu rows in place of %llu%s%s\n",
		    t->name, (unsigned long long)t->rows,
		    (unsigned long long)t->there, t->why != NULL ? ", " : "",
		    t->why != NULL ? t->why : "");
}

void
dbput_plan_print(const struct dbput_plan *p, int verbose, FILE *f)
{
	size_t i;

	for (i = 0; i < p->ntables; i++)
		if (verbose || p->tables[i].why != NULL)
			print_table(&p->tables[i], f);
	fprintf(f, "database: %zu table%s with %llu rows to restore, %zu of "
	    "them there already", p->put, plural(p->put),
	    (unsigned long long)p->rows, p->same);
	if (p->left_out > 0)
		fprintf(f, "; %zu left out", p->left_out);
	if (p->edits > 0)
		fprintf(f, "; %zu value%s with another name", p->edits,
		    plural(p->edits));
	if (p->lost > 0)
		fprintf(f, "; %zu row%s of the target go or change",
		    p->lost, plural(p->lost));
	fprintf(f, "\n");
	if (p->unsure)
		fprintf(f, "database: --force is needed, and there would be "
		    "no undo: %s\n", p->trouble);
	else if (p->resumed.id[0] != '\0')
		fprintf(f, "database: it is that of a restore which was cut "
		    "short; what was there before is kept as snapshot %s\n",
		    p->resumed.id);
	else if (p->in_use)
		fprintf(f, "database: --force is needed: the target has "
		    "nodes\n");
}

void
dbput_result_print(const struct dbput_result *r, const char *site, FILE *f)
{
	const struct dbput_plan *p = &r->plan;

	fprintf(f, "database: ");
	if (r->published)
		fprintf(f, "%zu table%s published to /.dbbackup, nothing "
		    "restored: the container loads them when it starts next",
		    p->put, plural(p->put));
	else if (!r->compared && (r->unproved == 0 || r->unproved == p->put))
		fprintf(f, "restored, but it could NOT be compared: do not "
		    "trust it");
	else if (!r->compared)
		fprintf(f, "restored, but %zu of %zu tables could NOT be "
		    "compared, and %zu row%s of the others differ",
		    r->unproved, p->put, r->differ, plural(r->differ));
	else if (!r->agrees)
		fprintf(f, "NOT as in the snapshot: %zu row%s differ",
		    r->differ, plural(r->differ));
	else if (p->same == p->put)
		fprintf(f, "%zu table%s, all as in the snapshot already",
		    p->put, plural(p->put));
	else
		fprintf(f, "%zu table%s, %llu rows: restored, dumped again, "
		    "and as in the snapshot", p->put, plural(p->put),
		    (unsigned long long)p->rows);
	if (r->lossy > 0)
		fprintf(f, " (but for blanks, blank lines or CR in %zu "
		    "value%s, which xCAT drops)", r->lossy,
		    plural(r->lossy));
	if (p->edits > 0)
		fprintf(f, "; %zu value%s with another name", p->edits,
		    plural(p->edits));
	if (p->left_out > 0)
		fprintf(f, "; %zu table%s left out", p->left_out,
		    plural(p->left_out));
	fprintf(f, "\n");
	if (r->undo.id[0] != '\0')
		fprintf(f, "the way back: xcatvault undo %s (snapshot "
		    "%s%s)\n", site, r->undo.id, r->undo.anew ? "" :
		    ", kept before");
}

static json_t *
table_json(const struct dbput_table *t)
{
	return (json_pack("{s:s, s:b, s:b, s:I, s:I, s:I, s:I, s:I, "
	    "s:s?}", "table", t->name, "restore", t->put,
	    "merged", t->merged,
	    "rows", (json_int_t)t->rows, "there", (json_int_t)t->there,
	    "lost", (json_int_t)t->lost, "edits", (json_int_t)t->edits,
	    "differ", (json_int_t)t->differ, "reason", t->why));
}

json_t *
dbput_plan_json(const struct dbput_plan *p)
{
	json_t *tables = json_array();
	size_t i;

	for (i = 0; i < p->ntables; i++)
		json_array_append_new(tables, table_json(&p->tables[i]));
	return (json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:b, "
	    "s:s?, s:s?}", "tables", tables, "restore", (json_int_t)p->put,
	    "left_out", (json_int_t)p->left_out,
	    "rows", (json_int_t)p->rows, "lost", (json_int_t)p->lost,
	    "edits", (json_int_t)p->edits, "same", (json_int_t)p->same,
	    "in_use", p->in_use, "unsure", p->unsure,
	    "trouble", p->trouble, "resumed", p->resumed.id[0] != '\0' ?
	    p->resumed.id : NULL));
}

json_t *
dbput_result_json(const struct dbput_result *r)
{
	json_t *j = dbput_plan_json(&r->plan);

	if (j == NULL)
		return (NULL);
	if (json_object_update_new(j, json_pack("{s:s?, s:b, s:b, s:b, s:b, "
	    "s:b, s:b, s:I, s:I, s:I, s:f, s:f}",
	    "undo", r->undo.id[0] != '\0' ? r->undo.id : NULL,
	    "undo_anew", r->undo.anew,
	    "published", r->published, "bypass", r->bypass,
	    "started", r->started, "compared", r->compared,
	    "agrees", r->agrees, "unproved", (json_int_t)r->unproved,
	    "differ", (json_int_t)r->differ, "lossy", (json_int_t)r->lossy,
	    "xcat_seconds", r->xcat_s, "own_seconds", r->own_s)) == 0)
		return (j);
	json_decref(j);
	return (NULL);
}
