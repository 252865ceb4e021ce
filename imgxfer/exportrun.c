#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cancel.h"
#include "base/version.h"
#include "imgxfer/exportrun.h"
#include "imgxfer/flow.h"
#include "remote/exec.h"

#define READ_BYTES ((size_t)256 << 10)
#define ROUSE_S 30
#define IDLE_MS 1000
#define FLOW_BYTES ((size_t)4 << 20)

/* ------------------------------------------------------------------- node */

int
exportnode_open(struct exportnode *n, const struct cli *cli,
    const char *site, struct err *e)
{
	const struct config *c;

	memset(n, 0, sizeof(*n));
	n->site = site;
	if ((c = cli_config(cli, e)) == NULL ||
	    reach_init(&n->reach, c, site, 1, e) == -1 ||
	    (n->r = remote_open(&n->reach.target, e)) == NULL ||
	    probe_site(n->r, 0, &n->probe, e) == -1 ||
	    (n->fs = nodefs_new(n->r, e)) == NULL)
		return (-1);
	return (0);
}

void
exportnode_close(struct exportnode *n)
{
	nodefs_free(n->fs);
	probe_fini(&n->probe);
	remote_close(n->r);
	reach_fini(&n->reach);
	memset(n, 0, sizeof(*n));
}

int
exportnode_rouse(struct remote **r, struct err *e)
{
	struct remote_io io = { .limit_s = ROUSE_S };
	struct remote *again;

	if (remote_run(*r, ":", &io, e) == 0)
		return (0);
	if (cancel_check(e) == -1 || (again = remote_sibling(*r, e)) == NULL)
		return (-1);
	remote_close(*r);
	*r = again;
	return (0);
}

int
exportnode_wake(struct exportnode *n, struct err *e)
{
	struct remote_io io = { .limit_s = ROUSE_S };

	if (remote_run(n->r, ":", &io, e) == 0)
		return (0);
	nodefs_free(n->fs);
	n->fs = NULL;
	if (exportnode_rouse(&n->r, e) == -1 ||
	    (n->fs = nodefs_new(n->r, e)) == NULL)
		return (-1);
	return (0);
}

/* ----------------------------------------------------------------- looking */

int
exportrun_plan(struct exportrun *run, struct exportnode *n,
    const char *image, const struct exportrun_options *opt, struct err *e)
{
	struct exportplan_options how = {
		.image = image, .work = opt->work, .probe = &n->probe,
		.native = opt->native, .roots = opt->roots,
		.nroots = opt->nroots,
	};

	memset(run, 0, sizeof(*run));
	run->node = n;
	if (exportnode_wake(n, e) == -1)
		return (-1);
	nodefs_forget(n->fs);
	return (exportplan_make(&run->plan, n->r, n->fs, &how, e));
}

int
exportrun_check(const struct exportrun *run, struct err *e)
{
	const struct exportplan *p = &run->plan;
	char more[64] = "";

	if (p->nproblems == 0)
		return (0);
	if (p->nproblems > 1)
		snprintf(more, sizeof(more), " (and %zu more: see --dry-run)",
		    p->nproblems - 1);
	return (err_set(e, ERR_FAILED, "%s: osimage %s: %s%s",
	    remote_name(run->node->r), p->image, p->problems[0].text, more));
}

/* ------------------------------------------------------------------ making */

/* All of whose digests are wanted: what travels, and what is left out. */
static const char **
list_files(const struct exportplan *p, size_t *n, struct err *e)
{
	const char **files;
	size_t i;

	files = calloc(p->nfiles + p->nleft + 1, sizeof(*files));
	if (files == NULL) {
		err_nomem(e);
		return (NULL);
	}
	*n = 0;
	for (i = 0; i < p->nfiles; i++)
		files[(*n)++] = p->files[i].path;
	for (i = 0; i < p->nleft; i++)
		if (p->left[i].type == '0')
			files[(*n)++] = p->left[i].path;
	return (files);
}

/* What it said on one line: the errors before the rest. */
static const char *
complaint(const struct held_export *x)
{
	size_t i;

	for (i = 0; i < x->nsaid; i++)
		if (strncmp(x->said[i], "Error", 5) == 0)
			return (x->said[i]);
	return (x->nsaid > 0 ? x->said[0] : NULL);
}

static int
judge(struct exportrun *run, const struct held_export *x,
    const struct exportrun_options *opt, struct err *e)
{
	const char *node = remote_name(run->node->r), *said = complaint(x);
	size_t i;

	if (x->late)
		return (err_set(e, ERR_FAILED, "%s: imgexport did not end "
		    "within %u seconds", node, opt->limit_s > 0 ?
		    opt->limit_s : HELD_LIMIT_S));
	/* It makes a bundle all the same: without what it could not find. */
	if (said != NULL && strncmp(said, "Error", 5) == 0)
		return (err_set(e, ERR_FAILED, "%s: imgexport: %s", node,
		    said));
	if (x->status != 0 || !x->has_bundle)
		return (err_set(e, ERR_FAILED, "%s: imgexport ended with "
		    "status %d and %s bundle%s%s", node, x->status,
		    x->has_bundle ? "a" : "no", said != NULL ? ": " : "",
		    said != NULL ? said : ""));
	for (i = 0; i < x->nsaid; i++)
		if (exportplan_warn(&run->plan, e, "imgexport: %s",
		    x->said[i]) == -1)
			return (-1);
	run->bytes = x->bytes;
	return (0);
}

int
exportrun_make(struct exportrun *run, const struct exportrun_options *opt,
    struct err *e)
{
	const struct exportplan *p = &run->plan;
	struct held_options how = {
		.base = p->base, .grace_s = opt->grace_s, .image = p->image,
		.tmpdir = p->tmpdir, .limit_s = opt->limit_s,
	};
	struct held_export x;
	const char **files;
	int rc = -1;

	if ((files = list_files(p, &how.nfiles, e)) == NULL)
		return (-1);
	how.files = files;
	if (opt->native) {
		/* No larger than that, but for what is around the files. */
		run->bytes = p->bytes;
		run->native = native_new(p, run->node->fs, run->node->r,
		    files, how.nfiles, e);
		rc = run->native != NULL ? 0 : -1;
	} else if ((run->held = held_new(run->node->r, &how, e)) != NULL &&
	    held_export(run->held, &x, e) == 0)
		rc = judge(run, &x, opt, e);
	free(files);
	return (rc);
}

/* ---------------------------------------------------------------- carrying */

/*
 * One thread reads from the node, another inspects and hands on.  A bundle
 * that is made here comes from threads of its own.
 */
struct carrying {
	struct held *held;	/* of from */
	struct source from;
	const struct sink *to;
	struct flow *flow;
	struct progress *progress;
};

/* Who takes it may be slow: the node must hear of us all the same. */
static int
pass_on(struct carrying *c, const void *p, size_t len, struct err *e)
{
	int rc;

	if (flow_wait_room(c->flow, len, IDLE_MS))
		return (flow_write(c->flow, p, len, e));
	if (held_keep(c->held, e) == -1)
		return (-1);
	rc = flow_write(c->flow, p, len, e);
	held_unkeep(c->held);
	return (rc);
}

static void *
read_on(void *arg)
{
	struct carrying *c = arg;
	uint8_t *p = malloc(READ_BYTES);
	struct err e = { 0 };
	ssize_t n = -1;

	if (p == NULL)
		err_nomem(&e);
	else
		while ((n = c->from.read(c->from.arg, p, READ_BYTES, &e)) > 0)
			if (pass_on(c, p, (size_t)n, &e) == -1)
				break;
	flow_end(c->flow, n == 0 ? NULL : &e);
	free(p);
	return (NULL);
}

static int
hand_on(void *arg, const void *p, size_t len, struct err *e)
{
	struct carrying *c = arg;

	progress_add(c->progress, 0, len);
	return (c->to->write(c->to->arg, p, len, e));
}

static int
inspect_all(struct exportrun *run, struct carrying *c,
    const struct source *from, int quick, struct err *e)
{
	struct inspect_options opt = run->plan.roots.opt;
	struct sink counted = { hand_on, c };
	struct source_tee tee = { from, &counted };
	struct source through = source_tee(&tee);

	opt.quick = quick;
	if (inspect_run(&run->in, &through, &opt, e) == -1)
		return (-1);
	return (source_drain(&through, e));
}

static int
carry_held(struct exportrun *run, struct carrying *c, int quick,
    struct err *e)
{
	struct source arrived;
	pthread_t reader;
	int rc;

	c->held = run->held;
	c->from = held_source(run->held);
	if ((c->flow = flow_new(FLOW_BYTES, e)) == NULL)
		return (-1);
	arrived = flow_source(c->flow, "the bundle");
	if (pthread_create(&reader, NULL, read_on, c) != 0)
		rc = err_set(e, ERR_FAILED, "no thread can be started");
	else {
		rc = inspect_all(run, c, &arrived, quick, e);
		flow_close(c->flow, rc == -1 ? e : NULL);
		pthread_join(reader, NULL);
	}
	flow_free(c->flow);
	return (rc);
}

int
exportrun_carry(struct exportrun *run, const struct exportrun_options *opt,
    const struct sink *to, struct progress *progress, struct err *e)
{
	struct carrying c = { .to = to, .progress = progress };

	progress_expect(progress, 0, run->bytes);
	if (run->native == NULL)
		return (carry_held(run, &c, opt->quick, e));
	c.from = native_source(run->native);
	return (inspect_all(run, &c, &c.from, opt->quick, e));
}

int
exportrun_prove(struct exportrun *run, struct err *e)
{
	if (exportnode_wake(run->node, e) == -1)
		return (-1);
	if (exportproof_check(run, e) == -1)
		return (err_wrap(e, "%s: osimage %s",
		    remote_name(run->node->r), run->plan.image));
	run->proved = 1;
	return (0);
}

int
exportrun_end(struct exportrun *run, struct err *e)
{
	int rc = 0;

	if (run->held != NULL) {
		rc = held_end(run->held, e);
		run->reconnected = held_reconnected(run->held);
	}
	held_free(run->held);
	run->held = NULL;
	return (rc);
}

void
exportrun_fini(struct exportrun *run)
{
	held_free(run->held);
	native_free(run->native);
	inspect_fini(&run->in);
	exportplan_fini(&run->plan);
	memset(run, 0, sizeof(*run));
}

int
exportrun_status(const struct exportrun *run)
{
	return (run->plan.nwarnings > 0 || run->in.status != STATUS_DONE ?
	    STATUS_REPORTED : STATUS_DONE);
}

/* ----------------------------------------------------------------- sidecar */

static void
describe_arch(struct sidecar *s, const struct inspect *in)
{
	static const char *const proofs[] = {
		[INSPECT_ARCH_UNPROVED] = "unproved",
		[INSPECT_ARCH_PROVED] = "proved",
		[INSPECT_ARCH_MISMATCH] = "mismatch",
		[INSPECT_ARCH_NONE] = "none",
	};

	s->osarch = in->arch_claimed;
	s->proof = proofs[in->arch];
	s->kernel_arch = in->kernel_arch == OSARCH_UNKNOWN ? "" :
	    osarch_name(in->kernel_arch);
	s->rootimg_arch = in->rootimg_arch == OSARCH_UNKNOWN ? "" :
	    osarch_name(in->rootimg_arch);
	s->kernel_form = in->kernel_form;
	s->rootimg_form = in->rootimg_form;
}

static int
describe_members(struct sidecar *s, const struct inspect *in, struct err *e)
{
	size_t i;

	s->members = arena_alloc(&s->arena,
	    (in->nmembers + 1) * sizeof(*s->members));
	if (s->members == NULL)
		return (err_nomem(e));
	for (i = 0; i < in->nmembers; i++) {
		s->members[i].name = in->members[i].name;
		s->members[i].type = in->members[i].type;
		s->members[i].mode = in->members[i].mode;
		s->members[i].size = in->members[i].size;
		s->members[i].target = in->members[i].target;
		memcpy(s->members[i].digest, in->members[i].digest,
		    DIGEST_LEN);
	}
	s->nmembers = in->nmembers;
	return (0);
}

static int
describe_left(struct sidecar *s, const struct exportrun *run, struct err *e)
{
	const struct exportplan *p = &run->plan;
	const struct held_sum *sum = run->sums + p->nfiles;
	struct sidecar_left *l;
	size_t i;

	s->left = arena_alloc(&s->arena, (p->nleft + 1) * sizeof(*s->left));
	if (s->left == NULL)
		return (err_nomem(e));
	for (i = 0; i < p->nleft; i++) {
		l = &s->left[s->nleft];
		*l = p->left[i];
		if (l->type == '0') {
			if (!sum->known)
				return (err_set(e, ERR_FAILED, "%s: could not "
				    "be read on the node: %s", l->path,
				    sum->why != NULL ? sum->why : ""));
			memcpy(l->digest, sum->digest, DIGEST_LEN);
			l->size = sum->bytes;
			sum++;
		}
		s->nleft++;
	}
	return (0);
}

static int
describe_warnings(struct sidecar *s, const struct exportrun *run,
    struct err *e)
{
	const struct inspect *in = &run->in;
	struct buf text = BUF_INIT;
	char *copy;
	size_t i;

	s->warnings = arena_alloc(&s->arena, (run->plan.nwarnings +
	    in->nfindings + 1) * sizeof(*s->warnings));
	if (s->warnings == NULL)
		return (err_nomem(e));
	for (i = 0; i < run->plan.nwarnings; i++)
		s->warnings[s->nwarnings++] = run->plan.warnings[i].text;
	for (i = 0; i < in->nfindings; i++) {
		if (in->findings[i].level == INSPECT_NOTE)
			continue;
		buf_clear(&text);
		buf_printf(&text, "%s%s%s", in->findings[i].member,
		    in->findings[i].member[0] != '\0' ? ": " : "",
		    in->findings[i].reason);
		copy = arena_copy(&s->arena, buf_cstr(&text), text.len + 1);
		if (copy == NULL || text.nomem) {
			buf_fini(&text);
			return (err_nomem(e));
		}
		s->warnings[s->nwarnings++] = copy;
	}
	buf_fini(&text);
	return (0);
}

static int
describe_time(struct sidecar *s, struct err *e)
{
	char text[32];
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	s->time = arena_copy(&s->arena, text, strlen(text) + 1);
	return (s->time != NULL ? 0 : err_nomem(e));
}

int
exportrun_sidecar(const struct exportrun *run, const char *name,
    struct sidecar *s, struct err *e)
{
	const struct exportplan *p = &run->plan;
	const struct inspect *in = &run->in;
	const struct exportnode *n = run->node;

	memset(s, 0, sizeof(*s));
	s->image = p->image;
	s->bundle.file = name;
	s->bundle.bytes = in->bundle_bytes;
	s->bundle.tar_bytes = in->tar_bytes;
	s->bundle.compression = in->compression;
	memcpy(s->bundle.digest, in->bundle_digest, DIGEST_LEN);
	memcpy(s->bundle.tar_digest, in->tar_digest, DIGEST_LEN);
	s->site = n->site;
	s->address = remote_name(n->r);
	s->hostname = n->probe.hostname;
	s->host_key = remote_fingerprint(n->r);
	s->xcat = n->probe.xcat_version;
	s->tool = "xcatvault " XCATVAULT_VERSION;
	s->engine = run->native != NULL ? "native" : "imgexport";
	s->provmethod = p->provmethod;
	s->osvers = p->osvers;
	s->profile = p->profile;
	describe_arch(s, in);
	if (describe_time(s, e) == -1 || describe_members(s, in, e) == -1 ||
	    describe_left(s, run, e) == -1)
		return (-1);
	return (describe_warnings(s, run, e));
}
