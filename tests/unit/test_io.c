#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "tests/unit/unit.h"

/* A fresh folder, open. */
struct place {
	const char *dir;
	int fd;
};

static void
begin(struct place *p)
{
	p->dir = scratch_begin();
	p->fd = open(p->dir, O_RDONLY | O_DIRECTORY);
	assert_true(p->fd >= 0);
}

static void
end(struct place *p)
{
	close(p->fd);
	scratch_end(p->dir);
}

/* How many names a folder holds. */
static int
names(const struct place *p)
{
	char cmd[300];

	snprintf(cmd, sizeof(cmd), "exit $(ls -A '%s' | wc -l)", p->dir);
	return (shell(cmd));
}

static void
check_contents(const struct place *p, const char *name, const char *want)
{
	struct buf b = BUF_INIT;
	struct err e = { 0 };

	assert_int_equal(io_load(p->fd, name, 1 << 20, &b, &e), 0);
	assert_string_equal(buf_cstr(&b), want);
	buf_fini(&b);
}

static void
test_save_and_load(void **state)
{
	struct place p;
	struct err e = { 0 };
	struct stat st;

	(void)state;
	begin(&p);
	assert_int_equal(io_save(p.fd, "f", "one", 3, &e), 0);
	check_contents(&p, "f", "one");
	assert_int_equal(fstatat(p.fd, "f", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(io_save(p.fd, "f", "two!", 4, &e), 0);
	check_contents(&p, "f", "two!");
	assert_int_equal(io_save(p.fd, "f", NULL, 0, &e), 0);
	check_contents(&p, "f", "");
	assert_int_equal(names(&p), 1);
	assert_int_equal(io_mkdir(p.fd, "d", &e), 0);
	assert_int_equal(io_save(p.fd, "d/g", "deep", 4, &e), 0);
	check_contents(&p, "d/g", "deep");
	end(&p);
}

/* What is left of a run that died, under the same process id, is no harm. */
static void
test_save_over_leftover(void **state)
{
	struct place p;
	struct err e = { 0 };
	char tmp[64];
	int fd;

	(void)state;
	begin(&p);
	snprintf(tmp, sizeof(tmp), "f.%ld.tmp", (long)getpid());
	fd = openat(p.fd, tmp, O_WRONLY | O_CREAT, 0400);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(io_save(p.fd, "f", "new", 3, &e), 0);
	check_contents(&p, "f", "new");
	assert_int_equal(names(&p), 1);
	end(&p);
}

/* A link in the place of the file is replaced, not followed. */
static void
test_save_over_link(void **state)
{
	struct place p;
	struct err e = { 0 };
	struct stat st;

	(void)state;
	begin(&p);
	assert_int_equal(io_save(p.fd, "target", "mine", 4, &e), 0);
	assert_int_equal(symlinkat("target", p.fd, "f"), 0);
	assert_int_equal(io_save(p.fd, "f", "new", 3, &e), 0);
	check_contents(&p, "target", "mine");
	check_contents(&p, "f", "new");
	assert_int_equal(fstatat(p.fd, "f", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISREG(st.st_mode));
	end(&p);
}

static void
test_save_fails_cleanly(void **state)
{
	struct place p;
	struct err e = { 0 };
	char longname[5000];

	(void)state;
	begin(&p);
	assert_int_equal(io_mkdir(p.fd, "d", &e), 0);
	check_failed(io_save(p.fd, "d", "x", 1, &e), &e, ERR_FAILED);
	assert_int_equal(names(&p), 1);
	check_failed(io_save(p.fd, "no/f", "x", 1, &e), &e, ERR_FAILED);
	memset(longname, 'n', sizeof(longname) - 1);
	longname[sizeof(longname) - 1] = '\0';
	check_failed(io_save(p.fd, longname, "x", 1, &e), &e, ERR_USAGE);
	longname[300] = '\0';
	check_failed(io_save(p.fd, longname, "x", 1, &e), &e, ERR_FAILED);
	assert_int_equal(names(&p), 1);
	end(&p);
}

/* When writing fails half way the old contents stay, and nothing else. */
static void
test_save_is_atomic(void **state)
{
	struct place p;
	struct err e = { 0 };
	struct rlimit old, rl;
	char *big = calloc(1, 1 << 20);
	int rc;

	(void)state;
	begin(&p);
	assert_non_null(big);
	assert_int_equal(io_save(p.fd, "f", "old", 3, &e), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	rl = old;
	rl.rlim_cur = 4096;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &rl), 0);
	rc = io_save(p.fd, "f", big, 1 << 20, &e);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(e.errnum, EFBIG);
	check_failed(rc, &e, ERR_FAILED);
	check_contents(&p, "f", "old");
	assert_int_equal(names(&p), 1);
	free(big);
	end(&p);
}

/* The folder of a file directly below the root is the root. */
static void
test_save_in_root(void **state)
{
	char name[64];
	struct err e = { 0 };
	int rc;

	(void)state;
	if (access("/", W_OK) == -1)
		skip();
	snprintf(name, sizeof(name), "/xcatvault-unit.%ld", (long)getpid());
	rc = io_save(AT_FDCWD, name, "x", 1, &e);
	(void)unlink(name);
	assert_int_equal(rc, 0);
}

static void
test_load_refuses(void **state)
{
	struct place p;
	struct buf b = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	begin(&p);
	check_failed(io_load(p.fd, "none", 9, &b, &e), &e, ERR_FAILED);
	assert_int_equal(io_mkdir(p.fd, "d", &e), 0);
	check_failed(io_load(p.fd, "d", 9, &b, &e), &e, ERR_DAMAGED);
	assert_int_equal(mkfifoat(p.fd, "fifo", 0600), 0);
	check_failed(io_load(p.fd, "fifo", 9, &b, &e), &e, ERR_DAMAGED);
	assert_int_equal(io_save(p.fd, "f", "123456789", 9, &e), 0);
	assert_int_equal(symlinkat("f", p.fd, "link"), 0);
	check_failed(io_load(p.fd, "link", 9, &b, &e), &e, ERR_FAILED);
	check_failed(io_load(p.fd, "f", 8, &b, &e), &e, ERR_DAMAGED);
	assert_int_equal(b.len, 0);
	assert_int_equal(io_load(p.fd, "f", 9, &b, &e), 0);
	assert_int_equal(io_load(p.fd, "f", 9, &b, &e), 0);
	assert_string_equal(buf_cstr(&b), "123456789123456789");
	buf_fini(&b);
	end(&p);
}

static void
test_positioned(void **state)
{
	struct place p;
	char got[16];
	int fd;

	(void)state;
	begin(&p);
	fd = openat(p.fd, "f", O_RDWR | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(io_write(fd, "0123456789", 10), 0);
	assert_int_equal(io_pwrite(fd, "ab", 2, 4), 0);
	assert_int_equal(io_pread(fd, got, sizeof(got), 3), 7);
	assert_memory_equal(got, "3ab6789", 7);
	assert_int_equal(io_pread(fd, got, sizeof(got), 99), 0);
	assert_int_equal(lseek(fd, 8, SEEK_SET), 8);
	assert_int_equal(io_read(fd, got, sizeof(got)), 2);
	assert_int_equal(io_read(fd, got, sizeof(got)), 0);
	close(fd);
	assert_int_equal(io_read(-1, got, 1), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(io_pread(-1, got, 1, 0), -1);
	assert_int_equal(io_write(-1, got, 1), -1);
	assert_int_equal(io_pwrite(-1, got, 1, 0), -1);
	end(&p);
}

static void
test_full_device(void **state)
{
	int fd = open("/dev/full", O_WRONLY);

	(void)state;
	if (fd == -1)
		skip();
	assert_int_equal(io_write(fd, "x", 1), -1);
	assert_int_equal(errno, ENOSPC);
	close(fd);
}

static volatile sig_atomic_t signals;

static void
count_signal(int sig)
{
	(void)sig;
	signals++;
}

struct disturber {
	pthread_t reader;
	int fd;
};

/* Write slowly, and interrupt the reader between the pieces. */
static void *
disturb(void *arg)
{
	struct disturber *d = arg;
	struct timespec pause = { 0, 2000000 };
	int i;

	for (i = 0; i < 20; i++) {
		nanosleep(&pause, NULL);
		pthread_kill(d->reader, SIGUSR1);
		nanosleep(&pause, NULL);
		assert_int_equal(io_write(d->fd, "abc", 3), 0);
	}
	close(d->fd);
	return (NULL);
}

/* Signals and short reads do not show. */
static void
test_interrupted(void **state)
{
	struct sigaction sa = { .sa_handler = count_signal };
	struct disturber d;
	pthread_t t;
	char got[100];
	int fds[2];

	(void)state;
	assert_int_equal(sigaction(SIGUSR1, &sa, NULL), 0);
	assert_int_equal(pipe(fds), 0);
	d.reader = pthread_self();
	d.fd = fds[1];
	assert_int_equal(pthread_create(&t, NULL, disturb, &d), 0);
	assert_int_equal(io_read(fds[0], got, sizeof(got)), 60);
	assert_int_equal(pthread_join(t, NULL), 0);
	assert_true(signals > 0);
	close(fds[0]);
}

static void
test_folders(void **state)
{
	struct place p;
	struct err e = { 0 };
	struct stat st;
	char path[512];

	(void)state;
	begin(&p);
	assert_int_equal(io_mkdir(p.fd, "d", &e), 0);
	assert_int_equal(io_mkdir(p.fd, "d", &e), 0);
	assert_int_equal(fstatat(p.fd, "d", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(io_save(p.fd, "f", "x", 1, &e), 0);
	check_failed(io_mkdir(p.fd, "f", &e), &e, ERR_FAILED);
	check_failed(io_mkdir(p.fd, "no/d", &e), &e, ERR_FAILED);
	assert_int_equal(symlinkat("gone", p.fd, "link"), 0);
	check_failed(io_mkdir(p.fd, "link", &e), &e, ERR_FAILED);
	assert_int_equal(io_fsync_dir(p.fd, "d", &e), 0);
	check_failed(io_fsync_dir(p.fd, "f", &e), &e, ERR_FAILED);
	snprintf(path, sizeof(path), "%s/a//b/c/", p.dir);
	assert_int_equal(io_mkdir_path(path, &e), 0);
	assert_int_equal(fstatat(p.fd, "a/b/c", &st, 0), 0);
	assert_int_equal(io_mkdir_path(path, &e), 0);
	snprintf(path, sizeof(path), "%s/f/b", p.dir);
	check_failed(io_mkdir_path(path, &e), &e, ERR_FAILED);
	check_failed(io_mkdir_path("", &e), &e, ERR_USAGE);
	assert_int_equal(io_mkdir_path("/", &e), 0);
	end(&p);
}

static void
test_max_files(void **state)
{
	struct rlimit rl;
	size_t n;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &rl), 0);
	rl.rlim_cur = 64;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &rl), 0);
	n = io_max_files();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &rl), 0);
	assert_int_equal(rl.rlim_cur, rl.rlim_max);
	assert_true(n == rl.rlim_cur || n == 1 << 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_save_and_load),
		cmocka_unit_test(test_save_over_leftover),
		cmocka_unit_test(test_save_over_link),
		cmocka_unit_test(test_save_fails_cleanly),
		cmocka_unit_test(test_save_is_atomic),
		cmocka_unit_test(test_save_in_root),
		cmocka_unit_test(test_load_refuses),
		cmocka_unit_test(test_positioned),
		cmocka_unit_test(test_full_device),
		cmocka_unit_test(test_interrupted),
		cmocka_unit_test(test_folders),
		cmocka_unit_test(test_max_files),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
