#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/cancel.h"
#include "base/io.h"
#include "base/version.h"
#include "imgxfer/carve.h"
#include "imgxfer/flow.h"
#include "imgxfer/imgkeep.h"
#include "imgxfer/pull.h"
#include "imgxfer/unpack.h"

#define FLOW ((size_t)4 << 20)
#define BLOCK ((size_t)256 << 10)

struct imgkeep {
	struct vault *vault;
	char *image;
	struct snapshot snap;
	struct deposit *deposit;
	struct digest *digest;	/* of the bundle */
	uint64_t bundle_bytes;
	struct flow *flow;
	pthread_t thread;
	int running;
	/* The thread's, until it has ended. */
	struct carve carve;
	struct deposit_sum tar;
	char compression[16], effort[16];
	struct err err;
};

void
imgkeep_site(const char *image, char out[KEEP_SITE_MAX])
{
	const size_t room = KEEP_SITE_MAX - sizeof(KEEP_SITE_SUFFIX);
	uint8_t id[DIGEST_LEN] = { 0 };
	char hex[DIGEST_HEX + 1], *p;
	struct digest *d;

	if (strlen(image) <= room && snapshot_valid_site(image)) {
		snprintf(out, KEEP_SITE_MAX, "%s%s", image, KEEP_SITE_SUFFIX);
		return;
	}
	if ((d = digest_new()) != NULL)
		digest_bytes(d, image, strlen(image), id);
	digest_free(d);
	digest_hexz(id, hex);
	snprintf(out, KEEP_SITE_MAX, "%.40s-%.10s%s", image, hex,
	    KEEP_SITE_SUFFIX);
	for (p = out; *p != '\0'; p++) {
		char two[3] = { 'x', *p, '\0' };

		if (!snapshot_valid_site(two))
			*p = '_';
	}
	if (!snapshot_valid_site(out))
		out[0] = '_';
}

/* -------------------------------------------------------- the other thread */

static int
store(struct imgkeep *k, const struct source *tar, struct err *e)
{
	uint8_t *p;
	ssize_t n;
	int rc = 0;

	if ((p = malloc(BLOCK)) == NULL)
		return (err_nomem(e));
	while (rc == 0 && (n = tar->read(tar->arg, p, BLOCK, e)) != 0)
		rc = n == -1 ? -1 : carve_write(&k->carve, p, (size_t)n, e);
	free(p);
	if (rc == 0 && k->carve.members == 0)
		rc = err_set(e, ERR_DAMAGED, "no tar archive");
	return (rc);
}

/* RFC 1952, section 2.3.1: XFL tells how gzip was called. */
static int
look_at_head(struct imgkeep *k, struct pull *p, struct err *e)
{
	const uint8_t *h;
	ssize_t n;

	if ((n = pull_peek(p, 10, &h, e)) == -1)
		return (-1);
	if (n == 10 && h[0] == 0x1f && h[1] == 0x8b)
		snprintf(k->effort, sizeof(k->effort), "%s",
		    h[8] == 2 ? "best" : h[8] == 4 ? "fast" : "default");
	return (0);
}

static int
store_unpacked(struct imgkeep *k, struct pull *p, struct err *e)
{
	struct source tar;
	struct unpack *u;
	int rc = -1;

	if (look_at_head(k, p, e) == -1 || (u = unpack_new(p, e)) == NULL)
		return (-1);
	tar = unpack_source(u);
	if (deposit_begin(k->deposit, KEEP_TAR, NULL, e) == 0 &&
	    store(k, &tar, e) == 0)
		rc = deposit_end(k->deposit, &k->tar, e);
	snprintf(k->compression, sizeof(k->compression), "%s",
	    unpack_form(u));
	unpack_free(u);
	return (rc);
}

static int
take_bundle(struct imgkeep *k, struct err *e)
{
	struct source from = flow_source(k->flow, "the bundle");
	struct pull p;
	int rc;

	if (pull_init(&p, &from, e) == -1)
		return (-1);
	if ((rc = store_unpacked(k, &p, e)) == -1)
		(void)err_wrap(e, "the bundle");
	pull_fini(&p);
	return (rc);
}

static void *
thread_main(void *arg)
{
	struct imgkeep *k = arg;
	struct err e;

	if (take_bundle(k, &e) == -1) {
		k->err = e;
		flow_close(k->flow, &e);
	}
	return (NULL);
}

/* -------------------------------------------------------------- the caller */

void
imgkeep_free(struct imgkeep *k)
{
	struct err gone;

	if (k == NULL)
		return;
	if (k->running) {
		err_set(&gone, ERR_FAILED, "given up");
		flow_end(k->flow, &gone);
		pthread_join(k->thread, NULL);
	}
	deposit_free(k->deposit);
	flow_free(k->flow);
	digest_free(k->digest);
	snapshot_fini(&k->snap);
	free(k->image);
	free(k);
}

static int
describe(struct imgkeep *k, struct err *e)
{
	char site[KEEP_SITE_MAX], host[256] = "";

	imgkeep_site(k->image, site);
	(void)gethostname(host, sizeof(host) - 1);
	k->snap.site = strdup(site);
	k->snap.host = strdup(host);
	k->snap.tool = strdup("xcatvault " XCATVAULT_VERSION);
	if (k->snap.site == NULL || k->snap.host == NULL ||
	    k->snap.tool == NULL)
		return (err_nomem(e));
	return (0);
}

static int
start(struct imgkeep *k, const char *image, struct err *e)
{
	if ((k->image = strdup(image)) == NULL ||
	    (k->digest = digest_new()) == NULL)
		return (err_nomem(e));
	digest_reset(k->digest);
	if (describe(k, e) == -1 || (k->flow = flow_new(FLOW, e)) == NULL ||
	    (k->deposit = deposit_new(k->vault, &k->snap, KEEP_VOLUME,
	    e)) == NULL)
		return (-1);
	carve_init(&k->carve, k->deposit, k->vault->meta.cut_min);
	if (pthread_create(&k->thread, NULL, thread_main, k) != 0)
		return (err_set(e, ERR_FAILED, "cannot start a thread"));
	k->running = 1;
	return (0);
}

struct imgkeep *
imgkeep_new(struct vault *v, const char *image, struct err *e)
{
	struct imgkeep *k;

	if ((k = calloc(1, sizeof(*k))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	k->vault = v;
	if (start(k, image, e) == 0)
		return (k);
	imgkeep_free(k);
	return (NULL);
}

static int
sink_write(void *arg, const void *p, size_t len, struct err *e)
{
	struct imgkeep *k = arg;

	if (cancel_check(e) == -1)
		return (-1);
	digest_update(k->digest, p, len);
	k->bundle_bytes += len;
	return (flow_write(k->flow, p, len, e));
}

struct sink
imgkeep_sink(struct imgkeep *k)
{
	struct sink s = { sink_write, k };

	return (s);
}

static int
differs(const struct imgkeep_result *r, uint64_t bytes,
    const uint8_t digest[DIGEST_LEN], const char *from, struct err *e)
{
	if (bytes == r->bundle_bytes &&
	    memcmp(digest, r->bundle_digest, DIGEST_LEN) == 0)
		return (0);
	return (err_set(e, ERR_DAMAGED, "the bundle is not the one that %s",
	    from));
}

static int
end_bundle(struct imgkeep *k, const struct imgkeep_about *about,
    struct imgkeep_result *r, struct err *e)
{
	flow_end(k->flow, NULL);
	pthread_join(k->thread, NULL);
	k->running = 0;
	if (k->err.kind != ERR_NONE) {
		*e = k->err;
		return (-1);
	}
	r->bundle_bytes = k->bundle_bytes;
	digest_final(k->digest, r->bundle_digest);
	r->tar_bytes = k->tar.bytes;
	memcpy(r->tar_digest, k->tar.digest, DIGEST_LEN);
	if (about->in != NULL && differs(r, about->in->bundle_bytes,
	    about->in->bundle_digest, "was inspected", e) == -1)
		return (-1);
	if (about->sidecar != NULL && differs(r, about->sidecar->bundle.bytes,
	    about->sidecar->bundle.digest, "its sidecar tells of", e) == -1)
		return (-1);
	return (0);
}

/* -------------------------------------------------------------- image.json */

static json_t *
digest_json(const uint8_t digest[DIGEST_LEN])
{
	char hex[DIGEST_HEX + 1];

	digest_hexz(digest, hex);
	return (json_string(hex));
}

static const char *
text(const char *s)
{
	return (s != NULL ? s : "");
}

static json_t *
origin_json(const struct imgkeep_about *a)
{
	const struct sidecar *s = a->sidecar;
	const char *site = a->site;

	if (site == NULL && s != NULL)
		site = s->site;
	return (json_pack("{s:s, s:s, s:s, s:s}", "site", text(site),
	    "hostname", s != NULL ? text(s->hostname) : "",
	    "xcat", s != NULL ? text(s->xcat) : "",
	    "time", s != NULL ? text(s->time) : ""));
}

static const char *
column(const struct imgkeep_about *a, const char *name, const char *otherwise)
{
	const char *s = NULL;

	if (a->in != NULL && a->in->has_manifest)
		s = imgmanifest_value(&a->in->manifest, "osimage", name);
	return (text(s != NULL ? s : otherwise));
}

static json_t *
osimage_json(const struct imgkeep_about *a)
{
	const struct sidecar *s = a->sidecar;

	return (json_pack("{s:s, s:s, s:s, s:s}",
	    "provmethod", column(a, "provmethod",
	    s != NULL ? s->provmethod : NULL),
	    "osvers", column(a, "osvers", s != NULL ? s->osvers : NULL),
	    "osarch", column(a, "osarch", s != NULL ? s->osarch : NULL),
	    "profile", column(a, "profile", s != NULL ? s->profile : NULL)));
}

static json_t *
inspection_json(const struct inspect *in)
{
	static const char *const proofs[] = {
		[INSPECT_ARCH_UNPROVED] = "unproved",
		[INSPECT_ARCH_PROVED] = "proved",
		[INSPECT_ARCH_MISMATCH] = "mismatch",
		[INSPECT_ARCH_NONE] = "none",
	};

	if (in == NULL)
		return (json_null());
	return (json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, "
	    "s:I}", "status", in->status,
	    "proof", proofs[in->arch],
	    "kernel_arch", osarch_name(in->kernel_arch),
	    "kernel_form", text(in->kernel_form),
	    "rootimg_arch", osarch_name(in->rootimg_arch),
	    "rootimg_form", text(in->rootimg_form),
	    "rootimg_entries", (json_int_t)in->rootimg_entries,
	    "rootimg_bytes", (json_int_t)in->rootimg_bytes,
	    "members", (json_int_t)in->nmembers,
	    "findings", (json_int_t)(in->nfindings + in->lost)));
}

static char *
about_text(const struct imgkeep *k, const struct imgkeep_about *a,
    const struct imgkeep_result *r)
{
	json_t *j;
	char *s;

	j = json_pack("{s:s, s:i, s:s, s:{s:I, s:o, s:s, s:s, s:I, s:o}, "
	    "s:o, s:o, s:o}", "format", KEEP_FORMAT, "version", 1,
	    "image", k->image, "bundle",
	    "bytes", (json_int_t)r->bundle_bytes,
	    "sha256", digest_json(r->bundle_digest),
	    "compression", k->compression, "effort", k->effort,
	    "tar_bytes", (json_int_t)r->tar_bytes,
	    "tar_sha256", digest_json(r->tar_digest),
	    "origin", origin_json(a), "osimage", osimage_json(a),
	    "inspection", inspection_json(a->in));
	s = j != NULL ? json_dumps(j, JSON_INDENT(1)) : NULL;
	json_decref(j);
	return (s);
}

static int
put(struct imgkeep *k, const char *name, const void *p, size_t len,
    struct err *e)
{
	if (deposit_begin(k->deposit, name, NULL, e) == -1 ||
	    deposit_write(k->deposit, p, len, e) == -1)
		return (-1);
	return (deposit_end(k->deposit, NULL, e));
}

static int
put_about(struct imgkeep *k, const struct imgkeep_about *a,
    const struct imgkeep_result *r, struct err *e)
{
	size_t n;
	char *s;
	int rc;

	if ((s = about_text(k, a, r)) == NULL)
		return (err_nomem(e));
	n = strlen(s);
	/* Its NUL becomes the end of the line. */
	s[n] = '\n';
	rc = put(k, KEEP_ABOUT, s, n + 1, e);
	free(s);
	return (rc);
}

static int
put_sidecar(struct imgkeep *k, const struct sidecar *s, struct err *e)
{
	struct buf b = BUF_INIT;
	int rc;

	if (s == NULL)
		return (0);
	if ((rc = sidecar_encode(&b, s, e)) == 0)
		rc = put(k, KEEP_SIDECAR, b.data, b.len, e);
	buf_fini(&b);
	return (rc);
}

static int
copy_extra(struct imgkeep *k, const struct imgkeep_about *a, int fd,
    struct err *e)
{
	struct deposit_sum sum;
	uint8_t *p;
	ssize_t n;
	int rc;

	if ((p = malloc(BLOCK)) == NULL)
		return (err_nomem(e));
	rc = deposit_begin(k->deposit, KEEP_EXTRA, NULL, e);
	while (rc == 0 && (n = io_read(fd, p, BLOCK)) != 0)
		rc = n == -1 ? err_sys(e, "%s", a->extra) :
		    deposit_write(k->deposit, p, (size_t)n, e);
	free(p);
	if (rc == -1 || deposit_end(k->deposit, &sum, e) == -1)
		return (-1);
	if (a->sidecar == NULL || a->sidecar->extra.file == NULL ||
	    (sum.bytes == a->sidecar->extra.bytes && memcmp(sum.digest,
	    a->sidecar->extra.digest, DIGEST_LEN) == 0))
		return (0);
	return (err_set(e, ERR_DAMAGED, "%s: not what the sidecar tells of",
	    a->extra));
}

static int
put_extra(struct imgkeep *k, const struct imgkeep_about *a, struct err *e)
{
	int fd, rc;

	if (a->extra == NULL)
		return (0);
	if ((fd = open(a->extra, O_RDONLY | O_CLOEXEC)) == -1)
		return (err_sys(e, "%s", a->extra));
	rc = copy_extra(k, a, fd, e);
	close(fd);
	return (rc);
}

static int
copy_text(char **to, const char *from, struct err *e)
{
	if (from == NULL || from[0] == '\0' || *to != NULL)
		return (0);
	return ((*to = strdup(from)) != NULL ? 0 : err_nomem(e));
}

static int
set_node(struct imgkeep *k, const struct sidecar *s, struct err *e)
{
	struct snapshot_node *n = &k->snap.node;

	if (s == NULL || s->address == NULL || s->address[0] == '\0')
		return (0);
	if (copy_text(&n->address, s->address, e) == -1 ||
	    copy_text(&n->fingerprint, s->host_key, e) == -1 ||
	    copy_text(&n->hostname, s->hostname, e) == -1 ||
	    copy_text(&n->xcat, s->xcat, e) == -1)
		return (-1);
	return (0);
}

int
imgkeep_commit(struct imgkeep *k, const struct imgkeep_about *about,
    struct imgkeep_result *r, struct err *e)
{
	memset(r, 0, sizeof(*r));
	if (end_bundle(k, about, r, e) == -1 ||
	    put_about(k, about, r, e) == -1 ||
	    put_sidecar(k, about->sidecar, e) == -1 ||
	    put_extra(k, about, e) == -1 ||
	    set_node(k, about->sidecar, e) == -1 ||
	    cancel_check(e) == -1 || deposit_commit(k->deposit, e) == -1)
		return (-1);
	snprintf(r->site, sizeof(r->site), "%s", k->snap.site);
	memcpy(r->snapshot, k->snap.id, sizeof(r->snapshot));
	if (k->snap.previous != NULL)
		snprintf(r->previous, sizeof(r->previous), "%s",
		    k->snap.previous);
	r->stored_bytes = k->snap.stored_bytes;
	return (0);
}
