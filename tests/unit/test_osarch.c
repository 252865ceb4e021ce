#include "formats/osarch.h"
#include "tests/unit/unit.h"

static enum osarch
named(const char *name)
{
	return (osarch_named(name, strlen(name)));
}

static void
test_names(void **state)
{
	static const enum osarch all[] = {
		OSARCH_X86, OSARCH_X86_64, OSARCH_PPC64, OSARCH_PPC64LE,
		OSARCH_ARM, OSARCH_AARCH64, OSARCH_S390X, OSARCH_RISCV64,
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(all); i++)
		assert_int_equal(named(osarch_name(all[i])), all[i]);
	assert_string_equal(osarch_name(OSARCH_PPC64LE), "ppc64le");
	assert_string_equal(osarch_name(OSARCH_UNKNOWN), "unknown");
	assert_string_equal(osarch_name(OSARCH_OTHER), "other");
	assert_int_equal(named("ppc64el"), OSARCH_PPC64LE);
	assert_int_equal(named("amd64"), OSARCH_X86_64);
	assert_int_equal(named("arm64"), OSARCH_AARCH64);
	assert_int_equal(named("x86_64 "), OSARCH_OTHER);
	assert_int_equal(named("x86_6"), OSARCH_OTHER);
	assert_int_equal(named(""), OSARCH_OTHER);
}

static enum osarch
elf(unsigned bits, unsigned data, unsigned machine)
{
	uint8_t h[OSARCH_ELF_HEAD] = "\177ELF";

	h[4] = (uint8_t)bits;
	h[5] = (uint8_t)data;
	h[data == 1 ? 18 : 19] = (uint8_t)machine;
	h[data == 1 ? 19 : 18] = (uint8_t)(machine >> 8);
	assert_int_equal(osarch_of_elf(h, sizeof(h) - 1), OSARCH_UNKNOWN);
	return (osarch_of_elf(h, sizeof(h)));
}

static void
test_elf(void **state)
{
	static const uint8_t script[] = "#!/bin/sh\necho hello world\n";

	(void)state;
	assert_int_equal(elf(1, 1, 3), OSARCH_X86);
	assert_int_equal(elf(2, 1, 62), OSARCH_X86_64);
	assert_int_equal(elf(1, 1, 62), OSARCH_X86_64);
	assert_int_equal(elf(2, 1, 21), OSARCH_PPC64LE);
	assert_int_equal(elf(2, 2, 21), OSARCH_PPC64);
	assert_int_equal(elf(1, 2, 20), OSARCH_OTHER);
	assert_int_equal(elf(1, 1, 40), OSARCH_ARM);
	assert_int_equal(elf(2, 1, 183), OSARCH_AARCH64);
	assert_int_equal(elf(2, 2, 22), OSARCH_S390X);
	assert_int_equal(elf(1, 2, 22), OSARCH_OTHER);
	assert_int_equal(elf(2, 1, 243), OSARCH_RISCV64);
	assert_int_equal(elf(2, 1, 0), OSARCH_OTHER);
	assert_int_equal(osarch_of_elf(script, sizeof(script)), OSARCH_UNKNOWN);
}

/* A kernel's head, with a PE header at 0x80 when machine is not 0. */
static void
head_pe(uint8_t *h, unsigned machine)
{
	memset(h, 0, OSARCH_KERNEL_HEAD);
	if (machine == 0)
		return;
	memcpy(h, "MZ", 2);
	h[0x3c] = 0x80;
	memcpy(h + 0x80, "PE\0\0", 4);
	h[0x84] = (uint8_t)machine;
	h[0x85] = (uint8_t)(machine >> 8);
}

static void
kernel_is(const uint8_t *h, size_t len, enum osarch want, const char *form)
{
	const char *got = "";

	assert_int_equal(osarch_of_kernel(h, len, &got), want);
	if (form == NULL)
		assert_null(got);
	else
		assert_string_equal(got, form);
}

static void
test_bzimage(void **state)
{
	uint8_t *h = calloc(1, OSARCH_KERNEL_HEAD);

	(void)state;
	memcpy(h + 0x1fe, "\x55\xaa", 2);
	memcpy(h + 0x202, "HdrS\x0f\x02", 6);
	kernel_is(h, 4096, OSARCH_X86, "bzImage");
	h[0x236] = 0x7f;
	kernel_is(h, 4096, OSARCH_X86_64, "bzImage");
	kernel_is(h, 0x237, OSARCH_X86_64, "bzImage");
	kernel_is(h, 0x236, OSARCH_UNKNOWN, NULL);
	h[0x206] = 0x0a;	/* 2.10: it does not say */
	kernel_is(h, 4096, OSARCH_UNKNOWN, "bzImage");
	head_pe(h, 0x14c);
	memcpy(h + 0x1fe, "\x55\xaa", 2);
	memcpy(h + 0x202, "HdrS\x0a\x02", 6);
	kernel_is(h, 4096, OSARCH_X86, "bzImage");
	free(h);
}

static void
test_kernels(void **state)
{
	uint8_t *h = calloc(1, OSARCH_KERNEL_HEAD + 16);

	(void)state;
	kernel_is(h, 0, OSARCH_UNKNOWN, NULL);
	kernel_is(h, OSARCH_KERNEL_HEAD, OSARCH_UNKNOWN, NULL);
	kernel_is((const uint8_t *)"\x1f\x8b\x08", 3, OSARCH_UNKNOWN, "gzip");
	head_pe(h, 0xaa64);
	kernel_is(h, 4096, OSARCH_AARCH64, "EFI");
	kernel_is(h, 0x85, OSARCH_UNKNOWN, NULL);
	memcpy(h + 4, "zimg", 4);
	kernel_is(h, 4096, OSARCH_AARCH64, "EFI zboot");
	h[0x3c] = 0xff;
	h[0x3f] = 0xff;		/* beyond the file */
	kernel_is(h, 4096, OSARCH_UNKNOWN, NULL);
	head_pe(h, 0x5064);
	kernel_is(h, 4096, OSARCH_RISCV64, "EFI");
	head_pe(h, 0x1c2);
	kernel_is(h, 4096, OSARCH_ARM, "EFI");
	head_pe(h, 0x200);
	kernel_is(h, 4096, OSARCH_OTHER, "EFI");
	head_pe(h, 0);
	memcpy(h + 0x38, "ARM\x64", 4);
	kernel_is(h, 64, OSARCH_AARCH64, "arm64 Image");
	kernel_is(h, 63, OSARCH_UNKNOWN, NULL);
	memcpy(h + 0x38, "RSC\x05", 4);
	kernel_is(h, 64, OSARCH_RISCV64, "riscv Image");
	head_pe(h, 0);
	memcpy(h + 0x24, "\x18\x28\x6f\x01", 4);
	kernel_is(h, 64, OSARCH_ARM, "zImage");
	head_pe(h, 0);
	memcpy(h + 0x10008, "S390EP", 6);
	kernel_is(h, OSARCH_KERNEL_HEAD + 16, OSARCH_S390X, "s390 image");
	memcpy(h, "\177ELF\2\1", 6);
	h[18] = 21;
	kernel_is(h, 64, OSARCH_PPC64LE, "ELF");
	free(h);
}

/* A file must have what its own head tells of. */
static void
test_bytes(void **state)
{
	uint8_t *h = calloc(1, OSARCH_KERNEL_HEAD);

	(void)state;
	assert_int_equal(osarch_kernel_bytes(h, 4096), 0);
	memcpy(h + 0x1fe, "\x55\xaa", 2);
	memcpy(h + 0x202, "HdrS\x0f\x02", 6);
	h[0x1f4] = 0x20;
	h[0x1f5] = 1;
	assert_int_equal(osarch_kernel_bytes(h, 4096), 4 * 512 + 0x120 * 16);
	h[0x1f1] = 0x1f;
	assert_int_equal(osarch_kernel_bytes(h, 4096),
	    0x1f * 512 + 0x120 * 16);
	memset(h, 0, 4096);
	memcpy(h, "\177ELF\2\1", 6);
	assert_int_equal(osarch_kernel_bytes(h, 64), 0);
	h[42] = 1;	/* sections at 65536, 2 of 64 bytes */
	h[58] = 64;
	h[60] = 2;
	assert_int_equal(osarch_kernel_bytes(h, 64), 65536 + 128);
	assert_int_equal(osarch_kernel_bytes(h, 63), 0);
	memset(h + 40, 0xff, 8);
	assert_int_equal(osarch_kernel_bytes(h, 64), 0);
	head_pe(h, 0xaa64);
	assert_int_equal(osarch_kernel_bytes(h, 4096), 0);
	memcpy(h + 4, "zimg\0\1\0\0\0\0\2\0", 12);
	assert_int_equal(osarch_kernel_bytes(h, 4096), 256 + 131072);
	free(h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_elf),
		cmocka_unit_test(test_bzimage),
		cmocka_unit_test(test_kernels),
		cmocka_unit_test(test_bytes),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
