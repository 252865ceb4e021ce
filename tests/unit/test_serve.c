#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "vault/deposit.h"
#include "vault/serve.h"
#include "vault/store_wire.h"

#define NAME "packs/ab/" "00000000000000000000000000000000" \
    "00000000000000000000000000000000.pack"

/* A server in a process of its own at the other end of a socket pair. */
struct far {
	struct mux_link link;
	int fd;
	pid_t pid;
};

static ssize_t
far_read(struct mux_link *l, void *p, size_t len, struct err *e)
{
	ssize_t n = recv(((struct far *)l)->fd, p, len, MSG_DONTWAIT);

	if (n > 0)
		return (n);
	if (n == -1 && errno == EAGAIN)
		return (0);
	return (err_set(e, ERR_FAILED, "far side: connection lost"));
}

static ssize_t
far_write(struct mux_link *l, const void *p, size_t len, struct err *e)
{
	ssize_t n = send(((struct far *)l)->fd, p, len, MSG_DONTWAIT |
	    MSG_NOSIGNAL);

	if (n == -1 && errno == EAGAIN)
		return (0);
	return (n != -1 ? n : err_sys(e, "far side: connection lost"));
}

/* Nobody tells when there is room again: so look, and often. */
static int
far_fd(const struct mux_link *l, short *events)
{
	*events = POLLIN | POLLOUT;
	return (((const struct far *)l)->fd);
}

static void
far_close(struct mux_link *l)
{
	struct far *f = (struct far *)l;

	if (f->fd != -1)
		close(f->fd);
	f->fd = -1;
}

static void
far_start(struct far *f, const char *path, int append_only)
{
	struct serve_options opt = { path, append_only };
	struct err e = { 0 };
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	if ((f->pid = fork()) == 0) {
		close(fds[0]);
		_exit(serve_run(&opt, fds[1], fds[1], &e) == 0 ? 0 : 2);
	}
	close(fds[1]);
	f->link.read = far_read;
	f->link.write = far_write;
	f->link.fd = far_fd;
	f->link.close = far_close;
	f->fd = fds[0];
}

/* The server's exit status, or 128 + the signal. */
static int
far_end(struct far *f)
{
	int status;

	far_close(&f->link);
	assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
	return (WIFEXITED(status) ? WEXITSTATUS(status) :
	    128 + WTERMSIG(status));
}

static struct store *
far_store(struct far *f, const char *path, int create, int append_only)
{
	struct store_wire_target t = { "ssh://far/v", "far", path, create };
	struct err e = { 0 };
	struct store *s;

	far_start(f, path, append_only);
	if ((s = store_wire_open(&f->link, &t, &e)) == NULL)
		fail_msg("%s", e.msg);
	return (s);
}

static void
begin(struct far *f, struct store **s, const char **dir, char path[300])
{
	*dir = scratch_begin();
	snprintf(path, 300, "%s/v/w", *dir);
	*s = far_store(f, path, 1, 0);
}

static void
end(struct far *f, struct store *s, const char *dir)
{
	store_close(s);
	assert_int_equal(far_end(f), 0);
	scratch_end(dir);
}

struct seen {
	char names[400];
	uint64_t bytes;
};

static int
see(void *arg, const char *name, uint64_t bytes, struct err *e)
{
	struct seen *seen = arg;
	size_t n = strlen(seen->names);

	(void)e;
	snprintf(seen->names + n, sizeof(seen->names) - n, "%s ", name);
	seen->bytes += bytes;
	return (0);
}

static void
test_small_objects(void **state)
{
	struct far f;
	struct store *s;
	const char *dir;
	char path[300], file[400];
	struct buf b = BUF_INIT;
	struct err e = { 0 };
	struct seen seen = { "", 0 }, none = { "", 0 }, folders = { "", 0 };
	struct stat st;

	(void)state;
	begin(&f, &s, &dir, path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(store_is(s, st.st_dev, st.st_ino), 0);
	assert_string_equal(store_path(s), "ssh://far/v");
	assert_null(store_local_path(s));
	check_failed(store_get(s, "vault.json", 9, &b, &e), &e, ERR_FAILED);
	assert_int_equal(store_put(s, "vault.json", "one", 3, &e), 0);
	assert_int_equal(store_put(s, "vault.json", "two", 3, &e), 0);
	assert_int_equal(store_get(s, "vault.json", 3, &b, &e), 0);
	assert_string_equal(buf_cstr(&b), "two");
	check_failed(store_get(s, "vault.json", 2, &b, &e), &e, ERR_DAMAGED);
	assert_int_equal(store_put(s, "damaged/empty", "", 0, &e), 0);
	buf_clear(&b);
	assert_int_equal(store_get(s, "damaged/empty", 2, &b, &e), 0);
	assert_int_equal(b.len, 0);
	assert_int_equal(store_remove(s, "vault.json", &e), 0);
	assert_int_equal(store_remove(s, "vault.json", &e), 0);
	assert_int_equal(store_mkdir(s, "snapshots/a", &e), 0);
	assert_int_equal(store_mkdir(s, "snapshots/a", &e), 0);
	assert_int_equal(store_put(s, "snapshots/a/f", "x", 1, &e), 0);
	check_failed(store_put(s, "snapshots/none/f", "x", 1, &e), &e,
	    ERR_FAILED);
	assert_int_equal(store_put(s, "snapshots/a/B", "xyz", 3, &e), 0);
	assert_int_equal(store_list(s, "snapshots/a", 0, see, &seen, &e), 0);
	assert_string_equal(seen.names, "B f ");
	assert_int_equal(seen.bytes, 4);
	assert_int_equal(store_list(s, "snapshots", 1, see, &folders, &e), 0);
	assert_string_equal(folders.names, "a ");
	memset(&folders, 0, sizeof(folders));
	assert_int_equal(store_mkdir(s, "snapshots/B", &e), 0);
	assert_int_equal(store_put(s, "snapshots/B/x", "1", 1, &e), 0);
	assert_int_equal(store_list_below(s, "snapshots", see, &folders,
	    &e), 0);
	assert_string_equal(folders.names, "B/x a/B a/f ");
	assert_int_equal(folders.bytes, 5);
	assert_int_equal(store_list_below(s, "packs", see, &none, &e), 0);
	assert_int_equal(store_list(s, "packs/zz", 0, see, &none, &e), 0);
	assert_string_equal(none.names, "");
	/* Nothing is left in tmp, nor made for what was refused. */
	assert_int_equal(store_list(s, "tmp", 0, see, &none, &e), 0);
	assert_string_equal(none.names, "");
	snprintf(file, sizeof(file), "%s/snapshots/none", path);
	assert_int_equal(stat(file, &st), -1);
	buf_fini(&b);
	end(&f, s, dir);
}

/* Enough to fill the window, and reads of several messages. */
static void
test_large_objects(void **state)
{
	const size_t len = 37000001;
	struct far f;
	struct store *s;
	const char *dir;
	char path[300];
	struct rng rng = { 7 };
	struct err e = { 0 };
	struct store_out *o, *other;
	struct store_in *in;
	uint8_t *data = malloc(len), *got = malloc(len);
	size_t n, done;

	(void)state;
	begin(&f, &s, &dir, path);
	assert_non_null(data);
	assert_non_null(got);
	rng_fill(&rng, data, len);
	assert_non_null(o = store_out_new(s, &e));
	assert_non_null(other = store_out_new(s, &e));
	assert_int_equal(store_out_write(other, "gone", 4, &e), 0);
	for (done = 0; done < len; done += n) {
		n = rng_below(&rng, 3000000);
		if (n > len - done)
			n = len - done;
		assert_int_equal(store_out_write(o, data + done, n, &e), 0);
	}
	assert_int_equal(store_out_bytes(o), len);
	store_out_abort(other);
	assert_null(store_in_open(s, NAME, &e));
	assert_int_equal(e.errnum, ENOENT);
	assert_int_equal(store_out_commit(o, NAME, &e), 0);
	assert_int_equal(store_sync(s, &e), 0);
	assert_non_null(in = store_in_open(s, NAME, &e));
	assert_int_equal(store_in_bytes(in), len);
	assert_int_equal(store_in_read(in, got, len, 0, &e), 0);
	assert_memory_equal(got, data, len);
	assert_int_equal(store_in_read(in, got, 100, 5000, &e), 0);
	assert_memory_equal(got, data + 5000, 100);
	assert_int_equal(store_in_read(in, got, 0, len, &e), 0);
	check_failed(store_in_read(in, got, 4, len - 3, &e), &e,
	    ERR_DAMAGED);
	check_failed(store_in_read(in, got, len, 1, &e), &e, ERR_DAMAGED);
	store_in_close(in);
	/* A name that is none gives the object up. */
	assert_non_null(o = store_out_new(s, &e));
	check_failed(store_out_commit(o, "packs/../x", &e), &e, ERR_FAILED);
	free(data);
	free(got);
	end(&f, s, dir);
}

struct reader {
	struct store *s;
	pthread_t thread;
	size_t bad;
};

static void *
read_much(void *arg)
{
	struct reader *r = arg;
	struct store_in *in;
	struct err e = { 0 };
	uint8_t got[5000];
	size_t i, k;

	for (i = 0; i < 50; i++) {
		if ((in = store_in_open(r->s, NAME, &e)) == NULL ||
		    store_in_read(in, got, sizeof(got), i * 777, &e) == -1) {
			r->bad++;
			continue;
		}
		for (k = 0; k < sizeof(got); k++)
			r->bad += got[k] != (uint8_t)((i * 777 + k) >> 3);
		store_in_close(in);
	}
	return (NULL);
}

static void
test_threads(void **state)
{
	struct far f;
	struct store *s;
	const char *dir;
	char path[300];
	struct err e = { 0 };
	struct store_out *o;
	struct reader readers[4];
	uint8_t data[50000];
	size_t i;

	(void)state;
	begin(&f, &s, &dir, path);
	for (i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i >> 3);
	assert_non_null(o = store_out_new(s, &e));
	assert_int_equal(store_out_write(o, data, sizeof(data), &e), 0);
	assert_int_equal(store_out_commit(o, NAME, &e), 0);
	for (i = 0; i < COUNT(readers); i++) {
		readers[i].s = s;
		readers[i].bad = 0;
		assert_int_equal(pthread_create(&readers[i].thread, NULL,
		    read_much, &readers[i]), 0);
	}
	for (i = 0; i < COUNT(readers); i++) {
		pthread_join(readers[i].thread, NULL);
		assert_int_equal(readers[i].bad, 0);
	}
	end(&f, s, dir);
}

static void
test_locks(void **state)
{
	struct far f, g;
	struct store *s, *t;
	const char *dir;
	char path[300];
	struct err e = { 0 };
	struct store_lock *a, *b;

	(void)state;
	begin(&f, &s, &dir, path);
	t = far_store(&g, path, 0, 0);
	assert_non_null(a = store_lock(s, "x", 1, &e));
	assert_null(store_lock(t, "x", 1, &e));
	check_failed(-1, &e, ERR_BUSY);
	assert_non_null(b = store_lock(t, "y", 1, &e));
	store_unlock(a);
	assert_non_null(a = store_lock(t, "x", 1, &e));
	store_unlock(a);
	assert_null(store_lock(s, "../x", 1, &e));
	/* It goes with its holder. */
	store_unlock(b);
	assert_non_null(b = store_lock(t, "z", 1, &e));
	assert_int_equal(kill(g.pid, SIGKILL), 0);
	assert_int_equal(waitpid(g.pid, NULL, 0), g.pid);
	assert_non_null(a = store_lock(s, "z", 1, &e));
	store_unlock(a);
	store_unlock(b);
	store_close(t);
	end(&f, s, dir);
}

/* The far side dies: all that is under way and all that comes fails. */
static void
test_lost(void **state)
{
	struct far f;
	struct store *s;
	const char *dir;
	char path[300];
	struct err e = { 0 };
	struct store_out *o;
	struct store_in *in;
	uint8_t piece[100000] = { 0 };
	size_t i;
	int rc = 0;

	(void)state;
	begin(&f, &s, &dir, path);
	assert_int_equal(store_put(s, "damaged/x", "x", 1, &e), 0);
	assert_non_null(in = store_in_open(s, "damaged/x", &e));
	assert_non_null(o = store_out_new(s, &e));
	assert_int_equal(store_lost(s, &e), 0);
	assert_int_equal(kill(f.pid, SIGKILL), 0);
	for (i = 0; i < 1000 && rc == 0; i++)
		rc = store_out_write(o, piece, sizeof(piece), &e);
	check_failed(rc, &e, ERR_FAILED);
	check_failed(store_out_commit(o, NAME, &e), &e, ERR_FAILED);
	check_failed(store_in_read(in, piece, 1, 0, &e), &e, ERR_FAILED);
	check_failed(store_sync(s, &e), &e, ERR_FAILED);
	assert_null(store_out_new(s, &e));
	assert_int_equal(store_lost(s, &e), 1);
	assert_non_null(strstr(e.msg, "lost"));
	store_in_close(in);
	store_close(s);
	assert_int_equal(far_end(&f), 128 + SIGKILL);
	/* What it left is cleaned away by another. */
	s = far_store(&f, path, 0, 0);
	store_clean(s);
	assert_int_equal(store_put(s, "damaged/x", "y", 1, &e), 0);
	end(&f, s, dir);
}

/* Bytes that no client sends end it, and nothing is done. */
static void
test_hostile(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} all[] = {
		{ "GET / HTTP/1.0\r\n\r\n", 18 },
		{ "\0\0\0\0\x0f\0\0\0\1", 9 },	/* before the hello */
		{ "\xff\xff\xff\xff\1\0\0\0\1", 9 },
		{ "\0\0\0\1\1\0\0\0\1\0", 10 },
		{ "\0\0\0\1\1\0\0", 7 },
		{ "\0\0\0\0\x40\0\0\0\1", 9 },
	};
	const char *dir = scratch_begin();
	char greeting[WIRE_GREETING_LEN];
	struct far f;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(all); i++) {
		far_start(&f, dir, 0);
		assert_int_equal(send(f.fd, all[i].bytes, all[i].len, 0),
		    all[i].len);
		shutdown(f.fd, SHUT_WR);
		assert_int_equal(far_end(&f), 2);
	}
	/* Only looking is fine. */
	far_start(&f, dir, 0);
	assert_int_equal(recv(f.fd, greeting, sizeof(greeting),
	    MSG_WAITALL), sizeof(greeting));
	assert_memory_equal(greeting, WIRE_GREETING, sizeof(greeting));
	assert_int_equal(far_end(&f), 0);
	scratch_end(dir);
}

/* Append-only: new objects, and nothing else. */
static void
test_append_only(void **state)
{
	struct far f;
	struct store *s;
	const char *dir;
	char path[300];
	struct buf b = BUF_INIT;
	struct err e = { 0 };
	struct store_out *o;

	(void)state;
	begin(&f, &s, &dir, path);
	assert_int_equal(store_put(s, "vault.json", "one", 3, &e), 0);
	assert_int_equal(store_put(s, "damaged/x", "one", 3, &e), 0);
	store_close(s);
	assert_int_equal(far_end(&f), 0);
	s = far_store(&f, path, 0, 1);
	check_failed(store_put(s, "vault.json", "two", 3, &e), &e,
	    ERR_FAILED);
	check_failed(store_put(s, "vault.json", "on", 2, &e), &e,
	    ERR_FAILED);
	check_failed(store_put(s, "vault.json", "", 0, &e), &e, ERR_FAILED);
	check_failed(store_remove(s, "vault.json", &e), &e, ERR_FAILED);
	check_failed(store_remove(s, "damaged/x", &e), &e, ERR_FAILED);
	check_failed(store_put(s, "damaged/y", "one", 3, &e), &e, ERR_FAILED);
	assert_int_equal(store_put(s, "vault.json", "one", 3, &e), 0);
	assert_int_equal(store_remove(s, "damaged/y", &e), 0);
	assert_int_equal(store_mkdir(s, "snapshots/s", &e), 0);
	assert_int_equal(store_put(s, "snapshots/s/a", "1", 1, &e), 0);
	check_failed(store_put(s, "snapshots/s/a", "2", 1, &e), &e,
	    ERR_FAILED);
	check_failed(store_remove(s, "snapshots/s/a", &e), &e, ERR_FAILED);
	assert_int_equal(store_get(s, "vault.json", 9, &b, &e), 0);
	assert_string_equal(buf_cstr(&b), "one");
	/* A pack: once, and then neither other bytes nor a bad name. */
	assert_non_null(o = store_out_new(s, &e));
	assert_int_equal(store_out_write(o, "junk", 4, &e), 0);
	check_failed(store_out_commit(o, "packs/ab/x.pack", &e), &e,
	    ERR_FAILED);
	assert_non_null(o = store_out_new(s, &e));
	assert_int_equal(store_out_write(o, "junk", 4, &e), 0);
	check_failed(store_out_commit(o, NAME, &e), &e, ERR_FAILED);
	buf_fini(&b);
	end(&f, s, dir);
}

/* A pack of one file, and its name. */
static void
make_pack(const char *dir, char name[400], struct buf *pack)
{
	static const uint8_t text[5000] = "text";
	const struct deposit_file file = { "f", text, sizeof(text) };
	struct snapshot snap = { .site = strdup("s"), .host = strdup("h"),
	    .tool = strdup("t") };
	char path[300];
	struct seen seen = { "", 0 };
	struct err e = { 0 };
	struct vault *v;

	setenv("XCATVAULT_CACHE", dir, 1);
	snprintf(path, sizeof(path), "%s/from", dir);
	assert_int_equal(vault_init(path, &e), 0);
	assert_non_null(v = vault_open(path, &e));
	assert_int_equal(deposit_store(v, &snap, "/v", &file, 1, &e), 0);
	assert_int_equal(store_list_below(v->store, "packs", see, &seen,
	    &e), 0);
	snprintf(name, 400, "packs/%.*s", (int)strcspn(seen.names, " "),
	    seen.names);
	assert_int_equal(store_get(v->store, name, 1 << 20, pack, &e), 0);
	snapshot_fini(&snap);
	vault_close(v);
}

static int
send_pack(struct store *s, const char *name, const struct buf *pack,
    struct err *e)
{
	struct store_out *o = store_out_new(s, e);

	assert_non_null(o);
	assert_int_equal(store_out_write(o, pack->data, pack->len, e), 0);
	return (store_out_commit(o, name, e));
}

/* A pack that does not hold what it says would be leaned on. */
static void
test_append_only_packs(void **state)
{
	static const size_t cuts[] = { 0, 4, 40 };
	const char *dir = scratch_begin();
	char path[300], name[400], folder[16];
	struct buf pack = BUF_INIT, got = BUF_INIT;
	struct seen seen = { "", 0 };
	struct err e = { 0 };
	struct store *s;
	struct far f;
	size_t i, len;

	(void)state;
	make_pack(dir, name, &pack);
	snprintf(path, sizeof(path), "%s/to", dir);
	s = far_store(&f, path, 1, 1);
	for (i = 0, len = pack.len; i < COUNT(cuts); i++) {
		pack.len = cuts[i];
		check_failed(send_pack(s, name, &pack, &e), &e, ERR_FAILED);
	}
	pack.len = len;
	for (i = 0; i < len; i += 7) {
		pack.data[i] ^= 0x04;
		check_failed(send_pack(s, name, &pack, &e), &e, ERR_FAILED);
		pack.data[i] ^= 0x04;
	}
	snprintf(folder, sizeof(folder), "%.8s", name);
	assert_int_equal(store_list(s, folder, 0, see, &seen, &e), 0);
	assert_string_equal(seen.names, "");
	assert_int_equal(store_list(s, "tmp", 0, see, &seen, &e), 0);
	assert_string_equal(seen.names, "");
	assert_int_equal(send_pack(s, name, &pack, &e), 0);
	assert_int_equal(send_pack(s, name, &pack, &e), 0);
	assert_int_equal(store_get(s, name, 1 << 20, &got, &e), 0);
	assert_int_equal(got.len, len);
	assert_memory_equal(got.data, pack.data, len);
	buf_fini(&pack);
	buf_fini(&got);
	end(&f, s, dir);
}

/* No symbolic link within the vault is followed. */
static void
test_links(void **state)
{
	struct far f;
	struct store *s;
	const char *dir;
	char path[300], from[400], to[400];
	struct buf b = BUF_INIT;
	struct err e = { 0 };
	struct seen none = { "", 0 };
	struct stat st;

	(void)state;
	begin(&f, &s, &dir, path);
	snprintf(to, sizeof(to), "%s/outside", dir);
	assert_int_equal(mkdir(to, 0700), 0);
	snprintf(from, sizeof(from), "%s/snapshots/s", path);
	assert_int_equal(symlink(to, from), 0);
	snprintf(from, sizeof(from), "%s/vault.json", path);
	assert_int_equal(symlink("/etc/passwd", from), 0);
	check_failed(store_get(s, "vault.json", 1 << 20, &b, &e), &e,
	    ERR_FAILED);
	assert_null(store_in_open(s, "vault.json", &e));
	check_failed(store_put(s, "snapshots/s/x", "x", 1, &e), &e,
	    ERR_FAILED);
	assert_int_equal(store_list(s, "snapshots", 1, see, &none, &e), 0);
	check_failed(store_list(s, "snapshots/s", 0, see, &none, &e), &e,
	    ERR_FAILED);
	assert_string_equal(none.names, "");
	snprintf(to, sizeof(to), "%s/outside/x", dir);
	assert_int_equal(stat(to, &st), -1);
	buf_fini(&b);
	end(&f, s, dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small_objects),
		cmocka_unit_test(test_large_objects),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_locks),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_append_only),
		cmocka_unit_test(test_append_only_packs),
		cmocka_unit_test(test_links),
	};

	signal(SIGPIPE, SIG_IGN);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
