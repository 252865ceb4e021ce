#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/io.h"
#include "tests/unit/unit.h"
#include "vault/segment.h"

#define PACKS 5
#define BLOBS 300		/* of each pack */

/* Blob k of pack n; every seventh is in all packs. */
static void
make_id(size_t n, size_t k, uint8_t id[DIGEST_LEN])
{
	struct rng r = { k % 7 == 0 ? k : (n + 1) * 100000 + k };

	rng_fill(&r, id, DIGEST_LEN);
}

static void
make_pack(size_t n, struct segment_pack *p)
{
	memset(p->id, (int)n + 1, sizeof(p->id));
	p->bytes = 1000000 + n;
}

/* Three frames of a hundred blobs each. */
static struct segment *
make_segment(size_t n)
{
	struct packindex x = { 0 };
	struct segment_pack pack;
	struct segment *s;
	struct err e = { 0 };
	uint8_t id[DIGEST_LEN];
	uint32_t i;

	x.kind = PACK_CATALOG;
	for (i = 0; i < BLOBS; i++) {
		if (i % 100 == 0)
			assert_int_equal(packindex_add_frame(&x, i * 10,
			    1000 + (uint32_t)n, 100 * 1024, &e), 0);
		make_id(n, i, id);
		assert_int_equal(packindex_add_blob(&x, id, 1 + i, &e), 0);
	}
	make_pack(n, &pack);
	s = segment_new(&pack, &x, &e);
	assert_non_null(s);
	packindex_fini(&x);
	return (s);
}

static void
check_order(const struct segment *s)
{
	size_t i;

	for (i = 1; i < segment_blobs(s); i++)
		assert_true(memcmp(segment_id(s, i - 1), segment_id(s, i),
		    DIGEST_LEN) <= 0);
}

/* Every blob of pack n is found, where it should be. */
static void
check_pack(const struct segment *s, size_t n)
{
	struct segment_pack want, pack;
	struct segment_blob b;
	uint8_t id[DIGEST_LEN];
	size_t pos, i;
	int found;

	make_pack(n, &want);
	for (i = 0; i < BLOBS; i++) {
		make_id(n, i, id);
		pos = segment_find(s, id);
		assert_true(pos < segment_blobs(s));
		if (pos > 0)
			assert_memory_not_equal(segment_id(s, pos - 1), id,
			    DIGEST_LEN);
		for (found = 0; pos < segment_blobs(s) && !found &&
		    memcmp(segment_id(s, pos), id, DIGEST_LEN) == 0; pos++) {
			segment_get(s, pos, &b);
			segment_get_pack(s, b.pack, &pack);
			if (memcmp(pack.id, want.id, DIGEST_LEN) != 0)
				continue;
			found = 1;
			assert_true(pack.bytes == want.bytes);
			assert_int_equal(b.len, 1 + i);
			assert_int_equal(b.stored, 1000 + n);
			assert_true(b.frame_off == i / 100 * 1000);
			assert_int_equal(b.raw, 100 * 1024);
		}
		assert_true(found);
	}
}

static void
test_new(void **state)
{
	struct segment *s = make_segment(0);
	uint8_t id[DIGEST_LEN];
	size_t i;

	(void)state;
	assert_int_equal(segment_ready(s), 0);
	assert_int_equal(segment_kind(s), PACK_CATALOG);
	assert_int_equal(segment_blobs(s), BLOBS);
	assert_int_equal(segment_packs(s), 1);
	check_order(s);
	check_pack(s, 0);
	for (i = 0; i < 1000; i++) {
		make_id(9, 7 * i + 1, id);
		assert_int_equal(segment_find(s, id), BLOBS);
	}
	memset(id, 0, sizeof(id));
	assert_int_equal(segment_find(s, id), BLOBS);
	memset(id, 0xff, sizeof(id));
	assert_int_equal(segment_find(s, id), BLOBS);
	segment_free(s);
	segment_free(NULL);
	segment_discard(NULL);
}

static struct segment *
make_merged(void)
{
	struct segment *segs[PACKS], *s;
	struct err e = { 0 };
	size_t i;

	for (i = 0; i < PACKS; i++)
		segs[i] = make_segment(i);
	s = segment_merge(segs, PACKS, &e);
	assert_non_null(s);
	for (i = 0; i < PACKS; i++) {
		check_pack(segs[i], i);
		segment_free(segs[i]);
	}
	return (s);
}

static void
check_merged(const struct segment *s)
{
	size_t i;

	assert_int_equal(segment_kind(s), PACK_CATALOG);
	assert_int_equal(segment_packs(s), PACKS);
	assert_int_equal(segment_blobs(s), PACKS * BLOBS);
	check_order(s);
	for (i = 0; i < PACKS; i++)
		check_pack(s, i);
}

static void
test_merge(void **state)
{
	struct segment *pair[2], *s;
	struct err e = { 0 };

	(void)state;
	s = make_merged();
	check_merged(s);
	pair[0] = s;
	pair[1] = make_segment(PACKS);
	s = segment_merge(pair, 2, &e);
	assert_non_null(s);
	assert_int_equal(segment_packs(s), PACKS + 1);
	check_pack(s, 2);
	check_pack(s, PACKS);
	segment_free(s);
	segment_free(pair[0]);
	segment_free(pair[1]);
}

/* The one file of a folder; "" when there is none. */
static void
only_file(const char *dir, char name[256])
{
	struct dirent *d;
	DIR *p = opendir(dir);

	assert_non_null(p);
	name[0] = '\0';
	while ((d = readdir(p)) != NULL) {
		if (d->d_name[0] == '.')
			continue;
		assert_string_equal(name, "");
		snprintf(name, 256, "%s", d->d_name);
	}
	closedir(p);
}

static void
test_save_and_load(void **state)
{
	const char *dir = scratch_begin();
	struct segment *s = make_merged();
	char name[256];

	(void)state;
	segment_save(s, NULL);
	segment_save(s, "/dev/null/no");
	check_merged(s);
	segment_save(s, dir);
	check_merged(s);
	segment_free(s);
	only_file(dir, name);
	assert_non_null(s = segment_load(dir, name));
	assert_int_equal(segment_packs(s), PACKS);
	assert_int_equal(segment_ready(s), 0);
	check_merged(s);
	segment_free(s);
	assert_non_null(s = segment_load(dir, name));
	segment_discard(s);
	only_file(dir, name);
	assert_string_equal(name, "");
	assert_null(segment_load(dir, "none"));
	scratch_end(dir);
}

/* With any byte changed, or the end cut off, a file proves nothing. */
static void
test_damage(void **state)
{
	const char *dir = scratch_begin();
	struct segment *s = make_segment(0);
	struct buf b = BUF_INIT;
	struct rng r = { 71 };
	struct err e = { 0 };
	char name[256];
	size_t i, at, len;
	int fd;

	(void)state;
	segment_save(s, dir);
	segment_free(s);
	only_file(dir, name);
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	assert_true(fd >= 0);
	assert_int_equal(io_load(fd, name, 1 << 20, &b, &e), 0);
	for (i = 0; i < 600; i++) {
		at = i < 200 ? i : rng_below(&r, b.len);
		len = i < 500 ? b.len : at;
		b.data[at] ^= 0x40;
		assert_int_equal(io_save(fd, "f", b.data, len, &e), 0);
		b.data[at] ^= 0x40;
		if ((s = segment_load(dir, "f")) != NULL) {
			assert_int_equal(segment_ready(s), -1);
			segment_discard(s);
		}
	}
	close(fd);
	buf_fini(&b);
	scratch_end(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_save_and_load),
		cmocka_unit_test(test_damage),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
