#include <fcntl.h>
#include <unistd.h>

#include "base/io.h"
#include "imgxfer/sidecar.h"
#include "tests/unit/unit.h"

/* The sidecar of a bundle: what is written is what is read. */
static void
fill(struct sidecar *s, struct sidecar_member *m, struct sidecar_left *l)
{
	static const char *warnings[] = { "one" };

	memset(s, 0, sizeof(*s));
	memset(m, 0, 2 * sizeof(*m));
	memset(l, 0, 2 * sizeof(*l));
	s->image = "rocky9";
	s->bundle.file = "rocky9.tgz";
	s->bundle.compression = "gzip";
	s->bundle.bytes = 77;
	memset(s->bundle.digest, 0xab, DIGEST_LEN);
	s->proof = "proved";
	s->site = "east";
	m[0].name = "rocky9";
	m[0].type = '5';
	m[0].mode = 0755;
	m[1].name = "rocky9/a b";
	m[1].type = '0';
	m[1].size = 5;
	m[1].target = "/install/a b";
	l[0].what = "synclist";
	l[0].path = "/install/\377 x";
	l[0].type = '0';
	l[0].carried = 1;
	l[1].what = "otherpkgdir";
	l[1].path = "/install/post";
	l[1].type = '5';
	l[1].files = 3;
	s->members = m;
	s->nmembers = 2;
	s->left = l;
	s->nleft = 2;
	s->warnings = warnings;
	s->nwarnings = 1;
}

static void
round_trip(void **state)
{
	struct sidecar s, t;
	struct sidecar_member m[2];
	struct sidecar_left l[2];
	struct buf b = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	fill(&s, m, l);
	assert_int_equal(sidecar_encode(&b, &s, &e), 0);
	assert_int_equal(sidecar_decode(&t, b.data, b.len, &e), 0);
	assert_string_equal(t.image, "rocky9");
	assert_string_equal(t.site, "east");
	assert_string_equal(t.proof, "proved");
	assert_string_equal(t.xcat, "");
	assert_int_equal(t.bundle.bytes, 77);
	assert_memory_equal(t.bundle.digest, s.bundle.digest, DIGEST_LEN);
	assert_null(t.extra.file);
	assert_int_equal(t.nmembers, 2);
	assert_string_equal(t.members[1].name, "rocky9/a b");
	assert_string_equal(t.members[1].target, "/install/a b");
	assert_null(t.members[0].target);
	assert_int_equal(t.members[0].type, '5');
	assert_int_equal(t.nleft, 2);
	assert_ptr_equal(sidecar_find(&t, "/install/\377 x"), &t.left[0]);
	assert_true(t.left[0].carried);
	assert_int_equal(t.left[1].files, 3);
	assert_null(sidecar_find(&t, "/install"));
	assert_string_equal(t.warnings[0], "one");
	sidecar_fini(&t);
	buf_fini(&b);
}

static void
refused(void **state)
{
	static const char *const paths[] = { "/install/../etc/passwd", "/",
	    "install/x", "/install//x", "/install/.", "/install/x/" };
	struct sidecar s, t;
	struct sidecar_member m[2];
	struct sidecar_left l[2];
	struct buf b = BUF_INIT;
	struct err e = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(paths); i++) {
		fill(&s, m, l);
		l[0].path = paths[i];
		buf_clear(&b);
		assert_int_equal(sidecar_encode(&b, &s, &e), 0);
		check_failed(sidecar_decode(&t, b.data, b.len, &e), &e,
		    ERR_DAMAGED);
		sidecar_fini(&t);
	}
	fill(&s, m, l);
	s.bundle.file = "../x";
	buf_clear(&b);
	assert_int_equal(sidecar_encode(&b, &s, &e), 0);
	check_failed(sidecar_decode(&t, b.data, b.len, &e), &e, ERR_DAMAGED);
	sidecar_fini(&t);
	check_failed(sidecar_decode(&t, b.data, b.len / 2, &e), &e,
	    ERR_DAMAGED);
	sidecar_fini(&t);
	buf_fini(&b);
}

static void
load(void **state)
{
	const char *dir = scratch_begin();
	struct sidecar s, t;
	struct sidecar_member m[2];
	struct sidecar_left l[2];
	struct buf b = BUF_INIT;
	struct err e = { 0 };
	char name[300];

	(void)state;
	snprintf(name, sizeof(name), "%s/x.tgz", dir);
	assert_int_equal(sidecar_load(&t, name, &e), 0);
	sidecar_fini(&t);
	fill(&s, m, l);
	assert_int_equal(sidecar_encode(&b, &s, &e), 0);
	snprintf(name, sizeof(name), "%s/x.tgz.json", dir);
	assert_int_equal(io_save(AT_FDCWD, name, b.data, b.len, &e), 0);
	snprintf(name, sizeof(name), "%s/x.tgz", dir);
	assert_int_equal(sidecar_load(&t, name, &e), 1);
	assert_string_equal(t.image, "rocky9");
	sidecar_fini(&t);
	buf_fini(&b);
	scratch_end(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(refused),
		cmocka_unit_test(load),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
