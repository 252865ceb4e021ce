#include <jansson.h>

#include "formats/snapshot.h"
#include "tests/unit/unit.h"

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* The file as it is written, for good. */
static const char golden[] = "{\n"
    " \"format\": 1,\n"
    " \"site\": \"mn1\",\n"
    " \"host\": \"mn1.cluster\",\n"
    " \"time\": \"2026-11-22T11:42:44.123Z\",\n"
    " \"end\": \"2026-11-22T12:00:00.000Z\",\n"
    " \"status\": \"partial\",\n"
    " \"tool\": \"xcatvault 0.1.0\",\n"
    " \"previous\": \"0123456789abcdef\",\n"
    " \"stored_bytes\": 4096,\n"
    " \"undoes\": \"fedcba9876543210\",\n"
    " \"volumes\": [\n"
    "  {\n"
    "   \"path\": \"/install\",\n"
    "   \"source\": \"/srv/my\\\\040install\",\n"
    "   \"root\": \"" HEX "\",\n"
    "   \"depth\": 2,\n"
    "   \"entries\": 9,\n"
    "   \"files\": 5,\n"
    "   \"directories\": 3,\n"
    "   \"bytes\": 9223372036854775807,\n"
    "   \"new_files\": 1,\n"
    "   \"changed_files\": 1,\n"
    "   \"unchanged_files\": 3,\n"
    "   \"read_bytes\": 77\n"
    "  }\n"
    " ],\n"
    " \"reports\": [\n"
    "  {\n"
    "   \"kind\": \"vanished\",\n"
    "   \"path\": \"./a\\\\303\\\\251\",\n"
    "   \"message\": \"No such file\"\n"
    "  }\n"
    " ]\n"
    "}\n";

static int
decode(struct snapshot *s, const char *text, struct err *e)
{
	memset(s, 0xee, sizeof(*s));
	return (snapshot_decode(s, text, strlen(text), e));
}

static void
check_golden(const struct snapshot *s)
{
	assert_string_equal(s->site, "mn1");
	assert_string_equal(s->host, "mn1.cluster");
	assert_string_equal(s->tool, "xcatvault 0.1.0");
	assert_string_equal(s->previous, "0123456789abcdef");
	assert_string_equal(s->undoes, "fedcba9876543210");
	assert_int_equal(s->start.tv_sec, 1795347764);
	assert_int_equal(s->start.tv_nsec, 123000000);
	assert_int_equal(s->end.tv_sec, 1795348800);
	assert_int_equal(s->end.tv_nsec, 0);
	assert_int_equal(s->partial, 1);
	assert_int_equal(s->stored_bytes, 4096);
	assert_int_equal(s->nvolumes, 1);
	assert_string_equal(s->volumes[0].path, "/install");
	assert_string_equal(s->volumes[0].source, "/srv/my install");
	assert_int_equal(s->volumes[0].root[1], 0x11);
	assert_int_equal(s->volumes[0].depth, 2);
	assert_int_equal(s->volumes[0].totals.entries, 9);
	assert_int_equal(s->volumes[0].totals.files, 5);
	assert_int_equal(s->volumes[0].totals.directories, 3);
	assert_true(s->volumes[0].totals.bytes == INT64_MAX);
	assert_int_equal(s->volumes[0].totals.unchanged_files, 3);
	assert_int_equal(s->volumes[0].totals.read_bytes, 77);
	assert_int_equal(s->nreports, 1);
	assert_string_equal(s->reports[0].kind, "vanished");
	assert_string_equal(s->reports[0].path, "./a\xc3\xa9");
	assert_string_equal(s->reports[0].message, "No such file");
}

static void
test_text(void **state)
{
	struct snapshot s;
	struct digest *d = digest_new();
	struct buf b = BUF_INIT;
	struct err e = { 0 };
	uint8_t id[DIGEST_LEN];
	char hex[DIGEST_HEX + 1];

	(void)state;
	digest_bytes(d, golden, sizeof(golden) - 1, id);
	digest_hexz(id, hex);
	digest_free(d);
	hex[SNAPSHOT_ID_LEN] = '\0';
	assert_int_equal(decode(&s, golden, &e), 0);
	check_golden(&s);
	assert_string_equal(s.id, hex);
	s.id[0] = '\0';
	buf_puts(&b, "before");
	assert_int_equal(snapshot_encode(&b, &s, &e), 0);
	assert_string_equal(buf_cstr(&b) + 6, golden);
	assert_string_equal(s.id, hex);
	buf_fini(&b);
	snapshot_fini(&s);
	snapshot_fini(&s);
	assert_null(s.site);
}

/* Encoding what was decoded gives the same bytes, so the same id. */
static void
check_round_trip(struct snapshot *s)
{
	struct snapshot got;
	struct buf a = BUF_INIT, b = BUF_INIT;
	struct err e = { 0 };

	assert_int_equal(snapshot_encode(&a, s, &e), 0);
	if (snapshot_decode(&got, a.data, a.len, &e) == -1)
		fail_msg("%s: %s", e.msg, buf_cstr(&a));
	assert_string_equal(got.id, s->id);
	assert_int_equal(snapshot_encode(&b, &got, &e), 0);
	assert_string_equal(buf_cstr(&a), buf_cstr(&b));
	assert_int_equal(got.nvolumes, s->nvolumes);
	assert_int_equal(got.nreports, s->nreports);
	buf_fini(&a);
	buf_fini(&b);
	snapshot_fini(&got);
}

static void
test_complete(void **state)
{
	struct snapshot s, got;
	struct buf b = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(decode(&s, golden, &e), 0);
	s.partial = 0;
	free(s.previous);
	s.previous = NULL;
	free(s.undoes);
	s.undoes = NULL;
	check_round_trip(&s);
	assert_int_equal(snapshot_encode(&b, &s, &e), 0);
	assert_non_null(strstr(buf_cstr(&b), "\"status\": \"complete\""));
	assert_non_null(strstr(buf_cstr(&b), "\"previous\": null"));
	assert_int_equal(snapshot_decode(&got, b.data, b.len, &e), 0);
	assert_null(got.previous);
	assert_int_equal(got.partial, 0);
	assert_null(got.undoes);
	buf_fini(&b);
	snapshot_fini(&got);
	snapshot_fini(&s);
}

static char *
copy(const char *text)
{
	char *p = strdup(text);

	assert_non_null(p);
	return (p);
}

/* Names of any bytes, and reports that say nothing. */
static void
test_odd_names(void **state)
{
	static const char *const names[] = {
		"", " ", "\"", "\\", "\n", "\x01\x7f", "\xff\xfe", "\xc3\xa9",
		"plain", "\\040",
	};
	struct snapshot s;
	struct err e = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(names); i++) {
		assert_int_equal(decode(&s, golden, &e), 0);
		free(s.reports[0].path);
		free(s.volumes[0].source);
		s.reports[0].path = copy(names[i]);
		s.volumes[0].source = copy(names[i]);
		check_round_trip(&s);
		snapshot_fini(&s);
	}
}

/* What JSON cannot hold is an error, not a snapshot with a piece missing. */
static void
test_not_utf8(void **state)
{
	struct snapshot s;
	struct buf b = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(decode(&s, golden, &e), 0);
	s.host[0] = '\xff';
	check_failed(snapshot_encode(&b, &s, &e), &e, ERR_FAILED);
	s.host[0] = 'm';
	s.reports[0].kind[0] = '\xff';
	buf_clear(&b);
	check_failed(snapshot_encode(&b, &s, &e), &e, ERR_FAILED);
	buf_fini(&b);
	snapshot_fini(&s);
}

static void
test_many(void **state)
{
	struct snapshot s = { 0 };
	struct err e = { 0 };
	char path[32];
	size_t i;

	(void)state;
	assert_int_equal(decode(&s, golden, &e), 0);
	s.volumes = realloc(s.volumes, 300 * sizeof(*s.volumes));
	s.reports = realloc(s.reports, 3000 * sizeof(*s.reports));
	assert_non_null(s.volumes);
	assert_non_null(s.reports);
	for (i = 1; i < 300; i++) {
		snprintf(path, sizeof(path), "/v/%zu", i);
		s.volumes[i] = s.volumes[0];
		s.volumes[i].path = copy(path);
		s.volumes[i].source = copy(path);
	}
	s.nvolumes = 300;
	for (i = 1; i < 3000; i++) {
		s.reports[i].kind = copy("changed");
		s.reports[i].path = copy("./x");
		s.reports[i].message = copy("y");
	}
	s.nreports = 3000;
	check_round_trip(&s);
	snapshot_fini(&s);
}

/* The golden text with one value replaced (NULL: removed), decoded. */
static int
decode_with(const char *where, const char *key, json_t *value,
    struct err *e)
{
	json_t *j = json_loads(golden, 0, NULL), *at = j;
	struct snapshot s;
	char *text;
	int rc;

	assert_non_null(j);
	if (where != NULL)
		at = json_array_get(json_object_get(j, where), 0);
	assert_non_null(json_object_get(at, key));
	if (value != NULL)
		json_object_set_new(at, key, value);
	else
		json_object_del(at, key);
	text = json_dumps(j, 0);
	assert_non_null(text);
	rc = decode(&s, text, e);
	if (rc == 0)
		snapshot_fini(&s);
	else
		assert_null(s.site);
	free(text);
	json_decref(j);
	return (rc);
}

static void
bad_text(const char *where, const char *key, const char *value)
{
	struct err e = { 0 };

	if (decode_with(where, key, json_string(value), &e) != -1)
		fail_msg("accepted %s \"%s\"", key, value);
	check_failed(-1, &e, ERR_DAMAGED);
}

static void
good_text(const char *where, const char *key, const char *value)
{
	struct err e = { 0 };

	if (decode_with(where, key, json_string(value), &e) != 0)
		fail_msg("refused %s \"%s\"", key, value);
}

static void
bad_number(const char *where, const char *key, json_int_t value)
{
	struct err e = { 0 };

	if (decode_with(where, key, json_integer(value), &e) != -1)
		fail_msg("accepted %s %lld", key, (long long)value);
	check_failed(-1, &e, ERR_DAMAGED);
}

static void
check_needed(const char *where, const char *key)
{
	struct err e = { 0 };

	check_failed(decode_with(where, key, NULL, &e), &e, ERR_DAMAGED);
	check_failed(decode_with(where, key, json_null(), &e), &e,
	    ERR_DAMAGED);
	check_failed(decode_with(where, key, json_true(), &e), &e,
	    ERR_DAMAGED);
	check_failed(decode_with(where, key, json_real(1.0), &e), &e,
	    ERR_DAMAGED);
	check_failed(decode_with(where, key, json_object(), &e), &e,
	    ERR_DAMAGED);
}

static void
test_fields_needed(void **state)
{
	static const char *const head[] = {
		"format", "site", "host", "time", "end", "status", "tool",
		"stored_bytes", "volumes", "reports",
	};
	static const char *const volume[] = {
		"path", "source", "root", "depth",
	};
	static const char *const report[] = { "kind", "path", "message" };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(head); i++)
		check_needed(NULL, head[i]);
	for (i = 0; i < COUNT(volume); i++)
		check_needed("volumes", volume[i]);
	for (i = 0; i < COUNT(report); i++)
		check_needed("reports", report[i]);
	for (i = 0; i < snapshot_total_count; i++) {
		check_needed("volumes", snapshot_total_names[i].name);
		bad_number("volumes", snapshot_total_names[i].name, -1);
	}
}

static void
test_formats(void **state)
{
	struct snapshot s;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(decode_with(NULL, "format", json_integer(2), &e),
	    -1);
	assert_non_null(strstr(e.msg, "newer"));
	check_failed(-1, &e, ERR_USAGE);
	check_failed(decode(&s, "{\"format\": 99}", &e), &e, ERR_USAGE);
	bad_number(NULL, "format", 0);
	bad_number(NULL, "format", -1);
}

static void
test_head(void **state)
{
	struct err e = { 0 };

	(void)state;
	bad_text(NULL, "status", "done");
	bad_text(NULL, "status", "");
	bad_text(NULL, "site", "");
	bad_text(NULL, "site", "..");
	bad_text(NULL, "site", "a/b");
	bad_number(NULL, "stored_bytes", -1);
	assert_int_equal(decode_with(NULL, "stored_bytes", json_integer(0),
	    &e), 0);
	assert_int_equal(decode_with(NULL, "previous", NULL, &e), 0);
	assert_int_equal(decode_with(NULL, "previous", json_null(), &e), 0);
	assert_int_equal(decode_with(NULL, "undoes", NULL, &e), 0);
	assert_int_equal(decode_with(NULL, "undoes", json_null(), &e), 0);
	bad_text(NULL, "undoes", "../../../etc/abc");
	bad_number(NULL, "undoes", 1);
	bad_text(NULL, "previous", "");
	bad_text(NULL, "previous", "0123456789abcde");
	bad_text(NULL, "previous", "0123456789abcdef0");
	bad_text(NULL, "previous", "0123456789abcdeF");
	bad_text(NULL, "previous", "../../../etc/abc");
	bad_number(NULL, "previous", 1);
	check_failed(decode_with(NULL, "volumes", json_array(), &e), &e,
	    ERR_DAMAGED);
	check_failed(decode_with(NULL, "volumes", json_pack("[i]", 1), &e),
	    &e, ERR_DAMAGED);
	check_failed(decode_with(NULL, "reports", json_pack("[n]"), &e),
	    &e, ERR_DAMAGED);
	assert_int_equal(decode_with(NULL, "reports", json_array(), &e), 0);
}

static void
test_times(void **state)
{
	static const char *const bad[] = {
		"", "now", "2026-11-22", "2026-11-22T11:42:44",
		"2026-11-22T11:42:44Z", "2026-11-22T11:42:44.123",
		"2026-11-22T11:42:44.12Z", "2026-11-22T11:42:44.1234Z",
		"2026-11-22T11:42:44.123ZZ", "2026-11-22T11:42:44.123z",
		"2026-11-22T11:42:44.-12Z", "2026-11-22T11:42:44. 12Z",
		"2026-11-22T11:42:44.+12Z", "2026-11-22T11:42:44,123Z",
		"2026-11-22 11:42:44.123Z", "2026-13-22T11:42:44.123Z",
		"2026-02-31T11:42:44.123Z", "2026-11-22T24:42:44.123Z",
		"2026-11-22T11:60:44.123Z", "2026-11-22T11:42:60.123Z",
		"2026-1-2T11:42:44.123Z", " 2026-11-22T11:42:44.123Z",
		"2026-11-22T11:42:44.123Z/../x",
	};
	static const char *const good[] = {
		"1970-01-01T00:00:00.000Z", "2024-02-29T23:59:59.999Z",
		"9999-12-31T23:59:59.999Z",
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		bad_text(NULL, "time", bad[i]);
		bad_text(NULL, "end", bad[i]);
	}
	for (i = 0; i < COUNT(good); i++)
		good_text(NULL, "time", good[i]);
}

static void
test_volume(void **state)
{
	static const char *const bad[] = {
		"", "install", "./install", "//", "/a/", "/a//b", "/a/../b",
		"/..", "/.", "/a/.", "/a b", "/\\141", "/\\", "/a\\04",
		"/\xc3\xa9", "../x", ".",
	};
	static const char *const good[] = {
		"/", "/a", "/a/b", "/a\\040b", "/...", "/.a",
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++)
		bad_text("volumes", "path", bad[i]);
	for (i = 0; i < COUNT(good); i++)
		good_text("volumes", "path", good[i]);
	bad_text("volumes", "source", "a b");
	good_text("volumes", "source", "relative");
	bad_text("volumes", "root", "");
	bad_text("volumes", "root", HEX "0");
	bad_text("volumes", "root", "A" HEX);
	bad_number("volumes", "depth", -1);
	bad_number("volumes", "depth", 9);
	bad_number("volumes", "depth", (json_int_t)1 << 32);
	bad_text("reports", "path", "a b");
	good_text("reports", "message", "a b");
}

static void
test_not_a_snapshot(void **state)
{
	static const char *const texts[] = {
		"", "x", "{}", "[]", "1", "{\"format\": \"1\"}",
		"{\"format\": 1}", "{\"format\": 1, \"format\": 1}",
		"{\"format\": 1} {}", "{\"site\": \"a\\u0000b\"}",
	};
	struct snapshot s;
	struct err e = { 0 };
	size_t i, n;

	(void)state;
	for (i = 0; i < COUNT(texts); i++)
		check_failed(decode(&s, texts[i], &e), &e, ERR_DAMAGED);
	for (n = 0; n < sizeof(golden) - 2; n++)
		check_failed(snapshot_decode(&s, golden, n, &e), &e,
		    ERR_DAMAGED);
	check_failed(snapshot_decode(&s, golden, sizeof(golden), &e), &e,
	    ERR_DAMAGED);
}

/* Memory that runs out inside of the JSON library, at each allocation. */
static size_t allocations_left;

static void *
stingy_malloc(size_t size)
{
	if (allocations_left == 0)
		return (NULL);
	allocations_left--;
	return (malloc(size));
}

/* An encoding is whole or fails, however little memory there is. */
static void
test_encode_without_memory(void **state)
{
	struct snapshot s;
	struct buf b = BUF_INIT;
	struct err e = { 0 };
	size_t n, failures = 0;
	int rc;

	(void)state;
	assert_int_equal(decode(&s, golden, &e), 0);
	json_set_alloc_funcs(stingy_malloc, free);
	do {
		buf_clear(&b);
		allocations_left = n = failures;
		rc = snapshot_encode(&b, &s, &e);
		if (rc == -1) {
			failures++;
			continue;
		}
		json_set_alloc_funcs(malloc, free);
		if (strcmp(buf_cstr(&b), golden) != 0)
			fail_msg("allocation %zu: a piece is missing:\n%s",
			    n, buf_cstr(&b));
	} while (rc == -1 && failures < 10000);
	assert_int_equal(rc, 0);
	assert_true(failures > 10);
	buf_fini(&b);
	snapshot_fini(&s);
}

static void
test_decode_without_memory(void **state)
{
	struct snapshot s;
	struct err e = { 0 };
	size_t failures = 0;
	int rc;

	(void)state;
	json_set_alloc_funcs(stingy_malloc, free);
	do {
		allocations_left = failures;
		rc = decode(&s, golden, &e);
		if (rc == -1)
			failures++;
	} while (rc == -1 && failures < 10000);
	json_set_alloc_funcs(malloc, free);
	assert_int_equal(rc, 0);
	assert_true(failures > 10);
	check_golden(&s);
	snapshot_fini(&s);
}

static void
test_time_text(void **state)
{
	struct timespec t = { 1795347764, 123999999 };
	char out[SNAPSHOT_TIME_LEN];

	(void)state;
	snapshot_time_text(&t, 0, out);
	assert_string_equal(out, "2026-11-22T11:42:44.123Z");
	snapshot_time_text(&t, 1, out);
	assert_string_equal(out, "20261122T114244.123Z");
	t.tv_sec = 0;
	t.tv_nsec = 0;
	snapshot_time_text(&t, 0, out);
	assert_string_equal(out, "1970-01-01T00:00:00.000Z");
	t.tv_nsec = 999999;
	snapshot_time_text(&t, 1, out);
	assert_string_equal(out, "19700101T000000.000Z");
}

static void
test_site(void **state)
{
	static const char *const bad[] = {
		"", ".", "..", ".hidden", "-x", "a/b", "a b", "a\n", "\xc3\xa9",
		"a:b", "a*", "a\\",
	};
	static const char *const good[] = {
		"mn1", "MN-1.cluster_a", "0", "_", "a..b",
	};
	char longest[66];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++)
		assert_int_equal(snapshot_valid_site(bad[i]), 0);
	for (i = 0; i < COUNT(good); i++)
		assert_int_equal(snapshot_valid_site(good[i]), 1);
	memset(longest, 'a', 65);
	longest[65] = '\0';
	assert_int_equal(snapshot_valid_site(longest), 0);
	assert_int_equal(snapshot_valid_site(longest + 1), 1);
}

/* What a night over ssh adds: the node, the proof of its dump, selections. */
#define NIGHT_TABLE "{\"table\": \"site\", \"rows\": 3, \"columns\": 4, " \
	"\"bytes\": 99, \"sha256\": \"" HEX "\"}"
#define NIGHT_DB "{\"dump\": \"warned\", \"reason\": \"site: row 2\", " \
	"\"bypass\": true, \"tables\": [" NIGHT_TABLE "]}"
#define NIGHT_NODE "{\"address\": \"root@mn1:2200\", \"fingerprint\": " \
	"\"SHA256:x\", \"hostname\": \"mn1\", \"os\": \"Debian\", " \
	"\"arch\": \"x86_64\", \"xcat\": \"2.19\", \"database\": \"SQLite\"}"

/* golden with a node and a database, either may be NULL */
static int
decode_night(struct snapshot *s, const char *node, const char *database,
    struct err *e)
{
	struct buf b = BUF_INIT;
	int rc;

	buf_append(&b, golden, strlen(golden) - 3);
	if (node != NULL)
		buf_printf(&b, ", \"node\": %s", node);
	if (database != NULL)
		buf_printf(&b, ", \"database\": %s", database);
	buf_puts(&b, "}");
	rc = decode(s, buf_cstr(&b), e);
	buf_fini(&b);
	return (rc);
}

static void
test_night(void **state)
{
	struct snapshot s;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(decode_night(&s, NIGHT_NODE, NIGHT_DB, &e), 0);
	assert_string_equal(s.node.address, "root@mn1:2200");
	assert_string_equal(s.node.fingerprint, "SHA256:x");
	assert_string_equal(s.node.hostname, "mn1");
	assert_string_equal(s.node.os, "Debian");
	assert_string_equal(s.node.arch, "x86_64");
	assert_string_equal(s.node.xcat, "2.19");
	assert_string_equal(s.node.engine, "SQLite");
	assert_int_equal(s.database.dump, SNAPSHOT_DUMP_WARNED);
	assert_string_equal(s.database.reason, "site: row 2");
	assert_int_equal(s.database.bypass, 1);
	assert_int_equal(s.database.ntables, 1);
	assert_string_equal(s.database.tables[0].name, "site");
	assert_true(s.database.tables[0].rows == 3 &&
	    s.database.tables[0].columns == 4 &&
	    s.database.tables[0].bytes == 99);
	assert_int_equal(s.database.tables[0].digest[1], 0x11);
	s.volumes[0].selected = 1;
	check_round_trip(&s);
	snapshot_fini(&s);
	assert_null(s.node.address);
	assert_null(s.database.tables);
	/* without them they are empty, and written as they were */
	assert_int_equal(decode(&s, golden, &e), 0);
	assert_null(s.node.address);
	assert_int_equal(s.database.dump, SNAPSHOT_DUMP_NONE);
	assert_int_equal(s.volumes[0].selected, 0);
	snapshot_fini(&s);
	/* a failed dump has a reason and no tables; an address is enough */
	assert_int_equal(decode_night(&s, "{\"address\": \"a\"}",
	    "{\"dump\": \"failed\", \"reason\": null, \"bypass\": false, "
	    "\"tables\": []}", &e), 0);
	assert_int_equal(s.database.dump, SNAPSHOT_DUMP_FAILED);
	assert_null(s.database.reason);
	assert_null(s.node.os);
	check_round_trip(&s);
	snapshot_fini(&s);
}

static void
test_selected(void **state)
{
	struct snapshot s, got;
	struct buf b = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(decode(&s, golden, &e), 0);
	s.volumes[0].selected = 1;
	assert_int_equal(snapshot_encode(&b, &s, &e), 0);
	assert_non_null(strstr(buf_cstr(&b), "\"selected\": true"));
	assert_int_equal(decode(&got, buf_cstr(&b), &e), 0);
	assert_int_equal(got.volumes[0].selected, 1);
	buf_fini(&b);
	snapshot_fini(&s);
	snapshot_fini(&got);
}

static void
test_bad_night(void **state)
{
	static const char *const nodes[] = {
		"{}", "[]", "3", "\"root@mn1\"", "{\"os\": \"x\"}",
		"{\"address\": null}", "{\"address\": 5}",
		"{\"address\": \"a\", \"os\": 5}",
		"{\"address\": \"a\", \"xcat\": null}",
	};
	static const char *const databases[] = {
		"{}", "[]", "\"whole\"", "{\"dump\": \"whole\"}",
		"{\"dump\": \"none\", \"tables\": []}",
		"{\"dump\": \"Whole\", \"tables\": []}",
		"{\"dump\": 1, \"tables\": []}",
		"{\"dump\": \"whole\", \"tables\": {}}",
		"{\"dump\": \"whole\", \"tables\": [{}]}",
		"{\"dump\": \"whole\", \"tables\": [{\"table\": \"site\", "
		"\"rows\": -1, \"columns\": 4, \"bytes\": 9, \"sha256\": \""
		HEX "\"}]}",
		"{\"dump\": \"whole\", \"tables\": [{\"table\": \"site\", "
		"\"rows\": 1, \"columns\": 4, \"bytes\": 9, "
		"\"sha256\": \"00\"}]}",
		"{\"dump\": \"whole\", \"tables\": [{\"table\": 7, "
		"\"rows\": 1, \"columns\": 4, \"bytes\": 9, \"sha256\": \""
		HEX "\"}]}",
	};
	struct snapshot s;
	struct err e = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(nodes); i++) {
		if (decode_night(&s, nodes[i], NULL, &e) == 0)
			fail_msg("taken: %s", nodes[i]);
		check_failed(-1, &e, ERR_DAMAGED);
	}
	for (i = 0; i < COUNT(databases); i++) {
		if (decode_night(&s, NULL, databases[i], &e) == 0)
			fail_msg("taken: %s", databases[i]);
		check_failed(-1, &e, ERR_DAMAGED);
	}
}

static void
test_total_names(void **state)
{
	struct snapshot_totals t;
	uint64_t v;
	size_t i;

	(void)state;
	/* Each field has its name: none is left out of the file. */
	assert_int_equal(snapshot_total_count * sizeof(v), sizeof(t));
	memset(&t, 0, sizeof(t));
	for (i = 0; i < snapshot_total_count; i++) {
		memcpy(&v, (char *)&t + snapshot_total_names[i].offset,
		    sizeof(v));
		assert_true(v == 0);
		v = i + 1;
		memcpy((char *)&t + snapshot_total_names[i].offset, &v,
		    sizeof(v));
	}
	assert_int_equal(t.entries, 1);
	assert_int_equal(t.read_bytes, snapshot_total_count);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_complete),
		cmocka_unit_test(test_odd_names),
		cmocka_unit_test(test_not_utf8),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_fields_needed),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_volume),
		cmocka_unit_test(test_not_a_snapshot),
		cmocka_unit_test(test_encode_without_memory),
		cmocka_unit_test(test_decode_without_memory),
		cmocka_unit_test(test_time_text),
		cmocka_unit_test(test_site),
		cmocka_unit_test(test_night),
		cmocka_unit_test(test_selected),
		cmocka_unit_test(test_bad_night),
		cmocka_unit_test(test_total_names),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
