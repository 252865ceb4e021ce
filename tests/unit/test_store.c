#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "vault/store.h"

#define NAME "packs/ab/" "00000000000000000000000000000000" \
    "00000000000000000000000000000000.pack"

/* A new store in a new folder. */
static struct store *
begin(const char **dir, char path[300])
{
	struct err e = { 0 };
	struct store *s;

	*dir = scratch_begin();
	snprintf(path, 300, "%s/v/w", *dir);
	s = store_create(path, &e);
	if (s == NULL)
		fail_msg("%s", e.msg);
	return (s);
}

static void
end(struct store *s, const char *dir)
{
	store_close(s);
	scratch_end(dir);
}

static void
test_create(void **state)
{
	char path[300], file[400];
	const char *dir;
	struct err e = { 0 };
	struct store *s = begin(&dir, path);
	struct stat st;

	(void)state;
	assert_string_equal(store_path(s), path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(store_is(s, st.st_dev, st.st_ino), 1);
	assert_int_equal(store_is(s, st.st_dev, st.st_ino + 1), 0);
	/* Again, as after an init that was cut short, but not on a vault. */
	store_close(s);
	assert_non_null(s = store_create(path, &e));
	assert_int_equal(store_put(s, "vault.json", "x", 1, &e), 0);
	assert_null(store_create(path, &e));
	check_failed(-1, &e, ERR_USAGE);
	store_close(s);
	s = store_open(path, &e);
	assert_non_null(s);
	snprintf(file, sizeof(file), "%s/none", path);
	assert_null(store_open(file, &e));
	check_failed(-1, &e, ERR_USAGE);
	assert_int_equal(store_put(s, "file", "x", 1, &e), 0);
	snprintf(file, sizeof(file), "%s/file", path);
	assert_null(store_open(file, &e));
	check_failed(-1, &e, ERR_USAGE);
	assert_null(store_create(file, &e));
	assert_true(e.msg[0] != '\0');
	end(s, dir);
	store_close(NULL);
}

static void
test_small_objects(void **state)
{
	char path[300];
	const char *dir;
	struct store *s = begin(&dir, path);
	struct buf b = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	check_failed(store_get(s, "f", 9, &b, &e), &e, ERR_FAILED);
	assert_int_equal(store_put(s, "f", "one", 3, &e), 0);
	assert_int_equal(store_put(s, "f", "two", 3, &e), 0);
	assert_int_equal(store_get(s, "f", 3, &b, &e), 0);
	assert_string_equal(buf_cstr(&b), "two");
	check_failed(store_get(s, "f", 2, &b, &e), &e, ERR_DAMAGED);
	assert_int_equal(store_remove(s, "f", &e), 0);
	assert_int_equal(store_remove(s, "f", &e), 0);
	check_failed(store_get(s, "f", 9, &b, &e), &e, ERR_FAILED);
	check_failed(store_remove(s, "packs", &e), &e, ERR_FAILED);
	assert_int_equal(store_mkdir(s, "snapshots/a", &e), 0);
	assert_int_equal(store_mkdir(s, "snapshots/a", &e), 0);
	assert_int_equal(store_put(s, "snapshots/a/f", "x", 1, &e), 0);
	check_failed(store_mkdir(s, "snapshots/a/f", &e), &e, ERR_FAILED);
	buf_fini(&b);
	end(s, dir);
}

struct seen {
	char names[200];
	uint64_t bytes;
	size_t left;		/* until the callback fails */
};

static int
see(void *arg, const char *name, uint64_t bytes, struct err *e)
{
	struct seen *seen = arg;
	size_t n = strlen(seen->names);

	if (seen->left-- == 0)
		return (err_set(e, ERR_BUSY, "enough"));
	snprintf(seen->names + n, sizeof(seen->names) - n, "%s ", name);
	seen->bytes += bytes;
	return (0);
}

static void
test_list(void **state)
{
	static const char *const names[] = { "b", "a", "B", "10", "9", ".h" };
	char path[300], link[400];
	const char *dir;
	struct store *s = begin(&dir, path);
	struct err e = { 0 };
	struct seen seen = { "", 0, 99 }, dirs = { "", 0, 99 };
	struct seen few = { "", 0, 2 }, none = { "", 0, 99 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(names); i++) {
		snprintf(link, sizeof(link), "damaged/%s", names[i]);
		assert_int_equal(store_put(s, link, "1234", i, &e), 0);
	}
	assert_int_equal(store_mkdir(s, "damaged/dir", &e), 0);
	snprintf(link, sizeof(link), "%s/damaged/link", path);
	assert_int_equal(symlink("a", link), 0);
	assert_int_equal(store_list(s, "damaged", 0, see, &seen, &e), 0);
	assert_string_equal(seen.names, "10 9 B a b ");
	assert_int_equal(seen.bytes, 0 + 1 + 2 + 3 + 4);
	assert_int_equal(store_list(s, "damaged", 1, see, &dirs, &e), 0);
	assert_string_equal(dirs.names, "dir ");
	memset(&dirs, 0, sizeof(dirs));
	dirs.left = 9;
	assert_int_equal(store_mkdir(s, "packs/lost+found", &e), 0);
	assert_int_equal(store_put(s, "packs/lost+found/x", "1", 1, &e), 0);
	assert_int_equal(store_mkdir(s, "packs/bb", &e), 0);
	assert_int_equal(store_mkdir(s, "packs/aa", &e), 0);
	assert_int_equal(store_put(s, "packs/bb/x", "1", 1, &e), 0);
	assert_int_equal(store_put(s, "packs/aa/y", "12", 2, &e), 0);
	assert_int_equal(store_list_below(s, "packs", see, &dirs, &e), 0);
	assert_string_equal(dirs.names, "aa/y bb/x ");
	assert_int_equal(dirs.bytes, 3);
	check_failed(store_list(s, "damaged", 0, see, &few, &e), &e,
	    ERR_BUSY);
	assert_string_equal(few.names, "10 9 ");
	assert_int_equal(store_list(s, "nowhere", 0, see, &none, &e), 0);
	assert_string_equal(none.names, "");
	end(s, dir);
}

static void
test_large_objects(void **state)
{
	char path[300];
	const char *dir;
	struct store *s = begin(&dir, path);
	struct store_out *o;
	struct store_in *in;
	struct err e = { 0 };
	uint8_t got[10];

	(void)state;
	assert_non_null(o = store_out_new(s, &e));
	assert_int_equal(store_out_write(o, "01234", 5, &e), 0);
	assert_int_equal(store_out_write(o, "56789", 5, &e), 0);
	assert_int_equal(store_out_bytes(o), 10);
	assert_null(store_in_open(s, NAME, &e));
	assert_int_equal(store_out_commit(o, NAME, &e), 0);
	assert_int_equal(store_sync(s, &e), 0);
	assert_int_equal(store_sync(s, &e), 0);
	assert_non_null(in = store_in_open(s, NAME, &e));
	assert_int_equal(store_in_bytes(in), 10);
	assert_int_equal(store_in_read(in, got, 4, 3, &e), 0);
	assert_memory_equal(got, "3456", 4);
	assert_int_equal(store_in_read(in, got, 10, 0, &e), 0);
	assert_int_equal(store_in_read(in, got, 0, 10, &e), 0);
	check_failed(store_in_read(in, got, 4, 7, &e), &e, ERR_DAMAGED);
	check_failed(store_in_read(in, got, 1, 100, &e), &e, ERR_DAMAGED);
	store_in_close(in);
	store_in_close(NULL);
	end(s, dir);
}

/* How many files lie in tmp/. */
static size_t
unfinished(struct store *s)
{
	struct seen seen = { "", 0, 99 };
	struct err e = { 0 };

	assert_int_equal(store_list(s, "tmp", 0, see, &seen, &e), 0);
	return (99 - seen.left);
}

/* Nothing of an object that was given up, or has a bad name, is left. */
static void
test_abort(void **state)
{
	char path[300];
	const char *dir;
	struct store *s = begin(&dir, path);
	struct store_out *o, *other;
	struct err e = { 0 };

	(void)state;
	assert_non_null(o = store_out_new(s, &e));
	assert_non_null(other = store_out_new(s, &e));
	assert_int_equal(unfinished(s), 2);
	assert_int_equal(store_out_write(o, "x", 1, &e), 0);
	store_out_abort(o);
	store_out_abort(NULL);
	assert_int_equal(unfinished(s), 1);
	check_failed(store_out_commit(other, "elsewhere/x", &e), &e,
	    ERR_FAILED);
	assert_int_equal(unfinished(s), 0);
	end(s, dir);
}

/* Cleaning takes what the dead left, not what the living write. */
static void
test_clean(void **state)
{
	char path[300];
	const char *dir;
	struct store *s = begin(&dir, path);
	struct store_out *o;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(store_put(s, "tmp/1-0.pack", "x", 1, &e), 0);
	assert_non_null(o = store_out_new(s, &e));
	assert_int_equal(store_out_write(o, "mine", 4, &e), 0);
	assert_int_equal(unfinished(s), 2);
	store_clean(s);
	assert_int_equal(unfinished(s), 1);
	assert_int_equal(store_out_commit(o, NAME, &e), 0);
	assert_int_equal(unfinished(s), 0);
	end(s, dir);
}

/*
 * Two that know nothing of each other, as in two containers where both have
 * the same number: neither takes the other's file for its own.
 */
static void
test_two_writers(void **state)
{
	static const char other_name[] = "packs/cd/" "00000000000000000000"
	    "00000000000000000000000000000000000000000000.pack";
	char path[300];
	const char *dir;
	struct store *s = begin(&dir, path), *t;
	struct store_out *o, *other;
	struct store_in *in;
	struct err e = { 0 };
	uint8_t got[5];

	(void)state;
	assert_non_null(t = store_open(path, &e));
	assert_non_null(o = store_out_new(s, &e));
	assert_int_equal(store_out_write(o, "mine!", 5, &e), 0);
	assert_non_null(other = store_out_new(t, &e));
	assert_int_equal(store_out_write(other, "its", 3, &e), 0);
	assert_int_equal(unfinished(s), 2);
	assert_int_equal(store_out_commit(o, NAME, &e), 0);
	assert_int_equal(store_out_commit(other, other_name, &e), 0);
	assert_non_null(in = store_in_open(t, NAME, &e));
	assert_int_equal(store_in_bytes(in), 5);
	assert_int_equal(store_in_read(in, got, 5, 0, &e), 0);
	assert_memory_equal(got, "mine!", 5);
	store_in_close(in);
	store_close(t);
	end(s, dir);
}

static void
test_locks(void **state)
{
	char path[300];
	const char *dir;
	struct store *s = begin(&dir, path);
	struct store_lock *a, *b;
	struct err e = { 0 };

	(void)state;
	assert_non_null(a = store_lock(s, "x", 1, &e));
	assert_null(store_lock(s, "x", 1, &e));
	check_failed(-1, &e, ERR_BUSY);
	assert_null(store_lock(s, "x", 0, &e));
	check_failed(-1, &e, ERR_BUSY);
	assert_non_null(b = store_lock(s, "y", 1, &e));
	store_unlock(b);
	store_unlock(a);
	store_unlock(NULL);
	assert_non_null(a = store_lock(s, "x", 0, &e));
	assert_non_null(b = store_lock(s, "x", 0, &e));
	assert_null(store_lock(s, "x", 1, &e));
	check_failed(-1, &e, ERR_BUSY);
	store_unlock(a);
	store_unlock(b);
	assert_non_null(a = store_lock(s, "x", 1, &e));
	store_unlock(a);
	end(s, dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_small_objects),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_large_objects),
		cmocka_unit_test(test_abort),
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_two_writers),
		cmocka_unit_test(test_locks),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
