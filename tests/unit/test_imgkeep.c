#include <unistd.h>

#include "base/buf.h"
#include "imgxfer/imgkeep.h"
#include "imgxfer/kept.h"
#include "imgxfer/pull.h"
#include "imgxfer/unpack.h"
#include "tests/unit/unit.h"

/* Bundles into a vault and out again. */

static struct vault *
make_vault(const char *dir)
{
	struct err e = { 0 };
	struct vault *v;
	char path[300];

	snprintf(path, sizeof(path), "%s/vault", dir);
	setenv("XCATVAULT_CACHE", dir, 1);
	assert_int_equal(vault_init(path, &e), 0);
	v = vault_open(path, &e);
	assert_non_null(v);
	return (v);
}

static void
load(const char *dir, const char *name, struct buf *out)
{
	uint8_t block[65536];
	char path[400];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "r");
	assert_non_null(f);
	buf_clear(out);
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		buf_append(out, block, n);
	fclose(f);
}

/* Run it in the scratch folder. */
static void
in(const char *dir, const char *command)
{
	char cmd[2000];

	snprintf(cmd, sizeof(cmd), "cd '%s' && %s", dir, command);
	assert_int_equal(shell(cmd), 0);
}

/* An image: a root image of noise, a kernel, a list, a manifest. */
static void
make_image(const char *dir)
{
	struct rng r = { 3 };
	uint8_t *p = malloc(3000000);
	char path[400];
	FILE *f;

	assert_non_null(p);
	rng_fill(&r, p, 3000000);
	in(dir, "mkdir -p b/cn");
	snprintf(path, sizeof(path), "%s/b/cn/rootimg.cpio.gz", dir);
	f = fopen(path, "w");
	assert_int_equal(fwrite(p, 1, 3000000, f), 3000000);
	fclose(f);
	in(dir, "seq 20000 >b/cn/kernel; echo vim >b/cn/compute.pkglist; "
	    "echo '<xcatimage/>' >b/cn/manifest.xml");
	free(p);
}

static int
keep(struct vault *v, const struct buf *b, const struct imgkeep_about *about,
    struct imgkeep_result *r, struct err *e)
{
	struct imgkeep *k = imgkeep_new(v, "cn", e);
	struct sink s;
	size_t at, n;
	int rc = 0;

	assert_non_null(k);
	s = imgkeep_sink(k);
	for (at = 0; at < b->len && rc == 0; at += n) {
		n = b->len - at < 50001 ? b->len - at : 50001;
		rc = s.write(s.arg, b->data + at, n, e);
	}
	if (rc == 0)
		rc = imgkeep_commit(k, about, r, e);
	imgkeep_free(k);
	return (rc);
}

static size_t
snapshots(struct vault *v)
{
	struct snapshot_list l;
	struct err e = { 0 };
	size_t n;

	assert_int_equal(snapshot_list_load(&l, v, &e), 0);
	n = l.n;
	snapshot_list_fini(&l);
	return (n);
}

static void
check_out(struct vault *v, const char *dir, const char *name)
{
	struct kept_sum sum;
	struct err e = { 0 };
	struct kept k;
	char path[400];

	if (kept_open(&k, v, name, &e) == -1)
		fail_msg("%s", e.msg);
	assert_string_equal(k.about.image, "cn");
	snprintf(path, sizeof(path), "%s/out.tgz", dir);
	if (kept_export(&k, path, &sum, &e) == -1)
		fail_msg("%s", e.msg);
	assert_true(sum.bytes > 0);
	kept_close(&k);
	in(dir, "gzip -t out.tgz && gzip -dc out.tgz | cmp - b.tar && "
	    "mkdir x && tar -xzf out.tgz -C x && diff -r b x && rm -r x");
}

static void
test_trip(void **state)
{
	const struct imgkeep_about nothing = { .site = "mn1" };
	const char *dir = scratch_begin();
	struct buf b = BUF_INIT;
	struct imgkeep_result r, again;
	struct err e = { 0 };
	struct kept k;
	struct vault *v;

	(void)state;
	need("tar");
	make_image(dir);
	in(dir, "tar -C b -czf b.tgz . && gzip -dc b.tgz >b.tar");
	v = make_vault(dir);
	load(dir, "b.tgz", &b);
	if (keep(v, &b, &nothing, &r, &e) == -1)
		fail_msg("%s", e.msg);
	assert_string_equal(r.site, "cn.osimage");
	assert_string_equal(r.previous, "");
	assert_int_equal(r.bundle_bytes, b.len);
	assert_true(r.stored_bytes > 3000000);
	check_out(v, dir, "cn");
	check_out(v, dir, "cn@2099-01-01");
	check_out(v, dir, r.snapshot);
	/* another version, and the same packed in another way */
	in(dir, "echo emacs >>b/cn/compute.pkglist; seq 9 >b/cn/a; "
	    "tar -C b -cf b.tar .");
	load(dir, "b.tar", &b);
	if (keep(v, &b, &nothing, &again, &e) == -1)
		fail_msg("%s", e.msg);
	assert_string_equal(again.previous, r.snapshot);
	assert_true(again.stored_bytes < 100000);
	check_out(v, dir, "cn");
	assert_int_equal(kept_open(&k, v, r.snapshot, &e), 0);
	assert_string_equal(k.about.origin, "mn1");
	assert_int_equal(k.about.tar_bytes, r.tar_bytes);
	kept_close(&k);
	check_failed(kept_open(&k, v, "other", &e), &e, ERR_USAGE);
	check_failed(kept_open(&k, v, "cn@2000-01-01", &e), &e, ERR_USAGE);
	buf_fini(&b);
	vault_close(v);
	scratch_end(dir);
}

/* As a source, and given up in the middle. */
static void
test_stream(void **state)
{
	const struct imgkeep_about nothing = { .site = NULL };
	const char *dir = scratch_begin();
	struct buf b = BUF_INIT, back = BUF_INIT;
	struct imgkeep_result r;
	struct kept_stream *s;
	struct err e = { 0 };
	struct source from;
	struct unpack *u;
	struct source tar;
	struct pull p;
	uint8_t block[9000];
	struct vault *v;
	struct kept k;
	ssize_t n;

	(void)state;
	need("tar");
	make_image(dir);
	in(dir, "tar -C b -cf b.tar .");
	v = make_vault(dir);
	load(dir, "b.tar", &b);
	assert_int_equal(keep(v, &b, &nothing, &r, &e), 0);
	assert_int_equal(kept_open(&k, v, "cn", &e), 0);
	s = kept_stream_new(&k, 0, &e);
	assert_non_null(s);
	from = kept_stream_source(s);
	assert_int_equal(pull_init(&p, &from, &e), 0);
	u = unpack_new(&p, &e);
	assert_non_null(u);
	tar = unpack_source(u);
	while ((n = tar.read(tar.arg, block, sizeof(block), &e)) > 0)
		buf_append(&back, block, (size_t)n);
	assert_int_equal(n, 0);
	assert_int_equal(back.len, b.len);
	assert_memory_equal(back.data, b.data, b.len);
	unpack_free(u);
	pull_fini(&p);
	kept_stream_free(s);
	s = kept_stream_new(&k, 0, &e);
	assert_non_null(s);
	from = kept_stream_source(s);
	assert_true(from.read(from.arg, block, sizeof(block), &e) > 0);
	kept_stream_free(s);
	kept_close(&k);
	buf_fini(&b);
	buf_fini(&back);
	vault_close(v);
	scratch_end(dir);
}

/* Nothing is kept of what is cut off, given up, or not what was told. */
static void
test_refused(void **state)
{
	const struct imgkeep_about nothing = { .site = NULL };
	const char *dir = scratch_begin();
	struct imgkeep_about wrong = { .site = NULL };
	struct buf b = BUF_INIT;
	struct imgkeep_result r;
	struct imgkeep *k;
	struct err e = { 0 };
	struct inspect looked;
	struct sidecar told;
	struct vault *v;
	struct sink s;

	(void)state;
	need("tar");
	make_image(dir);
	in(dir, "tar -C b -czf b.tgz .");
	v = make_vault(dir);
	load(dir, "b.tgz", &b);
	b.len -= 1000;
	check_failed(keep(v, &b, &nothing, &r, &e), &e, ERR_DAMAGED);
	b.len += 1000;
	b.data[b.len / 2] ^= 1;
	check_failed(keep(v, &b, &nothing, &r, &e), &e, ERR_DAMAGED);
	b.data[b.len / 2] ^= 1;
	b.data[b.len - 6] ^= 1;
	check_failed(keep(v, &b, &nothing, &r, &e), &e, ERR_DAMAGED);
	b.data[b.len - 6] ^= 1;
	k = imgkeep_new(v, "cn", &e);
	assert_non_null(k);
	s = imgkeep_sink(k);
	assert_int_equal(s.write(s.arg, b.data, b.len, &e), 0);
	/* two at once are none */
	assert_null(imgkeep_new(v, "cn", &e));
	assert_int_equal(e.kind, ERR_BUSY);
	imgkeep_free(k);
	memset(&looked, 0, sizeof(looked));
	wrong.in = &looked;
	check_failed(keep(v, &b, &wrong, &r, &e), &e, ERR_DAMAGED);
	memset(&told, 0, sizeof(told));
	wrong.in = NULL;
	wrong.sidecar = &told;
	check_failed(keep(v, &b, &wrong, &r, &e), &e, ERR_DAMAGED);
	assert_int_equal(snapshots(v), 0);
	assert_int_equal(keep(v, &b, &nothing, &r, &e), 0);
	assert_int_equal(snapshots(v), 1);
	buf_fini(&b);
	vault_close(v);
	scratch_end(dir);
}

static void
check_site(const char *image, const char *want)
{
	char site[KEEP_SITE_MAX];

	imgkeep_site(image, site);
	assert_string_equal(site, want);
	assert_true(snapshot_valid_site(site));
}

static void
test_site(void **state)
{
	(void)state;
	check_site("rocky9.4-x86_64-netboot-compute",
	    "rocky9.4-x86_64-netboot-compute.osimage");
	check_site("a@b", "a_b-7508d8b501.osimage");
	check_site("-", "_-3973e022e9.osimage");
	check_site(".", "_-cdb4ee2aea.osimage");
	check_site("a_name_of_an_image_that_is_much_too_long_for_the_one_of_"
	    "a_site_as_well",
	    "a_name_of_an_image_that_is_much_too_long-36296ee18f.osimage");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trip),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_site),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
