#include <string.h>

#include "formats/osarch.h"

static const struct {
	const char *name;
	enum osarch arch;
} names[] = {	/* xCAT's own come first */
	{ "x86", OSARCH_X86 }, { "x86_64", OSARCH_X86_64 },
	{ "ppc64", OSARCH_PPC64 }, { "ppc64le", OSARCH_PPC64LE },
	{ "arm", OSARCH_ARM }, { "aarch64", OSARCH_AARCH64 },
	{ "s390x", OSARCH_S390X }, { "riscv64", OSARCH_RISCV64 },
	{ "i386", OSARCH_X86 }, { "i486", OSARCH_X86 },
	{ "i586", OSARCH_X86 }, { "i686", OSARCH_X86 },
	{ "amd64", OSARCH_X86_64 }, { "ppc64el", OSARCH_PPC64LE },
	{ "powerpc64", OSARCH_PPC64 }, { "powerpc64le", OSARCH_PPC64LE },
	{ "arm64", OSARCH_AARCH64 }, { "armel", OSARCH_ARM },
	{ "armhf", OSARCH_ARM }, { "armv7l", OSARCH_ARM },
	{ "armv71", OSARCH_ARM },	/* so spelled in xCAT's schema */
};

enum osarch
osarch_named(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i].name) == len &&
		    memcmp(names[i].name, name, len) == 0)
			return (names[i].arch);
	return (OSARCH_OTHER);
}

const char *
osarch_name(enum osarch a)
{
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].arch == a)
			return (names[i].name);
	return (a == OSARCH_UNKNOWN ? "unknown" : "other");
}

static unsigned
le16(const uint8_t *p)
{
	return ((unsigned)p[0] | (unsigned)p[1] << 8);
}

static uint32_t
le32(const uint8_t *p)
{
	return ((uint32_t)le16(p) | (uint32_t)le16(p + 2) << 16);
}

enum osarch
osarch_of_elf(const uint8_t *p, size_t len)
{
	unsigned machine;
	int wide, little;

	if (len < OSARCH_ELF_HEAD || memcmp(p, "\177ELF", 4) != 0)
		return (OSARCH_UNKNOWN);
	wide = p[4] == 2;		/* EI_CLASS: ELFCLASS64 */
	little = p[5] == 1;		/* EI_DATA: ELFDATA2LSB */
	machine = little ? le16(p + 18) : (unsigned)p[18] << 8 | p[19];
	switch (machine) {
	case 3:		/* EM_386 */
		return (little && !wide ? OSARCH_X86 : OSARCH_OTHER);
	case 21:	/* EM_PPC64 */
		return (!wide ? OSARCH_OTHER : little ? OSARCH_PPC64LE :
		    OSARCH_PPC64);
	case 22:	/* EM_S390 */
		return (wide && !little ? OSARCH_S390X : OSARCH_OTHER);
	case 40:	/* EM_ARM */
		return (little && !wide ? OSARCH_ARM : OSARCH_OTHER);
	case 62:	/* EM_X86_64; class 32: x32, which only it runs */
		return (little ? OSARCH_X86_64 : OSARCH_OTHER);
	case 183:	/* EM_AARCH64 */
		return (little && wide ? OSARCH_AARCH64 : OSARCH_OTHER);
	case 243:	/* EM_RISCV */
		return (little && wide ? OSARCH_RISCV64 : OSARCH_OTHER);
	default:
		return (OSARCH_OTHER);
	}
}

/* The machine of a PE/COFF file; OSARCH_UNKNOWN when it is none. */
static enum osarch
of_pe(const uint8_t *p, size_t len)
{
	uint32_t at;

	if (len < 0x40 || p[0] != 'M' || p[1] != 'Z')
		return (OSARCH_UNKNOWN);
	at = le32(p + 0x3c);
	if (at > len - 6 || memcmp(p + at, "PE\0\0", 4) != 0)
		return (OSARCH_UNKNOWN);
	switch (le16(p + at + 4)) {
	case 0x014c:
		return (OSARCH_X86);
	case 0x8664:
		return (OSARCH_X86_64);
	case 0x01c0:	/* ARM, Thumb, ARMNT */
	case 0x01c2:
	case 0x01c4:
		return (OSARCH_ARM);
	case 0xaa64:
		return (OSARCH_AARCH64);
	case 0x5064:
		return (OSARCH_RISCV64);
	default:
		return (OSARCH_OTHER);
	}
}

/*
 * boot.rst: "HdrS" at 0x202, the protocol at 0x206, and from 2.12 on
 * xloadflags at 0x236, whose lowest bit says that the kernel is of 64 bits.
 * An older one may be of either kind.
 */
static enum osarch
of_bzimage(const uint8_t *p, size_t len)
{
	enum osarch pe = of_pe(p, len);

	if (pe != OSARCH_UNKNOWN)
		return (pe);
	if (le16(p + 0x206) < 0x20c)
		return (OSARCH_UNKNOWN);
	return (p[0x236] & 1 ? OSARCH_X86_64 : OSARCH_X86);
}

#define S390_EP ((size_t)0x10008)	/* arch/s390/include/asm/setup.h */

enum osarch
osarch_of_kernel(const uint8_t *p, size_t len, const char **form)
{
	enum osarch a;

	*form = NULL;
	if (len > OSARCH_KERNEL_HEAD)
		len = OSARCH_KERNEL_HEAD;
	if ((a = osarch_of_elf(p, len)) != OSARCH_UNKNOWN) {
		*form = "ELF";
		return (a);
	}
	if (len >= 2 && p[0] == 0x1f && p[1] == 0x8b) {
		*form = "gzip";
		return (OSARCH_UNKNOWN);
	}
	if (len > 0x236 && memcmp(p + 0x202, "HdrS", 4) == 0 &&
	    p[0x1fe] == 0x55 && p[0x1ff] == 0xaa) {
		*form = "bzImage";
		return (of_bzimage(p, len));
	}
	if (len >= 0x40 && memcmp(p + 0x38, "ARM\x64", 4) == 0) {
		*form = "arm64 Image";
		return (OSARCH_AARCH64);
	}
	if (len >= 0x40 && memcmp(p + 0x38, "RSC\x05", 4) == 0) {
		*form = "riscv Image";
		return (OSARCH_RISCV64);
	}
	if (len >= 0x40 && le32(p + 0x24) == 0x016f2818) {
		*form = "zImage";
		return (OSARCH_ARM);
	}
	if ((a = of_pe(p, len)) != OSARCH_UNKNOWN) {
		*form = memcmp(p + 4, "zimg", 4) == 0 ? "EFI zboot" : "EFI";
		return (a);
	}
	if (len >= S390_EP + 6 && memcmp(p + S390_EP, "S390EP", 6) == 0) {
		*form = "s390 image";
		return (OSARCH_S390X);
	}
	return (OSARCH_UNKNOWN);
}

static uint64_t
number(const uint8_t *p, size_t len, int little)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < len; i++)
		v = v << 8 | p[little ? len - 1 - i : i];
	return (v);
}

/* The table of sections is the last thing in what a linker writes. */
static uint64_t
elf_bytes(const uint8_t *p, size_t len)
{
	int wide = p[4] == 2, little = p[5] == 1;
	uint64_t off, size, n, end;

	if (len < 64)
		return (0);
	off = wide ? number(p + 40, 8, little) : number(p + 32, 4, little);
	size = number(p + (wide ? 58 : 46), 2, little);
	n = number(p + (wide ? 60 : 48), 2, little);
	if (off == 0 || __builtin_add_overflow(off, size * n, &end))
		return (0);
	return (end);
}

uint64_t
osarch_kernel_bytes(const uint8_t *p, size_t len)
{
	const char *form;
	uint64_t setup;

	(void)osarch_of_kernel(p, len, &form);
	if (form == NULL)
		return (0);
	if (strcmp(form, "ELF") == 0)
		return (elf_bytes(p, len));
	if (strcmp(form, "EFI zboot") == 0)
		return ((uint64_t)le32(p + 8) + le32(p + 12));
	if (strcmp(form, "bzImage") != 0)
		return (0);
	/* boot.rst: setup_sects, 0 for 4, and syssize in units of 16;
	   a sector less, for builders have differed in how they round. */
	setup = p[0x1f1] == 0 ? 4 : p[0x1f1];
	return (setup * 512 + (uint64_t)le32(p + 0x1f4) * 16);
}
