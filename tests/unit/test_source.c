#include <fcntl.h>
#include <unistd.h>

#include "base/buf.h"
#include "imgxfer/source.h"
#include "tests/unit/unit.h"

static int
collect(void *arg, const void *p, size_t len, struct err *e)
{
	struct buf *b = arg;

	if (b->len > 20000)
		return (err_set(e, ERR_FAILED, "full"));
	buf_append(b, p, len);
	return (buf_ok(b, e));
}

static void
make_file(char *path, const void *p, size_t len)
{
	int fd = mkstemp(path);

	assert_true(fd != -1);
	assert_int_equal(write(fd, p, len), len);
	close(fd);
}

static void
test_file(void **state)
{
	char path[] = "/tmp/xcatvault-source.XXXXXX";
	struct source_file f;
	struct source s;
	struct buf got = BUF_INIT;
	struct sink to = { collect, &got };
	struct source_tee t = { &s, &to };
	struct source both;
	struct rng r = { 1 };
	struct err e = { 0 };
	uint8_t data[20000];

	(void)state;
	rng_fill(&r, data, sizeof(data));
	make_file(path, data, sizeof(data));
	assert_int_equal(source_file_open(&f, path, &s, &e), 0);
	assert_string_equal(s.name, path);
	both = source_tee(&t);
	assert_string_equal(both.name, path);
	assert_int_equal(source_drain(&both, &e), 0);
	assert_int_equal(got.len, sizeof(data));
	assert_memory_equal(got.data, data, sizeof(data));
	source_file_close(&f);

	/* What the sink says ends it. */
	assert_int_equal(source_file_open(&f, path, &s, &e), 0);
	buf_append(&got, "x", 1);
	check_failed(source_drain(&both, &e), &e, ERR_FAILED);
	source_file_close(&f);
	assert_int_equal(unlink(path), 0);
	check_failed(source_file_open(&f, path, &s, &e), &e, ERR_FAILED);
	buf_fini(&got);
}

static void
test_directory(void **state)
{
	struct source_file f;
	struct source s;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(source_file_open(&f, "/", &s, &e), 0);
	check_failed(source_drain(&s, &e), &e, ERR_FAILED);
	source_file_close(&f);
	assert_int_equal(source_file_open(&f, "-", &s, &e), 0);
	assert_int_equal(f.fd, STDIN_FILENO);
	assert_string_equal(s.name, "standard input");
	source_file_close(&f);
	assert_true(fcntl(STDIN_FILENO, F_GETFD) != -1);
}

static void
test_bytes(void **state)
{
	static const char text[] = "0123456789";
	struct source_bytes b = { (const uint8_t *)text, 10, 3 };
	struct source s = source_bytes(&b, "text");
	char got[16];
	struct err e = { 0 };

	(void)state;
	assert_string_equal(s.name, "text");
	assert_int_equal(s.read(s.arg, got, sizeof(got), &e), 3);
	assert_memory_equal(got, "012", 3);
	assert_int_equal(s.read(s.arg, got, 2, &e), 2);
	assert_memory_equal(got, "34", 2);
	assert_int_equal(b.len, 5);
	b.step = 0;
	assert_int_equal(s.read(s.arg, got, sizeof(got), &e), 5);
	assert_memory_equal(got, "56789", 5);
	assert_int_equal(s.read(s.arg, got, sizeof(got), &e), 0);
	b.p = NULL;
	assert_int_equal(source_drain(&s, &e), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_directory),
		cmocka_unit_test(test_bytes),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
