#include <unistd.h>

#include "base/buf.h"
#include "imgxfer/flow.h"
#include "imgxfer/gzout.h"
#include "imgxfer/pull.h"
#include "imgxfer/unpack.h"
#include "tests/unit/unit.h"

/* The parallel gzip, and bytes between threads. */

static int
append(void *arg, const void *p, size_t len, struct err *e)
{
	buf_append(arg, p, len);
	return (buf_ok(arg, e));
}

static void
compress(const uint8_t *p, size_t len, size_t step, struct buf *out)
{
	struct sink to = { append, out };
	struct err e = { 0 };
	struct gzout *z = gzout_new(&to, 6, &e);
	size_t at, n;

	assert_non_null(z);
	for (at = 0; at < len; at += n) {
		n = len - at < step ? len - at : step;
		assert_int_equal(gzout_write(z, p + at, n, &e), 0);
	}
	assert_int_equal(gzout_commit(z, &e), 0);
	assert_int_equal(gzout_bytes(z), out->len);
	gzout_free(z);
}

/* A buffer as a source, in pieces of step bytes. */
struct feed {
	const uint8_t *p;
	size_t left, step;
};

static ssize_t
feed(void *arg, void *p, size_t len, struct err *e)
{
	struct feed *f = arg;
	size_t n = f->left < f->step ? f->left : f->step;

	(void)e;
	if (n > len)
		n = len;
	memcpy(p, f->p, n);
	f->p += n;
	f->left -= n;
	return ((ssize_t)n);
}

/* 0 and all of it in out, or -1. */
static int
undo(const void *data, size_t len, struct buf *out, struct err *e)
{
	struct feed f = { data, len, 99999 };
	struct source from = { "it", feed, &f }, in;
	uint8_t block[7000];
	struct unpack *u;
	struct pull p;
	ssize_t n;

	assert_int_equal(pull_init(&p, &from, e), 0);
	u = unpack_new(&p, e);
	assert_non_null(u);
	in = unpack_source(u);
	while ((n = in.read(in.arg, block, sizeof(block), e)) > 0)
		buf_append(out, block, (size_t)n);
	assert_string_equal(unpack_form(u), "gzip");
	unpack_free(u);
	pull_fini(&p);
	return ((int)n);
}

static void
check_trip(const uint8_t *p, size_t len, size_t step)
{
	struct buf gz = BUF_INIT, back = BUF_INIT;
	struct err e = { 0 };

	compress(p, len, step, &gz);
	if (undo(gz.data, gz.len, &back, &e) == -1)
		fail_msg("%s", e.msg);
	assert_int_equal(back.len, len);
	assert_memory_equal(back.data, p, len);
	buf_fini(&gz);
	buf_fini(&back);
}

/* Text, noise and zeros by turns, about a megabyte each. */
static uint8_t *
mixture(size_t len)
{
	struct rng r = { 5 };
	uint8_t *p = malloc(len);
	size_t i;

	assert_non_null(p);
	rng_fill(&r, p, len);
	for (i = 0; i < len; i++)
		if (i / 1000000 % 3 == 1)
			p[i] = "the same words again, "[i % 22] ^
			    (i % 997 == 0);
		else if (i / 1000000 % 3 == 2)
			p[i] = 0;
	return (p);
}

static void
test_trip(void **state)
{
	static const size_t lens[] = { 1, 511, 524287, 524288, 524289, 1048576,
		7654321 };
	uint8_t *p = mixture(7654321);
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(lens); i++) {
		check_trip(p, lens[i], 1 << 20);
		check_trip(p, lens[i], 65537);
	}
	free(p);
}

/* gzip itself proves the check sums, and the size is what it should be. */
static void
test_gunzip(void **state)
{
	const size_t len = 9000000;
	const char *dir = scratch_begin();
	struct buf gz = BUF_INIT, none = BUF_INIT;
	uint8_t *p = mixture(len);
	char cmd[700];
	FILE *f;

	(void)state;
	need("gzip");
	compress(p, len, 1 << 20, &gz);
	compress(p, 0, 1, &none);
	/* a third is noise, which is stored as it is */
	assert_true(gz.len > 2900000 && gz.len < 3300000);
	snprintf(cmd, sizeof(cmd), "%s/a.gz", dir);
	f = fopen(cmd, "w");
	assert_int_equal(fwrite(gz.data, 1, gz.len, f), gz.len);
	assert_int_equal(fclose(f), 0);
	snprintf(cmd, sizeof(cmd), "%s/b.gz", dir);
	f = fopen(cmd, "w");
	assert_int_equal(fwrite(none.data, 1, none.len, f), none.len);
	assert_int_equal(fclose(f), 0);
	snprintf(cmd, sizeof(cmd), "%s/want", dir);
	f = fopen(cmd, "w");
	assert_int_equal(fwrite(p, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	snprintf(cmd, sizeof(cmd), "cd %s && gzip -t a.gz b.gz && "
	    "gzip -dc a.gz | cmp - want && test -z \"$(gzip -dc b.gz)\"", dir);
	assert_int_equal(shell(cmd), 0);
	buf_fini(&gz);
	buf_fini(&none);
	free(p);
	scratch_end(dir);
}

/* The same bytes, however they come, always give the same stream. */
static void
test_same(void **state)
{
	const size_t len = 3000000;
	struct buf a = BUF_INIT, b = BUF_INIT;
	uint8_t *p = mixture(len);

	(void)state;
	compress(p, len, len, &a);
	compress(p, len, 12345, &b);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
	buf_fini(&a);
	buf_fini(&b);
	free(p);
}

static size_t
packed_size(const uint8_t *p, size_t len)
{
	struct buf gz = BUF_INIT;
	size_t n;

	compress(p, len, len, &gz);
	n = gz.len;
	buf_fini(&gz);
	return (n);
}

/*
 * Stored is what cannot shrink; not what has few values, and nothing twice;
 * nor what is the same again, of all values.
 */
static void
test_stored(void **state)
{
	const size_t len = 2000000, again = 1500;
	struct rng r = { 9 };
	uint8_t *p = malloc(len);
	size_t i;

	(void)state;
	assert_non_null(p);
	rng_fill(&r, p, len);
	assert_true(packed_size(p, len) > len);
	assert_true(packed_size(p, len) < len + len / 5000);
	for (i = again; i < len; i++)
		p[i] = p[i - again];
	assert_true(packed_size(p, len) < len / 50);
	rng_fill(&r, p, len);
	for (i = 0; i < len; i++)
		p[i] &= 63;
	assert_true(packed_size(p, len) < len / 100 * 77);
	free(p);
}

static int
no_room(void *arg, const void *p, size_t len, struct err *e)
{
	(void)arg;
	(void)p;
	(void)len;
	return (err_set(e, ERR_FAILED, "no room"));
}

static void
test_sink_fails(void **state)
{
	struct sink to = { no_room, NULL };
	struct err e = { 0 };
	struct gzout *z = gzout_new(&to, 6, &e);

	(void)state;
	assert_non_null(z);
	assert_int_equal(gzout_write(z, "abc", 3, &e), 0);
	check_failed(gzout_commit(z, &e), &e, ERR_FAILED);
	gzout_free(z);
}

/* Errors cross a flow both ways. */
static void
test_flow(void **state)
{
	struct err e = { 0 }, why = { 0 };
	struct flow *f = flow_new(10, &e);
	char p[16];

	(void)state;
	assert_non_null(f);
	assert_int_equal(flow_write(f, "12345678", 8, &e), 0);
	assert_int_equal(flow_read(f, p, 5, &e), 5);
	assert_int_equal(flow_write(f, "abcdef", 6, &e), 0);
	assert_int_equal(flow_read(f, p, sizeof(p), &e), 5);
	assert_memory_equal(p, "678ab", 5);
	err_set(&why, ERR_DAMAGED, "torn");
	flow_end(f, &why);
	assert_int_equal(flow_read(f, p, sizeof(p), &e), 4);
	assert_memory_equal(p, "cdef", 4);
	check_failed((int)flow_read(f, p, sizeof(p), &e), &e, ERR_DAMAGED);
	flow_free(f);
	f = flow_new(10, &e);
	assert_non_null(f);
	err_set(&why, ERR_BUSY, "enough");
	flow_close(f, &why);
	check_failed(flow_write(f, "1", 1, &e), &e, ERR_BUSY);
	flow_free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trip),
		cmocka_unit_test(test_gunzip),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_stored),
		cmocka_unit_test(test_sink_fails),
		cmocka_unit_test(test_flow),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
