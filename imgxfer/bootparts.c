#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "imgxfer/bootparts.h"

static const char *
plain(const char *arch)
{
	return (strcmp(arch, "ppc64el") == 0 ? "ppc64le" :
	    strcmp(arch, "amd64") == 0 ? "x86_64" :
	    strcmp(arch, "arm64") == 0 ? "aarch64" : arch);
}

int
bootparts_same_arch(const char *a, const char *b)
{
	return (strcmp(plain(a), plain(b)) == 0);
}

static int
is_power(const char *arch)
{
	return (strncmp(arch, "ppc64", 5) == 0);
}

const char *
bootparts_genesis(const char *arch)
{
	return (is_power(arch) ? "ppc64" : plain(arch));
}

/* "rhels8.6" is a "rh" of 8, 6; 1, or 0 when it has no number. */
static int
version(const char *osvers, const char *name, unsigned long *major,
    unsigned long *minor)
{
	size_t n = strcspn(osvers, "0123456789");
	char *end;

	if (strncasecmp(osvers, name, strlen(name)) != 0 || osvers[n] == '\0')
		return (0);
	*major = strtoul(osvers + n, &end, 10);
	*minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;
	return (1);
}

/* Power before grub2 was there for it. */
static int
wants_yaboot(const char *osvers)
{
	unsigned long major, minor;

	if (version(osvers, "rh", &major, &minor))
		return (major < 7);
	return (version(osvers, "sles", &major, &minor) &&
	    (major < 11 || (major == 11 && minor < 4)));
}

const char *
bootparts_methods(const char *arch, const char *osvers)
{
	arch = plain(arch);
	if (strcmp(arch, "x86_64") == 0)
		return ("xnba,pxe,grub2");
	if (strcmp(arch, "ppc64le") == 0)
		return ("petitboot,grub2,grub2-tftp,grub2-http");
	if (strcmp(arch, "ppc64") == 0)
		return (wants_yaboot(osvers) ? "yaboot" :
		    strncasecmp(osvers, "pkvm", 4) == 0 ? "petitboot" :
		    "grub2,grub2-tftp,grub2-http");
	if (strcmp(arch, "aarch64") == 0)
		return ("grub2");
	return (NULL);
}

int
bootparts_allows(const char *methods, const char *method)
{
	size_t n, len = strlen(method);

	for (; *methods != '\0'; methods += n + (methods[n] == ',')) {
		n = strcspn(methods, ",");
		if (n == len && strncasecmp(methods, method, n) == 0)
			return (1);
	}
	return (0);
}

const char *
bootparts_choice(const char *arch, const char *osvers, int is_virtual)
{
	const char *methods = bootparts_methods(arch, osvers);

	if (methods == NULL)
		return (NULL);
	if (strncmp(methods, "xnba", 4) == 0)
		return ("xnba");
	if (strncmp(methods, "yaboot", 6) == 0)
		return ("yaboot");
	return (is_virtual || strncmp(methods, "petitboot", 9) != 0 ?
	    "grub2" : "petitboot");
}

static int
is_grub2(const char *method)
{
	return (strncasecmp(method, "grub2", 5) == 0);
}

size_t
bootparts_files(const char *method, const char *arch, const char *osvers,
    struct bootpart at[BOOTPARTS_MAX])
{
	unsigned long major, minor;
	size_t n = 0;

	arch = plain(arch);
	if (is_grub2(method) && is_power(arch))
		at[n++] = (struct bootpart){ "boot/grub2/grub2.ppc",
		    "grub2-xcat", NULL };
	else if (is_grub2(method) && strcmp(arch, "aarch64") == 0)
		at[n++] = (struct bootpart){ "boot/grub2/grub2.aarch64",
		    NULL, "grubaa64.efi" };
	else if (is_grub2(method) && strcmp(arch, "x86_64") == 0)
		at[n++] = (struct bootpart){ "boot/grub2/grub2.x86_64",
		    NULL, "grubx64.efi" };
	else if (strcasecmp(method, "xnba") == 0) {
		at[n++] = (struct bootpart){ "xcat/xnba.kpxe", "xnba-undi",
		    NULL };
		at[n++] = (struct bootpart){ "xcat/xnba.efi", "xnba-undi",
		    NULL };
		/* Others are booted by the kernel's own EFI stub. */
		if (version(osvers, "sle", &major, &minor) && major == 11)
			at[n++] = (struct bootpart){ "xcat/elilo-x64.efi",
			    "elilo-xcat", NULL };
	} else if (strcasecmp(method, "pxe") == 0)
		at[n++] = (struct bootpart){ "pxelinux.0", "syslinux-xcat",
		    NULL };
	else if (strcasecmp(method, "yaboot") == 0)
		at[n++] = (struct bootpart){ "yaboot", "yaboot-xcat", NULL };
	return (n);
}

const char *
bootparts_clause(const char *method, const char *arch, int kea)
{
	if (strcmp(plain(arch), "aarch64") == 0)
		return (kea ? "option[93].hex == 0x000b" :
		    "client-architecture = 00:0b");
	if (strcasecmp(method, "petitboot") == 0)
		return (kea ? "option[93].hex == 0x000e" :
		    "client-architecture = 00:0e");
	if (strcasecmp(method, "xnba") == 0)
		return (kea ? "option[93].hex == 0x0007" :
		    "client-architecture = 00:07");
	if (is_grub2(method) && is_power(arch) && kea)
		return ("option[93].hex == 0x000c");
	return (NULL);
}
