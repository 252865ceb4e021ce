#include "base/buf.h"
#include "imgxfer/importextra.h"
#include "tests/unit/unit.h"

/*
 * The archive beside a bundle, as it is read while a node waits: somebody
 * hears of us at all times, but not amid a file.
 */
#define BIG ((size_t)24 << 20)

struct memory {
	struct buf bytes;
	size_t at;
};

static ssize_t
memory_read(void *arg, void *p, size_t len, struct err *e)
{
	struct memory *m = arg;

	(void)e;
	if (len > m->bytes.len - m->at)
		len = m->bytes.len - m->at;
	if (len > 0)
		memcpy(p, m->bytes.data + m->at, len);
	m->at += len;
	return ((ssize_t)len);
}

struct heard {
	int within, amid, times, files, fails;
	uint64_t take;		/* read files of that size */
	size_t read;
};

static int
heed(void *arg, struct err *e)
{
	struct heard *h = arg;

	h->amid |= h->within;
	h->times++;
	return (h->fails ? err_set(e, ERR_FAILED, "connection lost") : 0);
}

static int
take(void *arg, const char *path, unsigned mode, const struct source *from,
    uint64_t bytes, struct err *e)
{
	static uint8_t piece[65536];
	struct heard *h = arg;
	ssize_t n = 0;

	(void)path;
	(void)mode;
	h->files++;
	if (bytes != h->take)
		return (0);
	h->within = 1;
	while ((n = from->read(from->arg, piece, sizeof(piece), e)) > 0)
		h->read += (size_t)n;
	h->within = 0;
	return (n == 0 ? 0 : -1);
}

/* Two small files, with a large one between them. */
static void
make_archive(struct memory *m)
{
	const char *dir = scratch_begin();
	struct rng rng = { 5 };
	char cmd[900];
	uint8_t *p = malloc(BIG);
	FILE *f;
	size_t n;

	snprintf(cmd, sizeof(cmd), "cd '%s' && echo a >a && echo c >c", dir);
	assert_int_equal(shell(cmd), 0);
	snprintf(cmd, sizeof(cmd), "%s/b", dir);
	assert_non_null(p);
	rng_fill(&rng, p, BIG);
	f = fopen(cmd, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, BIG, f), BIG);
	assert_int_equal(fclose(f), 0);
	free(p);
	snprintf(cmd, sizeof(cmd), "cd '%s' && tar -cf - a b c | zstd -q "
	    "-1 -o x", dir);
	assert_int_equal(shell(cmd), 0);
	snprintf(cmd, sizeof(cmd), "%s/x", dir);
	f = fopen(cmd, "r");
	assert_non_null(f);
	do {
		n = fread(buf_reserve(&m->bytes, 65536), 1, 65536, f);
		buf_advance(&m->bytes, n);
	} while (n > 0);
	fclose(f);
	scratch_end(dir);
}

static void
passed_over(void **state)
{
	struct memory m = { BUF_INIT, 0 };
	const struct source s = { "memory", memory_read, &m };
	struct heard h = { .take = 2 };
	struct err e = { 0 };

	(void)state;
	need("zstd");
	make_archive(&m);
	assert_int_equal(importextra_each(&s, take, heed, &h, &e), 0);
	assert_int_equal(h.files, 3);
	assert_int_equal(h.read, 4);
	/* all the way through the large one */
	assert_true(h.times >= 24);
	assert_int_equal(h.amid, 0);
	buf_fini(&m.bytes);
}

static void
not_amid(void **state)
{
	struct memory m = { BUF_INIT, 0 };
	const struct source s = { "memory", memory_read, &m };
	struct heard h = { .take = BIG };
	struct err e = { 0 };

	(void)state;
	need("zstd");
	make_archive(&m);
	assert_int_equal(importextra_each(&s, take, heed, &h, &e), 0);
	assert_int_equal(h.read, BIG);
	assert_int_equal(h.amid, 0);
	assert_true(h.times < 24);
	/* nobody need be heard of */
	m.at = 0;
	assert_int_equal(importextra_each(&s, take, NULL, &h, &e), 0);
	/* who cannot be heard of need not go on */
	m.at = 0;
	h.fails = 1;
	check_failed(importextra_each(&s, take, heed, &h, &e), &e,
	    ERR_FAILED);
	buf_fini(&m.bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passed_over),
		cmocka_unit_test(not_amid),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
