#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "imgxfer/flow.h"
#include "imgxfer/gzout.h"
#include "imgxfer/imgkeep.h"
#include "imgxfer/kept.h"
#include "vault/catalog.h"
#include "vault/content.h"

#define FLOW ((size_t)4 << 20)
#define LEVEL 6

int
kept_is(const struct snapshot_ref *ref)
{
	const size_t suffix = sizeof(KEEP_SITE_SUFFIX) - 1;
	size_t n = strlen(ref->site);

	return (n > suffix &&
	    strcmp(ref->site + n - suffix, KEEP_SITE_SUFFIX) == 0);
}

/* ------------------------------------------------------------------ reading */

/* Of a sink and what is between it and content_read(). */
struct passing {
	const struct sink *to;
	struct digest *digest;	/* or NULL */
	uint64_t bytes;
};

static int
pass(void *arg, const void *p, size_t len, struct err *e)
{
	struct passing *x = arg;

	if (cancel_check(e) == -1)
		return (-1);
	x->bytes += len;
	if (x->digest != NULL)
		digest_update(x->digest, p, len);
	return (x->to->write(x->to->arg, p, len, e));
}

/*
 * Give the contents of a file of the volume.  1; 0 when there is none of
 * that name; -1.  ent: what is known of it, its spans excepted.
 */
static int
read_file(const struct kept *k, const char *name, struct entry *ent,
    content_fn *fn, void *arg, struct err *e)
{
	const struct snapshot_volume *vol = &k->snap.volumes[0];
	struct content *c = NULL;
	struct catalog_reader *r;
	char path[64];
	struct span sp;
	int rc = -1;

	sp.len = (size_t)snprintf(path, sizeof(path), "./%s", name);
	sp.p = path;
	r = catalog_reader_new(k->vault, k->index, vol->root, vol->depth,
	    &sp, 0, e);
	if (r == NULL)
		return (-1);
	rc = catalog_find(r, &sp, ent, e);
	if (rc == 1 && fn != NULL) {
		if (ent->type != ENTRY_FILE)
			rc = err_set(e, ERR_DAMAGED, "not a file");
		else if ((c = content_new(k->vault, k->index, e)) == NULL ||
		    content_read(c, ent, fn, arg, e) == -1)
			rc = -1;
	}
	if (rc == -1)
		(void)err_wrap(e, "snapshot %s: %s", k->snap.id, name);
	content_free(c);
	catalog_reader_free(r);
	return (rc);
}

static int
append(void *arg, const void *p, size_t len, struct err *e)
{
	struct buf *b = arg;

	if (b->len + len > SIDECAR_MAX)
		return (err_set(e, ERR_DAMAGED, "it is too long"));
	buf_append(b, p, len);
	return (buf_ok(b, e));
}

static int
bad_about(const struct kept *k, const char *why, struct err *e)
{
	return (err_set(e, ERR_DAMAGED, "snapshot %s: %s: %s", k->snap.id,
	    KEEP_ABOUT, why));
}

static int
load_about(struct kept *k, struct err *e)
{
	struct buf b = BUF_INIT;
	struct entry ent;
	int rc;

	if (k->snap.nvolumes != 1 ||
	    strcmp(k->snap.volumes[0].path, KEEP_VOLUME) != 0)
		return (err_set(e, ERR_DAMAGED, "snapshot %s: not one of an "
		    "osimage", k->snap.id));
	rc = read_file(k, KEEP_ABOUT, &ent, append, &b, e);
	if (rc == 0)
		rc = bad_about(k, "is missing", e);
	if (rc == 1) {
		rc = keptabout_decode(&k->about, b.data, b.len, e);
		if (rc == -1)
			(void)err_wrap(e, "snapshot %s", k->snap.id);
	}
	buf_fini(&b);
	return (rc);
}

static int
load_sidecar(struct kept *k, struct err *e)
{
	struct buf b = BUF_INIT;
	struct entry ent;
	int rc;

	rc = read_file(k, KEEP_SIDECAR, &ent, append, &b, e);
	if (rc == 1)
		rc = sidecar_decode(&k->sidecar, b.data, b.len, e);
	buf_fini(&b);
	if (rc == 0 && (rc = read_file(k, KEEP_EXTRA, &ent, NULL, NULL,
	    e)) != -1)
		k->has_extra = rc;
	return (rc == -1 ? -1 : 0);
}

int
kept_load(struct kept *k, struct vault *v, struct index *ix,
    const struct snapshot_ref *ref, struct err *e)
{
	memset(k, 0, sizeof(*k));
	k->vault = v;
	k->index = ix;
	if (snapshot_load(&k->snap, v, ref, e) == 0 &&
	    load_about(k, e) == 0)
		return (0);
	kept_close(k);
	return (-1);
}

/* By the image's name, with or without a time; or by a snapshot's id. */
static const struct snapshot_ref *
find(const struct snapshot_list *l, const char *name, struct err *e)
{
	const struct snapshot_ref *ref;
	const char *at = strrchr(name, '@');
	struct buf b = BUF_INIT;
	char site[KEEP_SITE_MAX], *image;
	struct err why;

	image = at != NULL ? strndup(name, (size_t)(at - name)) :
	    strdup(name);
	if (image == NULL) {
		err_nomem(e);
		return (NULL);
	}
	imgkeep_site(image, site);
	free(image);
	if (at != NULL && snapshot_list_newest(l, site) != NULL) {
		buf_printf(&b, "%s%s", site, at);
		ref = snapshot_list_find(l, buf_cstr(&b), e);
		buf_fini(&b);
		return (ref);
	}
	imgkeep_site(name, site);
	if ((ref = snapshot_list_newest(l, site)) != NULL ||
	    ((ref = snapshot_list_find(l, name, &why)) != NULL &&
	    kept_is(ref)))
		return (ref);
	err_set(e, ERR_USAGE, "%s: the vault keeps no such image; "
	    "\"xcatvault image list\" shows those that it does", name);
	return (NULL);
}

int
kept_open(struct kept *k, struct vault *v, const char *name, struct err *e)
{
	const struct snapshot_ref *ref;
	struct snapshot_list l;
	struct index *ix;
	int rc = -1;

	memset(k, 0, sizeof(*k));
	if (snapshot_list_load(&l, v, e) == -1)
		return (-1);
	if ((ref = find(&l, name, e)) != NULL &&
	    (ix = index_open(v, INDEX_SALVAGE, e)) != NULL) {
		rc = kept_load(k, v, ix, ref, e);
		if (rc == -1)
			index_free(ix);
		else
			k->own_index = 1;
	}
	snapshot_list_fini(&l);
	if (rc == 0 && (rc = load_sidecar(k, e)) == -1)
		kept_close(k);
	return (rc);
}

void
kept_close(struct kept *k)
{
	sidecar_fini(&k->sidecar);
	keptabout_fini(&k->about);
	snapshot_fini(&k->snap);
	if (k->own_index)
		index_free(k->index);
	memset(k, 0, sizeof(*k));
}

/* ------------------------------------------------------------------ writing */

static int
prove(const struct kept *k, const struct entry *ent, struct err *e)
{
	if (ent->size == k->about.tar_bytes &&
	    memcmp(ent->digest, k->about.tar_digest, DIGEST_LEN) == 0)
		return (0);
	return (bad_about(k, "tells of another archive", e));
}

int
kept_write(struct kept *k, const struct sink *to, struct kept_sum *sum,
    struct err *e)
{
	struct passing out = { .to = to }, in = { .to = NULL };
	struct sink counted = { pass, &out }, packed;
	struct gzout *z = NULL;
	struct entry ent;
	int rc = -1;

	if ((out.digest = digest_new()) == NULL)
		return (err_nomem(e));
	digest_reset(out.digest);
	if ((z = gzout_new(&counted, LEVEL, e)) != NULL) {
		packed = gzout_sink(z);
		in.to = &packed;
		rc = read_file(k, KEEP_TAR, &ent, pass, &in, e);
		if (rc == 0)
			rc = bad_about(k, "there is no archive", e);
		if (rc == 1 && (rc = prove(k, &ent, e)) == 0)
			rc = gzout_commit(z, e);
	}
	gzout_free(z);
	sum->bytes = out.bytes;
	digest_final(out.digest, sum->digest);
	digest_free(out.digest);
	return (rc);
}

int
kept_write_extra(struct kept *k, const struct sink *to, struct err *e)
{
	struct passing x = { .to = to };
	struct entry ent;
	int rc;

	rc = read_file(k, KEEP_EXTRA, &ent, pass, &x, e);
	return (rc == 0 ? bad_about(k, "there is no extra archive", e) :
	    rc == 1 ? 0 : -1);
}

struct kept_stream {
	struct kept *kept;
	int extra;
	struct flow *flow;
	pthread_t thread;
	int running;
};

static void *
stream_main(void *arg)
{
	struct kept_stream *s = arg;
	struct sink to = flow_sink(s->flow);
	struct kept_sum sum;
	struct err e;
	int rc;

	rc = s->extra ? kept_write_extra(s->kept, &to, &e) :
	    kept_write(s->kept, &to, &sum, &e);
	flow_end(s->flow, rc == -1 ? &e : NULL);
	return (NULL);
}

struct kept_stream *
kept_stream_new(struct kept *k, int extra, struct err *e)
{
	struct kept_stream *s;

	if ((s = calloc(1, sizeof(*s))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	s->kept = k;
	s->extra = extra;
	if ((s->flow = flow_new(FLOW, e)) == NULL) {
		kept_stream_free(s);
		return (NULL);
	}
	if (pthread_create(&s->thread, NULL, stream_main, s) != 0) {
		err_set(e, ERR_FAILED, "cannot start a thread");
		kept_stream_free(s);
		return (NULL);
	}
	s->running = 1;
	return (s);
}

struct source
kept_stream_source(struct kept_stream *s)
{
	return (flow_source(s->flow, s->kept->about.image));
}

void
kept_stream_free(struct kept_stream *s)
{
	if (s == NULL)
		return;
	if (s->running) {
		flow_close(s->flow, NULL);
		pthread_join(s->thread, NULL);
	}
	flow_free(s->flow);
	free(s);
}
