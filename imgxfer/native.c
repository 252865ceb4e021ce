#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cancel.h"
#include "formats/gnutar.h"
#include "imgxfer/flow.h"
#include "imgxfer/gzout.h"
#include "imgxfer/native.h"
#include "imgxfer/nativetree.h"
#include "remote/exec.h"
#include "remote/node/tarstream.h"

#define FLOW ((size_t)4 << 20)
#define LEVEL 6
#define TAR_BLOCK 512
#define UMASK 022		/* xcatd's */

/* What is to be fetched, as asked for: "./install/..." */
struct wanted {
	char *ask;
	const char *name;	/* in the bundle */
};

struct native {
	const struct exportplan *plan;
	char *folder;		/* the image's, in the bundle */
	struct buf manifest;
	struct wanted *wanted;
	size_t nwanted;
	struct flow *flow;
	pthread_t thread, summer;
	int running, summing;
	/* The one's that computes digests: */
	struct remote *sums_remote;
	const char **files;
	size_t nfiles;
	struct held_sum *sums;
	char **whys;		/* of sums */
	struct err sums_err;
	/* The other's: */
	struct remote *remote;
	struct gzout *out;
	uint64_t bytes;		/* of the archive */
	time_t now;
};

/* ------------------------------------------------------------- the archive */

static int
put(struct native *n, const void *p, size_t len, struct err *e)
{
	n->bytes += len;
	return (gzout_write(n->out, p, len, e));
}

static int
put_header(struct native *n, const char *name, int is_dir, unsigned mode,
    uint64_t size, int64_t mtime, struct err *e)
{
	struct gnutar_member m = { .is_dir = is_dir, .mode = mode,
		.size = size, .mtime = mtime };
	struct buf path = BUF_INIT, head = BUF_INIT;
	int rc;

	buf_puts(&path, "./");
	if (name != NULL)
		buf_printf(&path, "%s/%s", n->folder, name);
	m.name = buf_cstr(&path);
	if ((rc = buf_ok(&path, e)) == 0 &&
	    (rc = gnutar_encode(&head, &m, e)) == 0)
		rc = put(n, head.data, head.len, e);
	buf_fini(&path);
	buf_fini(&head);
	return (rc);
}

static int
put_padding(struct native *n, uint64_t size, struct err *e)
{
	static const uint8_t zeros[TAR_BLOCK];

	return (put(n, zeros, (size_t)(-size & (TAR_BLOCK - 1)), e));
}

static int
put_text(struct native *n, const char *name, const void *p, size_t len,
    struct err *e)
{
	if (put_header(n, name, 0, 0644, len, n->now, e) == -1 ||
	    put(n, p, len, e) == -1)
		return (-1);
	return (put_padding(n, len, e));
}

/* A file as cp makes it: its mode without the mask, and no more. */
static int
put_member(struct native *n, struct tarstream *t, const struct wanted *w,
    const struct tarin *head, struct err *e)
{
	uint64_t left, size = head->size;
	uint8_t *to;
	size_t len;

	if (head->type != '0')
		return (err_set(e, ERR_FAILED, "%s: no file any more",
		    w->ask + 1));
	if (put_header(n, w->name, 0, head->mode & 0777 & ~UMASK, size,
	    n->now, e) == -1)
		return (-1);
	for (left = size; left > 0; left -= len) {
		if (cancel_check(e) == -1 ||
		    (to = gzout_room(n->out, &len, e)) == NULL)
			return (-1);
		if (len > left)
			len = (size_t)left;
		if (tarstream_read(t, to, len, e) == -1)
			return (-1);
		gzout_filled(n->out, len);
		n->bytes += len;
	}
	return (put_padding(n, size, e));
}

/* tar reports what vanished, and goes on with the next. */
static int
vanished(struct native *n, struct tarstream *t, const char *name,
    struct err *e)
{
	struct buf said = BUF_INIT;
	int status;

	(void)tarstream_wait(t, &status, e);
	buf_put_printable(&said, tarstream_said(t)->data,
	    tarstream_said(t)->len < 300 ? tarstream_said(t)->len : 300);
	err_set(e, ERR_FAILED, "%s: %s: could not be read to its end: %s",
	    remote_name(n->remote), name, buf_cstr(&said));
	buf_fini(&said);
	return (-1);
}

static int
put_members(struct native *n, struct tarstream *t, struct err *e)
{
	const struct tarin *head;
	const struct wanted *w;
	int rc, status;

	for (w = n->wanted; w < n->wanted + n->nwanted; w++) {
		if ((rc = tarstream_next(t, &head, e)) == -1)
			return (-1);
		if (rc == 0 || strcmp((const char *)head->name.data,
		    w->ask) != 0)
			return (vanished(n, t, w->ask + 1, e));
		if (put_member(n, t, w, head, e) == -1)
			return (-1);
	}
	if ((rc = tarstream_next(t, &head, e)) == -1 ||
	    tarstream_wait(t, &status, e) == -1)
		return (-1);
	/* Also what changed while it was read. */
	if (rc != 0 || status != 0)
		return (vanished(n, t, "one of its files", e));
	return (0);
}

static int
fetch(struct native *n, struct err *e)
{
	struct buf names = BUF_INIT;
	struct tarstream *t;
	size_t i;
	int rc;

	for (i = 0; i < n->nwanted; i++)
		buf_append(&names, n->wanted[i].ask,
		    strlen(n->wanted[i].ask) + 1);
	if (buf_ok(&names, e) == -1 ||
	    (t = tarstream_new(n->remote, "/", e)) == NULL) {
		buf_fini(&names);
		return (-1);
	}
	if ((rc = tarstream_ask(t, names.data, names.len, e)) == 0 &&
	    (rc = tarstream_last(t, e)) == 0)
		rc = put_members(n, t, e);
	tarstream_free(t);
	buf_fini(&names);
	return (rc);
}

static int
tree_header(void *arg, uint64_t bytes, struct err *e)
{
	struct native *n = arg;

	return (put_header(n, "rootimgtree.gz", 0, 0644, bytes, n->now, e));
}

static int
tree_write(void *arg, const void *p, size_t len, struct err *e)
{
	return (put(arg, p, len, e));
}

static int
put_statelite(struct native *n, struct err *e)
{
	struct nativetree to = { tree_header, tree_write, n };
	const struct exportplan *p = n->plan;

	if (strcmp(p->provmethod, "statelite") != 0)
		return (0);
	if (put_text(n, "litefile.csv", p->litefile, strlen(p->litefile),
	    e) == -1 ||
	    nativetree_send(n->remote, p->rootimgdir, &to, e) == -1)
		return (-1);
	return (put_padding(n, n->bytes, e));
}

static int
make(struct native *n, struct err *e)
{
	struct buf end = BUF_INIT;
	int rc;

	if (put_header(n, NULL, 1, 0700, 0, n->now, e) == -1 ||
	    put_header(n, "", 1, 0755, 0, n->now, e) == -1 ||
	    put_text(n, "manifest.xml", n->manifest.data, n->manifest.len,
	    e) == -1 || fetch(n, e) == -1 || put_statelite(n, e) == -1)
		return (-1);
	gnutar_encode_end(&end, n->bytes);
	if ((rc = buf_ok(&end, e)) == 0 &&
	    (rc = put(n, end.data, end.len, e)) == 0)
		rc = gzout_commit(n->out, e);
	buf_fini(&end);
	return (rc);
}

static void *
thread_main(void *arg)
{
	struct native *n = arg;
	struct sink to = flow_sink(n->flow);
	struct err e;
	int rc = -1;

	if ((n->out = gzout_new(&to, LEVEL, &e)) != NULL)
		rc = make(n, &e);
	gzout_free(n->out);
	flow_end(n->flow, rc == -1 ? &e : NULL);
	return (NULL);
}

/* ------------------------------------------------------------- the digests */

static int
sum_file(struct native *n, struct nodefs *fs, size_t i, struct err *e)
{
	struct held_sum *s = &n->sums[i];

	if (nodefs_digest(fs, n->files[i], s->digest, &s->bytes, e) == 0)
		s->known = 1;
	else if (e->kind != ERR_DAMAGED)
		return (-1);
	else if ((n->whys[i] = strdup(e->msg)) == NULL)
		return (err_nomem(e));
	s->why = n->whys[i];
	return (0);
}

static void *
summer_main(void *arg)
{
	struct native *n = arg;
	struct nodefs *fs;
	struct err e;
	size_t i;

	if ((fs = nodefs_new(n->sums_remote, &e)) == NULL) {
		n->sums_err = e;
		return (NULL);
	}
	for (i = 0; i < n->nfiles; i++)
		if (cancel_check(&e) == -1 || sum_file(n, fs, i, &e) == -1) {
			n->sums_err = e;
			break;
		}
	nodefs_free(fs);
	return (NULL);
}

int
native_sums(struct native *n, const struct held_sum **sums, struct err *e)
{
	if (n->summing)
		pthread_join(n->summer, NULL);
	n->summing = 0;
	*sums = n->sums;
	if (n->sums_err.kind == ERR_NONE)
		return (0);
	*e = n->sums_err;
	return (-1);
}

/* -------------------------------------------------------------- the caller */

void
native_free(struct native *n)
{
	size_t i;

	if (n == NULL)
		return;
	if (n->running) {
		flow_close(n->flow, NULL);
		remote_stop(n->remote);
		pthread_join(n->thread, NULL);
	}
	if (n->summing) {
		remote_stop(n->sums_remote);
		pthread_join(n->summer, NULL);
	}
	for (i = 0; n->whys != NULL && i < n->nfiles; i++)
		free(n->whys[i]);
	remote_close(n->sums_remote);
	for (i = 0; i < n->nwanted; i++)
		free(n->wanted[i].ask);
	remote_close(n->remote);
	flow_free(n->flow);
	buf_fini(&n->manifest);
	free(n->wanted);
	free(n->files);
	free(n->sums);
	free(n->whys);
	free(n->folder);
	free(n);
}

struct source
native_source(struct native *n)
{
	return (flow_source(n->flow, n->plan->image));
}

/*
 * The same file may be named twice, but stands in the bundle once.  cp follows
 * symbolic links and tar does not: so it is asked for what they lead to.
 */
static int
want(struct native *n, struct nodefs *fs, const struct exportplan_file *f,
    struct err *e)
{
	struct nodefs_stat st;
	struct buf ask = BUF_INIT;
	struct wanted *w;
	size_t i;

	for (i = 0; i < n->nwanted; i++)
		if (strcmp(n->wanted[i].name, f->name) == 0)
			return (0);
	if (nodefs_stat(fs, f->path, &st, e) == -1)
		return (-1);
	if (st.what != OSFS_FILE)
		return (err_set(e, ERR_FAILED, "%s: no file any more",
		    f->path));
	buf_printf(&ask, ".%s", st.path);
	w = &n->wanted[n->nwanted];
	w->name = f->name;
	w->ask = strdup(buf_cstr(&ask));
	n->nwanted += w->ask != NULL;
	buf_fini(&ask);
	return (w->ask != NULL ? 0 : err_nomem(e));
}

/* Blanks become "_", as imgexport has it. */
static char *
folder_of(const char *image)
{
	char *s = strdup(image), *p;

	for (p = s; p != NULL && *p != '\0'; p++)
		if (strchr(" \t\r\n\f\v", *p) != NULL)
			*p = '_';
	return (s);
}

static int
start(struct native *n, struct nodefs *fs, const struct remote *node,
    struct err *e)
{
	const struct exportplan *p = n->plan;
	size_t i;

	n->now = time(NULL);
	n->folder = folder_of(p->image);
	n->wanted = calloc(p->nfiles + 1, sizeof(*n->wanted));
	if (n->folder == NULL || n->wanted == NULL)
		return (err_nomem(e));
	for (i = 0; i < p->nfiles; i++)
		if (want(n, fs, &p->files[i], e) == -1)
			return (-1);
	if (native_manifest(p, &n->manifest, e) == -1 ||
	    (n->flow = flow_new(FLOW, e)) == NULL ||
	    (n->remote = remote_sibling(node, e)) == NULL ||
	    (n->sums_remote = remote_sibling(node, e)) == NULL)
		return (-1);
	n->running = pthread_create(&n->thread, NULL, thread_main, n) == 0;
	n->summing = pthread_create(&n->summer, NULL, summer_main, n) == 0;
	if (!n->running || !n->summing)
		return (err_set(e, ERR_FAILED, "cannot start a thread"));
	return (0);
}

struct native *
native_new(const struct exportplan *plan, struct nodefs *fs,
    const struct remote *node, const char *const *files, size_t nfiles,
    struct err *e)
{
	struct native *n;

	if ((n = calloc(1, sizeof(*n))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	n->plan = plan;
	n->nfiles = nfiles;
	n->files = calloc(nfiles + 1, sizeof(*n->files));
	n->sums = calloc(nfiles + 1, sizeof(*n->sums));
	n->whys = calloc(nfiles + 1, sizeof(*n->whys));
	if (n->files == NULL || n->sums == NULL || n->whys == NULL) {
		native_free(n);
		err_nomem(e);
		return (NULL);
	}
	memcpy(n->files, files, nfiles * sizeof(*files));
	if (start(n, fs, node, e) == 0)
		return (n);
	native_free(n);
	return (NULL);
}
