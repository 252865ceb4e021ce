#ifndef FORMATS_OSARCH_H_
#define FORMATS_OSARCH_H_

#include <stddef.h>
#include <stdint.h>

/*
 * Architectures: as xCAT writes them in osimage.osarch, and as kernels and
 * programs carry them in their first bytes.  Sources: System V ABI (ELF
 * header), the kernel's Documentation/x86/boot.rst and arch/arm64/boot
 * (booting.rst), the PE/COFF specification (machine types), and
 * drivers/firmware/efi/libstub/zboot for compressed EFI kernels.
 */
enum osarch {
	OSARCH_UNKNOWN,
	OSARCH_X86,
	OSARCH_X86_64,
	OSARCH_PPC64,		/* big endian */
	OSARCH_PPC64LE,
	OSARCH_ARM,
	OSARCH_AARCH64,
	OSARCH_S390X,
	OSARCH_RISCV64,
	OSARCH_OTHER,		/* told, but none of these */
};

/* "ppc64le" or its other names ("ppc64el"); OSARCH_OTHER for the rest. */
enum osarch osarch_named(const char *name, size_t len);

/* xCAT's name of it; "unknown", "other". */
const char *osarch_name(enum osarch a);

#define OSARCH_ELF_HEAD 20	/* bytes that osarch_of_elf() looks at */

/* That of an ELF file's head; OSARCH_UNKNOWN when it is no ELF. */
enum osarch osarch_of_elf(const uint8_t *p, size_t len);

#define OSARCH_KERNEL_HEAD ((size_t)72 << 10)

/*
 * That of a kernel's head: *form is then "bzImage", "ELF", "arm64 Image",
 * "riscv Image", "zImage" (ARM), "s390 image", "EFI zboot", "EFI", "gzip"
 * (compressed: not known from its head alone), NULL when it is nothing that
 * is known.  The architecture of a bzImage older than boot protocol 2.12 is
 * OSARCH_UNKNOWN.  More bytes than OSARCH_KERNEL_HEAD are not looked at.
 */
enum osarch osarch_of_kernel(const uint8_t *p, size_t len,
    const char **form);

/*
 * How many bytes such a kernel has at least, by its own head: a bzImage, an
 * ELF file whose sections lie behind its segments, an EFI zboot.  0: it does
 * not say.
 */
uint64_t osarch_kernel_bytes(const uint8_t *p, size_t len);

#endif
