#include <jansson.h>

#include "formats/vaultmeta.h"
#include "tests/unit/unit.h"

static struct vaultmeta
sample(void)
{
	struct vaultmeta m;
	size_t i;

	vaultmeta_defaults(&m);
	for (i = 0; i < sizeof(m.id); i++)
		m.id[i] = (uint8_t)(i * 17);
	return (m);
}

static int
decode(const char *text, struct vaultmeta *m, struct err *e)
{
	return (vaultmeta_decode(m, text, strlen(text), e));
}

/* The file as it is written, for good. */
static const char golden[] = "{\n"
    " \"format\": 1,\n"
    " \"id\": \"00112233445566778899aabbccddeeff\",\n"
    " \"cutter\": {\n"
    "  \"min\": 65536,\n"
    "  \"average\": 262144,\n"
    "  \"max\": 1048576\n"
    " },\n"
    " \"frame\": 4194304,\n"
    " \"catalog_frame\": 262144,\n"
    " \"pack_bytes\": 134217728,\n"
    " \"pack_blobs\": 65536,\n"
    " \"level\": 3\n"
    "}\n";

static void
test_text(void **state)
{
	struct vaultmeta m = sample(), got;
	struct buf b = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(vaultmeta_encode(&b, &m, &e), 0);
	assert_string_equal(buf_cstr(&b), golden);
	assert_int_equal(decode(golden, &got, &e), 0);
	assert_memory_equal(&got, &m, sizeof(m));
	buf_fini(&b);
}

static void
test_defaults(void **state)
{
	struct vaultmeta m;
	uint8_t zero[16] = { 0 };

	(void)state;
	memset(&m, 0xee, sizeof(m));
	vaultmeta_defaults(&m);
	assert_memory_equal(m.id, zero, sizeof(zero));
	assert_int_equal(m.cut_min, 65536);
	assert_int_equal(m.cut_avg, 262144);
	assert_int_equal(m.cut_max, 1048576);
	assert_int_equal(m.frame_bytes, 4194304);
	assert_int_equal(m.catalog_frame_bytes, 262144);
	assert_int_equal(m.pack_bytes, 134217728);
	assert_int_equal(m.pack_blobs, 65536);
	assert_int_equal(m.level, 3);
}

/* The golden text with one value replaced (NULL: removed), decoded. */
static int
decode_with(const char *path, json_t *value, struct err *e)
{
	json_t *j = json_loads(golden, 0, NULL), *at = j;
	struct vaultmeta m;
	char *text;
	int rc;

	assert_non_null(j);
	if (strncmp(path, "cutter.", 7) == 0) {
		at = json_object_get(j, "cutter");
		path += 7;
	}
	assert_non_null(json_object_get(at, path));
	if (value != NULL)
		json_object_set_new(at, path, value);
	else
		json_object_del(at, path);
	text = json_dumps(j, 0);
	assert_non_null(text);
	rc = decode(text, &m, e);
	free(text);
	json_decref(j);
	return (rc);
}

struct bound {
	const char *path;
	json_int_t low, high;
};

static const struct bound bounds[] = {
	{ "cutter.min", 64, 262144 }, { "cutter.max", 262144, 8 << 20 },
	{ "frame", 65536, 64 << 20 }, { "catalog_frame", 16384, 64 << 20 },
	{ "pack_bytes", 1 << 20, 1 << 30 }, { "level", 1, 19 },
};

static void
test_bounds(void **state)
{
	const struct bound *b;
	struct err e = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bounds); i++) {
		b = &bounds[i];
		assert_int_equal(decode_with(b->path, json_integer(b->low),
		    &e), 0);
		assert_int_equal(decode_with(b->path, json_integer(b->high),
		    &e), 0);
		check_failed(decode_with(b->path, json_integer(b->low - 1),
		    &e), &e, ERR_DAMAGED);
		check_failed(decode_with(b->path, json_integer(b->high + 1),
		    &e), &e, ERR_DAMAGED);
		check_failed(decode_with(b->path, json_integer(-b->low),
		    &e), &e, ERR_DAMAGED);
		check_failed(decode_with(b->path, json_integer(
		    b->low + ((json_int_t)1 << 32)), &e), &e, ERR_DAMAGED);
	}
	assert_int_equal(decode_with("pack_blobs", json_integer(16), &e), 0);
	check_failed(decode_with("pack_blobs", json_integer(15), &e), &e,
	    ERR_DAMAGED);
	check_failed(decode_with("pack_blobs", json_integer((1 << 20) + 1),
	    &e), &e, ERR_DAMAGED);
}

/* The average is a power of two, between the other two. */
static void
test_average(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_int_equal(decode_with("cutter.average", json_integer(65536),
	    &e), 0);
	assert_int_equal(decode_with("cutter.average", json_integer(1 << 20),
	    &e), 0);
	check_failed(decode_with("cutter.average", json_integer(32768), &e),
	    &e, ERR_DAMAGED);
	check_failed(decode_with("cutter.average", json_integer(1 << 21),
	    &e), &e, ERR_DAMAGED);
	check_failed(decode_with("cutter.average", json_integer(300000),
	    &e), &e, ERR_DAMAGED);
	check_failed(decode_with("cutter.average", json_integer(0), &e), &e,
	    ERR_DAMAGED);
	check_failed(decode_with("cutter.average", json_integer(-65536),
	    &e), &e, ERR_DAMAGED);
}

static void
test_fields_needed(void **state)
{
	static const char *const paths[] = {
		"id", "cutter", "cutter.min", "cutter.average", "cutter.max",
		"frame", "catalog_frame", "pack_bytes", "pack_blobs", "level",
	};
	struct err e = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(paths); i++) {
		check_failed(decode_with(paths[i], NULL, &e), &e,
		    ERR_DAMAGED);
		check_failed(decode_with(paths[i], json_null(), &e), &e,
		    ERR_DAMAGED);
		check_failed(decode_with(paths[i], json_true(), &e), &e,
		    ERR_DAMAGED);
		check_failed(decode_with(paths[i], json_real(65536.0), &e),
		    &e, ERR_DAMAGED);
	}
	check_failed(decode_with("level", json_string("3"), &e), &e,
	    ERR_DAMAGED);
}

static void
test_id(void **state)
{
	static const char *const ids[] = {
		"", "0", "00112233445566778899aabbccddeef",
		"00112233445566778899aabbccddeeff0",
		"00112233445566778899AABBCCDDEEFF",
		"0x112233445566778899aabbccddeeff",
		" 0112233445566778899aabbccddeeff",
	};
	struct err e = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(ids); i++)
		check_failed(decode_with("id", json_string(ids[i]), &e), &e,
		    ERR_DAMAGED);
	check_failed(decode_with("id", json_integer(5), &e), &e,
	    ERR_DAMAGED);
}

/* A newer vault is not damage: the message says what to do. */
static void
test_newer_format(void **state)
{
	struct vaultmeta m;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(decode_with("format", json_integer(2), &e), -1);
	assert_non_null(strstr(e.msg, "newer"));
	check_failed(-1, &e, ERR_USAGE);
	check_failed(decode_with("format", json_integer(INT64_MAX), &e), &e,
	    ERR_USAGE);
	check_failed(decode("{\"format\": 2}", &m, &e), &e, ERR_USAGE);
	check_failed(decode_with("format", json_integer(0), &e), &e,
	    ERR_DAMAGED);
	check_failed(decode_with("format", json_integer(-1), &e), &e,
	    ERR_DAMAGED);
}

/* Refused, as damage or as something that is no vault. */
static void
test_not_a_vault(void **state)
{
	static const char *const texts[] = {
		"", "x", "{}", "[]", "[1]", "1", "null", "{\"format\": \"1\"}",
		"{\"format\": 1.0}", "{\"format\": null}", "{\"format\": 1",
		"{\"format\": 1} x", "{\"format\": 1, \"format\": 1}",
		"{\"format\": 18446744073709551617}",
	};
	struct vaultmeta m;
	struct err e = { 0 };
	size_t i, n;

	(void)state;
	for (i = 0; i < COUNT(texts); i++) {
		assert_int_equal(decode(texts[i], &m, &e), -1);
		assert_true(e.kind == ERR_DAMAGED || e.kind == ERR_USAGE);
	}
	for (n = 0; n < sizeof(golden) - 2; n++)
		assert_int_equal(vaultmeta_decode(&m, golden, n, &e), -1);
	assert_int_equal(vaultmeta_decode(&m, golden, n, &e), 0);
}

/* What a later minor version adds is no trouble. */
static void
test_unknown_key(void **state)
{
	char text[sizeof(golden) + 32];
	struct vaultmeta m, want = sample();
	struct err e = { 0 };

	(void)state;
	snprintf(text, sizeof(text), "{ \"later\": [ 1 ],%s", golden + 1);
	assert_int_equal(decode(text, &m, &e), 0);
	assert_memory_equal(&m, &want, sizeof(m));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_average),
		cmocka_unit_test(test_fields_needed),
		cmocka_unit_test(test_id),
		cmocka_unit_test(test_newer_format),
		cmocka_unit_test(test_not_a_vault),
		cmocka_unit_test(test_unknown_key),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
