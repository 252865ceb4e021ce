#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "backup/resume.h"
#include "backup/run.h"
#include "base/cancel.h"
#include "base/version.h"
#include "formats/pathtext.h"
#include "vault/snapshots.h"

#define LOOK_BACK 16	/* snapshots searched for an older catalog */

struct backup_run {
	struct backup_options opt;
	struct vault *vault;
	struct store_lock *vault_lock, *site_lock;
	struct index *index;
	struct index *fresh;	/* of what this run has stored as well */
	struct committer *committer;
	struct catalog_sink *sink;
	struct report *report;
	struct progress *progress;
	struct pool pool;
	int pool_up;
	struct snapshot_list list;
	struct snapshot *old;	/* of the site, newest first */
	size_t nold;
	struct snapshot unfinished;	/* of a run that was cut off */
	struct snapshot snapshot;
};

/*
 * The vault's lock is shared by backups, which may all start at once.  The
 * site's keeps a second backup of the same site out.  What dead ones left is
 * told from what the living write by locks of its own.
 */
static int
take_locks(struct backup_run *r, struct err *e)
{
	struct store *s = r->vault->store;
	char name[80];

	snprintf(name, sizeof(name), "site-%s", r->opt.site);
	if ((r->site_lock = store_lock(s, name, 1, e)) == NULL ||
	    (r->vault_lock = store_lock(s, "vault", 0, e)) == NULL)
		return (-1);
	store_clean(s);
	return (0);
}

/* A backup of the vault into itself would never end well. */
int
backup_run_check(struct backup_run *r, const struct backup_volume *v,
    struct err *e)
{
	char volume[PATH_MAX], vault[PATH_MAX];
	struct stat st;
	size_t n;

	if (stat(v->source, &st) == -1 || realpath(v->source, volume) == NULL)
		return (err_sys(e, "volume %s", v->source));
	if (!S_ISDIR(st.st_mode))
		return (err_set(e, ERR_FAILED, "volume %s: not a directory",
		    v->source));
	if (access(v->source, R_OK | X_OK) == -1)
		return (err_sys(e, "volume %s", v->source));
	if (store_local_path(r->vault->store) == NULL)
		return (0);
	if (realpath(r->opt.vault, vault) == NULL)
		return (err_sys(e, "vault %s", r->opt.vault));
	n = strlen(volume);
	if (n == 1)
		n = 0;
	if (strncmp(vault, volume, n) == 0 &&
	    (vault[n] == '/' || vault[n] == '\0'))
		return (err_set(e, ERR_USAGE, "the vault %s lies within the "
		    "volume %s; put it elsewhere", r->opt.vault, v->source));
	return (0);
}

/* The site's last snapshots; one that is damaged is told and passed over. */
static int
load_old(struct backup_run *r, struct err *e)
{
	const struct snapshot_ref *ref;
	struct err why;
	size_t i;

	if (snapshot_list_load(&r->list, r->vault, e) == -1)
		return (-1);
	if ((r->old = calloc(LOOK_BACK, sizeof(*r->old))) == NULL)
		return (err_nomem(e));
	for (i = r->list.n; i-- > 0 && r->nold < LOOK_BACK;) {
		ref = &r->list.refs[i];
		if (strcmp(ref->site, r->opt.site) != 0)
			continue;
		if (snapshot_load(&r->old[r->nold], r->vault, ref,
		    &why) == 0)
			r->nold++;
		else
			cli_warn("%s; going by an older one", why.msg);
	}
	if (resume_load(&r->unfinished, r->vault, r->opt.site))
		cli_warn("going on from where the last run of %s was cut off",
		    r->opt.site);
	return (0);
}

static const struct snapshot_volume *
find_volume(const struct snapshot *s, const char *path)
{
	size_t i;

	for (i = 0; i < s->nvolumes; i++)
		if (strcmp(s->volumes[i].path, path) == 0)
			return (&s->volumes[i]);
	return (NULL);
}

/* doubt: nobody keeps prune from what an unfinished run has stored. */
static const struct snapshot_volume *
find_old(const struct backup_run *r, const char *path, int *doubt)
{
	const struct snapshot_volume *v;
	size_t i;

	*doubt = 1;
	if ((v = find_volume(&r->unfinished, path)) != NULL)
		return (v);
	*doubt = 0;
	for (i = 0; i < r->nold && v == NULL; i++)
		v = find_volume(&r->old[i], path);
	return (v);
}

void
backup_run_expect(struct backup_run *r, const struct backup_volume *v,
    size_t n)
{
	const struct snapshot_volume *old;
	uint64_t files = 0, bytes = 0;
	size_t i;
	int doubt;

	for (i = 0; i < n; i++) {
		if ((old = find_old(r, v[i].path, &doubt)) == NULL)
			return;
		files += old->totals.files;
		bytes += old->totals.bytes;
	}
	progress_expect(r->progress, files, bytes);
}

static void
tell_problems(const struct index *ix)
{
	const struct index_problem *p;
	size_t i;

	for (i = 0; i < index_problems(ix); i++) {
		p = index_get_problem(ix, i);
		cli_warn("%s; its blobs are stored anew where the volumes "
		    "have them (\"xcatvault verify\" says more)", p->reason);
	}
}

static int
fill_head(struct backup_run *r, struct err *e)
{
	struct snapshot *s = &r->snapshot;
	char host[256] = "";

	(void)gethostname(host, sizeof(host) - 1);
	clock_gettime(CLOCK_REALTIME, &s->start);
	s->site = strdup(r->opt.site);
	s->host = strdup(host);
	s->tool = strdup("xcatvault " XCATVAULT_VERSION);
	if (r->nold > 0)
		s->previous = strdup(r->old[0].id);
	if (s->site == NULL || s->host == NULL || s->tool == NULL ||
	    (r->nold > 0 && s->previous == NULL))
		return (err_nomem(e));
	return (0);
}

static int
open_run(struct backup_run *r, struct err *e)
{
	if ((r->vault = vault_open(r->opt.vault, e)) == NULL ||
	    take_locks(r, e) == -1 || load_old(r, e) == -1 ||
	    fill_head(r, e) == -1)
		return (-1);
	if ((r->report = report_new(r->opt.quiet ? REPORT_TROUBLE :
	    REPORT_ALL)) == NULL)
		return (err_nomem(e));
	if ((r->index = index_open(r->vault, INDEX_STRICT, e)) == NULL ||
	    (r->committer = committer_new(r->vault->store, e)) == NULL ||
	    (r->sink = catalog_sink_new(r->vault, r->index, r->committer,
	    e)) == NULL)
		return (-1);
	tell_problems(r->index);
	r->progress = progress_new("backed up", r->opt.progress);
	r->pool.vault = r->vault;
	r->pool.index = r->index;
	r->pool.committer = r->committer;
	r->pool.sink = r->sink;
	r->pool.report = r->report;
	r->pool.progress = r->progress;
	r->pool.snapshots = &r->list;
	r->pool_up = 1;
	return (pool_start(&r->pool, r->opt.threads, e));
}

struct backup_run *
backup_run_new(const struct backup_options *opt, struct err *e)
{
	struct backup_run *r;

	if ((r = calloc(1, sizeof(*r))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	r->opt = *opt;
	if (open_run(r, e) == 0)
		return (r);
	backup_run_free(r);
	return (NULL);
}

void
backup_run_free(struct backup_run *r)
{
	size_t i;

	if (r == NULL)
		return;
	if (r->pool_up)
		pool_fini(&r->pool);
	progress_free(r->progress);
	catalog_sink_free(r->sink);
	committer_free(r->committer);
	index_free(r->index);
	index_free(r->fresh);
	report_free(r->report);
	for (i = 0; i < r->nold; i++)
		snapshot_fini(&r->old[i]);
	free(r->old);
	snapshot_fini(&r->unfinished);
	snapshot_fini(&r->snapshot);
	snapshot_list_fini(&r->list);
	store_unlock(r->vault_lock);
	store_unlock(r->site_lock);
	vault_close(r->vault);
	free(r);
}

static struct snapshot_volume *
add_volume(struct snapshot *s, const struct backup_volume *from,
    struct err *e)
{
	struct snapshot_volume *v;

	v = realloc(s->volumes, (s->nvolumes + 1) * sizeof(*v));
	if (v == NULL) {
		err_nomem(e);
		return (NULL);
	}
	s->volumes = v;
	v += s->nvolumes++;
	memset(v, 0, sizeof(*v));
	v->path = strdup(from->path);
	v->source = strdup(from->source);
	/* All of a directory is no selection. */
	v->selected = from->only != NULL && (from->nonly != 1 ||
	    strcmp(from->only[0], ".") != 0);
	if (v->path == NULL || v->source == NULL) {
		err_nomem(e);
		return (NULL);
	}
	return (v);
}

/* All that is durable by now is there for the next run to go on from. */
static void
note_unfinished(struct backup_run *r)
{
	clock_gettime(CLOCK_REALTIME, &r->snapshot.end);
	r->snapshot.partial = 1;
	if (resume_save(&r->snapshot, r->vault) == 0)
		cli_warn("what is stored of %s so far is kept; the next run "
		    "goes on from there", r->opt.site);
}

/* The source is lost: close what has been begun. */
static void
keep_unfinished(struct backup_run *r)
{
	struct err why;

	if (catalog_sink_commit(r->sink, &why) == 0 &&
	    committer_finish(r->committer, &why) == 0)
		note_unfinished(r);
}

int
backup_run_volume(struct backup_run *r, const struct backup_volume *v,
    struct node *node, struct err *e)
{
	const struct snapshot_volume *old;
	struct snapshot_volume *to;
	uint64_t before = r->pool.read_bytes;
	int doubt, rc;

	if ((to = add_volume(&r->snapshot, v, e)) == NULL)
		return (-1);
	old = find_old(r, v->path, &doubt);
	r->pool.node = node;
	rc = merge_volume(&r->pool, &r->opt.merge, v, to, old, doubt, e);
	to->totals.read_bytes = r->pool.read_bytes - before;
	if (rc == 1)
		keep_unfinished(r);
	return (rc == 0 ? 0 : -1);
}

static int
copy_reports(const struct backup_run *r, struct snapshot *s, struct err *e)
{
	const struct report_item *it;
	struct snapshot_report *to;
	size_t i, n = report_kept(r->report);

	if (n == 0)
		return (0);
	if ((s->reports = calloc(n, sizeof(*s->reports))) == NULL)
		return (err_nomem(e));
	s->nreports = n;
	for (i = 0; i < n; i++) {
		it = report_get(r->report, i);
		to = &s->reports[i];
		to->kind = strdup(it->kind);
		to->path = pathtext_dup(it->path);
		to->message = strdup(it->message);
		if (to->kind == NULL || to->path == NULL ||
		    to->message == NULL)
			return (err_nomem(e));
	}
	return (0);
}

static void
tell_healed(const struct backup_run *r)
{
	if (r->pool.healed > 0)
		cli_warn("%llu files stored anew: the vault had lost parts "
		    "of them (\"xcatvault verify\" tells whether anything "
		    "is still missing)", (unsigned long long)r->pool.healed);
}

int
backup_run_store(struct backup_run *r, struct err *e)
{
	if (pool_finish(&r->pool, e) == -1 ||
	    catalog_sink_commit(r->sink, e) == -1 ||
	    committer_finish(r->committer, e) == -1)
		return (-1);
	r->snapshot.stored_bytes = committer_bytes(r->committer);
#ifdef __GLIBC__
	/* The index of what is new needs as much room as the backup did. */
	malloc_trim(0);
#endif
	return (0);
}

/* The new packs are indexed while they are in the page cache. */
struct index *
backup_run_index(struct backup_run *r, struct err *e)
{
	if (r->fresh == NULL)
		r->fresh = index_open(r->vault, INDEX_STRICT, e);
	return (r->fresh);
}

/*
 * The order of writing: contents, catalogs, names durable, then the
 * snapshot that leans on them.
 */
int
backup_run_publish(struct backup_run *r, struct err *e)
{
	struct snapshot *s = &r->snapshot;
	struct err ignored;

	if (cancel_check(e) == -1) {
		note_unfinished(r);
		return (-1);
	}
	if (copy_reports(r, s, e) == -1)
		return (-1);
	clock_gettime(CLOCK_REALTIME, &s->end);
	if (snapshot_save(s, r->vault, e) == -1)
		return (-1);
	resume_remove(r->vault, r->opt.site);
	tell_healed(r);
	if (s->stored_bytes > 0)
		(void)backup_run_index(r, &ignored);
	return (0);
}

struct snapshot *
backup_run_snapshot(struct backup_run *r)
{
	return (&r->snapshot);
}

const struct snapshot *
backup_run_earlier(const struct backup_run *r, size_t *n)
{
	*n = r->nold;
	return (r->old);
}

struct vault *
backup_run_vault(struct backup_run *r)
{
	return (r->vault);
}

struct report *
backup_run_report(struct backup_run *r)
{
	return (r->report);
}
