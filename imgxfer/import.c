#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cancel.h"
#include "imgxfer/importextra.h"
#include "imgxfer/importkeep.h"
#include "imgxfer/importrun.h"
#include "imgxfer/importsend.h"
#include "remote/exec.h"

#define REWRITTEN "bundle.tar"	/* its name in the private directory */
#define WAIT_S 30		/* for somebody else's import */
#define SENT_S 900		/* for it, when the bundle is there already */
#define BACK_S 300		/* for our own, which is put back */
#define GRACE_S 5
#define TRIES 5

/* ----------------------------------------------------------- beginning */

/* A path of the site table that can be given to a script. */
static int
site_path(struct importrun *r, const char *key, const char *otherwise,
    char **out, struct err *e)
{
	char *v = tables_value(r->site, "site", "key", key, "value");
	size_t n;

	if (v == NULL || v[0] == '\0') {
		free(v);
		v = otherwise != NULL ? strdup(otherwise) : NULL;
		if (otherwise != NULL && v == NULL)
			return (err_nomem(e));
	}
	*out = v;
	if (v == NULL)
		return (0);
	for (n = strlen(v); n > 1 && v[n - 1] == '/'; n--)
		v[n - 1] = '\0';
	if (v[0] != '/' || v[strspn(v, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ"
	    "KLMNOPQRSTUVWXYZ0123456789/._+-@:=,%")] != '\0')
		return (err_set(e, ERR_FAILED, "%s: site.%s is no plain "
		    "absolute path; nothing was tried",
		    remote_name(r->node->control), key));
	return (0);
}

/* All that xCAT is asked for goes by way of xcatd. */
static int
ask_xcat(struct importrun *r, struct err *e)
{
	static const char *const names[] = { "site" };

	if (node_wake(r->node, e) == -1)
		return (-1);
	r->site = tables_read(r->node->control, names, 1, 0, e);
	if (r->site == NULL) {
		if (!remote_lost(r->node->control))
			err_wrap(e, "nothing was tried, as xcatd does not "
			    "answer");
		return (-1);
	}
	if (site_path(r, "tmpdir", NULL, &r->tmpdir, e) == -1 ||
	    site_path(r, "installdir", "/install", &r->installdir, e) == -1)
		return (-1);
	r->work = r->tmpdir != NULL ? r->tmpdir : r->installdir;
	return (0);
}

static int
open_shell(struct importrun *r, unsigned wait_s, struct err *e)
{
	struct buf recovered = BUF_INIT;
	char *line, *rest;
	int rc = 0;

	r->shell = importnode_new(r->node->control, r->work,
	    r->installdir, wait_s, &recovered, e);
	/* What was ours is judged by looking, not by hearsay. */
	if (r->shell == NULL)
		rc = -1;
	else if (!r->begun && buf_cstr(&recovered)[0] != '\0')
		for (line = strtok_r((char *)recovered.data, "\n", &rest);
		    line != NULL && rc == 0;
		    line = strtok_r(NULL, "\n", &rest))
			rc = importrun_add(r->res, &r->res->warnings,
			    &r->res->nwarnings, e, "an import that was "
			    "killed there before: %s", line);
	if (r->tables == NULL)
		r->nwarnings = r->res->nwarnings;
	buf_fini(&recovered);
	return (rc);
}

static int
set_result(struct importrun *r, struct err *e)
{
	const struct inspect *in = r->bundle->in;
	struct import_result *res = r->res;
	size_t i;

	res->bundle_bytes = in->bundle_bytes;
	memcpy(res->bundle_digest, in->bundle_digest, DIGEST_LEN);
	res->dry_run = r->opt->dry_run;
	res->image = importrun_text(res, r->plan.image);
	res->arch = importrun_text(res, r->plan.arch);
	if (res->image == NULL || res->arch == NULL)
		return (err_nomem(e));
	for (i = 0; i < in->nfindings; i++)
		if (in->findings[i].level != INSPECT_NOTE &&
		    importrun_add(res, &res->warnings, &res->nwarnings, e,
		    "bundle: %s%s%s", in->findings[i].member,
		    in->findings[i].member[0] != '\0' ? ": " : "",
		    in->findings[i].reason) == -1)
			return (-1);
	return (0);
}

/* -------------------------------------------------------------- before */

static int
may_replace(struct importrun *r, struct err *e)
{
	struct import_result *res = r->res;

	if (res->nconflicts == 0)
		return (0);
	if (!r->opt->replace)
		return (err_set(e, ERR_FAILED, "%s: %s%s; nothing was "
		    "changed (--replace replaces what is there, --profile "
		    "and --as give it another name)",
		    remote_name(r->node->control), res->conflicts[0].text,
		    res->nconflicts > 1 ? ", and more" : ""));
	if (r->opt->vault == NULL && !r->opt->force)
		return (err_set(e, ERR_USAGE, "--replace: what is replaced "
		    "is kept in a vault first, and none is named (-V); with "
		    "--force it stays there as FILE.ORIG instead"));
	return (0);
}

/* What stands in the way goes into the vault. */
static int
keep_old(struct importrun *r, struct err *e)
{
	struct importkeep k = { .vault = r->opt->vault,
	    .remote = r->node->control, .site = r->opt->site,
	    .image = r->plan.image };
	struct importkeep_rows rows[IMPORTRUN_TABLES];
	const struct importnode_at **files;
	char id[SNAPSHOT_ID_LEN + 1];
	size_t i;
	int rc = 0;

	if ((files = calloc(r->nlooks + 1, sizeof(*files))) == NULL)
		return (err_nomem(e));
	for (i = 0; i < r->nlooks; i++)
		if (r->looks[i].aside && r->looks[i].was == IMPORT_OTHER)
			files[k.nfiles++] = r->before + i;
	for (i = 0; i < IMPORTRUN_TABLES; i++) {
		rows[i].table = importrun_tables[i];
		rows[i].csv = &r->rows[i].csv;
		k.nrows += r->rows[i].n;
	}
	if (r->opt->vault != NULL && (k.nfiles > 0 || k.nrows > 0)) {
		k.files = files;
		k.rows = rows;
		k.nrows = IMPORTRUN_TABLES;
		if ((rc = importkeep_store(&k, id, e)) == -1)
			err_wrap(e, "what is to be replaced cannot be kept; "
			    "nothing was changed");
		else if ((r->res->undo = importrun_text(r->res, id)) == NULL)
			rc = err_nomem(e);
	}
	free(files);
	return (rc);
}

/* "DIR/NAME" of the private directory. */
static const char *
in_private(struct importrun *r, const char *name, struct err *e)
{
	const char *path = importplan_join(&r->plan,
	    importnode_dir(r->shell), name);

	if (path == NULL)
		err_nomem(e);
	return (path);
}

/* A bundle that lies there must be the one that was inspected. */
static int
check_lying(struct importrun *r, struct err *e)
{
	const struct inspect *in = r->bundle->in;
	struct importnode_at at = { .path = r->bundle->lies_at,
	    .digest_if = IMPORTNODE_ANY };

	if (importnode_look(r->shell, &at, 1, e) == -1)
		return (-1);
	if (at.kind != IMPORTNODE_FILE || at.size != in->bundle_bytes ||
	    !at.has_digest || memcmp(at.digest, in->bundle_digest,
	    DIGEST_LEN) != 0)
		return (err_set(e, ERR_FAILED, "%s: it is not what was "
		    "inspected; nothing was changed", at.path));
	return (0);
}

/* How things stand there, and whether that will do. */
static int
look_around(struct importrun *r, struct err *e)
{
	if (importrun_read_tables(r, &r->tables, 0, e) == -1 ||
	    importrun_survey(r, e) == -1)
		return (-1);
	return (importrun_room(r, e));
}

static void
forget_looks(struct importrun *r)
{
	struct import_result *res = r->res;
	size_t i;

	tables_free(r->tables);
	r->tables = NULL;
	for (i = 0; i < IMPORTRUN_TABLES; i++)
		importrows_fini(r->rows + i);
	free(res->files);
	res->files = NULL;
	res->nfiles = res->nremoved = res->ndirs = res->nrows = 0;
	res->nconflicts = 0;
	res->nwarnings = r->nwarnings;
	r->nlooks = 0;
}

/* That may take long: others may import meanwhile. */
static int
send_bundle(struct importrun *r, struct err *e)
{
	importnode_free(r->shell);
	r->shell = NULL;
	forget_looks(r);
	if ((r->held = importsend_lay(r, e)) == NULL ||
	    held_keep(r->held, e) == -1)
		return (-1);
	r->res->sent = r->bundle->in->bundle_bytes;
	return (0);
}

static int
rewrite_bundle(struct importrun *r, struct err *e)
{
	struct buf xml = BUF_INIT;
	int rc;

	if (!r->plan.rewrite)
		return (0);
	if ((rc = imgmanifest_write(&r->plan.after, &xml, e)) == 0)
		rc = importnode_rewrite(r->shell,
		    r->bundle->in->compression, r->file, REWRITTEN,
		    r->plan.manifest, &xml, e);
	buf_fini(&xml);
	if (rc == -1)
		return (err_wrap(e, "the bundle cannot be given another "
		    "name"));
	r->plan.any = 1;
	return ((r->file = in_private(r, REWRITTEN, e)) != NULL ? 0 : -1);
}

/* --------------------------------------------------------- the journal */

static int
tell_looks(struct importrun *r, struct err *e)
{
	enum importnode_then then;
	struct importrun_look *look;
	struct importnode_at *at;
	size_t i;
	int rc = 0;

	for (i = 0; i < r->nlooks && rc == 0; i++) {
		look = r->looks + i;
		at = r->before + i;
		if (look->why == IMPORTRUN_MEDIA || look->skip)
			continue;
		if (look->why == IMPORTRUN_DIR) {
			rc = at->kind == IMPORTNODE_NONE ?
			    importnode_new_dir(r->shell, at->path, e) :
			    importnode_keep_mode(r->shell, at, e);
		} else if (look->aside) {
			then = look->was == IMPORT_SAME ? IMPORTNODE_BACK :
			    r->opt->vault != NULL ? IMPORTNODE_GONE :
			    IMPORTNODE_ORIG;
			rc = importnode_aside(r->shell, at->path, then, e);
		} else if (at->kind == IMPORTNODE_NONE) {
			rc = importnode_new_file(r->shell, at->path, e);
		}
	}
	return (rc);
}

static int
begin(struct importrun *r, struct err *e)
{
	size_t i;

	if (importrun_unchanged(r, e) == -1 || tell_looks(r, e) == -1)
		return (-1);
	for (i = 0; i < IMPORTRUN_TABLES; i++) {
		if (i == IMPORTRUN_LITEFILE && r->plan.litefile == NULL)
			continue;
		if (importnode_rows(r->shell, importrun_tables[i],
		    importrun_keys[i], r->plan.image, &r->rows[i].csv,
		    e) == -1)
			return (-1);
	}
	if (cancel_check(e) == -1)
		return (-1);
	r->begun = 1;
	return (importnode_begin(r->shell, r->plan.image, e));
}

/* ----------------------------------------------------------- imgimport */

/* Its errors have a place at the beginning of a line. */
static int
is_error(const char *line)
{
	return (strncmp(line, "Error", 5) == 0 ||
	    strstr(line, "Error:") != NULL || strstr(line, "ERROR") != NULL ||
	    strncmp(line, "Connection failure", 18) == 0);
}

static int
judge_said(struct importrun *r, const struct importnode_ran *ran,
    unsigned limit_s, struct err *e)
{
	char want[1200], *line, *rest, *copy, *error = NULL;
	int imported = 0, rc = 0;

	snprintf(want, sizeof(want), "Successfully imported the image %s.",
	    r->plan.image);
	if ((copy = strndup((const char *)(ran->said.len > 0 ?
	    ran->said.data : (const uint8_t *)""), ran->said.len)) == NULL)
		return (err_nomem(e));
	for (line = strtok_r(copy, "\n", &rest); line != NULL && rc == 0;
	    line = strtok_r(NULL, "\n", &rest)) {
		imported |= strcmp(line, want) == 0;
		if (error == NULL && is_error(line))
			error = line;
		else if (strncmp(line, "Warning", 7) == 0)
			rc = importrun_add(r->res, &r->res->warnings,
			    &r->res->nwarnings, e, "imgimport: %s", line);
	}
	if (rc == -1)
		;
	else if (ran->status == -1)
		rc = err_set(e, ERR_FAILED, "imgimport did not end within "
		    "%u s, and was ended", limit_s);
	else if (ran->status == 127)
		rc = err_set(e, ERR_FAILED, "there is no imgimport");
	else if (error != NULL)
		rc = err_set(e, ERR_FAILED, "imgimport (status %d) said: %s",
		    ran->status, error);
	else if (ran->status != 0)
		rc = err_set(e, ERR_FAILED, "imgimport ended with status %d",
		    ran->status);
	else if (!imported)
		rc = err_set(e, ERR_FAILED, "imgimport did not say that it "
		    "has imported %s", r->plan.image);
	free(copy);
	return (rc);
}

static int
run_imgimport(struct importrun *r, struct err *e)
{
	unsigned limit_s = r->opt->limit_s != 0 ? r->opt->limit_s :
	    IMPORT_LIMIT_S;
	struct importnode_ran ran = { -1, BUF_INIT };
	int rc;

	rc = importnode_import(r->shell, r->file, r->plan.profile,
	    r->plan.any, limit_s, &ran, e);
	if (rc == 0)
		rc = judge_said(r, &ran, limit_s, e);
	buf_fini(&ran.said);
	return (rc);
}

static int
prove_tree(struct importrun *r, struct err *e)
{
	const struct importplan *p = &r->plan;
	const char *member = NULL;
	char dir[2048];
	uint64_t entries;
	size_t i;

	if (p->treefile == NULL)
		return (0);
	for (i = 0; i < p->nfiles; i++)
		if (p->files[i].passing)
			member = p->files[i].member;
	if (member == NULL)
		return (0);
	snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(p->treefile, '/') -
	    p->treefile), p->treefile);
	if (importnode_tree(r->shell, r->file, member, dir, &entries,
	    e) == -1) {
		if (!remote_lost(r->node->control))
			e->kind = ERR_DAMAGED;
		return (err_wrap(e, "what stands there is not the image"));
	}
	return (entries > 0 ? 0 : err_set(e, ERR_DAMAGED, "what stands there "
	    "is not the image: its root tree is empty"));
}

/* -------------------------------------------------------------- extras */

static int
at_path(const void *path, const void *extra)
{
	const struct import_extra *x = extra;

	return (strcmp(path, x->path));
}

static int
put_extra(void *arg, const char *path, unsigned mode,
    const struct source *from, uint64_t bytes, struct err *e)
{
	struct importrun *r = arg;
	const struct import_extra *x;
	size_t i;

	x = bsearch(path, r->opt->extras, r->opt->nextras, sizeof(*x),
	    at_path);
	if (x == NULL ||
	    (i = r->extra_looks[x - r->opt->extras]) == 0 ||
	    r->looks[i - 1].skip)
		return (0);
	return (importnode_put(r->shell, path, mode, from, bytes, e));
}

static int
heed(void *arg, struct err *e)
{
	const struct importrun *r = arg;

	return (importnode_alive(r->shell, e));
}

static int
put_extras(struct importrun *r, struct err *e)
{
	if (r->opt->nextras == 0 || r->opt->extras_tar == NULL)
		return (0);
	return (importextra_each(r->opt->extras_tar, put_extra, heed, r,
	    e));
}

/* ------------------------------------------------------------ put back */

/* The connection may need a while. */
static int
reach_again(struct importrun *r, struct err *e)
{
	struct timespec second = { 1, 0 };
	int tries;

	for (tries = 0; tries < TRIES; tries++) {
		if (node_wake(r->node, e) == 0) {
			remote_persist(r->node->control);
			if (open_shell(r, BACK_S, e) == 0)
				return (0);
			if (!remote_lost(r->node->control))
				return (-1);
		}
		nanosleep(&second, NULL);
	}
	return (-1);
}

static void
append(struct err *e, const char *text)
{
	size_t n = strlen(e->msg);

	snprintf(e->msg + n, sizeof(e->msg) - n, "; %s", text);
}

/*
 * The script puts all back when it loses its input; another one waits for
 * that, does what it left undone, and tells how things stand.
 */
static void
put_back(struct importrun *r, struct err *e)
{
	struct import_result *res = r->res;
	struct err why, ignored;
	int as_before = -1;

	remote_persist(r->node->control);
	importnode_free(r->shell);
	r->shell = NULL;
	res->fate = IMPORT_STRANDED;
	if (reach_again(r, &why) == 0) {
		if (r->committing && importrun_prove(r, &ignored) == 0) {
			res->fate = IMPORT_DONE;
			return;
		}
		as_before = importrun_as_before(r, &why);
	}
	if (as_before == 1) {
		res->fate = IMPORT_PUT_BACK;
		append(e, "all was put back, and is proved to be as it was");
		(void)importnode_forget(r->shell, &ignored);
	} else if (as_before == 0) {
		append(e, "it could not all be put back");
	} else {
		(void)importrun_add(res, &res->standing, &res->nstanding,
		    &ignored, "how it stands there is not known (%s); the "
		    "node puts all back by itself as soon as it can, or the "
		    "next import does", why.msg);
		append(e, "whether all was put back is not known");
	}
}

/* ------------------------------------------------------------- the run */

static int
prepare(struct importrun *r, struct err *e)
{
	if (r->bundle->in == NULL)
		return (err_set(e, ERR_FAILED, "it was not inspected"));
	if (ask_xcat(r, e) == -1 || importplan_make(&r->plan, r->bundle->in,
	    r->installdir, r->opt, e) == -1 || set_result(r, e) == -1 ||
	    open_shell(r, r->bundle->source != NULL ? WAIT_S : SENT_S,
	    e) == -1)
		return (-1);
	return (look_around(r, e));
}

/* What was set aside and is not yet gone is no failure of the import. */
static int
commit(struct importrun *r, struct err *e)
{
	struct import_result *res = r->res;
	struct buf left = BUF_INIT;
	char *line, *rest;
	int rc;

	r->committing = 1;
	if ((rc = importnode_commit(r->shell, &left, e)) == 0)
		rc = buf_ok(&left, e);
	if (rc == 0 && buf_cstr(&left)[0] != '\0')
		for (line = strtok_r((char *)left.data, "\n", &rest);
		    line != NULL && rc == 0;
		    line = strtok_r(NULL, "\n", &rest))
			rc = importrun_add(res, &res->warnings,
			    &res->nwarnings, e, "%s", line);
	buf_fini(&left);
	return (rc);
}

/* All that comes before a change. */
static int
approach(struct importrun *r, struct err *e)
{
	if (r->shell == NULL && (node_wake(r->node, e) == -1 ||
	    open_shell(r, SENT_S, e) == -1 || look_around(r, e) == -1 ||
	    may_replace(r, e) == -1))
		return (-1);
	if (r->held != NULL)
		r->file = held_path(r->held);
	else if ((r->file = r->bundle->lies_at) != NULL &&
	    check_lying(r, e) == -1)
		return (-1);
	if (keep_old(r, e) == -1 || rewrite_bundle(r, e) == -1)
		return (-1);
	return (begin(r, e));
}

/* What lies there need not be sent again for a connection that is lost. */
static int
approach_again(struct importrun *r, struct err *e)
{
	const struct timespec second = { 1, 0 };
	struct err cancelled;
	int tries;

	for (tries = 0; approach(r, e) == -1; tries++) {
		if (r->begun || tries == TRIES ||
		    !remote_lost(r->node->control) ||
		    cancel_check(&cancelled) == -1)
			return (-1);
		importnode_free(r->shell);
		r->shell = NULL;
		forget_looks(r);
		nanosleep(&second, NULL);
	}
	return (0);
}

static int
transact(struct importrun *r, struct err *e)
{
	if (approach_again(r, e) == -1 || run_imgimport(r, e) == -1 ||
	    prove_tree(r, e) == -1 || put_extras(r, e) == -1 ||
	    importnode_modes(r->shell, e) == -1 ||
	    importnode_alive(r->shell, e) == -1 ||
	    importrun_prove(r, e) == -1)
		return (-1);
	return (commit(r, e));
}

/* What was sent is not needed any more. */
static int
end_held(struct importrun *r, struct err *e)
{
	struct err left;

	if (r->held == NULL)
		return (0);
	held_unkeep(r->held);
	return (held_end(r->held, &left) == 0 ? 0 : importrun_add(r->res,
	    &r->res->warnings, &r->res->nwarnings, e, "%s", left.msg));
}

static void
fini(struct importrun *r)
{
	size_t i;

	importnode_free(r->shell);
	if (r->held != NULL)
		held_unkeep(r->held);
	held_free(r->held);
	importplan_fini(&r->plan);
	tables_free(r->tables);
	tables_free(r->site);
	for (i = 0; i < IMPORTRUN_TABLES; i++)
		importrows_fini(r->rows + i);
	free(r->tmpdir);
	free(r->installdir);
	free(r->before);
	free(r->looks);
	free(r->extra_looks);
}

int
import_run(struct node *n, const struct import_bundle *b,
    const struct import_options *opt, struct import_result *res,
    struct err *e)
{
	struct importrun r = { .node = n, .bundle = b, .opt = opt,
	    .res = res };
	int rc;

	memset(res, 0, sizeof(*res));
	rc = prepare(&r, e);
	if (rc == 0 && !opt->dry_run && (may_replace(&r, e) == -1 ||
	    (b->source != NULL && send_bundle(&r, e) == -1)))
		rc = -1;
	if (rc == 0 && !opt->dry_run) {
		if ((rc = transact(&r, e)) == 0)
			res->fate = IMPORT_DONE;
		else if (r.begun) {
			put_back(&r, e);
			if (res->fate == IMPORT_DONE)
				rc = importrun_add(res, &res->warnings,
				    &res->nwarnings, e, "the connection was "
				    "lost at the very end; the image was "
				    "proved once more");
		}
	}
	if (rc == 0)
		rc = end_held(&r, e);
	fini(&r);
	return (rc);
}

int
import_preflight(struct node *n, const char *image, uint64_t bytes,
    const struct import_options *opt, struct err *e)
{
	struct import_result res = { .image = image };
	struct importrun r = { .node = n, .opt = opt, .res = &res };
	uint64_t dev, free_bytes;
	size_t i;
	int rc;

	if ((rc = ask_xcat(&r, e)) == 0 &&
	    (rc = open_shell(&r, WAIT_S, e)) == 0)
		rc = importrun_read_tables(&r, &r.tables, 0, e);
	for (i = 0; i < IMPORTRUN_LITEFILE && rc == 0; i++) {
		rc = importrows_read(r.tables, importrun_tables[i],
		    importrun_keys[i], image, r.rows + i, e);
		if (rc == 0 && r.rows[i].n > 0 && !opt->replace &&
		    (opt->profile == NULL || opt->as != NULL))
			rc = err_set(e, ERR_FAILED, "%s: %s: it is in the "
			    "table %s; nothing was changed (--replace "
			    "replaces it)", remote_name(n->control), image,
			    importrun_tables[i]);
	}
	if (rc == 0)
		rc = importnode_room(r.shell, r.work, &dev, &free_bytes, e);
	if (rc == 0 && free_bytes / 2 < bytes)
		rc = err_set(e, ERR_FAILED, "%s: too little room at %s for "
		    "a bundle and what is in it", remote_name(n->control),
		    r.work);
	fini(&r);
	import_result_fini(&res);
	return (rc);
}
