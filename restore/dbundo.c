#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/version.h"
#include "restore/dbjudge.h"
#include "restore/dbundo.h"
#include "vault/deposit.h"
#include "vault/snapshots.h"

/* ------------------------------------------------------------- the newest */

/* 1 with the newest undo of the site, which is then to be finished; 0, -1. */
static int
load_newest(const struct dbwork *w, struct snapshot *s, struct err *e)
{
	struct vault *v = w->opt->view->vault;
	const struct snapshot_ref *ref = NULL;
	struct snapshot_list l;
	struct buf site = BUF_INIT;
	struct err lost;
	int rc;

	memset(s, 0, sizeof(*s));
	buf_printf(&site, "%s.undo", w->opt->site);
	if (buf_ok(&site, e) == -1 || snapshot_list_load(&l, v, e) == -1) {
		buf_fini(&site);
		return (-1);
	}
	ref = snapshot_list_newest(&l, buf_cstr(&site));
	rc = ref != NULL;
	/* One that cannot be read is none: another one is kept then. */
	if (rc == 1 && snapshot_load(s, v, ref, &lost) == -1) {
		if (lost.kind == ERR_DAMAGED) {
			rc = 0;
		} else {
			*e = lost;
			rc = -1;
		}
		snapshot_fini(s);
	}
	snapshot_list_fini(&l);
	buf_fini(&site);
	return (rc);
}

/* Whether the undo has a table of the target just as it is there. */
static int
has_table(const struct snapshot *s, const struct dbset_table *t)
{
	const struct snapshot_table *kept = snapshot_table_named(s, t->name);

	return (kept != NULL &&
	    memcmp(kept->digest, t->digest, DIGEST_LEN) == 0);
}

static int
has_all(const struct snapshot *s, const struct dbset *there)
{
	size_t i;

	for (i = 0; i < there->n; i++)
		if (!dbjudge_is_moving(there->tables[i].name) &&
		    !has_table(s, &there->tables[i]))
			return (0);
	return (there->n > 0 && s->database.ntables == there->n);
}

/* ------------------------------------------------------- one cut short */

/* 1: as the snapshot has it, or as xCAT restores that; 0; -1. */
static int
is_restored(const struct dbwork *w, const struct dbset_table *there,
    struct err *e)
{
	struct dbjudge_options opt = { .as_restored = 1 };
	const struct dbset_table *want = dbset_find(&w->want, there->name);
	struct dbjudge j;

	if (want == NULL || want->damaged)
		return (0);
	if (dbjudge_table(want, there, &opt, &j, e) == -1)
		return (-1);
	return (j.gone + j.changed + j.added == 0);
}

/*
 * Rows put among others leave nothing to know their restore by: a table that
 * has them may have been changed by anyone since.
 */
static int
is_mixture(const struct dbwork *w, const struct snapshot *undo,
    struct err *e)
{
	const struct dbset_table *t;
	size_t i, restored = 0;
	int rc;

	if (w->opt->image != NULL)
		return (0);
	for (i = 0; i < w->there.n; i++) {
		t = &w->there.tables[i];
		if (dbjudge_is_moving(t->name) || has_table(undo, t))
			continue;
		if ((rc = is_restored(w, t, e)) != 1)
			return (rc);
		restored++;
	}
	return (restored > 0);
}

static int
is_for(const struct snapshot *undo, const struct dbwork *w)
{
	return (undo->undoes != NULL &&
	    strcmp(undo->undoes, w->opt->view->snap.id) == 0);
}

int
dbundo_is_midway(const struct dbwork *w, struct err *e)
{
	const struct dbset_table *t;
	struct snapshot s;
	size_t i, left = 0;
	int rc, done;

	if ((rc = load_newest(w, &s, e)) != 1)
		return (rc);
	rc = is_for(&s, w);
	for (i = 0; i < w->there.n && rc == 1; i++) {
		t = &w->there.tables[i];
		if (dbjudge_is_moving(t->name) || t->worst >= XCATCSV_BROKEN)
			continue;
		if ((done = is_restored(w, t, e)) == -1)
			rc = -1;
		else if (done == 0 && has_table(&s, t))
			left++;
		else if (done == 0)
			rc = 0;
	}
	snapshot_fini(&s);
	return (rc == 1 ? left > 0 : rc);
}

static void
name_it(struct dbput_undo *out, const struct snapshot *s, int anew)
{
	memcpy(out->id, s->id, sizeof(out->id));
	out->anew = anew;
}

int
dbundo_covers(const struct dbwork *w, const struct dbput_undo *undo,
    struct err *e)
{
	struct snapshot s;
	int rc;

	if ((rc = load_newest(w, &s, e)) != 1)
		return (rc);
	if ((rc = strcmp(s.id, undo->id) == 0) && !has_all(&s, &w->there))
		rc = is_mixture(w, &s, e);
	snapshot_fini(&s);
	return (rc);
}

int
dbundo_resumes(const struct dbwork *w, struct dbput_undo *out,
    struct err *e)
{
	struct snapshot s;
	int rc;

	if ((rc = load_newest(w, &s, e)) != 1)
		return (rc);
	if ((rc = is_mixture(w, &s, e)) == 1)
		name_it(out, &s, 0);
	snapshot_fini(&s);
	return (rc);
}

/* -------------------------------------------------------------- keeping it */

static int
describe(const struct dbwork *w, struct snapshot *s, struct err *e)
{
	const struct probe *p = &w->probe;
	struct buf site = BUF_INIT;
	char host[256] = "";
	int rc;

	(void)gethostname(host, sizeof(host) - 1);
	buf_printf(&site, "%s.undo", w->opt->site);
	if ((rc = buf_ok(&site, e)) == 0)
		rc = snapshot_set(&s->site, buf_cstr(&site), e);
	buf_fini(&site);
	if (rc == -1 || snapshot_set(&s->host, host, e) == -1 ||
	    snapshot_set(&s->tool, "xcatvault " XCATVAULT_VERSION, e) == -1 ||
	    snapshot_set(&s->node.address, remote_name(w->opt->remote),
	    e) == -1 ||
	    snapshot_set(&s->node.fingerprint,
	    remote_fingerprint(w->opt->remote), e) == -1 ||
	    snapshot_set(&s->node.hostname, p->hostname, e) == -1 ||
	    snapshot_set(&s->node.os, p->os, e) == -1 ||
	    snapshot_set(&s->node.arch, p->arch, e) == -1 ||
	    snapshot_set(&s->node.xcat, p->xcat_version, e) == -1 ||
	    snapshot_set(&s->node.engine, p->db_engine, e) == -1)
		return (-1);
	if (w->opt->replace &&
	    snapshot_set(&s->undoes, w->opt->view->snap.id, e) == -1)
		return (-1);
	return (dump_describe(w->dump, &s->database, e));
}

static int
store(const struct dbwork *w, struct snapshot *s, struct err *e)
{
	struct deposit_file *files;
	char (*names)[XCATSCHEMA_TABLE_MAX + 8];
	size_t i, n = w->there.n;
	int rc = -1;

	files = calloc(n + 1, sizeof(*files));
	names = calloc(n + 1, sizeof(*names));
	if (files == NULL || names == NULL) {
		err_nomem(e);
		goto out;
	}
	for (i = 0; i < n; i++) {
		snprintf(names[i], sizeof(names[i]), "%s.csv",
		    w->there.tables[i].name);
		files[i].name = names[i];
		files[i].data = w->there.tables[i].text.data;
		files[i].len = w->there.tables[i].text.len;
	}
	if ((rc = describe(w, s, e)) == 0)
		rc = deposit_store(w->opt->view->vault, s, DUMP_TARGET,
		    files, n, e);
out:
	free(files);
	free(names);
	return (rc);
}

int
dbundo_keep(const struct dbwork *w, struct dbput_undo *out, struct err *e)
{
	struct snapshot s;
	int rc;

	if ((rc = load_newest(w, &s, e)) == 1)
		rc = has_all(&s, &w->there) ? !w->opt->replace ||
		    is_for(&s, w) : is_mixture(w, &s, e);
	if (rc == 1) {
		name_it(out, &s, 0);
		dbwork_say(w, "undo: snapshot %s of %s has the target's "
		    "tables as they were; they are not stored twice", s.id,
		    s.site);
	}
	snapshot_fini(&s);
	if (rc == 0) {
		memset(&s, 0, sizeof(s));
		if ((rc = store(w, &s, e)) == 0) {
			name_it(out, &s, 1);
			dbwork_say(w, "undo: the target's %zu tables are "
			    "kept as snapshot %s of %s", w->there.n, s.id,
			    s.site);
		}
		snapshot_fini(&s);
	}
	if (rc == -1)
		return (err_wrap(e, "the undo cannot be kept; %s",
		    dbwork_untouched(w)));
	return (0);
}
