#include "remote/node/nodefstext.h"
#include "tests/unit/unit.h"

#define HEX "00ff000000000000000000000000000000000000000000000000000000000001"

static struct nodefstext
good(const char *line)
{
	struct nodefstext t;
	struct err e = { 0 };

	if (nodefstext_decode(&t, line, strlen(line), &e) == -1)
		fail_msg("\"%s\" refused: %s", line, e.msg);
	return (t);
}

static void
test_good(void **state)
{
	struct nodefstext t;

	(void)state;
	t = good("stat f 1 5000000000 4096 65024 12 2541 0 7 3 1700000000 "
	    "-5 11 0");
	assert_int_equal(t.kind, NODEFSTEXT_STAT);
	assert_int_equal(t.st.what, OSFS_FILE);
	assert_int_equal(t.st.is_link, 1);
	assert_int_equal(t.st.size, 5000000000);
	assert_int_equal(t.st.blocks, 4096);
	assert_int_equal(t.st.dev, 65024);
	assert_int_equal(t.st.ino, 12);
	assert_int_equal(t.st.mode, 04755);
	assert_int_equal(t.st.gid, 7);
	assert_int_equal(t.st.nlink, 3);
	assert_int_equal(t.st.mtime, 1700000000);
	assert_int_equal(t.st.ctime, -5);
	assert_int_equal(t.bytes, 11);
	t = good("stat x 0 0 0 0 0 0 0 0 0 0 0 3 20");
	assert_int_equal(t.st.what, OSFS_LOST);
	assert_int_equal(t.more, 20);
	t = good("data 67108864");
	assert_int_equal(t.kind, NODEFSTEXT_DATA);
	assert_int_equal(t.bytes, NODEFS_READ_MAX);
	t = good("hash 12 " HEX);
	assert_int_equal(t.kind, NODEFSTEXT_HASH);
	assert_int_equal(t.size, 12);
	assert_int_equal(t.digest[1], 0xff);
	assert_int_equal(t.digest[31], 1);
	t = good("room 9 100 200 1");
	assert_int_equal(t.kind, NODEFSTEXT_ROOM);
	assert_int_equal(t.room.dev, 9);
	assert_int_equal(t.room.free_bytes, 100);
	assert_int_equal(t.room.total_bytes, 200);
	assert_int_equal(t.room.readonly, 1);
	assert_int_equal(good("none 7").kind, NODEFSTEXT_NONE);
	assert_int_equal(good("long 0").kind, NODEFSTEXT_LONG);
	assert_int_equal(good("wait 0").kind, NODEFSTEXT_WAIT);
}

static const char long_hash[] = "hash 12 " HEX "0";
static const char no_size[] = "hash " HEX;

static void
test_bad(void **state)
{
	static const char *const lines[] = {
		"", "stat", "data", "data ", "data 1 ", "data -1", "data 01",
		"data 67108865", "data 99999999999999999999", "none 4097",
		"long 1", "wait 1", "hash 12", long_hash,
		no_size, "room 1 2 3",
		"room 1 2 3 2",
		"stat z 0 0 0 0 0 0 0 0 0 0 0 0 0",
		"stat f 2 0 0 0 0 0 0 0 0 0 0 0 0",
		"stat f 0 0 0 0 0 4294967296 0 0 0 0 0 0 0",
		"stat f 0 0 0 0 0 0 0 0 0 0 0 1048577 0",
		"stat f 0 0 0 0 0 0 0 0 0 0 0 0 4097",
		"stat f 0 0 0 0 0 0 0 0 0 0 0 0 0 0",
		"stat f 0 0 0 0 0 0 0 0 0 0 0 0",
		"xcatvault-files 1", "Last login: never",
	};
	struct nodefstext t;
	struct err e = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(lines); i++)
		check_failed(nodefstext_decode(&t, lines[i],
		    strlen(lines[i]), &e), &e, ERR_FAILED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
	};

	return (cmocka_run_group_tests_name("nodefstext", tests, NULL,
	    NULL));
}
