#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vault/store_ops.h"
#include "vault/store_wire.h"

#define GREETING_S 60		/* until the server speaks */
#define LIST_MAX ((size_t)256 << 20)	/* longest listing accepted */
#define LISTS 64	/* folders asked for at a time */
#define READS 16		/* requests of one large read at a time */
#define WRITE_BYTES ((size_t)256 << 10)	/* of one message */

struct store_wire {
	struct store store;
	struct mux *mux;
	char *peer;
};

struct wire_in {
	struct store_in in;
	struct mux *mux;
	uint32_t handle;
};

struct wire_out {
	struct store_out out;
	struct mux *mux;
	struct mux_stream stream;
	uint32_t handle;
};

struct wire_lock {
	struct store_lock lock;
	struct mux *mux;
	uint32_t handle;
};

static const struct store_ops wire_ops;

static struct store_wire *
own(struct store *s)
{
	return ((struct store_wire *)s);
}

/* A request for a name. */
static int
set_name(struct wire_request *r, enum wire_type type, const char *name,
    int ok, struct err *e)
{
	memset(r, 0, sizeof(*r));
	r->type = type;
	if (!ok || strlen(name) >= sizeof(r->name))
		return (err_set(e, ERR_FAILED, "%s: no name for an object in "
		    "a vault", name));
	memcpy(r->name, name, strlen(name) + 1);
	return (0);
}

static void
wire_close(struct store *s)
{
	struct store_wire *w = own(s);

	mux_free(w->mux);
	free(w->peer);
	free(s->path);
	free(w);
}

static int
wire_get(struct store *s, const char *name, size_t max, struct buf *out,
    struct err *e)
{
	struct wire_request r;

	if (set_name(&r, WIRE_GET, name, wire_object_ok(name), e) == -1)
		return (-1);
	r.off = max;
	return (mux_call(own(s)->mux, &r, out, max, e));
}

static int
wire_remove(struct store *s, const char *name, struct err *e)
{
	struct wire_request r;

	if (set_name(&r, WIRE_REMOVE, name, wire_object_ok(name), e) == -1)
		return (-1);
	return (mux_call(own(s)->mux, &r, NULL, 0, e));
}

static int
wire_mkdir(struct store *s, const char *name, struct err *e)
{
	struct wire_request r;

	if (set_name(&r, WIRE_MKDIR, name, wire_folder_ok(name), e) == -1)
		return (-1);
	return (mux_call(own(s)->mux, &r, NULL, 0, e));
}

static int
wire_list(struct store *s, const char *folder, int dirs, store_list_fn *fn,
    void *arg, struct err *e)
{
	char name[WIRE_NAME_MAX + 1];
	struct wire_request r;
	struct buf b = BUF_INIT;
	uint64_t bytes;
	size_t off = 0;
	int rc;

	if (set_name(&r, WIRE_LIST, folder, wire_folder_ok(folder), e) == -1)
		return (-1);
	r.flag = dirs != 0;
	rc = mux_call(own(s)->mux, &r, &b, LIST_MAX, e);
	while (rc == 0 && (rc = wire_entry_decode(b.data, b.len, &off, name,
	    &bytes, e)) == 1)
		rc = fn(arg, name, bytes, e);
	buf_fini(&b);
	return (rc);
}

struct listing {
	struct mux_call call;
	struct buf entries;
	char folder[WIRE_NAME_MAX + 1];
};

/* Ask for the objects of up to LISTS folders at a time.  How many, or -1. */
static int
ask_lists(struct mux *m, const char *above, const struct buf *folders,
    size_t *off, struct listing *lists, struct err *e)
{
	struct wire_request r = { .type = WIRE_LIST };
	struct listing *l;
	uint64_t bytes;
	size_t at;
	int n, rc = 0;

	for (n = 0; n < LISTS; n++) {
		at = *off;
		l = &lists[n];
		memset(l, 0, sizeof(*l));
		rc = wire_entry_decode(folders->data, folders->len, off,
		    l->folder, &bytes, e);
		if (rc != 1)
			break;
		l->call.out = &l->entries;
		l->call.max = LIST_MAX;
		snprintf(r.name, sizeof(r.name), "%s/%s", above, l->folder);
		if ((rc = mux_send(m, &l->call, &r, e)) == -1) {
			*off = at;	/* to fail again, for its folder */
			break;
		}
	}
	return (rc == -1 && n == 0 ? -1 : n);
}

static int
give_list(const struct listing *l, store_list_fn *fn, void *arg,
    struct err *e)
{
	char name[WIRE_NAME_MAX + 1], path[2 * sizeof(name)];
	uint64_t bytes;
	size_t off = 0;
	int rc;

	while ((rc = wire_entry_decode(l->entries.data, l->entries.len, &off,
	    name, &bytes, e)) == 1) {
		snprintf(path, sizeof(path), "%s/%s", l->folder, name);
		if (fn(arg, path, bytes, e) == -1)
			return (-1);
	}
	return (rc);
}

static int
wire_list_below(struct store *s, const char *folder, store_list_fn *fn,
    void *arg, struct err *e)
{
	struct wire_request r;
	struct listing *lists;
	struct buf b = BUF_INIT;
	struct err why;
	size_t off = 0;
	int i, n = 0, rc;

	if (set_name(&r, WIRE_LIST, folder, wire_folder_ok(folder), e) == -1)
		return (-1);
	if ((lists = calloc(LISTS, sizeof(*lists))) == NULL)
		return (err_nomem(e));
	r.flag = 1;
	rc = mux_call(own(s)->mux, &r, &b, LIST_MAX, e);
	while (rc == 0 && (n = ask_lists(own(s)->mux, folder, &b, &off, lists,
	    e)) > 0)
		for (i = 0; i < n; i++) {
			if (mux_wait(own(s)->mux, &lists[i].call, &why) ==
			    -1 && rc == 0) {
				*e = why;
				rc = -1;
			}
			if (rc == 0)
				rc = give_list(&lists[i], fn, arg, e);
			buf_fini(&lists[i].entries);
		}
	free(lists);
	buf_fini(&b);
	return (n == -1 ? -1 : rc);
}

static struct store_in *
wire_in_open(struct store *s, const char *name, struct err *e)
{
	struct wire_request r;
	struct buf b = BUF_INIT;
	struct wire_in *in;

	if ((in = calloc(1, sizeof(*in))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	in->in.ops = &wire_ops;
	in->mux = own(s)->mux;
	if (set_name(&r, WIRE_OPEN, name, wire_object_ok(name), e) == -1 ||
	    mux_call(in->mux, &r, &b, 8, e) == -1 ||
	    wire_length_decode(&in->in.bytes, b.data, b.len, e) == -1) {
		buf_fini(&b);
		free(in);
		return (NULL);
	}
	in->handle = r.id;
	buf_fini(&b);
	return (&in->in);
}

static void
wire_in_close(struct store_in *in)
{
	struct wire_in *i = (struct wire_in *)in;
	struct wire_request r = { .type = WIRE_CLOSE, .handle = i->handle };

	mux_forget(i->mux, &r);
	free(i);
}

/* len of at most READS * WIRE_DATA_MAX. */
static int
read_some(struct wire_in *in, uint8_t *p, size_t len, uint64_t off,
    struct err *e)
{
	struct mux_call calls[READS];
	struct wire_request r = { .type = WIRE_READ, .handle = in->handle };
	struct err why;
	size_t n = 0, i;
	int rc = 0;

	memset(calls, 0, sizeof(calls));
	for (; len > 0; n++) {
		r.off = off;
		r.len = (uint32_t)(len < WIRE_DATA_MAX ? len : WIRE_DATA_MAX);
		calls[n].dest = p;
		calls[n].dest_len = r.len;
		if ((rc = mux_send(in->mux, &calls[n], &r, e)) == -1)
			break;
		p += r.len;
		off += r.len;
		len -= r.len;
	}
	/* All must be over before p is the caller's again. */
	for (i = 0; i < n; i++)
		if (mux_wait(in->mux, &calls[i], &why) == -1 && rc == 0) {
			*e = why;
			rc = -1;
		}
	return (rc);
}

static int
wire_in_read(struct store_in *in, void *p, size_t len, uint64_t off,
    struct err *e)
{
	struct wire_in *i = (struct wire_in *)in;
	size_t n, done;

	for (done = 0; done < len; done += n) {
		n = len - done;
		if (n > READS * WIRE_DATA_MAX)
			n = READS * WIRE_DATA_MAX;
		if (read_some(i, (uint8_t *)p + done, n, off + done, e) == -1)
			return (-1);
	}
	return (0);
}

static struct store_out *
wire_out_new(struct store *s, struct err *e)
{
	struct wire_request r = { .type = WIRE_NEW };
	struct wire_out *o;

	if ((o = calloc(1, sizeof(*o))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	o->out.ops = &wire_ops;
	o->mux = own(s)->mux;
	if (mux_post(o->mux, &o->stream, &r, e) == -1) {
		free(o);
		return (NULL);
	}
	o->handle = r.id;
	return (&o->out);
}

static int
wire_out_write(struct store_out *out, const void *p, size_t len,
    struct err *e)
{
	struct wire_out *o = (struct wire_out *)out;
	struct wire_request r = { .type = WIRE_WRITE, .handle = o->handle };
	size_t done;

	for (done = 0; done < len; done += r.data_len) {
		r.data = (const uint8_t *)p + done;
		r.data_len = len - done < WRITE_BYTES ? len - done :
		    WRITE_BYTES;
		if (mux_post(o->mux, &o->stream, &r, e) == -1)
			return (-1);
	}
	out->bytes += len;
	return (0);
}

static void
wire_out_abort(struct store_out *out)
{
	struct wire_out *o = (struct wire_out *)out;
	struct wire_request r = { .type = WIRE_CLOSE, .handle = o->handle };
	struct err ignored;

	(void)mux_drain(o->mux, &o->stream, &ignored);
	(void)mux_call(o->mux, &r, NULL, 0, &ignored);
	free(o);
}

static int
commit(struct wire_out *o, const char *name, int durable, struct err *e)
{
	struct wire_request r;
	struct err why;
	int rc;

	if (set_name(&r, WIRE_COMMIT, name, wire_object_ok(name), e) == -1) {
		wire_out_abort(&o->out);
		return (-1);
	}
	r.handle = o->handle;
	r.flag = durable;
	rc = mux_call(o->mux, &r, NULL, 0, e);
	/* Why a write failed says more than that the commit did. */
	if (mux_drain(o->mux, &o->stream, &why) == -1) {
		*e = why;
		rc = -1;
	}
	free(o);
	return (rc);
}

static int
wire_out_commit(struct store_out *out, const char *name, struct err *e)
{
	return (commit((struct wire_out *)out, name, 0, e));
}

/* One round trip: the object and its name go out together. */
static int
wire_put(struct store *s, const char *name, const void *p, size_t len,
    struct err *e)
{
	struct store_out *o;

	if ((o = wire_out_new(s, e)) == NULL)
		return (-1);
	if (wire_out_write(o, p, len, e) == -1) {
		wire_out_abort(o);
		return (-1);
	}
	return (commit((struct wire_out *)o, name, 1, e));
}

static int
wire_sync(struct store *s, struct err *e)
{
	struct wire_request r = { .type = WIRE_SYNC };

	return (mux_call(own(s)->mux, &r, NULL, 0, e));
}

static struct store_lock *
wire_lock(struct store *s, const char *name, int exclusive, struct err *e)
{
	struct wire_request r;
	struct wire_lock *l;

	if ((l = calloc(1, sizeof(*l))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	l->lock.ops = &wire_ops;
	l->mux = own(s)->mux;
	if (set_name(&r, WIRE_LOCK, name, wire_part_ok(name), e) == -1)
		goto fail;
	r.flag = exclusive != 0;
	if (mux_call(l->mux, &r, NULL, 0, e) == -1)
		goto fail;
	l->handle = r.id;
	return (&l->lock);
fail:
	free(l);
	return (NULL);
}

/* Waits: whoever comes next must find the lock free. */
static void
wire_unlock(struct store_lock *lock)
{
	struct wire_lock *l = (struct wire_lock *)lock;
	struct wire_request r = { .type = WIRE_CLOSE, .handle = l->handle };
	struct err ignored;

	(void)mux_call(l->mux, &r, NULL, 0, &ignored);
	free(l);
}

static void
wire_clean(struct store *s)
{
	struct wire_request r = { .type = WIRE_CLEAN };
	struct err ignored;

	(void)mux_call(own(s)->mux, &r, NULL, 0, &ignored);
}

static const struct store_ops wire_ops = {
	.close = wire_close,
	.get = wire_get,
	.put = wire_put,
	.remove = wire_remove,
	.mkdir = wire_mkdir,
	.list = wire_list,
	.list_below = wire_list_below,
	.in_open = wire_in_open,
	.in_close = wire_in_close,
	.in_read = wire_in_read,
	.out_new = wire_out_new,
	.out_write = wire_out_write,
	.out_commit = wire_out_commit,
	.out_abort = wire_out_abort,
	.sync = wire_sync,
	.lock = wire_lock,
	.unlock = wire_unlock,
	.clean = wire_clean,
};

int
store_wire_lost(struct store *s, struct err *e)
{
	return (s->ops == &wire_ops && mux_lost(own(s)->mux, e));
}

static time_t
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (ts.tv_sec);
}

/* Wait for the next bytes of the greeting.  Bytes, or -1. */
static ssize_t
hear(struct mux_link *l, void *p, size_t len, time_t until,
    const char *peer, struct err *e)
{
	struct pollfd fd;
	ssize_t n;

	while ((n = l->read(l, p, len, e)) == 0) {
		if (now() >= until)
			return (err_set(e, ERR_FAILED, "%s: \"xcatvault "
			    "serve\" does not answer", peer));
		fd.fd = l->fd(l, &fd.events);
		(void)poll(&fd, 1, 500);
	}
	return (n);
}

/*
 * The far side's shell may have had something to say first, which is no part
 * of the protocol and must not be taken for it.
 */
static int
greet(struct mux_link *l, const char *peer, struct err *e)
{
	char text[81] = "";
	time_t until = now() + GREETING_S;
	size_t n = 0, same;
	ssize_t got;

	while (n < WIRE_GREETING_LEN &&
	    memcmp(text, WIRE_GREETING, n) == 0) {
		got = hear(l, text + n, WIRE_GREETING_LEN - n, until, peer,
		    e);
		if (got == -1)
			return (-1);
		n += (size_t)got;
	}
	same = n;
	if (memcmp(text, WIRE_GREETING, same) == 0)
		return (0);
	/* A little more of it makes it easier to find. */
	while (n < sizeof(text) - 1 && memchr(text, '\n', n) == NULL &&
	    (got = hear(l, text + n, sizeof(text) - 1 - n, now() + 1,
	    peer, e)) > 0)
		n += (size_t)got;
	text[n] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
	return (err_set(e, ERR_FAILED, "%s: a shell there printed \"%s\" "
	    "before xcatvault could speak; its start files (.bashrc, "
	    "/etc/profile.d) must print nothing for commands", peer, text));
}

static int
hello(struct store_wire *w, const struct store_wire_target *t,
    struct err *e)
{
	struct wire_request r = { .type = WIRE_HELLO,
	    .version = WIRE_VERSION, .flag = t->create };
	struct wire_hello h;
	struct buf b = BUF_INIT;
	int rc = -1;

	if (strlen(t->path) > WIRE_PATH_MAX)
		return (err_set(e, ERR_USAGE, "%s: path too long", t->name));
	memcpy(r.name, t->path, strlen(t->path) + 1);
	if (mux_call(w->mux, &r, &b, 64, e) == 0)
		rc = wire_hello_decode(&h, b.data, b.len, e);
	if (rc == 0 && h.version != WIRE_VERSION)
		rc = err_set(e, ERR_USAGE, "%s: speaks version %u of the "
		    "protocol, we speak %u", t->peer, (unsigned)h.version,
		    (unsigned)WIRE_VERSION);
	buf_fini(&b);
	return (rc);
}

struct store *
store_wire_open(struct mux_link *l, const struct store_wire_target *t,
    struct err *e)
{
	struct store_wire *w;

	if ((w = calloc(1, sizeof(*w))) == NULL ||
	    (w->store.path = strdup(t->name)) == NULL ||
	    (w->peer = strdup(t->peer)) == NULL) {
		err_nomem(e);
		goto fail;
	}
	w->store.ops = &wire_ops;
	if (greet(l, w->peer, e) == -1)
		goto fail;
	if ((w->mux = mux_new(l, w->peer, e)) == NULL ||
	    hello(w, t, e) == -1) {
		wire_close(&w->store);
		return (NULL);
	}
	return (&w->store);
fail:
	l->close(l);
	if (w != NULL) {
		free(w->store.path);
		free(w->peer);
		free(w);
	}
	return (NULL);
}
