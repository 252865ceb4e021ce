#include "tests/unit/unit.h"
#include "vault/snapshots.h"

/* Oldest first, as snapshot_list_load() leaves them. */
static struct snapshot_ref refs[] = {
	{ "mn1", "20260101T000000.000Z", "aaaa000000000001" },
	{ "mn2", "20260101T120000.000Z", "aaab000000000002" },
	{ "mn1", "20260102T000000.000Z", "bbbb000000000003" },
	{ "mn1", "20260102T000000.500Z", "cccc000000000004" },
	{ "mn2", "20261231T235959.999Z", "dddd000000000005" },
};
static const struct snapshot_list list = { refs, COUNT(refs) };

/* An undo is nobody's latest backup, nor is an osimage. */
static struct snapshot_ref undos[] = {
	{ "mn1", "20260101T000000.000Z", "aaaa000000000001" },
	{ "mn1.undo", "20260102T000000.000Z", "aaaa000000000002" },
	{ "compute.osimage", "20260103T000000.000Z", "aaaa000000000003" },
};
static const struct snapshot_list undone = { undos, COUNT(undos) };

static void
check_find(const char *name, size_t want)
{
	const struct snapshot_ref *ref;
	struct err e = { 0 };

	ref = snapshot_list_find(&list, name, &e);
	if (ref != &refs[want])
		fail_msg("%s: found %s", name, ref != NULL ? ref->id : e.msg);
}

static void
check_none(const char *name)
{
	struct err e = { 0 };

	if (snapshot_list_find(&list, name, &e) != NULL)
		fail_msg("%s: found one", name);
	check_failed(-1, &e, ERR_USAGE);
}

static void
test_find(void **state)
{
	const struct snapshot_list empty = { NULL, 0 };
	struct err e = { 0 };

	(void)state;
	check_find("latest", 4);
	check_find("mn1", 3);
	check_find("mn2", 4);
	check_find("bb", 2);
	check_find("dddd000000000005", 4);
	check_find("aaaa", 0);
	check_none("aaa");
	check_none("b");
	check_none("dddd0000000000050");
	check_none("mn3");
	check_none("mn");
	check_none("");
	check_none("DDDD");
	assert_ptr_equal(snapshot_list_find(&undone, "latest", &e), &undos[0]);
	assert_null(snapshot_list_find(&empty, "latest", &e));
	check_failed(-1, &e, ERR_USAGE);
	assert_null(snapshot_list_newest(&empty, "mn1"));
	assert_ptr_equal(snapshot_list_newest(&list, "mn2"), &refs[4]);
	assert_null(snapshot_list_newest(&list, "none"));
}

static void
test_find_at(void **state)
{
	(void)state;
	check_find("mn1@2026-01-01", 0);
	check_find("mn1@20260101", 0);
	check_find("mn1@2026-01-02", 3);
	check_find("mn1@2026-01-02T00:00:00.499", 2);
	check_find("mn1@2026-01-02T00:00:00.499Z", 2);
	check_find("mn1@2026-01-02T00:00:00.500Z", 3);
	check_find("mn1@20260102T000000.000Z", 2);
	check_find("mn1@2026-01-02 00:00", 3);
	check_find("mn1@2026-01-01T23:59:59", 0);
	check_find("mn1@9999-12-31", 3);
	check_find("mn2@2026-12-31", 4);
	check_find("mn2@2026-12-31T23:59:58", 1);
	check_none("mn2@2026-01-01T11");
	check_none("mn1@2025-12-31");
	check_none("mn@2026-12-31");
	check_none("mn3@2026-12-31");
	check_none("@2026-12-31");
}

static void
test_bad_times(void **state)
{
	static const char *const names[] = {
		"mn1@", "mn1@2026", "mn1@2026-01", "mn1@2026-01-0",
		"mn1@yesterday", "mn1@2026-01-02X00", "mn1@2026/01/02",
		"mn1@2026-01-02T00:00:00,000Z", "mn1@T", "mn1@2026-01-02TT00",
		"mn1@2026-01-02T00:00:00.0000", "mn1@2026-01-02T00:00:00.000ZZ",
		"mn1@2026-01-02T00:00:00.000Z0000000000000000000000000000000",
		"mn1@99999999999999999999999999999999999999999999999999999999",
		"mn1@--------------------------------", "mn1@latest",
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(names); i++)
		check_none(names[i]);
}

static void
check_volume(const struct snapshot *s, const char *path, const char *want)
{
	const struct snapshot_volume *v = snapshot_volume_of(s, path);

	if (want == NULL)
		assert_null(v);
	else {
		assert_non_null(v);
		assert_string_equal(v->path, want);
	}
}

static void
test_volume_of(void **state)
{
	char names[4][16] = { "/install", "/install/post", "/etc", "/" };
	struct snapshot_volume v[4];
	struct snapshot s;
	size_t i;

	(void)state;
	memset(&s, 0, sizeof(s));
	memset(v, 0, sizeof(v));
	for (i = 0; i < 4; i++)
		v[i].path = names[i];
	s.volumes = v;
	s.nvolumes = 3;
	check_volume(&s, "/install", "/install");
	check_volume(&s, "/install/a/b", "/install");
	check_volume(&s, "/install/post", "/install/post");
	check_volume(&s, "/install/post/x", "/install/post");
	check_volume(&s, "/install/poster", "/install");
	check_volume(&s, "/installed", NULL);
	check_volume(&s, "/", NULL);
	check_volume(&s, "/inst", NULL);
	s.nvolumes = 4;
	check_volume(&s, "/", "/");
	check_volume(&s, "/installed", "/");
	check_volume(&s, "/etc/hosts", "/etc");
}

static struct snapshot
make_snapshot(char *site, time_t when)
{
	static char path[] = "/install", text[] = "x";
	static struct snapshot_volume v;
	struct snapshot s;

	memset(&s, 0, sizeof(s));
	v.path = path;
	v.source = path;
	s.site = site;
	s.host = text;
	s.tool = text;
	s.start.tv_sec = when;
	s.start.tv_nsec = 7000000;
	s.end = s.start;
	s.volumes = &v;
	s.nvolumes = 1;
	return (s);
}

/* Saved, listed, opened by name; what is not a snapshot is passed over. */
static void
test_vault(void **state)
{
	char path[300], cmd[900], site[] = "mn1", other[] = "mn0";
	const char *dir = scratch_begin();
	struct snapshot s, got;
	struct snapshot_list l;
	struct err e = { 0 };
	struct vault *v;

	(void)state;
	snprintf(path, sizeof(path), "%s/v", dir);
	setenv("XCATVAULT_CACHE", dir, 1);
	assert_int_equal(vault_init(path, &e), 0);
	assert_non_null(v = vault_open(path, &e));
	assert_int_equal(snapshot_list_load(&l, v, &e), 0);
	assert_int_equal(l.n, 0);
	snapshot_list_fini(&l);
	s = make_snapshot(other, 1795347764);
	assert_int_equal(snapshot_save(&s, v, &e), 0);
	s = make_snapshot(site, 1795000000);
	assert_int_equal(snapshot_save(&s, v, &e), 0);
	snprintf(cmd, sizeof(cmd), "cd '%s/snapshots' && touch mn1/x "
	    "mn1/20260101T000000.000Z-aaaa00000000000g.json && mkdir -p .x "
	    "mn1/20260101T000000.000Z-aaaa000000000001.json && touch "
	    "20260101T000000.000Z-aaaa000000000001.json", path);
	assert_int_equal(shell(cmd), 0);
	assert_int_equal(snapshot_list_load(&l, v, &e), 0);
	assert_int_equal(l.n, 2);
	assert_string_equal(l.refs[0].site, "mn1");
	assert_string_equal(l.refs[0].id, s.id);
	assert_string_equal(l.refs[1].when, "20261122T114244.007Z");
	snapshot_list_fini(&l);
	assert_int_equal(snapshot_open(&got, v, "mn1", &e), 0);
	assert_string_equal(got.id, s.id);
	assert_string_equal(got.volumes[0].path, "/install");
	snapshot_fini(&got);
	vault_close(v);
	scratch_end(dir);
}

/* A byte more and the name no longer proves the file. */
static void
test_altered(void **state)
{
	char path[300], cmd[900], site[] = "mn1";
	const char *dir = scratch_begin();
	struct snapshot s = make_snapshot(site, 1795000000), got;
	struct err e = { 0 };
	struct vault *v;

	(void)state;
	snprintf(path, sizeof(path), "%s/v", dir);
	setenv("XCATVAULT_CACHE", dir, 1);
	assert_int_equal(vault_init(path, &e), 0);
	assert_non_null(v = vault_open(path, &e));
	assert_int_equal(snapshot_save(&s, v, &e), 0);
	snprintf(cmd, sizeof(cmd), "echo >>\"$(echo '%s'/snapshots/mn1/*)\"",
	    path);
	assert_int_equal(shell(cmd), 0);
	check_failed(snapshot_open(&got, v, "mn1", &e), &e, ERR_DAMAGED);
	snprintf(cmd, sizeof(cmd), "echo x >\"$(echo '%s'/snapshots/mn1/*)\"",
	    path);
	assert_int_equal(shell(cmd), 0);
	check_failed(snapshot_open(&got, v, "mn1", &e), &e, ERR_DAMAGED);
	vault_close(v);
	scratch_end(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_find_at),
		cmocka_unit_test(test_bad_times),
		cmocka_unit_test(test_volume_of),
		cmocka_unit_test(test_vault),
		cmocka_unit_test(test_altered),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
