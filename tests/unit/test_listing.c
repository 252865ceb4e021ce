#include <sys/stat.h>

#include "base/buf.h"
#include "formats/pathtext.h"
#include "remote/node/listing.h"
#include "tests/unit/unit.h"

/*
 * What GNU find prints, brought into catalog order: random trees in any
 * order and in pieces of any size, more entries than fit into memory, real
 * output of find, and output that is none.
 */
static const struct walk_options no_excludes;

static void
put_line(struct buf *b, const char *path, size_t len, size_t size)
{
	buf_printf(b, "f 644 1000 1001 %zu 1 %zu 2049 1700000000.1234567890 "
	    "-5.0000000000 ./", size + 7, size);
	buf_append(b, path, len);
	buf_putc(b, '\0');
}

/* Bytes that come before and after "/", newlines, and what is no ASCII. */
static size_t
random_path(struct rng *r, char *p)
{
	static const char bytes[] = "ab-. /\n\\\001\377\351!0~#";
	size_t n = 1 + rng_below(r, 24), i;

	for (i = 0; i < n; i++) {
		p[i] = bytes[rng_below(r, sizeof(bytes) - 1)];
		if (p[i] == '/' && (i == 0 || i + 1 == n || p[i - 1] == '/'))
			p[i] = 'a';
	}
	/* "." and ".." are no names */
	for (i = 0; i < n; i++)
		if (p[i] == '.' && (i + 1 == n || p[i + 1] == '/') &&
		    (i == 0 || p[i - 1] == '/' || p[i - 1] == '.'))
			p[i] = 'z';
	return (n);
}

static int
feed_pieces(struct listing *l, const struct buf *b, struct rng *r,
    size_t most, struct err *e)
{
	size_t at = 0, n;
	uint8_t *p;

	while (at < b->len) {
		n = 1 + rng_below(r, most);
		if (n > b->len - at)
			n = b->len - at;
		/* of just that length, so that a read beyond shows */
		p = malloc(n);
		memcpy(p, b->data + at, n);
		if (listing_feed(l, p, n, e) == -1) {
			free(p);
			return (-1);
		}
		free(p);
		at += n;
	}
	return (0);
}

/* Entries come in order, as many as there are; a sum of their sizes. */
static uint64_t
check_order(struct listing *l, size_t want)
{
	struct walk_entry we;
	struct buf last = BUF_INIT, text = BUF_INIT;
	struct err e = { 0 };
	uint64_t sum = 0;
	size_t n = 0, len;
	int rc;

	while ((rc = listing_next(l, &we, &e)) == 1) {
		len = strlen(we.name);
		assert_memory_equal(we.name, "./", 2);
		if (n++ > 0)
			assert_true(pathtext_compare_raw(
			    (const char *)last.data, last.len, we.name + 2,
			    len - 2) < 0);
		buf_clear(&last);
		buf_append(&last, we.name + 2, len - 2);
		buf_clear(&text);
		buf_puts(&text, ".");
		buf_puts(&text, "/");
		pathtext_encode(&text, we.name + 2, len - 2);
		assert_int_equal(text.len, we.path.len);
		assert_memory_equal(text.data, we.path.p, text.len);
		assert_null(we.dir);
		assert_int_equal(we.st->ino, we.st->size + 7);
		sum += we.st->size;
	}
	assert_int_equal(rc, 0);
	assert_int_equal(listing_next(l, &we, &e), 0);
	assert_int_equal(n, want);
	buf_fini(&last);
	buf_fini(&text);
	return (sum);
}

static void
test_order(void **state)
{
	static const size_t pieces[] = { 1, 7, 100, 5000, 1 << 20 };
	struct rng r = { 1 };
	struct err e = { 0 };
	struct listing *l;
	struct buf b = BUF_INIT;
	char path[64];
	uint64_t sum;
	size_t i, k, len;

	(void)state;
	for (k = 0; k < COUNT(pieces); k++) {
		buf_clear(&b);
		sum = 0;
		for (i = 0; i < 3000; i++) {
			len = random_path(&r, path);
			len += (size_t)sprintf(path + len, "%zu", i);
			put_line(&b, path, len, i);
			sum += i;
		}
		l = listing_new(&no_excludes, &e);
		assert_non_null(l);
		assert_int_equal(feed_pieces(l, &b, &r, pieces[k], &e), 0);
		assert_int_equal(listing_finish(l, &e), 0);
		assert_int_equal(listing_count(l), 3000);
		assert_true(check_order(l, 3000) == sum);
		listing_free(l);
	}
	buf_fini(&b);
}

/* Several times LISTING_BYTES. */
static void
test_spill(void **state)
{
	const size_t n = 700000;
	struct rng r = { 2 };
	struct err e = { 0 };
	struct listing *l = listing_new(&no_excludes, &e);
	struct buf b = BUF_INIT;
	char path[300];
	uint64_t sum = 0;
	size_t i, len;

	(void)state;
	for (i = 0; i < n; i++) {
		len = random_path(&r, path);
		if (i % 1000 == 0) {
			memset(path, 'l', 250);
			len = 250;
		}
		len += (size_t)sprintf(path + len, "%zu", i);
		put_line(&b, path, len, i);
		sum += i;
		if (b.len < 1 << 20 && i + 1 < n)
			continue;
		assert_int_equal(listing_feed(l, b.data, b.len, &e), 0);
		buf_clear(&b);
	}
	assert_int_equal(listing_finish(l, &e), 0);
	assert_int_equal(listing_count(l), n);
	assert_true(check_order(l, n) == sum);
	listing_free(l);
	buf_fini(&b);
}

/* Nothing is left of a run that ends in between. */
static void
test_free_early(void **state)
{
	struct rng r = { 3 };
	struct err e = { 0 };
	struct listing *l = listing_new(&no_excludes, &e);
	struct walk_entry we;
	struct buf b = BUF_INIT;
	char path[300];
	size_t i;

	(void)state;
	for (i = 0; i < 300000; i++)
		put_line(&b, path, random_path(&r, path), i);
	assert_int_equal(listing_feed(l, b.data, b.len, &e), 0);
	listing_free(l);
	l = listing_new(&no_excludes, &e);
	assert_int_equal(listing_feed(l, b.data, b.len, &e), 0);
	assert_int_equal(listing_finish(l, &e), 0);
	assert_int_equal(listing_next(l, &we, &e), 1);
	listing_free(l);
	listing_free(NULL);
	buf_fini(&b);
}

static void
test_fields(void **state)
{
	static const char text[] =
	    "d 1777 0 4294967295 18446744073709551615 3 4096 64769 "
	    "-1.5000000000 4102444800.0000000010 .\0"
	    "b 60 5 6 7 8 0 9 0.0000000000 1.9999999990 ./dev\0"
	    "l 777 1 1 1 1 12 1 1.0000000000 1.0000000000 ./l\n\0"
	    "s 755 1 1 1 1 0 1 1.000000000 1.0000000000 ./s";
	static const mode_t modes[] = { S_IFDIR | 01777, S_IFBLK | 060,
	    S_IFLNK | 0777, S_IFSOCK | 0755 };
	static const char *const names[] = { ".", "./dev", "./l\n", "./s" };
	static const char *const paths[] = { ".", "./dev", "./l\\012", "./s" };
	struct err e = { 0 };
	struct listing *l = listing_new(&no_excludes, &e);
	struct walk_entry we;
	size_t i;

	(void)state;
	assert_int_equal(listing_feed(l, text, sizeof(text), &e), 0);
	assert_int_equal(listing_finish(l, &e), 0);
	for (i = 0; i < COUNT(names); i++) {
		assert_int_equal(listing_next(l, &we, &e), 1);
		assert_string_equal(we.name, names[i]);
		assert_int_equal(we.path.len, strlen(paths[i]));
		assert_memory_equal(we.path.p, paths[i], we.path.len);
		assert_int_equal(we.st->mode, modes[i]);
		if (i > 0)
			continue;
		assert_true(we.st->gid == UINT32_MAX &&
		    we.st->ino == UINT64_MAX && we.st->nlink == 3);
		assert_true(we.st->size == 4096 && we.st->dev == 64769);
		assert_true(we.st->ctime == 4102444800 &&
		    we.st->ctime_ns == 1);
	}
	assert_int_equal(listing_next(l, &we, &e), 0);
	listing_free(l);
}

/* The times that real files have, as a real find prints them. */
static void
test_real_find(void **state)
{
	const char *dir = scratch_begin();
	struct err e = { 0 };
	struct listing *l = listing_new(&no_excludes, &e);
	struct walk_entry we;
	struct stat st;
	char cmd[2000], path[600], buf[4096];
	size_t n, count = 0;
	FILE *f;

	(void)state;
	snprintf(cmd, sizeof(cmd), "cd %s && mkdir -p a/b a-b 'a b' && "
	    ": >a/x; : >'a b/y'; : >\"$(printf 'n\\nl\\351')\"; "
	    "i=0; for t in -1 -1.5 -0.25 -1000000000.999999999 0 "
	    "0.000000001 1.5 4294967296.1 10000000000.123456789; do "
	    "i=$((i + 1)); touch -d \"@$t\" t$i; done; mkfifo p; "
	    "truncate -s 9000000000 big; ln -s x l; ln a/x a/z; "
	    "LC_ALL=C find . -printf '%s'", dir,
	    LISTING_FORMAT);
	/* NOLINTNEXTLINE(cert-env33-c): a shell makes the tree */
	f = popen(cmd, "r");
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		assert_int_equal(listing_feed(l, buf, n, &e), 0);
	assert_int_equal(pclose(f), 0);
	assert_int_equal(listing_finish(l, &e), 0);
	while (listing_next(l, &we, &e) == 1) {
		snprintf(path, sizeof(path), "%s/%s", dir, we.name);
		assert_int_equal(lstat(path, &st), 0);
		assert_true(we.st->mtime == st.st_mtim.tv_sec);
		assert_int_equal(we.st->mtime_ns, st.st_mtim.tv_nsec);
		assert_true(we.st->ctime == st.st_ctim.tv_sec);
		assert_int_equal(we.st->ctime_ns, st.st_ctim.tv_nsec);
		assert_true(we.st->ino == st.st_ino &&
		    we.st->size == (uint64_t)st.st_size &&
		    we.st->nlink == st.st_nlink && we.st->uid == st.st_uid &&
		    we.st->gid == st.st_gid && we.st->dev == st.st_dev);
		assert_int_equal(we.st->mode, st.st_mode);
		count++;
	}
	assert_int_equal(count, listing_count(l));
	assert_int_equal(count, 1 + 3 + 1 + 4 + 9 + 3);
	listing_free(l);
	scratch_end(dir);
}

static void
test_excludes(void **state)
{
	static const char *const patterns[] = { "*.tmp", "/skip", "d/only" };
	static const struct walk_options opt = { .excludes = patterns,
	    .nexcludes = 3 };
	static const char *const in[] = { "d ./d", "f ./d/only", "f ./d/k",
	    "d ./dir.tmp", "f ./dir.tmp/in", "d ./dir.tmp/sub",
	    "f ./dir.tmp/sub/x", "f ./dir.tmpx", "d ./skip", "f ./skip/a",
	    "f ./skipped", "d ./e", "f ./e/skip", "f ./e/y.tmp" };
	static const char *const out[] = { "./d", "./d/k", "./dir.tmpx",
	    "./e", "./e/skip", "./skipped" };
	struct err e = { 0 };
	struct listing *l = listing_new(&opt, &e);
	struct walk_entry we;
	struct buf b = BUF_INIT;
	struct buf seen = BUF_INIT, want = BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(in); i++) {
		buf_printf(&b, "%c 755 0 0 1 1 0 1 1.000000000 "
		    "1.0000000000 %s", in[i][0], in[i] + 2);
		buf_putc(&b, '\0');
	}
	assert_int_equal(listing_feed(l, b.data, b.len, &e), 0);
	assert_int_equal(listing_finish(l, &e), 0);
	while (listing_next(l, &we, &e) == 1)
		buf_printf(&seen, "%s ", we.name);
	for (i = 0; i < COUNT(out); i++)
		buf_printf(&want, "%s ", out[i]);
	assert_string_equal(buf_cstr(&seen), buf_cstr(&want));
	assert_int_equal(listing_count(l), COUNT(out));
	listing_free(l);
	buf_fini(&seen);
	buf_fini(&want);
	buf_fini(&b);
}

/* A node that prints a path twice gives it once. */
static void
test_twice(void **state)
{
	struct err e = { 0 };
	struct listing *l = listing_new(&no_excludes, &e);
	struct buf b = BUF_INIT;

	(void)state;
	put_line(&b, "b", 1, 1);
	put_line(&b, "a", 1, 2);
	put_line(&b, "b", 1, 1);
	put_line(&b, "b", 1, 1);
	assert_int_equal(listing_feed(l, b.data, b.len, &e), 0);
	assert_int_equal(listing_finish(l, &e), 0);
	assert_true(check_order(l, 2) == 3);
	listing_free(l);
	buf_fini(&b);
}

static void
test_garbage(void **state)
{
#define TIMES " 1.000000000 1.0000000000"
#define REST " 0 0 1 1 0 1" TIMES " ./x"
	static const char *const lines[] = {
		"", "x", "find: unrecognized: -printf", "f", "f ",
		"q 644" REST, "f 8" REST, "f 1234567" REST, "f -1" REST,
		"f 644  0 0 1 1 0 1" TIMES " ./x",
		"f 644 4294967296 0 1 1 0 1" TIMES " ./x",
		"f 644 0 0 18446744073709551616 1 0 1" TIMES " ./x",
		"f 644 0 0 1 1 -1 1" TIMES " ./x",
		"f 644 0 0 1 1 0 1 x 1.000000000 ./x",
		"f 644 0 0 1 1 0 1 1.000000000 ./x",
		"f 644 0 0 1 1 0 1" TIMES " /etc/passwd",
		"f 644 0 0 1 1 0 1" TIMES " x",
		"f 644 0 0 1 1 0 1 1.000000000 1.000000000",
		"f 644 0 0 1 1 0 1" TIMES " ", "f 644 0 0 1 1 0 1" TIMES " ./",
		"f 644 0 0 1 1 0 1" TIMES " ./a/../b",
		"f 644 0 0 1 1 0 1" TIMES " ./..",
		"f 644 0 0 1 1 0 1" TIMES " ./a//b",
		"f 644 0 0 1 1 0 1" TIMES " ./a/",
		"f 644 0 0 1 1 0 1" TIMES " ././a",
		("f 644 0 0 1 1 0 1 99999999999999999999.000000000 "
		    "1.000000000 ./x"),
	};
	struct err e = { 0 };
	struct listing *l;
	char *big = calloc(1, 20000);
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(lines); i++) {
		l = listing_new(&no_excludes, &e);
		if (listing_feed(l, lines[i], strlen(lines[i]) + 1, &e) == 0)
			fail_msg("taken: \"%s\"", lines[i]);
		check_failed(-1, &e, ERR_FAILED);
		listing_free(l);
	}
	/* an end in the middle of an entry */
	l = listing_new(&no_excludes, &e);
	assert_int_equal(listing_feed(l, "f 644" REST, 10, &e), 0);
	check_failed(listing_finish(l, &e), &e, ERR_FAILED);
	listing_free(l);
	/* a record without an end */
	memset(big, 'a', 19999);
	l = listing_new(&no_excludes, &e);
	for (i = 0; i < 10 && listing_feed(l, big, 2000, &e) == 0; i++)
		;
	assert_true(i < 10);
	check_failed(-1, &e, ERR_FAILED);
	listing_free(l);
	free(big);
	/* nothing at all is told by the count */
	l = listing_new(&no_excludes, &e);
	assert_int_equal(listing_finish(l, &e), 0);
	assert_int_equal(listing_count(l), 0);
	listing_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_spill),
		cmocka_unit_test(test_free_early),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_real_find),
		cmocka_unit_test(test_excludes),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_garbage),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
