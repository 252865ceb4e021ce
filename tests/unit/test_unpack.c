#include <unistd.h>

#include "base/buf.h"
#include "imgxfer/unpack.h"
#include "tests/unit/unit.h"

struct outcome {
	struct buf out;
	struct err e;
	int rc;
	const char *form;
	unsigned members;
	uint64_t zeros;
};

static void
unpack(const struct buf *in, size_t step, struct outcome *o)
{
	struct source_bytes m = { in->data, in->len, step };
	struct source s = source_bytes(&m, "memory"), plain;
	struct unpack *u;
	struct pull p;
	uint8_t got[3001];
	ssize_t n;

	memset(o, 0, sizeof(*o));
	assert_int_equal(pull_init(&p, &s, &o->e), 0);
	u = unpack_new(&p, &o->e);
	assert_non_null(u);
	memset(&o->e, 0, sizeof(o->e));
	plain = unpack_source(u);
	while ((n = plain.read(plain.arg, got, sizeof(got), &o->e)) > 0)
		buf_append(&o->out, got, (size_t)n);
	o->rc = (int)n;
	if (n == -1) {
		assert_int_equal(plain.read(plain.arg, got, 1, &o->e), -1);
		assert_int_equal(o->e.kind, ERR_DAMAGED);
	}
	o->form = unpack_form(u);
	o->members = unpack_members(u);
	o->zeros = unpack_zeros(u);
	unpack_free(u);
	pull_fini(&p);
}

static void
command(const char *cmd, struct buf *out)
{
	FILE *f;
	size_t n;

	/* NOLINTNEXTLINE(cert-env33-c): packers of others are the judges */
	f = popen(cmd, "r");
	assert_non_null(f);
	do {
		n = fread(buf_reserve(out, 65536), 1, 65536, f);
		buf_advance(out, n);
	} while (n > 0);
	assert_int_equal(pclose(f), 0);
	assert_true(out->len > 0);
}

#define MAKE "perl -e 'print \"$_ \", \"x\" x ($_ % 99) for 1 .. 9000'"

static void
test_forms(void **state)
{
	static const struct {
		const char *form, *cmd;
	} all[] = {
		{ "none", MAKE },
		{ "gzip", MAKE "|gzip" },
		{ "gzip", MAKE "|gzip -1 -N" },
		{ "xz", MAKE "|xz" },
		{ "zstd", MAKE "|zstd" },
		{ "bzip2", MAKE "|bzip2" },
	};
	static const size_t steps[] = { 1, 7, 4096, 1 << 20 };
	struct buf want = BUF_INIT, in = BUF_INIT;
	struct outcome o;
	size_t i, j;

	(void)state;
	command(MAKE, &want);
	for (i = 0; i < COUNT(all); i++) {
		buf_clear(&in);
		command(all[i].cmd, &in);
		for (j = 0; j < COUNT(steps); j++) {
			unpack(&in, steps[j], &o);
			assert_int_equal(o.rc, 0);
			assert_string_equal(o.form, all[i].form);
			assert_int_equal(o.out.len, want.len);
			assert_memory_equal(o.out.data, want.data, want.len);
			buf_fini(&o.out);
		}
	}
	buf_fini(&want);
	buf_fini(&in);
}

/* Cut anywhere, a compressed stream does not pass. */
static void
test_cut(void **state)
{
	static const char *const cmds[] = { "seq 300|gzip", "seq 300|xz",
		"seq 300|zstd" };
	struct buf in = BUF_INIT;
	struct outcome o;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cmds); i++) {
		buf_clear(&in);
		command(cmds[i], &in);
		for (in.len--; in.len > 6; in.len--) {
			unpack(&in, 1000, &o);
			assert_int_equal(o.rc, -1);
			buf_fini(&o.out);
		}
	}
	buf_fini(&in);
}

/* No bit of gzip's data may be another unnoticed. */
static void
test_flipped(void **state)
{
	struct buf in = BUF_INIT, want = BUF_INIT;
	struct outcome o;
	size_t i, unnoticed = 0;

	(void)state;
	command("seq 300", &want);
	command("seq 300|gzip", &in);
	for (i = 10 * 8; i < in.len * 8; i++) {
		in.data[i / 8] ^= (uint8_t)(1 << i % 8);
		unpack(&in, 1000, &o);
		/* Those that fill deflate's last byte say nothing. */
		if (o.rc == 0) {
			assert_int_equal(o.out.len, want.len);
			assert_memory_equal(o.out.data, want.data, want.len);
			unnoticed++;
		}
		buf_fini(&o.out);
		in.data[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	assert_true(unnoticed < 8);
	buf_fini(&want);
	buf_fini(&in);
}

static void
test_members(void **state)
{
	static const size_t steps[] = { 1, 5, 4096 };
	struct buf in = BUF_INIT;
	struct outcome o;
	size_t i;

	(void)state;
	command("(seq 100|gzip; seq 101 200|gzip; : |gzip)", &in);
	for (i = 0; i < COUNT(steps); i++) {
		unpack(&in, steps[i], &o);
		assert_int_equal(o.rc, 0);
		assert_int_equal(o.members, 3);
		assert_int_equal(o.zeros, 0);
		assert_int_equal(o.out.len, 292 + 400);
		buf_fini(&o.out);
	}
	buf_append(&in, "\0\0\0\0\0", 5);
	unpack(&in, 3, &o);
	assert_int_equal(o.rc, 0);
	assert_int_equal(o.zeros, 5);
	buf_fini(&o.out);
	buf_append(&in, "x", 1);
	unpack(&in, 3, &o);
	assert_int_equal(o.rc, -1);
	assert_non_null(strstr(o.e.msg, "behind the end"));
	buf_fini(&o.out);
	buf_fini(&in);
}

static void
test_bomb(void **state)
{
	static const char *const cmds[] = {
		"head -c 400000000 /dev/zero|gzip -9",
		"head -c 400000000 /dev/zero|zstd",
	};
	struct buf in = BUF_INIT;
	struct outcome o;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cmds); i++) {
		buf_clear(&in);
		command(cmds[i], &in);
		unpack(&in, 65536, &o);
		assert_int_equal(o.rc, -1);
		assert_non_null(strstr(o.e.msg, "a bomb"));
		assert_true(o.out.len <= UNPACK_FLOOR);
		buf_fini(&o.out);
	}
	/* A dictionary of 1.5 GiB. */
	buf_clear(&in);
	command("echo x|xz --lzma2=dict=1536MiB", &in);
	unpack(&in, 65536, &o);
	assert_int_equal(o.rc, -1);
	assert_non_null(strstr(o.e.msg, "dictionary"));
	buf_fini(&o.out);
	buf_fini(&in);
}

static void
test_small(void **state)
{
	struct buf in = BUF_INIT;
	struct outcome o;

	(void)state;
	buf_append(&in, "x", 1);
	in.len = 0;
	unpack(&in, 1, &o);
	assert_int_equal(o.rc, 0);
	assert_string_equal(o.form, "none");
	buf_append(&in, "\x1f\x8b", 2);
	unpack(&in, 1, &o);
	assert_int_equal(o.rc, -1);
	buf_fini(&in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_flipped),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_small),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
