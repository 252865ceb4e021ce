#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backup/walk.h"
#include "tests/unit/unit.h"

/*
 * Directories are read through syscall(), which stands in for the C
 * library's: it gives what was read a second time, as when all of a
 * directory's files are replaced by others of the same names meanwhile.
 */
static int twice;
static char last[65536];
static long last_len;

long
syscall(long number, ...)
{
	static long (*real)(long, ...);
	void *a[6];
	va_list ap;
	size_t i;
	long n;

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "syscall");
	va_start(ap, number);
	for (i = 0; i < COUNT(a); i++)
		a[i] = va_arg(ap, void *);
	va_end(ap);
	n = real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (number != SYS_getdents64 || !twice)
		return (n);
	if (n > 0) {
		assert_true(last_len == 0 && n <= (long)sizeof(last));
		memcpy(last, a[1], (size_t)n);
		last_len = n;
	} else if (n == 0 && last_len > 0) {
		memcpy(a[1], last, (size_t)last_len);
		n = last_len;
		last_len = 0;
	}
	return (n);
}

/* The paths of a walk, a line each. */
static void
walked(const char *dir, struct buf *out)
{
	const struct walk_options opt = { 0 };
	struct walk_entry ent;
	struct err e = { 0 };
	struct walk *w;
	int fd, rc;

	fd = open(dir, O_RDONLY | O_DIRECTORY);
	assert_true(fd != -1);
	assert_non_null(w = walk_new(fd, &opt, &e));
	while ((rc = walk_next(w, &ent, &e)) == 1) {
		assert_int_equal(ent.st->errnum, 0);
		buf_append(out, ent.path.p, ent.path.len);
		buf_putc(out, '\n');
	}
	assert_int_equal(rc, 0);
	walk_free(w);
	close(fd);
}

static void
touch(const char *dir, const char *name)
{
	char path[400];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd != -1);
	close(fd);
}

/* Names that a directory gives twice are there once, however many. */
static void
test_twins(void **state)
{
	static const int counts[] = { 0, 1, 2, 255, 256, 257, 511, 512, 513,
	    1000 };
	struct buf once = BUF_INIT, again = BUF_INIT;
	const char *dir = scratch_begin();
	char name[20];
	size_t i;
	int n = 0;

	(void)state;
	for (i = 0; i < COUNT(counts); i++) {
		for (; n < counts[i]; n++) {
			snprintf(name, sizeof(name), "%d", n * 7919 % 1009);
			touch(dir, name);
		}
		buf_clear(&once);
		buf_clear(&again);
		walked(dir, &once);
		twice = 1;
		walked(dir, &again);
		twice = 0;
		assert_string_equal(buf_cstr(&again), buf_cstr(&once));
	}
	buf_fini(&once);
	buf_fini(&again);
	scratch_end(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_twins),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
