#include "formats/gnutar.h"
#include "tests/unit/unit.h"

/* Archives as GNU tar's default format has them, read by GNU tar. */

static void
add(struct buf *b, const struct gnutar_member *m, const void *data)
{
	struct err e = { 0 };

	assert_int_equal(gnutar_encode(b, m, &e), 0);
	if (m->size > 0)
		buf_append(b, data, m->size);
	while (b->len % 512 != 0)
		buf_putc(b, '\0');
}

static void
save(const char *dir, const struct buf *b)
{
	char path[400];
	FILE *f;

	snprintf(path, sizeof(path), "%s/a.tar", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(b->data, 1, b->len, f), b->len);
	assert_int_equal(fclose(f), 0);
}

static void
test_listed(void **state)
{
	const char *dir = scratch_begin();
	struct gnutar_member m = { .name = "./", .is_dir = 1, .mode = 0700,
		.mtime = 1700000000 };
	struct buf b = BUF_INIT;
	char name[301], cmd[1200];
	size_t i;

	(void)state;
	need("tar");
	add(&b, &m, NULL);
	m.is_dir = 0;
	m.mode = 04755;
	m.size = 3;
	for (i = 0; i < 3; i++) {
		/* 99, 100, 101 bytes, and many */
		memset(name, 'n', sizeof(name));
		name[99 + i] = '\0';
		m.name = name;
		add(&b, &m, "abc");
	}
	memset(name, 'm', 300);
	name[300] = '\0';
	add(&b, &m, "xyz");
	gnutar_encode_end(&b, b.len);
	assert_int_equal(b.len % 10240, 0);
	save(dir, &b);
	snprintf(cmd, sizeof(cmd), "cd %s && export TZ=UTC LC_ALL=C && "
	    "tar -tvf a.tar >list && test $(wc -l <list) -eq 5 && "
	    "head -n 1 list | grep -q '^drwx------ root/root  *0 "
	    "2023-11-14 22:13 \\./$' && test $(grep -c '^-rwsr-xr-x "
	    "root/root  *3 ' list) -eq 4 && grep -Eq ' n{99}$' list && "
	    "grep -Eq ' n{101}$' list && grep -Eq ' m{300}$' list && "
	    "test \"$(tar -xOf a.tar %s)\" = xyz", dir, name);
	assert_int_equal(shell(cmd), 0);
	buf_fini(&b);
	scratch_end(dir);
}

/* 8 GiB and more do not fit octal digits. */
static void
test_large(void **state)
{
	const struct gnutar_member m = { .name = "large", .mode = 0644,
		.size = (uint64_t)10 << 30 };
	const char *dir = scratch_begin();
	struct err e = { 0 };
	struct buf b = BUF_INIT;
	char cmd[700];

	(void)state;
	need("tar");
	assert_int_equal(gnutar_encode(&b, &m, &e), 0);
	save(dir, &b);
	snprintf(cmd, sizeof(cmd), "cd %s && truncate -s 10737419264 a.tar "
	    "&& tar -tvf a.tar | grep -q ' 10737418240 .* large$'", dir);
	assert_int_equal(shell(cmd), 0);
	buf_fini(&b);
	scratch_end(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listed),
		cmocka_unit_test(test_large),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
