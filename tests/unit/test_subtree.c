#include "restore/subtree.h"
#include "restore/wanted.h"
#include "tests/unit/unit.h"
#include "vault/catalog.h"
#include "vault/commit.h"

static const struct {
	enum entry_type type;
	const char *path;
} forged[] = {
	{ ENTRY_DIR, "." },
	{ ENTRY_DIR, "./0" },
	{ ENTRY_FILE, "./0/good" },
	{ ENTRY_LINK, "./a" },
	{ ENTRY_FILE, "./a/x" },
};

static void
add(struct catalog_writer *w, enum entry_type type, const char *path)
{
	struct entry ent = { .type = type, .mode = 0777, .nlink = 1 };
	struct buf line = BUF_INIT;
	struct err e = { 0 };
	struct span text;

	ent.path.p = path;
	ent.path.len = strlen(path);
	if (type == ENTRY_LINK) {
		ent.link.p = "/etc";
		ent.link.len = 4;
	}
	mtree_encode(&line, &ent);
	text.p = buf_cstr(&line);
	text.len = line.len;
	if (catalog_writer_add(w, &text, &ent.path, &e) == -1)
		fail_msg("%s", e.msg);
	buf_fini(&line);
}

/* A catalog in which something lies below a symbolic link. */
static void
forge(struct view *v, struct snapshot_volume *vol)
{
	struct catalog_writer *w;
	struct catalog_sink *sink;
	struct committer *c;
	struct index *ix;
	struct err e = { 0 };
	size_t i;

	ix = index_open(v->vault, INDEX_STRICT, &e);
	assert_non_null(ix);
	c = committer_new(v->vault->store, &e);
	assert_non_null(c);
	sink = catalog_sink_new(v->vault, ix, c, &e);
	assert_non_null(sink);
	w = catalog_writer_new(sink, &e);
	assert_non_null(w);
	for (i = 0; i < COUNT(forged); i++)
		add(w, forged[i].type, forged[i].path);
	assert_int_equal(catalog_writer_finish(w, vol->root, &vol->depth,
	    &e), 0);
	assert_int_equal(catalog_sink_commit(sink, &e), 0);
	assert_int_equal(committer_finish(c, &e), 0);
	catalog_writer_free(w);
	catalog_sink_free(sink);
	committer_free(c);
	index_free(ix);
	v->index = index_open(v->vault, INDEX_STRICT, &e);
	assert_non_null(v->index);
}

static void
is_at(const struct entry *ent, const char *path)
{
	assert_int_equal(ent->path.len, strlen(path));
	assert_memory_equal(ent->path.p, path, ent->path.len);
}

static void
check_all(struct view *v, const struct snapshot_volume *vol)
{
	struct span top = { ".", 1 };
	struct err e = { 0 };
	struct subtree *t;
	struct entry ent;
	size_t i;

	t = subtree_new(v->vault, v->index, vol, &top, &e);
	assert_non_null(t);
	for (i = 0; i < 4; i++) {
		assert_int_equal(subtree_next(t, &ent, &e), 1);
		is_at(&ent, forged[i].path);
	}
	check_failed(subtree_next(t, &ent, &e), &e, ERR_DAMAGED);
	assert_int_equal(subtree_next(t, &ent, &e), 0);
	subtree_free(t);
}

/* The same, where single paths are wanted. */
static void
check_some(struct view *v, const struct snapshot_volume *vol)
{
	static const char *const paths[] = { "./0/good", "./a/x", "./a/y" };
	static const char *const got[] = { ".", "./0", "./0/good" };
	struct select_top tops[COUNT(paths)] = { 0 };
	struct selection sel = { tops, COUNT(paths), 0 };
	struct err e = { 0 };
	struct entry ent;
	struct wanted *w;
	int above;
	size_t i;

	for (i = 0; i < COUNT(paths); i++) {
		tops[i].volume = vol;
		buf_puts(&tops[i].path, paths[i]);
	}
	w = wanted_new(v, &sel, vol, &e);
	assert_non_null(w);
	for (i = 0; i < COUNT(got); i++) {
		assert_int_equal(wanted_next(w, &ent, &above, &e), 1);
		is_at(&ent, got[i]);
	}
	check_failed(wanted_next(w, &ent, &above, &e), &e, ERR_DAMAGED);
	check_failed(wanted_next(w, &ent, &above, &e), &e, ERR_DAMAGED);
	assert_int_equal(wanted_next(w, &ent, &above, &e), 0);
	wanted_free(w);
	for (i = 0; i < COUNT(paths); i++)
		buf_fini(&tops[i].path);
}

static void
test_forged(void **state)
{
	const char *top = scratch_begin();
	char path[300], name[] = "/install";
	struct snapshot_volume vol = { .path = name };
	struct err e = { 0 };
	struct view v = { 0 };

	(void)state;
	snprintf(path, sizeof(path), "%s/vault", top);
	setenv("XCATVAULT_CACHE", top, 1);
	assert_int_equal(vault_init(path, &e), 0);
	v.vault = vault_open(path, &e);
	assert_non_null(v.vault);
	forge(&v, &vol);
	check_all(&v, &vol);
	check_some(&v, &vol);
	index_free(v.index);
	vault_close(v.vault);
	scratch_end(top);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forged),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
