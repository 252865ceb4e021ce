#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cancel.h"
#include "base/human.h"
#include "imgxfer/flow.h"
#include "imgxfer/lay.h"
#include "imgxfer/recent.h"
#include "remote/exec.h"
#include "remote/quote.h"

#define FLOW_BYTES ((size_t)4 << 20)
#define WRITE_BYTES ((size_t)256 << 10)
#define IDLE_MS 1000
#define SLACK ((uint64_t)16 << 20)
/*
 * Of a stream, more than can be on its way at a time: the window of an SSH
 * channel (2 MiB with OpenSSH), pipes, and what dd has in its hands.
 */
#define RECENT_BYTES ((size_t)8 << 20)

struct lay {
	struct lay_options opt;
	struct held *held;
	struct flow *flow;
	struct recent recent;	/* of a stream; the writer's */
	pthread_t writer;
	int running;
	int rc;			/* the writer's, once it is joined */
	struct err why;
};

/* ------------------------------------------------------------ bytes again */

static int
read_piece(struct remote *r, const char *path, uint64_t off, void *p,
    size_t len, struct err *e)
{
	static const char script[] =
	    "tail -c \"+$2\" -- \"$1\" | head -c \"$3\"\n";
	char at[24], bytes[24];
	const char *args[] = { path, at, bytes };
	struct buf command = BUF_INIT;
	struct remote_exec *x = NULL;
	int rc = -1;

	snprintf(at, sizeof(at), "%llu", (unsigned long long)off + 1);
	snprintf(bytes, sizeof(bytes), "%zu", len);
	remote_command(&command, script, args, 3);
	if (buf_ok(&command, e) == 0 &&
	    (x = remote_exec_new(r, buf_cstr(&command), e)) != NULL)
		rc = remote_exec_read_full(x, p, len, e);
	remote_exec_free(x);
	buf_fini(&command);
	return (rc);
}

/*
 * What was lost on its way is asked for anew, in a session of its own: the
 * other one is busy, in another thread.
 */
static int
read_again(void *arg, uint64_t off, void *p, size_t len, struct err *e)
{
	const struct lay *l = arg;
	const struct timespec second = { 1, 0 };
	unsigned tries, max = l->opt.grace_s > 0 ? l->opt.grace_s :
	    HELD_GRACE_S;
	struct remote *r;
	int rc = -1;

	if (l->opt.path == NULL)
		return (recent_get(&l->recent, off, p, len, e));
	for (tries = 0; rc == -1 && tries <= max; tries++) {
		if ((r = remote_sibling(l->opt.from->r, e)) != NULL)
			rc = read_piece(r, l->opt.path, off, p, len, e);
		remote_close(r);
		if (rc == -1 && cancel_check(e) == -1)
			return (-1);
		if (rc == -1)
			(void)nanosleep(&second, NULL);
	}
	return (rc);
}

/* ---------------------------------------------------------------- writing */

/* When nothing comes for long, the node must hear of us all the same. */
static ssize_t
next_piece(struct lay *l, void *p, struct err *e)
{
	ssize_t n;

	if (flow_wait_data(l->flow, IDLE_MS))
		return (flow_read(l->flow, p, WRITE_BYTES, e));
	if (held_keep(l->held, e) == -1)
		return (-1);
	n = flow_read(l->flow, p, WRITE_BYTES, e);
	held_unkeep(l->held);
	return (n);
}

static int
write_all(struct lay *l, struct err *e)
{
	const struct held_again again = { read_again, l };
	uint8_t *p = malloc(WRITE_BYTES);
	ssize_t n = -1;
	int rc = -1;

	if (p == NULL)
		return (err_nomem(e));
	while ((n = next_piece(l, p, e)) > 0) {
		if (held_put(l->held, p, (size_t)n, &again, e) == -1)
			goto out;
		if (l->opt.path == NULL)
			recent_put(&l->recent, p, (size_t)n);
	}
	if (n == 0)
		rc = held_put_end(l->held, &again, e);
out:
	free(p);
	return (rc);
}

static void *
run_writer(void *arg)
{
	struct lay *l = arg;

	l->rc = write_all(l, &l->why);
	flow_close(l->flow, l->rc == -1 ? &l->why : NULL);
	return (NULL);
}

struct lay *
lay_new(const struct remote *to, const struct lay_options *opt,
    struct err *e)
{
	struct held_options how = { .base = opt->base,
	    .grace_s = opt->grace_s };
	struct lay *l;

	if ((l = calloc(1, sizeof(*l))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	l->opt = *opt;
	if ((opt->path != NULL ||
	    recent_init(&l->recent, RECENT_BYTES, e) == 0) &&
	    (l->flow = flow_new(FLOW_BYTES, e)) != NULL &&
	    (l->held = held_new(to, &how, e)) != NULL) {
		if (pthread_create(&l->writer, NULL, run_writer, l) == 0) {
			l->running = 1;
			return (l);
		}
		err_set(e, ERR_FAILED, "no thread can be started");
	}
	lay_free(l);
	return (NULL);
}

struct sink
lay_sink(struct lay *l)
{
	return (flow_sink(l->flow));
}

int
lay_end(struct lay *l, const struct err *failed, struct err *e)
{
	flow_end(l->flow, failed);
	pthread_join(l->writer, NULL);
	l->running = 0;
	if (failed == NULL && l->rc == -1)
		*e = l->why;
	return (failed != NULL ? -1 : l->rc);
}

struct held *
lay_held(struct lay *l)
{
	return (l->held);
}

void
lay_free(struct lay *l)
{
	struct err never;

	if (l == NULL)
		return;
	if (l->running) {
		err_set(&never, ERR_FAILED, "given up");
		(void)lay_end(l, &never, &never);
	}
	held_free(l->held);
	flow_free(l->flow);
	recent_fini(&l->recent);
	free(l);
}

/* ------------------------------------------------------------------ place */

const char *
lay_place(const struct probe *probe, struct nodefs *fs, uint64_t bytes,
    struct err *e)
{
	const char *places[] = { probe->tmpdir, "/var/tmp", "/tmp", "/root",
	    probe->installdir };
	char wants[HUMAN_LEN], has[HUMAN_LEN];
	struct nodefs_stat st;
	struct nodefs_room room;
	uint64_t most = 0;
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (places[i] == NULL || places[i][0] != '/')
			continue;
		if (nodefs_stat(fs, places[i], &st, e) == -1 ||
		    (st.what == OSFS_DIR &&
		    nodefs_room(fs, places[i], &room, e) == -1))
			return (NULL);
		if (st.what != OSFS_DIR || room.readonly)
			continue;
		if (room.free_bytes >= bytes + SLACK)
			return (places[i]);
		most = room.free_bytes > most ? room.free_bytes : most;
	}
	human_bytes(bytes + SLACK, wants);
	human_bytes(most, has);
	err_set(e, ERR_FAILED, "%s: the bundle wants %s, and no more than %s "
	    "are free there", probe->hostname != NULL ? probe->hostname :
	    "the node", wants, has);
	return (NULL);
}
