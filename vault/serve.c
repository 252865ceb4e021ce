#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/queue.h"
#include "vault/keep.h"
#include "vault/serve.h"
#include "vault/servelink.h"
#include "vault/store_dir.h"

#define HANDLES_MAX 4096
#define JOBS_MAX 8		/* commits that wait for the disk */
#define LIST_PART ((size_t)128 << 10)

enum handle_kind { HANDLE_IN, HANDLE_OUT, HANDLE_LOCK };

struct handle {
	uint32_t id;
	enum handle_kind kind;
	struct store_in *in;
	struct store_out *out;
	struct store_lock *lock;
	struct err failed;	/* the first write that did */
};

struct job {
	struct wire_request r;	/* COMMIT or SYNC */
	struct store_out *out;
};

/*
 * The main thread takes requests in and does what is quickly done; what
 * waits for the disk is the other's.
 */
struct serve {
	const struct serve_options *opt;
	struct servelink link;
	struct store *store;
	struct handle *handles;
	size_t nhandles;
	struct queue *jobs;
	pthread_t thread;
	int started;
	uint8_t body[WIRE_BODY_MAX];
	struct buf answer;	/* the main thread's */
};

/* Answer a request.  -1: the client does not hear us. */
static int
say(struct serve *v, uint32_t id, enum wire_type type, const struct buf *body,
    struct err *e)
{
	struct buf b = BUF_INIT;
	int rc;

	wire_answer_encode(&b, type, id, body != NULL ? body->data : NULL,
	    body != NULL ? body->len : 0);
	rc = buf_ok(&b, e);
	if (rc == 0)
		rc = servelink_write(&v->link, b.data, b.len, e);
	buf_fini(&b);
	return (rc);
}

/* Answer with what came of it: rc, and why when it is -1. */
static int
say_result(struct serve *v, uint32_t id, int rc, const struct err *why,
    struct err *e)
{
	struct buf b = BUF_INIT;

	if (rc == 0)
		return (say(v, id, WIRE_OK, NULL, e));
	wire_err_encode(&b, why);
	rc = say(v, id, WIRE_ERR, &b, e);
	buf_fini(&b);
	return (rc);
}

static struct handle *
find_handle(struct serve *v, uint32_t id, enum handle_kind kind)
{
	size_t i;

	for (i = v->nhandles; i-- > 0;)
		if (v->handles[i].id == id)
			return (v->handles[i].kind == kind ? &v->handles[i] :
			    NULL);
	return (NULL);
}

static int
no_handle(struct err *why)
{
	return (err_set(why, ERR_FAILED, "no such object is open"));
}

/* Room for one more, of that id. */
static struct handle *
new_handle(struct serve *v, uint32_t id, enum handle_kind kind,
    struct err *why)
{
	struct handle *h;
	size_t i;

	for (i = 0; i < v->nhandles; i++)
		if (v->handles[i].id == id) {
			err_set(why, ERR_FAILED, "an id is used twice");
			return (NULL);
		}
	if (v->nhandles == HANDLES_MAX) {
		err_set(why, ERR_FAILED, "too many objects are open");
		return (NULL);
	}
	h = &v->handles[v->nhandles];
	memset(h, 0, sizeof(*h));
	h->id = id;
	h->kind = kind;
	return (h);
}

/* What it stands for is somebody else's by now, or gone. */
static void
drop_handle(struct serve *v, struct handle *h)
{
	*h = v->handles[--v->nhandles];
}

static void
close_handle(struct serve *v, struct handle *h)
{
	store_in_close(h->in);
	store_out_abort(h->out);
	store_unlock(h->lock);
	drop_handle(v, h);
}

/* A client's idea of where the vault lies must be ours. */
static int
check_path(const char *ours, const char *theirs, struct err *why)
{
	struct stat a, b;

	if (strcmp(ours, theirs) == 0 || (stat(ours, &a) == 0 &&
	    stat(theirs, &b) == 0 && a.st_dev == b.st_dev &&
	    a.st_ino == b.st_ino))
		return (0);
	return (err_set(why, ERR_USAGE, "the vault %s was asked for, and %s "
	    "is what this login serves", theirs, ours));
}

static int
do_hello(struct serve *v, const struct wire_request *r, struct err *e)
{
	struct wire_hello h = { WIRE_VERSION, v->opt->append_only };
	const char *path = v->opt->path;
	struct buf b = BUF_INIT;
	struct err why = { .kind = ERR_NONE };
	int rc = -1;

	if (v->store != NULL || r->type != WIRE_HELLO)
		return (err_set(e, ERR_FAILED, "the client does not begin "
		    "with a hello"));
	if (r->version != WIRE_VERSION)
		err_set(&why, ERR_USAGE, "version %u of the protocol is not "
		    "spoken here", (unsigned)r->version);
	else if (check_path(path, r->name, &why) == 0) {
		v->store = r->flag ? store_dir_create(path, 1, &why) :
		    store_dir_open(path, 1, &why);
		rc = v->store != NULL ? 0 : -1;
	}
	if (rc == -1)
		return (say_result(v, r->id, -1, &why, e));
	wire_hello_encode(&b, &h);
	rc = say(v, r->id, WIRE_OK, &b, e);
	buf_fini(&b);
	return (rc);
}

/* An answer of len bytes of an object, built where it is sent from. */
static int
say_bytes(struct serve *v, uint32_t id, enum wire_type type,
    struct store_in *in, uint64_t off, size_t len, struct err *e)
{
	struct wire_head h = { (uint8_t)type, id, (uint32_t)len };
	struct err why;

	buf_clear(&v->answer);
	if (buf_reserve(&v->answer, WIRE_HEAD_LEN + len) == NULL)
		return (err_nomem(e));
	wire_head_encode(v->answer.data, &h);
	if (store_in_read(in, v->answer.data + WIRE_HEAD_LEN, len, off,
	    &why) == -1)
		return (say_result(v, id, -1, &why, e) == -1 ? -1 : 1);
	return (servelink_write(&v->link, v->answer.data, WIRE_HEAD_LEN + len,
	    e));
}

static int
do_get(struct serve *v, const struct wire_request *r, struct err *e)
{
	struct err why;
	struct store_in *in;
	uint64_t off = 0, n;
	int rc = 0;

	if (!wire_object_ok(r->name)) {
		err_set(&why, ERR_FAILED, "%s: no such name", r->name);
		return (say_result(v, r->id, -1, &why, e));
	}
	if ((in = store_in_open(v->store, r->name, &why)) == NULL)
		return (say_result(v, r->id, -1, &why, e));
	if (store_in_bytes(in) > r->off) {
		err_set(&why, ERR_DAMAGED, "%s: larger than %llu bytes",
		    r->name, (unsigned long long)r->off);
		rc = say_result(v, r->id, -1, &why, e) == -1 ? -1 : 1;
	}
	for (; rc == 0 && off < store_in_bytes(in); off += n) {
		n = store_in_bytes(in) - off;
		if (n > WIRE_DATA_MAX)
			n = WIRE_DATA_MAX;
		rc = say_bytes(v, r->id, WIRE_MORE, in, off, (size_t)n, e);
	}
	store_in_close(in);
	if (rc == 0)
		return (say(v, r->id, WIRE_OK, NULL, e));
	return (rc == 1 ? 0 : -1);	/* 1: the client has its error */
}

struct listing {
	struct serve *serve;
	uint32_t id;
	struct buf body;
	struct err *e;		/* of the link, not of the folder */
};

static int
list_one(void *arg, const char *name, uint64_t bytes, struct err *why)
{
	struct listing *l = arg;

	/* What no client could ask for is not told either. */
	if (!wire_part_ok(name))
		return (0);
	wire_entry_encode(&l->body, name, bytes);
	if (buf_ok(&l->body, why) == -1)
		return (-1);
	if (l->body.len < LIST_PART)
		return (0);
	if (say(l->serve, l->id, WIRE_MORE, &l->body, l->e) == -1)
		return (err_set(why, ERR_FAILED, "the client has gone"));
	buf_clear(&l->body);
	return (0);
}

static int
do_list(struct serve *v, const struct wire_request *r, struct err *e)
{
	struct listing l = { .serve = v, .id = r->id, .e = e };
	struct err why;
	int rc = -1;

	if (!wire_folder_ok(r->name))
		err_set(&why, ERR_FAILED, "%s: no such name", r->name);
	else
		rc = store_list(v->store, r->name, r->flag, list_one, &l,
		    &why);
	if (rc == 0 && l.body.len > 0 &&
	    say(v, r->id, WIRE_MORE, &l.body, e) == -1) {
		buf_fini(&l.body);
		return (-1);
	}
	buf_fini(&l.body);
	return (say_result(v, r->id, rc, &why, e));
}

static int
do_open(struct serve *v, const struct wire_request *r, struct err *e)
{
	struct buf b = BUF_INIT;
	struct handle *h;
	struct err why;
	int rc;

	if (!wire_object_ok(r->name)) {
		err_set(&why, ERR_FAILED, "%s: no such name", r->name);
		return (say_result(v, r->id, -1, &why, e));
	}
	if ((h = new_handle(v, r->id, HANDLE_IN, &why)) == NULL ||
	    (h->in = store_in_open(v->store, r->name, &why)) == NULL)
		return (say_result(v, r->id, -1, &why, e));
	v->nhandles++;
	wire_length_encode(&b, store_in_bytes(h->in));
	rc = say(v, r->id, WIRE_OK, &b, e);
	buf_fini(&b);
	return (rc);
}

static int
do_read(struct serve *v, const struct wire_request *r, struct err *e)
{
	struct handle *h = find_handle(v, r->handle, HANDLE_IN);
	struct err why;
	int rc;

	if (h == NULL) {
		no_handle(&why);
		return (say_result(v, r->id, -1, &why, e));
	}
	rc = say_bytes(v, r->id, WIRE_OK, h->in, r->off, r->len, e);
	return (rc == 1 ? 0 : rc);
}

static int
do_close(struct serve *v, const struct wire_request *r, struct err *why)
{
	size_t i;

	for (i = 0; i < v->nhandles; i++)
		if (v->handles[i].id == r->handle) {
			close_handle(v, &v->handles[i]);
			return (0);
		}
	return (no_handle(why));
}

static int
do_new(struct serve *v, const struct wire_request *r, struct err *why)
{
	struct handle *h;

	if ((h = new_handle(v, r->id, HANDLE_OUT, why)) == NULL ||
	    (h->out = store_out_new(v->store, why)) == NULL)
		return (-1);
	v->nhandles++;
	return (0);
}

/* A piece that is missing must not be papered over by those behind it. */
static int
do_write(struct serve *v, const struct wire_request *r, struct err *why)
{
	struct handle *h = find_handle(v, r->handle, HANDLE_OUT);

	if (h == NULL)
		return (no_handle(why));
	if (h->failed.kind == ERR_NONE && store_out_write(h->out, r->data,
	    r->data_len, &h->failed) == 0)
		return (0);
	*why = h->failed;
	return (-1);
}

static int
do_lock(struct serve *v, const struct wire_request *r, struct err *why)
{
	struct handle *h;

	if (!wire_part_ok(r->name))
		return (err_set(why, ERR_FAILED, "%s: no such name",
		    r->name));
	if ((h = new_handle(v, r->id, HANDLE_LOCK, why)) == NULL ||
	    (h->lock = store_lock(v->store, r->name, r->flag, why)) == NULL)
		return (-1);
	v->nhandles++;
	return (0);
}

static int
do_mkdir(struct serve *v, const struct wire_request *r, struct err *why)
{
	if (!wire_folder_ok(r->name))
		return (err_set(why, ERR_FAILED, "%s: no such name",
		    r->name));
	return (store_mkdir(v->store, r->name, why));
}

static int
do_remove(struct serve *v, const struct wire_request *r, struct err *why)
{
	if (!wire_object_ok(r->name))
		return (err_set(why, ERR_FAILED, "%s: no such name",
		    r->name));
	if (v->opt->append_only)
		return (keep_remove(v->store, r->name, why));
	return (store_remove(v->store, r->name, why));
}

/* Hand what waits for the disk to the other thread. */
static int
do_later(struct serve *v, const struct wire_request *r, struct err *why)
{
	struct handle *h = NULL;
	struct job *job;

	if (r->type == WIRE_COMMIT &&
	    (h = find_handle(v, r->handle, HANDLE_OUT)) == NULL)
		return (no_handle(why));
	if (h != NULL && (h->failed.kind != ERR_NONE ||
	    !wire_object_ok(r->name))) {
		if (h->failed.kind != ERR_NONE)
			*why = h->failed;
		else
			err_set(why, ERR_FAILED, "%s: no such name",
			    r->name);
		close_handle(v, h);
		return (-1);
	}
	if ((job = malloc(sizeof(*job))) == NULL)
		return (err_nomem(why));
	job->r = *r;
	job->out = NULL;
	if (h != NULL) {
		job->out = h->out;
		drop_handle(v, h);
	}
	(void)queue_push(v->jobs, job);
	return (1);
}

static int
commit(struct serve *v, struct job *job, struct err *why)
{
	const struct wire_request *r = &job->r;

	if (v->opt->append_only)
		return (keep_commit(v->store, job->out, r->name, r->flag,
		    why));
	if (r->flag)
		return (store_dir_commit(job->out, r->name,
		    STORE_DIR_DURABLE, why));
	return (store_out_commit(job->out, r->name, why));
}

static void *
disk_main(void *arg)
{
	struct serve *v = arg;
	struct job *job;
	struct err why, ignored;
	int rc;

	while ((job = queue_pop(v->jobs)) != NULL) {
		if (job->r.type == WIRE_SYNC)
			rc = store_sync(v->store, &why);
		else
			rc = commit(v, job, &why);
		/* That nobody hears it is found by the main thread. */
		(void)say_result(v, job->r.id, rc, &why, &ignored);
		free(job);
	}
	return (NULL);
}

/* Do a request and answer it.  -1: end it with this client. */
static int
dispatch(struct serve *v, const struct wire_request *r, struct err *e)
{
	struct err why = { .kind = ERR_NONE };
	int rc = 0;

	if (v->store == NULL || r->type == WIRE_HELLO)
		return (do_hello(v, r, e));
	switch (r->type) {
	case WIRE_GET:
		return (do_get(v, r, e));
	case WIRE_LIST:
		return (do_list(v, r, e));
	case WIRE_OPEN:
		return (do_open(v, r, e));
	case WIRE_READ:
		return (do_read(v, r, e));
	case WIRE_CLOSE:
		rc = do_close(v, r, &why);
		break;
	case WIRE_NEW:
		rc = do_new(v, r, &why);
		break;
	case WIRE_WRITE:
		rc = do_write(v, r, &why);
		break;
	case WIRE_COMMIT:
	case WIRE_SYNC:
		rc = do_later(v, r, &why);
		break;
	case WIRE_MKDIR:
		rc = do_mkdir(v, r, &why);
		break;
	case WIRE_REMOVE:
		rc = do_remove(v, r, &why);
		break;
	case WIRE_LOCK:
		rc = do_lock(v, r, &why);
		break;
	case WIRE_CLEAN:
		store_clean(v->store);
		break;
	default:	/* PING; the head's decoder lets no others in */
		break;
	}
	return (rc == 1 ? 0 : say_result(v, r->id, rc, &why, e));
}

static int
begin(struct serve *v, struct err *e)
{
	v->handles = calloc(HANDLES_MAX, sizeof(*v->handles));
	if (v->handles == NULL || (v->jobs = queue_new(JOBS_MAX)) == NULL)
		return (err_nomem(e));
	if (pthread_create(&v->thread, NULL, disk_main, v) != 0)
		return (err_set(e, ERR_FAILED, "cannot start a thread"));
	v->started = 1;
	return (servelink_write(&v->link, WIRE_GREETING, WIRE_GREETING_LEN,
	    e));
}

/* Locks go last: whoever takes one finds no files of ours in tmp/. */
static void
finish(struct serve *v)
{
	size_t i;

	if (v->started) {
		queue_close(v->jobs);
		pthread_join(v->thread, NULL);
	}
	for (i = 0; i < v->nhandles; i++) {
		store_in_close(v->handles[i].in);
		store_out_abort(v->handles[i].out);
	}
	for (i = 0; i < v->nhandles; i++)
		store_unlock(v->handles[i].lock);
	store_close(v->store);
	queue_free(v->jobs);
	free(v->handles);
	buf_fini(&v->answer);
	servelink_fini(&v->link);
	free(v);
}

int
serve_run(const struct serve_options *opt, int in, int out, struct err *e)
{
	struct wire_request r;
	struct wire_head h;
	struct serve *v;
	int rc;

	if ((v = calloc(1, sizeof(*v))) == NULL)
		return (err_nomem(e));
	v->opt = opt;
	(void)io_max_files();
	servelink_init(&v->link, in, out);
	rc = begin(v, e);
	while (rc == 0 && (rc = servelink_read(&v->link, &h, v->body, e)) == 1)
		if ((rc = wire_request_decode(&r, &h, v->body, e)) == 0)
			rc = dispatch(v, &r, e);
	finish(v);
	return (rc);
}
