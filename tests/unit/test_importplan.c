#include "imgxfer/importplan.h"
#include "tests/unit/unit.h"

/*
 * What imgimport will do with a bundle, against what its source says
 * (imgport.pm: change_profile, make_files, moveExtra).
 */
#define NAME "rocky9.4-x86_64-netboot-compute"
#define DIR "/install/netboot/rocky9.4/x86_64/compute"
#define CUSTOM "/install/custom/netboot/rocky"

static const char manifest[] = "<?xml version=\"1.0\"?>\n<xcatimage>\n"
    "<extra><dest>/install/postscripts/custom</dest>"
    "<src>/install/postscripts/custom/mypost</src></extra>\n"
    "<extra><dest>" CUSTOM "/sync</dest><src>" CUSTOM "/sync</src></extra>\n"
    "<kernel>" DIR "/kernel</kernel>\n"
    "<linuximage><imagename>" NAME "</imagename>"
    "<exlist>/opt/xcat/share/xcat/netboot/rocky/a.exlist</exlist>"
    "<pkglist>" CUSTOM "/compute.pkglist," CUSTOM "/b.pkglist</pkglist>"
    "<rootimgdir>" DIR "</rootimgdir></linuximage>\n"
    "<osimage><imagename>" NAME "</imagename><osarch>x86_64</osarch>"
    "<osvers>rocky9.4</osvers><profile>compute</profile>"
    "<provmethod>netboot</provmethod>"
    "<synclists>" CUSTOM "/compute.synclist</synclists></osimage>\n"
    "<ramdisk>" DIR "/initrd-stateless.gz</ramdisk>\n"
    "<rootimg>" DIR "/rootimg.cpio.gz</rootimg>\n"
    "</xcatimage>\n";

static struct inspect_member members[] = {
	{ .name = NAME, .type = '5' },
	{ .name = NAME "/kernel", .type = '0', .size = 10 },
	{ .name = NAME "/initrd-stateless.gz", .type = '0', .size = 20 },
	{ .name = NAME "/rootimg.cpio.gz", .type = '0', .size = 30 },
	{ .name = NAME "/a.exlist", .type = '0', .size = 1 },
	{ .name = NAME "/b.pkglist", .type = '0', .size = 2 },
	{ .name = NAME "/compute.pkglist", .type = '0', .size = 3 },
	{ .name = NAME "/compute.synclist", .type = '0', .size = 4 },
	{ .name = NAME "/extra", .type = '5' },
	{ .name = NAME "/extra/mypost", .type = '0', .size = 5 },
	{ .name = NAME "/extra" CUSTOM "/sync", .type = '5' },
	{ .name = NAME "/extra" CUSTOM "/sync/deep", .type = '5' },
	{ .name = NAME "/extra" CUSTOM "/sync/deep/f", .type = '0',
	    .size = 6 },
	{ .name = NAME "/surplus", .type = '0', .size = 7 },
};

static void
inspected(struct inspect *in, const char *xml)
{
	struct err e = { 0 };

	memset(in, 0, sizeof(*in));
	if (imgmanifest_parse(&in->manifest, xml, strlen(xml), &e) == -1)
		fail_msg("%s", e.msg);
	in->has_manifest = 1;
	in->image = NAME;
	in->members = members;
	in->nmembers = COUNT(members);
	in->arch_claimed = "x86_64";
	in->arch = INSPECT_ARCH_PROVED;
	in->compression = "gzip";
}

static void
plan(struct importplan *p, const struct import_options *opt)
{
	struct inspect in;
	struct err e = { 0 };

	inspected(&in, manifest);
	if (importplan_make(p, &in, "/install", opt, &e) == -1)
		fail_msg("%s", e.msg);
	/* the plan leans on the manifest; it is not freed here */
}

static int
has(const struct importplan *p, const char *path, uint64_t bytes)
{
	size_t i;

	for (i = 0; i < p->nfiles; i++)
		if (strcmp(p->files[i].path, path) == 0)
			return (p->files[i].bytes == bytes);
	return (0);
}

static int
has_dir(const struct importplan *p, const char *path)
{
	size_t i;

	for (i = 0; i < p->ndirs; i++)
		if (strcmp(p->dirs[i], path) == 0)
			return (1);
	return (0);
}

static void
as_it_is(void **state)
{
	struct import_options opt = { .site = "b" };
	struct importplan p;
	size_t i, k;

	(void)state;
	plan(&p, &opt);
	assert_string_equal(p.image, NAME);
	assert_string_equal(p.arch, "x86_64");
	assert_null(p.profile);
	assert_int_equal(p.rewrite, 0);
	assert_int_equal(p.nfiles, 9);
	assert_true(has(&p, DIR "/kernel", 10));
	assert_true(has(&p, DIR "/rootimg.cpio.gz", 30));
	assert_true(has(&p, CUSTOM "/b.pkglist", 2));
	assert_true(has(&p, CUSTOM "/compute.pkglist", 3));
	assert_true(has(&p, "/opt/xcat/share/xcat/netboot/rocky/a.exlist", 1));
	assert_true(has(&p, "/install/postscripts/custom/mypost", 5));
	assert_true(has(&p, CUSTOM "/sync/deep/f", 6));
	assert_true(has_dir(&p, CUSTOM "/sync/deep"));
	assert_true(has_dir(&p, "/install"));
	/* parents before what is in them */
	for (i = 0; i < p.ndirs; i++)
		for (k = i + 1; k < p.ndirs; k++)
			assert_false(strncmp(p.dirs[i], p.dirs[k],
			    strlen(p.dirs[k])) == 0 &&
			    p.dirs[i][strlen(p.dirs[k])] == '/');
	importplan_fini(&p);
}

static const char *
row(const struct importplan *p, const char *table, const char *column)
{
	const char *v = imgmanifest_value(&p->after, table, column);

	return (v != NULL ? v : "");
}

static void
another_profile(void **state)
{
	struct import_options opt = { .site = "b", .profile = "prod" };
	struct importplan p;

	(void)state;
	plan(&p, &opt);
	assert_string_equal(p.image, "rocky9.4-x86_64-netboot-prod");
	assert_string_equal(p.profile, "prod");
	assert_int_equal(p.rewrite, 0);
	assert_string_equal(row(&p, "osimage", "profile"), "prod");
	assert_string_equal(row(&p, "linuximage", "rootimgdir"),
	    "/install/netboot/rocky9.4/x86_64/prod");
	/* the old profile's name replaced, or the new one before it */
	assert_string_equal(row(&p, "linuximage", "pkglist"),
	    CUSTOM "/prod.pkglist," CUSTOM "/prod.b.pkglist");
	/* xCAT's own lists go to the custom directory */
	assert_string_equal(row(&p, "linuximage", "exlist"),
	    CUSTOM "/prod.a.exlist");
	assert_true(has(&p, CUSTOM "/prod.a.exlist", 1));
	assert_true(has(&p, CUSTOM "/prod.b.pkglist", 2));
	assert_true(has(&p, CUSTOM "/prod.pkglist", 3));
	assert_true(has(&p, "/install/netboot/rocky9.4/x86_64/prod/kernel",
	    10));
	/* extras stay where they were */
	assert_true(has(&p, "/install/postscripts/custom/mypost", 5));
	importplan_fini(&p);

	opt.profile = "compute";
	plan(&p, &opt);
	assert_string_equal(p.image, NAME);
	assert_null(p.profile);
	importplan_fini(&p);
}

static void
another_name(void **state)
{
	struct import_options opt = { .site = "b", .as = "golden" };
	struct importplan p;

	(void)state;
	plan(&p, &opt);
	assert_string_equal(p.image, "golden");
	assert_int_equal(p.rewrite, 1);
	assert_string_equal(row(&p, "osimage", "imagename"), "golden");
	assert_string_equal(row(&p, "linuximage", "imagename"), "golden");
	assert_string_equal(row(&p, "osimage", "profile"), "compute");
	assert_string_equal(row(&p, "linuximage", "rootimgdir"),
	    "/install/netboot/rocky9.4/x86_64/golden");
	assert_true(has(&p, "/install/netboot/rocky9.4/x86_64/golden/kernel",
	    10));
	assert_true(has(&p, CUSTOM "/compute.pkglist", 3));
	importplan_fini(&p);

	opt.profile = "prod";
	plan(&p, &opt);
	assert_string_equal(p.image, "golden");
	assert_null(p.profile);
	assert_string_equal(row(&p, "osimage", "profile"), "prod");
	assert_true(has(&p, "/install/netboot/rocky9.4/x86_64/prod/kernel",
	    10));
	assert_true(has(&p, CUSTOM "/compute.synclist", 4));
	importplan_fini(&p);
}

/* The manifest with a text replaced, and what becomes of it. */
static enum err_kind
with(const char *from, const char *to, struct import_options *opt)
{
	struct importplan p;
	struct inspect in;
	struct err e = { ERR_NONE, 0, "" };
	struct buf b = BUF_INIT;
	const char *at = strstr(manifest, from);

	assert_non_null(at);
	buf_append(&b, manifest, (size_t)(at - manifest));
	buf_puts(&b, to);
	buf_puts(&b, at + strlen(from));
	inspected(&in, buf_cstr(&b));
	(void)importplan_make(&p, &in, "/install", opt, &e);
	importplan_fini(&p);
	imgmanifest_fini(&in.manifest);
	buf_fini(&b);
	return (e.kind);
}

static void
refused(void **state)
{
	static const char *const names[] = { "", "../x", "a b", "a;b", "a,b",
	    "k=v", "-x", "a/b", "a\nb" };
	struct import_options opt = { .site = "b" };
	size_t i;

	(void)state;
	assert_int_equal(with("<kernel>" DIR, "<kernel>/etc", &opt),
	    ERR_DAMAGED);
	assert_int_equal(with("<kernel>" DIR "/kernel", "<kernel>" DIR
	    "/vmlinuz", &opt), ERR_DAMAGED);
	assert_int_equal(with("<dest>/install/postscripts", "<dest>/root",
	    &opt), ERR_DAMAGED);
	assert_int_equal(with("<profile>compute</profile>", "", &opt),
	    ERR_DAMAGED);
	assert_int_equal(with("<osarch>x86_64", "<osarch>s390x", &opt),
	    ERR_FAILED);
	assert_int_equal(with("<ramdisk>", "<kit><name>k</name>"
	    "<kitdir>/x</kitdir></kit><ramdisk>", &opt), ERR_FAILED);
	assert_int_equal(with("<ramdisk>", "<kitrepo><name>k</name>"
	    "<kitrepodir>/x</kitrepodir></kitrepo><ramdisk>", &opt),
	    ERR_FAILED);
	/* two members for one place */
	assert_int_equal(with(CUSTOM "/b.pkglist</pkglist>", CUSTOM
	    "/compute.synclist</pkglist>", &opt), ERR_NONE);
	for (i = 0; i < COUNT(names); i++) {
		opt.as = names[i];
		opt.profile = NULL;
		assert_int_equal(with("a", "a", &opt), ERR_USAGE);
		opt.profile = names[i];
		opt.as = NULL;
		assert_int_equal(with("a", "a", &opt), ERR_USAGE);
	}
	/* a regular expression for imgimport */
	opt.profile = "prod";
	assert_int_equal(with("<profile>compute", "<profile>c.mpute", &opt),
	    ERR_USAGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_it_is),
		cmocka_unit_test(another_profile),
		cmocka_unit_test(another_name),
		cmocka_unit_test(refused),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
