/*
 * What the tests of remote/ drive it with:
 *
 *	remote_tool [OPTION...] COMMAND [ARG...]
 *
 * -a ADDRESS  [user@]host[:port]   -i IDENTITY   -P PASSWORD_FILE   -A (ask)
 * -c CONNECT_S  -t IDLE_S  -l LIMIT_S
 *
 *	trust [look]        state, type and fingerprint of the host's key, which
 *	                    must be $AGREED where that is set
 *	name                name and fingerprint; "weak" for a weak password
 *	run SCRIPT [ARG...]  standard input goes in; its output, errors, status
 *	xcat SCRIPT [ARG...]  the same in xCAT's environment
 *	command COMMAND     the same for a command as it stands
 *	cat                 standard input through "cat", written all at once
 *	bulk COMMAND        bytes of output, and how long they took
 *	sink COMMAND        the same for input, of SINK_BYTES
 *	hold COMMAND        its output by and by; says when it is lost
 *	both COMMAND        beside another one; bytes of output of both
 *	siblings N SCRIPT   N sessions in threads
 *	tables NAME...      tables of the database; $BYPASS: past xcatd
 *	files (WORD PATH)...  questions of nodefs.h, one after the other
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/cli.h"
#include "base/io.h"
#include "remote/exec.h"
#include "remote/node/nodefs.h"
#include "remote/node/tables.h"
#include "remote/quote.h"
#include "remote/session.h"

#define SINK_BYTES (500u << 20)

static struct remote_target target;
static unsigned limit_s;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return ((double)t.tv_sec + (double)t.tv_nsec / 1e9);
}

static int
read_stdin(struct buf *in, struct err *e)
{
	uint8_t *p;
	ssize_t n;

	do {
		if ((p = buf_reserve(in, 1 << 20)) == NULL)
			return (err_nomem(e));
		if ((n = io_read(0, p, 1 << 20)) == -1)
			return (err_sys(e, "stdin"));
		buf_advance(in, (size_t)n);
	} while (n > 0);
	return (0);
}

static int
run(struct remote *r, struct buf *command, struct err *e)
{
	struct buf in = BUF_INIT, out = BUF_INIT, errors = BUF_INIT;
	struct remote_io io = {
		.max = 64 << 20, .out = &out, .errors = &errors,
		.limit_s = limit_s,
	};
	int rc;

	if (read_stdin(&in, e) == -1)
		return (-1);
	io.in = in.data;
	io.in_len = in.len;
	rc = remote_run(r, buf_cstr(command), &io, e);
	(void)io_write(1, out.data, out.len);
	(void)io_write(2, errors.data, errors.len);
	buf_fini(&in);
	buf_fini(&out);
	buf_fini(&errors);
	return (rc == -1 ? -1 : io.status);
}

static int
run_script(struct remote *r, int xcat, char **argv, int argc, struct err *e)
{
	struct buf command = BUF_INIT;
	const char *args[64];
	int i, rc;

	for (i = 1; i < argc && i <= 64; i++)
		args[i - 1] = argv[i];
	if (xcat)
		remote_xcat_command(&command, argv[0], 0, args,
		    (size_t)(argc - 1));
	else
		remote_command(&command, argv[0], args, (size_t)(argc - 1));
	rc = run(r, &command, e);
	buf_fini(&command);
	return (rc);
}

static int
echo_back(struct remote_exec *x, const struct buf *in, struct err *e)
{
	uint8_t piece[70000];
	int status;
	ssize_t n;

	if (remote_exec_write(x, in->data, in->len, e) == -1 ||
	    remote_exec_end_input(x, e) == -1)
		return (-1);
	while ((n = remote_exec_read(x, piece, sizeof(piece), -1, e)) > 0)
		(void)io_write(1, piece, (size_t)n);
	if (n == -1 || remote_exec_wait(x, &status, e) == -1)
		return (-1);
	return (status);
}

/* Written without reading: what comes back meanwhile must be kept. */
static int
cat(struct remote *r, struct err *e)
{
	struct remote_exec *x;
	struct buf in = BUF_INIT;
	int rc = -1;

	if (read_stdin(&in, e) == 0 &&
	    (x = remote_exec_new(r, "cat", e)) != NULL) {
		rc = echo_back(x, &in, e);
		remote_exec_free(x);
	}
	buf_fini(&in);
	return (rc);
}

static void
rate(uint64_t bytes, double begun)
{
	printf("%llu bytes, %.0f MB/s\n", (unsigned long long)bytes,
	    (double)bytes / 1e6 / (now() - begun));
}

static int
bulk(struct remote *r, struct remote_exec *x, struct err *e)
{
	static uint8_t piece[256 << 10];
	double begun = now();
	uint64_t total = 0;
	int status;
	ssize_t n;

	(void)r;
	while (!remote_exec_ended(x)) {
		n = remote_exec_read(x, piece, sizeof(piece), -1, e);
		if (n == -1)
			return (-1);
		total += (uint64_t)n;
	}
	if (remote_exec_wait(x, &status, e) == -1)
		return (-1);
	rate(total, begun);
	return (status);
}

static int
sink(struct remote *r, struct remote_exec *x, struct err *e)
{
	static uint8_t piece[256 << 10];
	double begun = now();
	uint64_t total = 0;
	int status;

	(void)r;
	for (total = 0; total < SINK_BYTES; total += sizeof(piece))
		if (remote_exec_write(x, piece, sizeof(piece), e) == -1)
			return (-1);
	if (remote_exec_end_input(x, e) == -1 ||
	    remote_exec_wait(x, &status, e) == -1)
		return (-1);
	rate(total, begun);
	return (status);
}

static int
hold(struct remote *r, struct remote_exec *x, struct err *e)
{
	char piece[4096];
	int status;
	ssize_t n;

	while (!remote_exec_ended(x)) {
		n = remote_exec_read(x, piece, sizeof(piece), -1, e);
		if (n == -1) {
			printf("lost: %d\n", remote_lost(r));
			return (-1);
		}
		(void)io_write(1, piece, (size_t)n);
	}
	if (remote_exec_wait(x, &status, e) == -1)
		return (-1);
	return (status);
}

/* Two commands at once in one session, read turn by turn. */
static int
both(struct remote *r, struct remote_exec *x, struct err *e)
{
	struct remote_exec *y, *turn = NULL;
	uint64_t got[2] = { 0, 0 };
	char piece[30000];
	int status = -1;
	ssize_t n = 0;

	if ((y = remote_exec_new(r, "head -c 3000000 /dev/zero", e)) == NULL)
		return (-1);
	while (n != -1 && !(remote_exec_ended(x) && remote_exec_ended(y))) {
		turn = turn == x || remote_exec_ended(x) ? y : x;
		if ((n = remote_exec_read(turn, piece, sizeof(piece), -1,
		    e)) > 0)
			got[turn == y] += (uint64_t)n;
	}
	if (n != -1 && remote_exec_wait(y, &status, e) == 0 &&
	    remote_exec_wait(x, &status, e) == 0)
		printf("%llu %llu\n", (unsigned long long)got[0],
		    (unsigned long long)got[1]);
	else
		status = -1;
	remote_exec_free(y);
	return (status);
}

static int
stream(struct remote *r, const char *text,
    int (*how)(struct remote *, struct remote_exec *, struct err *),
    struct err *e)
{
	struct remote_exec *x;
	int rc;

	if ((x = remote_exec_new(r, text, e)) == NULL)
		return (-1);
	rc = how(r, x, e);
	remote_exec_free(x);
	return (rc);
}

struct sibling {
	const struct remote *r;
	const char *script;
	pthread_t thread;
	struct buf out;
	struct err e;
	int rc;
};

static void *
sibling(void *arg)
{
	struct sibling *s = arg;
	struct buf command = BUF_INIT;
	struct remote_io io = { .max = 64 << 20, .out = &s->out };
	struct remote *r;

	s->rc = -1;
	if ((r = remote_sibling(s->r, &s->e)) == NULL)
		return (NULL);
	remote_command(&command, s->script, NULL, 0);
	if (remote_run(r, buf_cstr(&command), &io, &s->e) == 0)
		s->rc = io.status;
	buf_fini(&command);
	remote_close(r);
	return (NULL);
}

static int
siblings(struct remote *r, int n, const char *script, struct err *e)
{
	struct sibling s[16];
	int i, rc = 0;

	memset(s, 0, sizeof(s));
	for (i = 0; i < n && i < 16; i++) {
		s[i].r = r;
		s[i].script = script;
		if (pthread_create(&s[i].thread, NULL, sibling, &s[i]) != 0)
			return (err_set(e, ERR_FAILED, "no thread"));
	}
	for (i = 0; i < n && i < 16; i++) {
		pthread_join(s[i].thread, NULL);
		(void)io_write(1, s[i].out.data, s[i].out.len);
		buf_fini(&s[i].out);
		if (s[i].rc == -1)
			*e = s[i].e;
		if (s[i].rc != 0)
			rc = s[i].rc;
	}
	return (rc);
}

static int
trust(int record, struct err *e)
{
	static const char *const states[] = { "known", "unknown", "changed" };
	struct remote_host_key key = { .type = "" };
	const char *agreed = getenv("AGREED");

	if (agreed != NULL)
		snprintf(key.fingerprint, sizeof(key.fingerprint), "%s",
		    agreed);
	if (remote_trust(&target, record, &key, e) == -1)
		return (-1);
	printf("%s %s %s\n", states[key.state], key.type, key.fingerprint);
	return (0);
}

static int
tables(struct remote *r, char **argv, int n, struct err *e)
{
	const char *const *names = (const char *const *)argv;
	const struct buf *text;
	struct tables *t;
	int i;

	t = tables_read(r, names, (size_t)n, getenv("BYPASS") != NULL, e);
	for (i = 0; t != NULL && i < n; i++) {
		text = tables_text(t, names[i]);
		printf("%s %s\n", names[i], text != NULL ? "is" : "is not");
		if (text != NULL)
			fwrite(text->data, 1, text->len, stdout);
	}
	tables_free(t);
	return (t != NULL ? 0 : -1);
}

static int
put_name(void *arg, const char *name, struct err *e)
{
	(void)arg;
	(void)e;
	printf("%s\n", name);
	return (0);
}

static int
file(struct remote *r, struct nodefs *fs, const char *word,
    const char *path, struct err *e)
{
	static const char *const whats[] = { "file", "dir", "other",
	    "missing", "outside", "loop", "lost" };
	char hex[DIGEST_HEX + 1];
	uint8_t digest[DIGEST_LEN];
	struct remote_io io = { .max = 0 };
	struct nodefs_room room;
	struct nodefs_stat st;
	struct buf b = BUF_INIT;
	uint64_t size;
	int rc = -1;

	if (strcmp(word, "stat") == 0) {
		if ((rc = nodefs_stat(fs, path, &st, e)) == 0)
			printf("%s %d %s %llu %o %u:%u%s%s\n", whats[st.what],
			    st.is_link, st.path, (unsigned long long)st.size,
			    st.mode, st.uid, st.gid, st.why[0] ? " " : "",
			    st.why);
	} else if (strcmp(word, "hash") == 0) {
		if ((rc = nodefs_digest(fs, path, digest, &size, e)) == 0) {
			digest_hexz(digest, hex);
			printf("%llu %s\n", (unsigned long long)size, hex);
		}
	} else if (strcmp(word, "read") == 0) {
		if ((rc = nodefs_read(fs, path, 100000, &b, e)) == 0)
			fwrite(b.data, 1, b.len, stdout);
	} else if (strcmp(word, "list") == 0)
		rc = nodefs_list(fs, path, put_name, NULL, e);
	else if (strcmp(word, "room") == 0) {
		if ((rc = nodefs_room(fs, path, &room, e)) == 0)
			printf("%d %d %d\n", room.free_bytes > 0,
			    room.total_bytes >= room.free_bytes,
			    room.readonly);
	} else if (strcmp(word, "glob") == 0) {
		if ((rc = osfs_glob(nodefs_osfs(fs), path, e)) != -1)
			printf("%d\n", rc);
	} else if (strcmp(word, "run") == 0) {
		rc = remote_run(r, path, &io, e);
	} else if (strcmp(word, "forget") == 0) {
		nodefs_forget(fs);
		rc = 0;
	} else
		rc = err_set(e, ERR_USAGE, "%s: no such test", word);
	buf_fini(&b);
	return (rc == -1 ? -1 : 0);
}

/* What the node refuses is told; the questions go on. */
static int
files(struct remote *r, char **argv, int n, struct err *e)
{
	struct nodefs *fs = nodefs_new(r, e);
	int i, rc = fs != NULL ? 0 : -1;

	for (i = 0; rc == 0 && i + 1 < n; i += 2)
		if (file(r, fs, argv[i], argv[i + 1], e) == -1) {
			printf("refused %d: %s\n", err_status(e), e->msg);
			rc = remote_lost(r) ? -1 : 0;
		}
	nodefs_free(fs);
	return (rc);
}

static int
command(struct remote *r, int argc, char **argv, struct err *e)
{
	struct buf b = BUF_INIT;
	const char *what = argv[0];
	int rc;

	if (strcmp(what, "name") == 0) {
		printf("%s %s%s\n", remote_name(r), remote_fingerprint(r),
		    remote_weak_password(r) ? " weak" : "");
		return (0);
	}
	if (strcmp(what, "cat") == 0)
		return (cat(r, e));
	if (argc < 2)
		return (err_set(e, ERR_USAGE, "%s: what?", what));
	if (strcmp(what, "run") == 0 || strcmp(what, "xcat") == 0)
		return (run_script(r, what[0] == 'x', argv + 1, argc - 1, e));
	if (strcmp(what, "files") == 0)
		return (files(r, argv + 1, argc - 1, e));
	if (strcmp(what, "tables") == 0)
		return (tables(r, argv + 1, argc - 1, e));
	if (strcmp(what, "bulk") == 0)
		return (stream(r, argv[1], bulk, e));
	if (strcmp(what, "sink") == 0)
		return (stream(r, argv[1], sink, e));
	if (strcmp(what, "hold") == 0)
		return (stream(r, argv[1], hold, e));
	if (strcmp(what, "both") == 0)
		return (stream(r, argv[1], both, e));
	if (strcmp(what, "siblings") == 0 && argc == 3)
		return (siblings(r, atoi(argv[1]), argv[2], e));
	if (strcmp(what, "command") == 0) {
		buf_puts(&b, argv[1]);
		rc = run(r, &b, e);
		buf_fini(&b);
		return (rc);
	}
	return (err_set(e, ERR_USAGE, "%s: no such test", what));
}

int
main(int argc, char **argv)
{
	struct err e = { 0 };
	struct remote *r;
	char *user = NULL, *host = NULL, *path = NULL;
	int opt, rc;

	cancel_catch_signals();
	while ((opt = getopt(argc, argv, "+a:i:P:Ac:t:l:")) != -1)
		switch (opt) {
		case 'a':
			if (remote_parse(optarg, &user, &host, &target.port,
			    &path, &e) == -1)
				return (cli_fail(&e));
			target.user = user;
			target.host = host;
			break;
		case 'i': target.identity = optarg; break;
		case 'P': target.password_file = optarg; break;
		case 'A': target.ask = 1; break;
		case 'c': target.connect_s = (unsigned)atoi(optarg); break;
		case 't': target.idle_s = (unsigned)atoi(optarg); break;
		case 'l': limit_s = (unsigned)atoi(optarg); break;
		default: return (STATUS_USAGE);
		}
	if (optind == argc)
		return (STATUS_USAGE);
	if (strcmp(argv[optind], "trust") == 0)
		rc = trust(optind + 1 == argc, &e);
	else if ((r = remote_open(&target, &e)) == NULL)
		rc = -1;
	else {
		rc = command(r, argc - optind, argv + optind, &e);
		remote_close(r);
	}
	free(user);
	free(host);
	free(path);
	return (rc == -1 ? cli_fail(&e) : rc);
}
