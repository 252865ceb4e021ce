#include "imgxfer/bootparts.h"
#include "tests/unit/unit.h"

static void
test_archs(void **state)
{
	(void)state;
	assert_true(bootparts_same_arch("ppc64el", "ppc64le"));
	assert_true(bootparts_same_arch("x86_64", "amd64"));
	assert_false(bootparts_same_arch("ppc64", "ppc64le"));
	assert_false(bootparts_same_arch("", "x86_64"));
	assert_string_equal(bootparts_genesis("ppc64le"), "ppc64");
	assert_string_equal(bootparts_genesis("ppc64el"), "ppc64");
	assert_string_equal(bootparts_genesis("ppc64"), "ppc64");
	assert_string_equal(bootparts_genesis("x86_64"), "x86_64");
	assert_string_equal(bootparts_genesis("aarch64"), "aarch64");
}

/* As Utils::lookupNetboot() answers. */
static void
test_methods(void **state)
{
	static const struct {
		const char *arch, *osvers, *methods, *choice, *guest;
	} all[] = {
		{ "x86_64", "rocky9.4", "xnba,pxe,grub2", "xnba", "xnba" },
		{ "ppc64le", "rhels8.6.0",
		    "petitboot,grub2,grub2-tftp,grub2-http", "petitboot",
		    "grub2" },
		{ "ppc64el", "ubuntu20.04",
		    "petitboot,grub2,grub2-tftp,grub2-http", "petitboot",
		    "grub2" },
		{ "ppc64", "rhels6.5", "yaboot", "yaboot", "yaboot" },
		{ "ppc64", "rhels7", "grub2,grub2-tftp,grub2-http", "grub2",
		    "grub2" },
		{ "ppc64", "sles11.3", "yaboot", "yaboot", "yaboot" },
		{ "ppc64", "sles11.4", "grub2,grub2-tftp,grub2-http",
		    "grub2", "grub2" },
		{ "ppc64", "pkvm2.1", "petitboot", "petitboot", "grub2" },
		{ "ppc64", "", "grub2,grub2-tftp,grub2-http", "grub2",
		    "grub2" },
		{ "aarch64", "rocky9.4", "grub2", "grub2", "grub2" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(all); i++) {
		assert_string_equal(bootparts_methods(all[i].arch,
		    all[i].osvers), all[i].methods);
		assert_string_equal(bootparts_choice(all[i].arch,
		    all[i].osvers, 0), all[i].choice);
		assert_string_equal(bootparts_choice(all[i].arch,
		    all[i].osvers, 1), all[i].guest);
		assert_true(bootparts_allows(all[i].methods, all[i].choice));
	}
	assert_null(bootparts_methods("s390x", "sles12"));
	assert_null(bootparts_methods("", "rocky9"));
	assert_null(bootparts_choice("s390x", "sles12", 0));
}

static void
test_allows(void **state)
{
	(void)state;
	assert_true(bootparts_allows("xnba,pxe,grub2", "pxe"));
	assert_true(bootparts_allows("xnba,pxe,grub2", "GRUB2"));
	assert_false(bootparts_allows("xnba,pxe,grub2", "grub"));
	assert_false(bootparts_allows("xnba,pxe,grub2", "grub2-http"));
	assert_false(bootparts_allows("xnba,pxe,grub2", ""));
	assert_false(bootparts_allows("xnba,pxe,grub2", "pxe,grub2"));
	assert_false(bootparts_allows("", ""));
}

static void
files_are(const char *method, const char *arch, const char *osvers,
    const char *want)
{
	struct bootpart p[BOOTPARTS_MAX];
	char text[512] = "";
	size_t i, n, len = 0;

	n = bootparts_files(method, arch, osvers, p);
	for (i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "%s%s=%s", i > 0 ? " " : "", p[i].file,
		    p[i].package != NULL ? p[i].package : p[i].efi);
	assert_string_equal(text, want);
}

static void
test_files(void **state)
{
	(void)state;
	files_are("xnba", "x86_64", "rocky9.4",
	    "xcat/xnba.kpxe=xnba-undi xcat/xnba.efi=xnba-undi");
	files_are("xnba", "x86_64", "sles11.4", "xcat/xnba.kpxe=xnba-undi "
	    "xcat/xnba.efi=xnba-undi xcat/elilo-x64.efi=elilo-xcat");
	files_are("xnba", "x86_64", "sle15.4",
	    "xcat/xnba.kpxe=xnba-undi xcat/xnba.efi=xnba-undi");
	files_are("pxe", "x86_64", "", "pxelinux.0=syslinux-xcat");
	files_are("grub2", "ppc64le", "", "boot/grub2/grub2.ppc=grub2-xcat");
	files_are("grub2-http", "ppc64", "",
	    "boot/grub2/grub2.ppc=grub2-xcat");
	files_are("grub2", "aarch64", "",
	    "boot/grub2/grub2.aarch64=grubaa64.efi");
	files_are("grub2", "x86_64", "",
	    "boot/grub2/grub2.x86_64=grubx64.efi");
	files_are("petitboot", "ppc64le", "", "");
	files_are("nimol", "ppc64", "", "");
	files_are("", "x86_64", "", "");
}

static void
test_clauses(void **state)
{
	(void)state;
	assert_string_equal(bootparts_clause("grub2", "aarch64", 0),
	    "client-architecture = 00:0b");
	assert_string_equal(bootparts_clause("grub2", "arm64", 1),
	    "option[93].hex == 0x000b");
	assert_string_equal(bootparts_clause("petitboot", "ppc64le", 0),
	    "client-architecture = 00:0e");
	assert_string_equal(bootparts_clause("xnba", "x86_64", 1),
	    "option[93].hex == 0x0007");
	assert_string_equal(bootparts_clause("grub2-tftp", "ppc64", 1),
	    "option[93].hex == 0x000c");
	/* ISC's server is told of these node by node. */
	assert_null(bootparts_clause("grub2", "ppc64le", 0));
	assert_null(bootparts_clause("pxe", "x86_64", 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_archs),
		cmocka_unit_test(test_methods),
		cmocka_unit_test(test_allows),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_clauses),
	};

	return (cmocka_run_group_tests_name("bootparts", tests, NULL, NULL));
}
