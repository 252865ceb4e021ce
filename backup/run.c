#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backup/run.h"
#include "base/cancel.h"
#include "base/version.h"
#include "formats/pathtext.h"
#include "vault/snapshots.h"

#define LOOK_BACK 16	/* snapshots searched for an older catalog */

struct run {
	const struct backup_options *opt;
	struct vault *vault;
	struct store_lock *vault_lock, *site_lock;
	struct index *index;
	struct committer *committer;
	struct catalog_sink *sink;
	struct report *report;
	struct progress *progress;
	struct pool pool;
	int pool_up;
	struct snapshot_list list;
	struct snapshot *old;	/* of the site, newest first */
	size_t nold;
};

/*
 * The vault's lock is shared by backups; whoever happens to be alone first
 * takes away what dead ones left.  The site's lock keeps a second backup of
 * the same site out.
 */
static int
take_locks(struct run *r, struct err *e)
{
	struct store *s = r->vault->store;
	struct err ignored;
	char name[80];

	snprintf(name, sizeof(name), "site-%s", r->opt->site);
	if ((r->site_lock = store_lock(s, name, 1, e)) == NULL)
		return (-1);
	if ((r->vault_lock = store_lock(s, "vault", 1, &ignored)) != NULL) {
		store_clean(s);
		store_unlock(r->vault_lock);
	}
	r->vault_lock = store_lock(s, "vault", 0, e);
	return (r->vault_lock != NULL ? 0 : -1);
}

/* A backup of the vault into itself would never end well. */
static int
check_volume(struct run *r, const struct backup_volume *v, struct err *e)
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
	if (realpath(r->opt->vault, vault) == NULL)
		return (err_sys(e, "vault %s", r->opt->vault));
	n = strlen(volume);
	if (n == 1)
		n = 0;
	if (strncmp(vault, volume, n) == 0 &&
	    (vault[n] == '/' || vault[n] == '\0'))
		return (err_set(e, ERR_USAGE, "the vault %s lies within the "
		    "volume %s; put it elsewhere", r->opt->vault, v->source));
	return (0);
}

/* The site's last snapshots; one that is damaged is told and passed over. */
static int
load_old(struct run *r, struct err *e)
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
		if (strcmp(ref->site, r->opt->site) != 0)
			continue;
		if (snapshot_load(&r->old[r->nold], r->vault, ref,
		    &why) == 0)
			r->nold++;
		else
			cli_warn("%s; going by an older one", why.msg);
	}
	return (0);
}

static const struct snapshot_volume *
find_old(const struct run *r, const char *path)
{
	const struct snapshot *s;
	size_t i, k;

	for (i = 0; i < r->nold; i++) {
		s = &r->old[i];
		for (k = 0; k < s->nvolumes; k++)
			if (strcmp(s->volumes[k].path, path) == 0)
				return (&s->volumes[k]);
	}
	return (NULL);
}

/* Time left is judged by what there was last time. */
static void
expect(struct run *r)
{
	const struct snapshot_volume *old;
	uint64_t files = 0, bytes = 0;
	size_t i;

	for (i = 0; i < r->opt->nvolumes; i++) {
		old = find_old(r, r->opt->volumes[i].path);
		if (old == NULL)
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
open_run(struct run *r, struct err *e)
{
	size_t i;

	if ((r->vault = vault_open(r->opt->vault, e)) == NULL)
		return (-1);
	for (i = 0; i < r->opt->nvolumes; i++)
		if (check_volume(r, &r->opt->volumes[i], e) == -1)
			return (-1);
	if (take_locks(r, e) == -1 || load_old(r, e) == -1)
		return (-1);
	if ((r->report = report_new(r->opt->quiet ? REPORT_TROUBLE :
	    REPORT_ALL)) == NULL)
		return (err_nomem(e));
	if ((r->index = index_open(r->vault, INDEX_STRICT, e)) == NULL ||
	    (r->committer = committer_new(r->vault->store, e)) == NULL ||
	    (r->sink = catalog_sink_new(r->vault, r->index, r->committer,
	    e)) == NULL)
		return (-1);
	tell_problems(r->index);
	r->progress = progress_new("backed up", r->opt->progress);
	expect(r);
	r->pool.vault = r->vault;
	r->pool.index = r->index;
	r->pool.committer = r->committer;
	r->pool.sink = r->sink;
	r->pool.report = r->report;
	r->pool.progress = r->progress;
	r->pool_up = 1;
	return (pool_start(&r->pool, r->opt->threads, e));
}

static int
fill_head(const struct run *r, struct snapshot *s, struct err *e)
{
	char host[256] = "";

	assert(r->nold == 0 || r->old != NULL);
	(void)gethostname(host, sizeof(host) - 1);
	clock_gettime(CLOCK_REALTIME, &s->start);
	s->site = strdup(r->opt->site);
	s->host = strdup(host);
	s->tool = strdup("xcatvault " XCATVAULT_VERSION);
	if (r->nold > 0)
		s->previous = strdup(r->old[0].id);
	s->volumes = calloc(r->opt->nvolumes, sizeof(*s->volumes));
	if (s->site == NULL || s->host == NULL || s->tool == NULL ||
	    (r->nold > 0 && s->previous == NULL) || s->volumes == NULL)
		return (err_nomem(e));
	return (0);
}

static void
tell_healed(const struct run *r)
{
	if (r->pool.healed > 0)
		cli_warn("%llu files stored anew: the vault had lost parts "
		    "of them (\"xcatvault verify\" tells whether anything "
		    "is still missing)", (unsigned long long)r->pool.healed);
}

static int
run_volumes(struct run *r, struct snapshot *s, struct err *e)
{
	const struct backup_volume *from;
	struct snapshot_volume *v;
	uint64_t before;
	size_t i;

	for (i = 0; i < r->opt->nvolumes; i++) {
		from = &r->opt->volumes[i];
		v = &s->volumes[i];
		s->nvolumes = i + 1;
		v->path = strdup(from->path);
		v->source = strdup(from->source);
		if (v->path == NULL || v->source == NULL)
			return (err_nomem(e));
		before = r->pool.read_bytes;
		if (merge_volume(&r->pool, &r->opt->merge, v,
		    find_old(r, v->path), e) == -1)
			return (-1);
		v->totals.read_bytes = r->pool.read_bytes - before;
	}
	return (0);
}

static int
copy_reports(const struct run *r, struct snapshot *s, struct err *e)
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

/*
 * The order of writing: contents, catalogs, names durable, then the
 * snapshot that leans on them.
 */
static int
publish(struct run *r, struct snapshot *s, struct err *e)
{
	if (pool_finish(&r->pool, e) == -1 ||
	    catalog_sink_commit(r->sink, e) == -1 ||
	    committer_finish(r->committer, e) == -1 ||
	    copy_reports(r, s, e) == -1 || cancel_check(e) == -1)
		return (-1);
	s->stored_bytes = committer_bytes(r->committer);
	clock_gettime(CLOCK_REALTIME, &s->end);
	return (snapshot_save(s, r->vault, e));
}

static void
close_run(struct run *r)
{
	size_t i;

	if (r->pool_up)
		pool_fini(&r->pool);
	progress_free(r->progress);
	catalog_sink_free(r->sink);
	committer_free(r->committer);
	index_free(r->index);
	report_free(r->report);
	for (i = 0; i < r->nold; i++)
		snapshot_fini(&r->old[i]);
	free(r->old);
	snapshot_list_fini(&r->list);
}

static void
close_vault(struct run *r)
{
	store_unlock(r->vault_lock);
	store_unlock(r->site_lock);
	vault_close(r->vault);
}

int
backup_run(const struct backup_options *opt, struct snapshot *s,
    size_t *trouble, struct err *e)
{
	struct run r = { .opt = opt };
	struct err ignored;
	int rc = -1;

	memset(s, 0, sizeof(*s));
	*trouble = 0;
	if (open_run(&r, e) == 0 && fill_head(&r, s, e) == 0 &&
	    run_volumes(&r, s, e) == 0)
		rc = publish(&r, s, e);
	if (rc == 0)
		tell_healed(&r);
	if (r.report != NULL)
		*trouble = report_count(r.report);
	close_run(&r);
	/* Index the new packs while they are in the page cache. */
	if (rc == 0 && s->stored_bytes > 0)
		index_free(index_open(r.vault, INDEX_STRICT, &ignored));
	close_vault(&r);
	return (rc);
}
