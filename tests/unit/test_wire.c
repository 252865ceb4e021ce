#include <errno.h>

#include "formats/wire.h"
#include "tests/unit/unit.h"

static void
decode(struct wire_request *r, const struct buf *b)
{
	struct err e = { 0 };
	struct wire_head h;

	assert_true(b->len >= WIRE_HEAD_LEN);
	assert_int_equal(wire_head_decode(b->data, 0, &h, &e), 0);
	assert_int_equal(h.len, b->len - WIRE_HEAD_LEN);
	assert_int_equal(wire_request_decode(r, &h, b->data + WIRE_HEAD_LEN,
	    &e), 0);
}

/* Each request comes back with just the fields it has. */
static void
test_requests(void **state)
{
	static const struct wire_request requests[] = {
		{ .type = WIRE_HELLO, .version = 7, .flag = 1,
		    .name = "/srv/with space/\"x" },
		{ .type = WIRE_GET, .off = 1 << 20, .name = "vault.json" },
		{ .type = WIRE_LIST, .flag = 1, .name = "packs" },
		{ .type = WIRE_OPEN, .name = "packs/ab/x.pack" },
		{ .type = WIRE_READ, .handle = 3, .off = 1ull << 40,
		    .len = WIRE_DATA_MAX },
		{ .type = WIRE_CLOSE, .handle = 0xffffffff },
		{ .type = WIRE_NEW },
		{ .type = WIRE_WRITE, .handle = 9, .data = "bytes",
		    .data_len = 5 },
		{ .type = WIRE_WRITE, .handle = 9 },
		{ .type = WIRE_COMMIT, .handle = 9, .flag = 1,
		    .name = "snapshots/s/y" },
		{ .type = WIRE_SYNC },
		{ .type = WIRE_MKDIR, .name = "snapshots/s" },
		{ .type = WIRE_REMOVE, .name = "damaged/x" },
		{ .type = WIRE_LOCK, .flag = 1, .name = "site-s" },
		{ .type = WIRE_CLEAN },
		{ .type = WIRE_PING },
	};
	struct wire_request out, want;
	struct buf b = BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(requests); i++) {
		want = requests[i];
		want.id = (uint32_t)(1000 + i);
		buf_clear(&b);
		wire_request_encode(&b, &want);
		decode(&out, &b);
		assert_int_equal(out.type, want.type);
		assert_int_equal(out.id, want.id);
		assert_int_equal(out.version, want.version);
		assert_int_equal(out.handle, want.handle);
		assert_int_equal(out.off, want.off);
		assert_int_equal(out.len, want.len);
		assert_int_equal(out.flag, want.flag);
		assert_string_equal(out.name, want.name);
		assert_int_equal(out.data_len, want.data_len);
		if (want.data_len > 0)
			assert_memory_equal(out.data, want.data, 5);
	}
	buf_fini(&b);
}

/* Bytes of a request that somebody else made up. */
static int
try_request(uint8_t type, const void *body, size_t len, struct err *e)
{
	struct wire_request r;
	struct wire_head h = { type, 1, (uint32_t)len };

	return (wire_request_decode(&r, &h, body, e));
}

static void
test_refused_requests(void **state)
{
	struct err e = { 0 };

	(void)state;
	/* Too short, too long, a flag that is none. */
	check_failed(try_request(WIRE_CLOSE, "\0\0\0", 3, &e), &e,
	    ERR_FAILED);
	check_failed(try_request(WIRE_CLOSE, "\0\0\0\1x", 5, &e), &e,
	    ERR_FAILED);
	check_failed(try_request(WIRE_PING, "x", 1, &e), &e, ERR_FAILED);
	check_failed(try_request(WIRE_LIST, "\2\0\1x", 4, &e), &e,
	    ERR_FAILED);
	/* A name longer than its message; one with NUL in it. */
	check_failed(try_request(WIRE_OPEN, "\0\5abcd", 6, &e), &e,
	    ERR_FAILED);
	check_failed(try_request(WIRE_OPEN, "\0\3a\0c", 5, &e), &e,
	    ERR_FAILED);
	check_failed(try_request(WIRE_OPEN, "\0\3abcd", 6, &e), &e,
	    ERR_FAILED);
	assert_int_equal(try_request(WIRE_OPEN, "\0\3abc", 5, &e), 0);
	/* A read of more than a message holds, or from beyond all files. */
	check_failed(try_request(WIRE_READ, "\0\0\0\1\0\0\0\0\0\0\0\0"
	    "\0\x10\0\1", 16, &e), &e, ERR_FAILED);
	assert_int_equal(try_request(WIRE_READ, "\0\0\0\1\0\0\0\0\0\0\0\0"
	    "\0\x10\0\0", 16, &e), 0);
	check_failed(try_request(WIRE_READ, "\0\0\0\1\xff\xff\xff\xff\xff\xff"
	    "\xff\xff\0\0\0\1", 16, &e), &e, ERR_FAILED);
}

static void
test_heads(void **state)
{
	struct wire_head h = { WIRE_PING, 0x01020304, WIRE_BODY_MAX }, got;
	uint8_t b[WIRE_HEAD_LEN];
	struct err e = { 0 };

	(void)state;
	wire_head_encode(b, &h);
	assert_memory_equal(b + 4, "\x0f\1\2\3\4", 5);
	assert_int_equal(wire_head_decode(b, 0, &got, &e), 0);
	assert_int_equal(got.id, h.id);
	assert_int_equal(got.len, h.len);
	/* From the wrong side, of no type, too long. */
	check_failed(wire_head_decode(b, 1, &got, &e), &e, ERR_FAILED);
	b[4] = 0;
	check_failed(wire_head_decode(b, 0, &got, &e), &e, ERR_FAILED);
	b[4] = WIRE_OK;
	check_failed(wire_head_decode(b, 0, &got, &e), &e, ERR_FAILED);
	assert_int_equal(wire_head_decode(b, 1, &got, &e), 0);
	h.len++;
	wire_head_encode(b, &h);
	check_failed(wire_head_decode(b, 0, &got, &e), &e, ERR_FAILED);
}

static void
test_answers(void **state)
{
	struct err why = { ERR_BUSY, 0, "locked" }, got;
	static const uint8_t top[8] = { 0xff };
	struct wire_hello h = { 3, 1 }, h2;
	struct err e = { 0 };
	struct buf b = BUF_INIT;
	uint64_t v;

	(void)state;
	wire_hello_encode(&b, &h);
	assert_int_equal(wire_hello_decode(&h2, b.data, b.len, &e), 0);
	assert_int_equal(h2.version, 3);
	assert_int_equal(h2.append_only, 1);
	check_failed(wire_hello_decode(&h2, b.data, b.len - 1, &e), &e,
	    ERR_FAILED);
	buf_clear(&b);
	wire_length_encode(&b, 1ull << 50);
	assert_int_equal(wire_length_decode(&v, b.data, b.len, &e), 0);
	assert_int_equal(v, 1ull << 50);
	check_failed(wire_length_decode(&v, top, 8, &e), &e, ERR_FAILED);
	buf_clear(&b);
	wire_err_encode(&b, &why);
	assert_int_equal(wire_err_decode(&got, b.data, b.len, &e), 0);
	assert_int_equal(got.kind, ERR_BUSY);
	assert_int_equal(got.errnum, 0);
	assert_string_equal(got.msg, "locked");
	/* Only that something is not there has a number on all systems. */
	buf_clear(&b);
	why.kind = ERR_FAILED;
	why.errnum = ENOENT;
	snprintf(why.msg, sizeof(why.msg), "a\nb");
	wire_err_encode(&b, &why);
	assert_int_equal(wire_err_decode(&got, b.data, b.len, &e), 0);
	assert_int_equal(got.errnum, ENOENT);
	assert_string_equal(got.msg, "a?b");
	/* Success is no error; an error says something. */
	check_failed(wire_err_decode(&got, (const uint8_t *)"\0\0x", 3, &e),
	    &e, ERR_FAILED);
	check_failed(wire_err_decode(&got, (const uint8_t *)"\1\0", 2, &e),
	    &e, ERR_FAILED);
	check_failed(wire_err_decode(&got, (const uint8_t *)"\7\0x", 3, &e),
	    &e, ERR_FAILED);
	buf_fini(&b);
}

static void
test_entries(void **state)
{
	char name[WIRE_NAME_MAX + 1];
	struct buf b = BUF_INIT;
	struct err e = { 0 };
	uint64_t bytes;
	size_t off = 0;

	(void)state;
	wire_entry_encode(&b, "a.pack", 5);
	wire_entry_encode(&b, "b", 0);
	assert_int_equal(wire_entry_decode(b.data, b.len, &off, name, &bytes,
	    &e), 1);
	assert_string_equal(name, "a.pack");
	assert_int_equal(bytes, 5);
	assert_int_equal(wire_entry_decode(b.data, b.len, &off, name, &bytes,
	    &e), 1);
	assert_string_equal(name, "b");
	assert_int_equal(wire_entry_decode(b.data, b.len, &off, name, &bytes,
	    &e), 0);
	off = 0;
	check_failed(wire_entry_decode(b.data, 12, &off, name, &bytes, &e),
	    &e, ERR_FAILED);
	/* A name that would lead elsewhere is taken from no server. */
	buf_clear(&b);
	wire_entry_encode(&b, "../x", 5);
	check_failed(wire_entry_decode(b.data, b.len, &off, name, &bytes,
	    &e), &e, ERR_FAILED);
	buf_fini(&b);
}

static void
test_names(void **state)
{
	static const char *const objects[] = {
		"vault.json", "README.txt", "recover.sh", "packs/ab/x.pack",
		"snapshots/my-site_1.0/2026.json", "damaged/missing",
	};
	static const char *const folders[] = {
		"packs", "snapshots", "damaged", "tmp", "locks", "packs/ab",
		"snapshots/s",
	};
	static const char *const neither[] = {
		"", ".", "..", "/", "/etc/passwd", "etc", "vault.json/",
		"vault.json/x", "vault.jsonx", "packs/", "packs//x",
		"packs/../x", "packs/ab/..", "packs/ab/../../x", "packs/./x",
		"packs/ab/.x", "packs/ab/", "packs/ab/x/y", "./packs",
		"packsx", "snapshots/s/a/b", "damaged/x/y", "damaged/",
		"packs/ab/x y", "packs/ab/x\n", "packs/ab/\xc3\xa4",
		"packs/ab/x\\y",
		".ssh/authorized_keys", "tmp/../x", "locks/x/y",
	};
	char name[WIRE_NAME_MAX + 20];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(objects); i++) {
		assert_true(wire_object_ok(objects[i]));
		assert_false(wire_folder_ok(objects[i]));
	}
	for (i = 0; i < COUNT(folders); i++) {
		assert_false(wire_object_ok(folders[i]));
		assert_true(wire_folder_ok(folders[i]));
	}
	for (i = 0; i < COUNT(neither); i++) {
		assert_false(wire_object_ok(neither[i]));
		assert_false(wire_folder_ok(neither[i]));
	}
	/* Clients have no say in what lies in tmp and locks. */
	assert_false(wire_object_ok("tmp/1-0.pack"));
	assert_false(wire_object_ok("locks/vault"));
	assert_true(wire_part_ok("site-s") && wire_part_ok("A.9_z"));
	assert_false(wire_part_ok("") || wire_part_ok(".x") ||
	    wire_part_ok("a/b") || wire_part_ok("a b"));
	memset(name, 'a', sizeof(name));
	memcpy(name, "packs/ab/", 9);
	name[WIRE_NAME_MAX] = '\0';
	assert_true(wire_object_ok(name));
	name[WIRE_NAME_MAX] = 'a';
	name[WIRE_NAME_MAX + 1] = '\0';
	assert_false(wire_object_ok(name));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_refused_requests),
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_names),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
