#include <string.h>

#include "base/digest.h"
#include "formats/mtree.h"
#include "tests/unit/unit.h"
#include "vault/catalog.h"
#include "vault/deposit.h"
#include "vault/fetch.h"
#include "vault/snapshots.h"
#include "vault/tree.h"

#define BIG ((size_t)20 << 20)	/* more blobs than a line takes */

static struct vault *
make_vault(const char *dir, char path[300])
{
	struct err e = { 0 };
	struct vault *v;

	snprintf(path, 300, "%s/vault", dir);
	setenv("XCATVAULT_CACHE", dir, 1);
	assert_int_equal(vault_init(path, &e), 0);
	v = vault_open(path, &e);
	assert_non_null(v);
	return (v);
}

static void
store(struct vault *v, const struct deposit_file *f, size_t n,
    struct snapshot *s)
{
	struct err e = { 0 };

	memset(s, 0, sizeof(*s));
	s->site = strdup("mn1.undo");
	s->host = strdup("here");
	s->tool = strdup("test");
	if (deposit_store(v, s, "/.dbbackup", f, n, &e) == -1)
		fail_msg("%s", e.msg);
	assert_int_equal(strlen(s->id), SNAPSHOT_ID_LEN);
}

static void
check_blob(struct fetch *f, const uint8_t id[DIGEST_LEN], const uint8_t **at)
{
	struct err e = { 0 };
	const uint8_t *p;
	size_t len;

	if (fetch_blob(f, PACK_DATA, id, &p, &len, &e) == -1)
		fail_msg("%s", e.msg);
	assert_memory_equal(p, *at, len);
	*at += len;
}

/* The contents of an entry are these bytes, wherever its blobs are listed. */
static void
check_contents(struct fetch *f, const struct entry *ent, const void *data)
{
	struct scan s = mtree_scan(&ent->blobs);
	const uint8_t *at = data;
	uint8_t id[DIGEST_LEN];
	struct tree_reader *t;
	struct err e = { 0 };
	uint64_t bytes;

	if (ent->list_depth > 0) {
		t = tree_reader_new(f, TREE_LIST, ent->list, ent->list_depth,
		    &e);
		assert_non_null(t);
		while (tree_reader_next(t, id, &bytes, &e) == 1)
			check_blob(f, id, &at);
		tree_reader_free(t);
	} else if (ent->blobs.len > 0) {
		while (s.p < s.end && mtree_next_blob(&s, id))
			check_blob(f, id, &at);
	} else if (ent->size > 0) {
		check_blob(f, ent->digest, &at);
	}
	assert_int_equal(at - (const uint8_t *)data, ent->size);
}

static void
check(struct vault *v, const char *id, const struct deposit_file *files,
    size_t n)
{
	struct catalog_reader *r;
	struct err e = { 0 };
	struct snapshot s;
	struct index *ix;
	struct fetch *f;
	struct entry ent;
	size_t i;

	assert_int_equal(snapshot_open(&s, v, id, &e), 0);
	assert_int_equal(s.nvolumes, 1);
	assert_string_equal(s.volumes[0].path, "/.dbbackup");
	assert_int_equal(s.volumes[0].totals.files, n);
	ix = index_open(v, INDEX_STRICT, &e);
	assert_non_null(ix);
	f = fetch_new(v, ix, 4, &e);
	assert_non_null(f);
	r = catalog_reader_new(v, ix, s.volumes[0].root, s.volumes[0].depth,
	    NULL, 0, &e);
	assert_non_null(r);
	assert_int_equal(catalog_reader_next(r, &ent, &e), 1);
	assert_int_equal(ent.type, ENTRY_DIR);
	assert_int_equal(ent.mode, 0700);
	for (i = 0; i < n; i++) {
		assert_int_equal(catalog_reader_next(r, &ent, &e), 1);
		assert_int_equal(ent.type, ENTRY_FILE);
		assert_int_equal(ent.mode, 0600);
		assert_int_equal(ent.path.len, strlen(files[i].name) + 2);
		assert_memory_equal(ent.path.p + 2, files[i].name,
		    strlen(files[i].name));
		assert_int_equal(ent.size, files[i].len);
		check_contents(f, &ent, files[i].data);
	}
	assert_int_equal(catalog_reader_next(r, &ent, &e), 0);
	catalog_reader_free(r);
	fetch_free(f);
	index_free(ix);
	snapshot_fini(&s);
}

static void
test_round_trip(void **state)
{
	struct deposit_file files[] = {
		{ "site.csv", "#key,value\n", 11 },
		{ "big.csv", NULL, BIG },
		{ "empty.csv", "", 0 },
		{ "middle.csv", NULL, 600000 },
		{ "same.csv", "#key,value\n", 11 },
	};
	/* as the catalog has them */
	struct deposit_file sorted[] = {
		files[1], files[2], files[3], files[4], files[0],
	};
	const char *dir = scratch_begin();
	struct rng r = { 7 };
	struct snapshot a, b;
	struct vault *v;
	char path[300];
	uint8_t *p;

	(void)state;
	p = malloc(BIG);
	assert_non_null(p);
	rng_fill(&r, p, BIG);
	files[1].data = sorted[0].data = p;
	files[3].data = sorted[2].data = p + 1000;
	v = make_vault(dir, path);
	store(v, files, COUNT(files), &a);
	assert_null(a.previous);
	check(v, a.id, sorted, COUNT(sorted));
	/* the same once more costs next to nothing, and follows the first */
	store(v, files, COUNT(files), &b);
	assert_string_equal(b.previous, a.id);
	assert_true(a.stored_bytes > BIG);
	assert_true(b.stored_bytes < 4096);
	check(v, b.id, sorted, COUNT(sorted));
	snapshot_fini(&a);
	snapshot_fini(&b);
	vault_close(v);
	free(p);
	scratch_end(dir);
}

/* A stream in pieces of odd sizes, with cuts where they are asked for. */
static void
write_pieces(struct deposit *d, const uint8_t *p, size_t len, size_t step,
    size_t cut)
{
	struct err e = { 0 };
	size_t at, n;

	for (at = 0; at < len; at += n) {
		n = len - at < step ? len - at : step;
		if (at < cut && at + n > cut)
			n = cut - at;
		assert_int_equal(deposit_write(d, p + at, n, &e), 0);
		if (at + n == cut)
			assert_int_equal(deposit_cut(d, &e), 0);
	}
}

static void
begin_snapshot(struct snapshot *s, const char *site)
{
	memset(s, 0, sizeof(*s));
	s->site = strdup(site);
	s->host = strdup("here");
	s->tool = strdup("test");
}

static int
find(struct catalog_reader *r, const char *path, struct entry *ent)
{
	struct span sp = { path, strlen(path) };
	struct err e = { 0 };

	return (catalog_find(r, &sp, ent, &e));
}

static void
check_stream(struct vault *v, const struct snapshot *s, const uint8_t *big)
{
	struct catalog_reader *r;
	struct err e = { 0 };
	struct index *ix = index_open(v, INDEX_STRICT, &e);
	struct fetch *f = fetch_new(v, ix, 4, &e);
	struct entry ent;

	assert_int_equal(s->nvolumes, 1);
	assert_int_equal(s->volumes[0].selected, 1);
	assert_int_equal(s->volumes[0].totals.entries, 5);
	assert_int_equal(s->volumes[0].totals.directories, 3);
	assert_int_equal(s->volumes[0].totals.files, 2);
	assert_int_equal(s->volumes[0].totals.bytes, BIG + 3);
	r = catalog_reader_new(v, ix, s->volumes[0].root,
	    s->volumes[0].depth, NULL, 0, &e);
	assert_non_null(r);
	assert_int_equal(find(r, ".", &ent), 1);
	assert_int_equal(ent.mode, 0700);
	catalog_reader_free(r);
	r = catalog_reader_new(v, ix, s->volumes[0].root,
	    s->volumes[0].depth, NULL, 0, &e);
	assert_int_equal(find(r, "./a/b/big", &ent), 1);
	assert_int_equal(ent.mode, 0644);
	assert_int_equal(ent.uid, 7);
	assert_int_equal(ent.mtime, 1700000000);
	assert_int_equal(ent.size, BIG);
	check_contents(f, &ent, big);
	catalog_reader_free(r);
	fetch_free(f);
	index_free(ix);
}

static void
test_stream(void **state)
{
	const struct deposit_meta dir = { .mode = 0755 };
	const struct deposit_meta file = { .mode = 0644, .uid = 7,
		.mtime = 1700000000 };
	const char *top = scratch_begin();
	struct rng r = { 11 };
	struct err e = { 0 };
	struct deposit_sum sum;
	uint8_t want[DIGEST_LEN], *p;
	struct digest *dg = digest_new();
	struct snapshot s;
	struct deposit *d;
	struct vault *v;
	char path[300];

	(void)state;
	p = malloc(BIG);
	assert_non_null(p);
	rng_fill(&r, p, BIG);
	digest_bytes(dg, p, BIG, want);
	v = make_vault(top, path);
	begin_snapshot(&s, "cn.osimage");
	d = deposit_new(v, &s, "/install", &e);
	assert_non_null(d);
	deposit_selected(d);
	/* in no order; "a/b" is given by nobody */
	assert_int_equal(deposit_begin(d, "z", NULL, &e), 0);
	assert_int_equal(deposit_write(d, "xyz", 3, &e), 0);
	assert_int_equal(deposit_end(d, &sum, &e), 0);
	assert_int_equal(sum.bytes, 3);
	assert_int_equal(deposit_begin(d, "a/b/big", &file, &e), 0);
	write_pieces(d, p, BIG, 333333, 5000001);
	assert_int_equal(deposit_end(d, &sum, &e), 0);
	assert_int_equal(sum.bytes, BIG);
	assert_memory_equal(sum.digest, want, DIGEST_LEN);
	assert_int_equal(deposit_dir(d, "a", &dir, &e), 0);
	assert_int_equal(deposit_commit(d, &e), 0);
	deposit_free(d);
	check_stream(v, &s, p);
	snapshot_fini(&s);
	vault_close(v);
	digest_free(dg);
	free(p);
	scratch_end(top);
}

/* What stands behind a cut shares its blobs with a file of its own. */
static void
test_cut_shares(void **state)
{
	const size_t len = (size_t)4 << 20;
	const char *top = scratch_begin();
	struct rng r = { 12 };
	struct err e = { 0 };
	struct snapshot a, b;
	struct deposit_file f = { "own", NULL, len };
	struct deposit *d;
	struct vault *v;
	char path[300];
	uint8_t *p;

	(void)state;
	p = malloc(len);
	assert_non_null(p);
	rng_fill(&r, p, len);
	f.data = p;
	v = make_vault(top, path);
	store(v, &f, 1, &a);
	begin_snapshot(&b, "cn.osimage");
	d = deposit_new(v, &b, "/image", &e);
	assert_non_null(d);
	assert_int_equal(deposit_begin(d, "in", NULL, &e), 0);
	assert_int_equal(deposit_write(d, "something before", 16, &e), 0);
	assert_int_equal(deposit_cut(d, &e), 0);
	assert_int_equal(deposit_write(d, p, len, &e), 0);
	assert_int_equal(deposit_cut(d, &e), 0);
	assert_int_equal(deposit_write(d, "and behind", 10, &e), 0);
	assert_int_equal(deposit_end(d, NULL, &e), 0);
	assert_int_equal(deposit_commit(d, &e), 0);
	deposit_free(d);
	assert_true(a.stored_bytes > len);
	assert_true(b.stored_bytes < 8192);
	snapshot_fini(&a);
	snapshot_fini(&b);
	vault_close(v);
	free(p);
	scratch_end(top);
}

static void
refused(struct vault *v, const char *first, const char *second)
{
	struct err e = { 0 };
	struct snapshot s;
	struct deposit *d;
	int rc = 0;

	begin_snapshot(&s, "cn.osimage");
	d = deposit_new(v, &s, "/x", &e);
	assert_non_null(d);
	if (first != NULL && (rc = deposit_begin(d, first, NULL, &e)) == 0)
		rc = deposit_end(d, NULL, &e);
	if (rc == 0 && (rc = deposit_begin(d, second, NULL, &e)) == 0)
		rc = deposit_end(d, NULL, &e);
	if (rc == 0)
		rc = deposit_commit(d, &e);
	deposit_free(d);
	snapshot_fini(&s);
	check_failed(rc, &e, ERR_USAGE);
}

/* Names that are none, and names that cannot be together. */
static void
test_names(void **state)
{
	static const char *const bad[] = { "", ".", "..", "/a", "a/../b",
		"a//b", "a/", "./a" };
	const char *top = scratch_begin();
	struct snapshot_list l;
	struct err e = { 0 };
	struct vault *v;
	char path[300];
	size_t i;

	(void)state;
	v = make_vault(top, path);
	for (i = 0; i < COUNT(bad); i++)
		refused(v, NULL, bad[i]);
	refused(v, "a", "a");
	refused(v, "a", "a/b");
	refused(v, "a/b", "a");
	assert_int_equal(snapshot_list_load(&l, v, &e), 0);
	assert_int_equal(l.n, 0);
	snapshot_list_fini(&l);
	vault_close(v);
	scratch_end(top);
}

static void
test_locked(void **state)
{
	struct deposit_file f = { "site.csv", "#key,value\n", 11 };
	const char *dir = scratch_begin();
	struct snapshot s = { .site = NULL };
	struct store_lock *l;
	struct err e = { 0 };
	struct vault *v;
	char path[300];

	(void)state;
	v = make_vault(dir, path);
	l = store_lock(v->store, "vault", 1, &e);
	assert_non_null(l);
	s.site = strdup("mn1.undo");
	check_failed(deposit_store(v, &s, "/.dbbackup", &f, 1, &e), &e,
	    ERR_BUSY);
	store_unlock(l);
	snapshot_fini(&s);
	s.site = strdup("no/site");
	check_failed(deposit_store(v, &s, "/.dbbackup", &f, 1, &e), &e,
	    ERR_USAGE);
	snapshot_fini(&s);
	vault_close(v);
	scratch_end(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_cut_shares),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_locked),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
