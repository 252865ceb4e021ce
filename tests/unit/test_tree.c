#include "formats/pathtext.h"
#include "tests/unit/unit.h"
#include "vault/tree.h"

/* Nodes in memory, found by their id. */
struct shelf {
	struct digest *digest;
	struct buf nodes[2000];
	uint8_t ids[2000][DIGEST_LEN];
	size_t n, puts;
	size_t left;		/* until putting fails */
};

static struct shelf *
shelf_new(void)
{
	struct shelf *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	assert_non_null(s->digest = digest_new());
	s->left = SIZE_MAX;
	return (s);
}

static void
shelf_free(struct shelf *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		buf_fini(&s->nodes[i]);
	digest_free(s->digest);
	free(s);
}

static size_t
find(const struct shelf *s, const uint8_t id[DIGEST_LEN])
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (memcmp(s->ids[i], id, DIGEST_LEN) == 0)
			break;
	return (i);
}

static int
put(void *arg, const void *p, size_t len, uint8_t id[DIGEST_LEN],
    struct err *e)
{
	struct shelf *s = arg;

	if (s->left-- == 0)
		return (err_set(e, ERR_BUSY, "full"));
	assert_true(len > 0 && len < TREENODE_MAX);
	digest_bytes(s->digest, p, len, id);
	s->puts++;
	if (find(s, id) < s->n)
		return (0);
	assert_true(s->n < COUNT(s->ids));
	memcpy(s->ids[s->n], id, DIGEST_LEN);
	buf_append(&s->nodes[s->n++], p, len);
	return (0);
}

/* Leaf n of a tree: its id and label. */
static size_t
make_leaf(enum tree_kind kind, size_t n, uint8_t id[DIGEST_LEN],
    char label[64])
{
	struct rng r = { n };
	int len;

	rng_fill(&r, id, DIGEST_LEN);
	if (kind == TREE_LIST)
		len = snprintf(label, 64, "%zu", 65536 + n);
	else
		len = snprintf(label, 64, "./dir/%08zu/name", n);
	return ((size_t)len);
}

/* Write a tree of leaves from..to; its root and depth. */
static void
write_tree(struct shelf *s, enum tree_kind kind, size_t from, size_t to,
    uint32_t at_least, uint8_t root[DIGEST_LEN], uint32_t *depth)
{
	struct tree_writer t;
	struct err e = { 0 };
	uint8_t id[DIGEST_LEN];
	char label[64];
	size_t i, len;

	tree_writer_init(&t, kind, put, s);
	for (i = from; i < to; i++) {
		len = make_leaf(kind, i, id, label);
		assert_int_equal(tree_writer_add(&t, id, label, len, &e), 0);
	}
	assert_int_equal(tree_writer_finish(&t, at_least, root, depth, &e),
	    0);
	tree_writer_fini(&t);
}

struct walk {
	const struct shelf *shelf;
	enum tree_kind kind;
	size_t next;		/* leaf expected */
	uint64_t bytes;		/* content below the node last left */
	char first[64];		/* label of its first leaf */
};

static void
walk_leaf(struct walk *w, const struct treenode_line *line)
{
	uint8_t id[DIGEST_LEN];
	char label[64];
	size_t len = make_leaf(w->kind, w->next, id, label);

	assert_memory_equal(line->id, id, DIGEST_LEN);
	assert_int_equal(line->label.len, len);
	assert_memory_equal(line->label.p, label, len);
	snprintf(w->first, sizeof(w->first), "%s", label);
	w->bytes = 65536 + w->next;
	w->next++;
}

/* Every leaf in order below a node; labels of nodes are right. */
static void
walk_node(struct walk *w, const uint8_t id[DIGEST_LEN], uint32_t depth)
{
	size_t at = find(w->shelf, id);
	const struct buf *b = &w->shelf->nodes[at];
	struct scan s;
	struct treenode_line line;
	struct err e = { 0 };
	char first[64] = "", sum[64];
	uint64_t bytes = 0;

	assert_true(at < w->shelf->n);
	s.p = (const char *)b->data;
	s.end = s.p + b->len;
	while (treenode_decode(&s, &line, &e) == 1) {
		if (depth == 1)
			walk_leaf(w, &line);
		else
			walk_node(w, line.id, depth - 1);
		bytes += w->bytes;
		if (first[0] == '\0')
			memcpy(first, w->first, sizeof(first));
		if (depth == 1)
			continue;
		snprintf(sum, sizeof(sum), "%llu",
		    (unsigned long long)w->bytes);
		if (w->kind == TREE_CATALOG)
			memcpy(sum, w->first, sizeof(sum));
		assert_int_equal(line.label.len, strlen(sum));
		assert_memory_equal(line.label.p, sum, strlen(sum));
	}
	assert_ptr_equal(s.p, s.end);
	w->bytes = bytes;
	memcpy(w->first, first, sizeof(first));
}

static void
check_tree(enum tree_kind kind, size_t leaves, uint32_t at_least)
{
	struct shelf *s = shelf_new();
	struct walk w = { s, kind, 0, 0, "" };
	uint8_t root[DIGEST_LEN], id[DIGEST_LEN];
	char label[64];
	uint32_t depth;

	write_tree(s, kind, 0, leaves, at_least, root, &depth);
	assert_true(depth >= at_least && depth <= 4);
	if (depth == 0) {
		assert_int_equal(leaves, 1);
		make_leaf(kind, 0, id, label);
		assert_memory_equal(root, id, DIGEST_LEN);
	} else {
		walk_node(&w, root, depth);
		assert_int_equal(w.next, leaves);
	}
	shelf_free(s);
}

static void
test_sizes(void **state)
{
	static const size_t sizes[] = {
		1, 2, 3, 20, 30, 31, 100, 300, 1000, 5000, 20000
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(sizes); i++) {
		check_tree(TREE_CATALOG, sizes[i], 0);
		check_tree(TREE_CATALOG, sizes[i], 1);
		check_tree(TREE_LIST, sizes[i], 1);
	}
}

/* Nodes but the last of a level are of 2 KiB or more, and end at 16 KiB. */
static void
test_node_bounds(void **state)
{
	struct shelf *s = shelf_new();
	uint8_t root[DIGEST_LEN];
	uint32_t depth;
	size_t i, small = 0, total = 0;

	(void)state;
	write_tree(s, TREE_CATALOG, 0, 20000, 0, root, &depth);
	for (i = 0; i < s->n; i++) {
		small += s->nodes[i].len < 2048;
		assert_true(s->nodes[i].len < 16384 + 100);
		total += s->nodes[i].len;
	}
	assert_true(s->n > 0);
	assert_true(small <= depth);
	assert_true(total > 2500 * s->n && total < 8000 * s->n);
	shelf_free(s);
}

/* The same leaves give the same root; leaves before them move few nodes. */
static void
test_stable(void **state)
{
	struct shelf *s = shelf_new();
	uint8_t root[DIGEST_LEN], again[DIGEST_LEN];
	uint32_t depth, depth2;
	size_t first, more;

	(void)state;
	write_tree(s, TREE_CATALOG, 100, 20000, 0, root, &depth);
	first = s->n;
	write_tree(s, TREE_CATALOG, 100, 20000, 0, again, &depth2);
	assert_memory_equal(root, again, DIGEST_LEN);
	assert_int_equal(depth, depth2);
	assert_int_equal(s->n, first);
	write_tree(s, TREE_CATALOG, 0, 20000, 0, again, &depth2);
	more = s->n - first;
	assert_true(first > 200 && more < 20);
	shelf_free(s);
}

/* Cuts must never change: pinned, as worked out from the format's text. */
static void
test_pinned(void **state)
{
	static const struct {
		enum tree_kind kind;
		const char *root;
	} pins[] = {
		{ TREE_CATALOG, "0d02049f9398374b2613c23510422ef0"
		    "99b7972fd029efe947fbe433faba30ed" },
		{ TREE_LIST, "0af3bd086a10721a9126cbed07915102"
		    "8a8c7948691e0c505848d53de45c5217" },
	};
	struct shelf *s = shelf_new();
	uint8_t root[DIGEST_LEN];
	char hex[DIGEST_HEX + 1];
	uint32_t depth;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(pins); i++) {
		write_tree(s, pins[i].kind, 0, 5000, 1, root, &depth);
		digest_hexz(root, hex);
		assert_string_equal(hex, pins[i].root);
		assert_int_equal(depth, 3);
	}
	shelf_free(s);
}

static void
test_put_fails(void **state)
{
	struct shelf *s = shelf_new();
	struct tree_writer t;
	struct err e = { 0 };
	uint8_t id[DIGEST_LEN], root[DIGEST_LEN];
	uint32_t depth;
	char label[64];
	size_t i, len;
	int rc = 0;

	(void)state;
	s->left = 3;
	tree_writer_init(&t, TREE_LIST, put, s);
	for (i = 0; i < 10000 && rc == 0; i++) {
		len = make_leaf(TREE_LIST, i, id, label);
		rc = tree_writer_add(&t, id, label, len, &e);
	}
	check_failed(rc, &e, ERR_BUSY);
	tree_writer_fini(&t);
	s->left = 0;
	tree_writer_init(&t, TREE_LIST, put, s);
	assert_int_equal(tree_writer_add(&t, id, label, len, &e), 0);
	check_failed(tree_writer_finish(&t, 1, root, &depth, &e), &e,
	    ERR_BUSY);
	tree_writer_fini(&t);
	shelf_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_node_bounds),
		cmocka_unit_test(test_stable),
		cmocka_unit_test(test_pinned),
		cmocka_unit_test(test_put_fails),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
