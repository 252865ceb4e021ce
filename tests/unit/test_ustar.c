#include <fcntl.h>
#include <unistd.h>

#include "base/io.h"
#include "formats/ustar.h"
#include "tests/unit/unit.h"

static void
put(int fd, const void *p, size_t len)
{
	assert_int_equal(io_write(fd, p, len), 0);
}

/* Header, bytes and padding of a member numbered n, as packs have them. */
static void
put_member(int fd, uint32_t n, const void *p, size_t len)
{
	static const uint8_t zero[USTAR_BLOCK];
	uint8_t h[USTAR_BLOCK];

	ustar_encode_number(h, n, len);
	put(fd, h, sizeof(h));
	put(fd, p, len);
	put(fd, zero, USTAR_PADDED(len) - len);
}

/* A pack's archive: numbers, INDEX, two blocks of zeros. */
static void
write_archive(const char *dir)
{
	static const uint8_t zero[2 * USTAR_BLOCK];
	uint8_t h[USTAR_BLOCK], data[1000];
	struct rng r = { 1 };
	char path[300];
	size_t i;
	int fd;

	snprintf(path, sizeof(path), "%s/a.tar", dir);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	rng_fill(&r, data, sizeof(data));
	for (i = 0; i < 12; i++)
		put_member(fd, (uint32_t)i, data, i * 90);
	put_member(fd, 70000, data, 512);
	ustar_encode(h, "INDEX", 6);
	put(fd, h, sizeof(h));
	put(fd, "hello\n", 6);
	put(fd, zero, USTAR_PADDED(6) - 6);
	put(fd, zero, sizeof(zero));
	close(fd);
}

static void
check_command(const char *dir, const char *command)
{
	char cmd[1000];

	snprintf(cmd, sizeof(cmd), "cd '%s' && { %s; } >out 2>err && "
	    "test ! -s err", dir, command);
	assert_int_equal(shell(cmd), 0);
}

/* tar takes the archive without a word, and gives the bytes back. */
static void
test_tar_reads_it(void **state)
{
	const char *dir;

	(void)state;
	need("tar");
	dir = scratch_begin();
	write_archive(dir);
	check_command(dir, "tar -tf a.tar >list; "
	    "{ seq 0 11; echo 70000; echo INDEX; } | cmp - list");
	check_command(dir, "tar -xf a.tar && test \"$(cat INDEX)\" = hello");
	check_command(dir, "for i in $(seq 0 11); do "
	    "test $(stat -c %s $i) = $((i * 90)) || exit 1; done");
	check_command(dir, "test $(stat -c %s 70000) = 512 && "
	    "cmp -n 512 70000 11");
	check_command(dir, "test $(stat -c %a%Y 5) = 6000");
	check_command(dir, "tar --version | grep -q GNU || exit 0; "
	    "tar -tvf a.tar | grep -q '^-rw------- 0/0  *6 1970-01-0'");
	scratch_end(dir);
}

static void
check_round_trip(const char *name, uint64_t size)
{
	uint8_t h[USTAR_BLOCK];
	struct err e = { 0 };
	char got[101];
	uint64_t n = 1;

	memset(h, 0xee, sizeof(h));
	ustar_encode(h, name, size);
	assert_int_equal(ustar_decode(h, got, &n, &e), 0);
	assert_string_equal(got, name);
	assert_true(n == size);
}

static void
test_round_trip(void **state)
{
	char name[120];

	(void)state;
	check_round_trip("0", 0);
	check_round_trip("INDEX", 1);
	check_round_trip("a b", 511);
	check_round_trip("x", ((uint64_t)8 << 30) - 1);
	memset(name, 'n', sizeof(name));
	name[99] = '\0';
	check_round_trip(name, 8 << 20);
}

static void
test_numbers(void **state)
{
	static const uint32_t numbers[] = {
		0, 1, 9, 10, 99, 100, 65535, 1000000, 4294967295
	};
	uint8_t a[USTAR_BLOCK], b[USTAR_BLOCK];
	char name[16];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(numbers); i++) {
		snprintf(name, sizeof(name), "%u", numbers[i]);
		ustar_encode(a, name, i);
		ustar_encode_number(b, numbers[i], i);
		assert_memory_equal(a, b, sizeof(a));
	}
}

/* The bytes themselves: mode 0600, owner 0, time 0, a regular file. */
static void
test_fields(void **state)
{
	uint8_t h[USTAR_BLOCK];

	(void)state;
	ustar_encode(h, "7", 01234567);
	assert_memory_equal(h, "7\0", 2);
	assert_memory_equal(h + 100, "0000600", 8);
	assert_memory_equal(h + 108, "0000000", 8);
	assert_memory_equal(h + 116, "0000000", 8);
	assert_memory_equal(h + 124, "00001234567", 12);
	assert_memory_equal(h + 136, "00000000000", 12);
	assert_int_equal(h[154], '\0');
	assert_int_equal(h[155], ' ');
	assert_int_equal(h[156], '0');
	assert_memory_equal(h + 257, "ustar\00000", 8);
	assert_int_equal(h[511], 0);
}

static void
test_padding(void **state)
{
	(void)state;
	assert_int_equal(USTAR_PADDED(0), 0);
	assert_int_equal(USTAR_PADDED(1), 512);
	assert_int_equal(USTAR_PADDED(512), 512);
	assert_int_equal(USTAR_PADDED(513), 1024);
	assert_int_equal(USTAR_PADDED((uint32_t)8 << 20), 8 << 20);
}

/* Any changed byte is noticed: the checksum covers all of the header. */
static void
test_damage(void **state)
{
	uint8_t h[USTAR_BLOCK];
	struct err e = { 0 };
	char name[101];
	uint64_t size;
	size_t i;

	(void)state;
	ustar_encode(h, "INDEX", 1000);
	for (i = 0; i < USTAR_BLOCK; i++) {
		if (i == 154 || i == 155)
			continue;	/* what ends the checksum */
		h[i] ^= 1;
		check_failed(ustar_decode(h, name, &size, &e), &e,
		    ERR_DAMAGED);
		h[i] ^= 1;
	}
	assert_int_equal(ustar_decode(h, name, &size, &e), 0);
	memset(h, 0, sizeof(h));
	check_failed(ustar_decode(h, name, &size, &e), &e, ERR_DAMAGED);
	memset(h, 0xff, sizeof(h));
	check_failed(ustar_decode(h, name, &size, &e), &e, ERR_DAMAGED);
}

/* Put the right checksum on a header that a test has changed. */
static void
seal(uint8_t h[USTAR_BLOCK])
{
	unsigned sum = 0;
	size_t i;

	memset(h + 148, ' ', 8);
	for (i = 0; i < USTAR_BLOCK; i++)
		sum += h[i];
	snprintf((char *)h + 148, 7, "%06o", sum);
}

static void
check_size(const char *field, int ok, uint64_t want)
{
	uint8_t h[USTAR_BLOCK];
	struct err e = { 0 };
	char name[101];
	uint64_t size;

	ustar_encode(h, "f", 0);
	memcpy(h + 124, field, 12);
	seal(h);
	if (!ok) {
		check_failed(ustar_decode(h, name, &size, &e), &e,
		    ERR_DAMAGED);
		return;
	}
	assert_int_equal(ustar_decode(h, name, &size, &e), 0);
	assert_true(size == want);
}

static void
test_sizes(void **state)
{
	(void)state;
	check_size("00000000010\0", 1, 8);
	check_size("10\0 garbage ", 1, 8);
	check_size("00000000010 ", 1, 8);
	check_size("777777777777", 1, ((uint64_t)1 << 36) - 1);
	check_size("            ", 0, 0);
	check_size("\0\0\0\0\0\0\0\0\0\0\0\0", 0, 0);
	check_size("0000000001x\0", 0, 0);
	check_size("00000000018\0", 0, 0);
	check_size("-0000000010\0", 0, 0);
	check_size("\x80\0\0\0\0\0\0\0\0\0\0\x10", 0, 0);
}

/* A name that fills its field has no NUL of its own. */
static void
test_full_name(void **state)
{
	uint8_t h[USTAR_BLOCK];
	struct err e = { 0 };
	char name[101], want[101];
	uint64_t size;

	(void)state;
	ustar_encode(h, "f", 5);
	memset(h, 'n', 100);
	seal(h);
	memset(want, 'n', 100);
	want[100] = '\0';
	assert_int_equal(ustar_decode(h, name, &size, &e), 0);
	assert_string_equal(name, want);
	assert_int_equal(size, 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tar_reads_it),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_full_name),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
