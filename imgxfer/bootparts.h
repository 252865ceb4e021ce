#ifndef IMGXFER_BOOTPARTS_H_
#define IMGXFER_BOOTPARTS_H_

#include <stddef.h>

/*
 * What a management node needs to boot nodes of an architecture from the
 * network, as xCAT 2.19 has it (Utils::lookupNetboot, grub2.pm, xnba.pm,
 * pxe.pm, mknb.pm, destiny.pm, dhcp.pm, DHCP/BootPolicy.pm, and its guides
 * on mixed clusters and grub2).
 */

/* Two names of one architecture ("ppc64el", "ppc64le") are the same. */
int bootparts_same_arch(const char *a, const char *b);

/* The name its genesis goes by: "ppc64" also for "ppc64le". */
const char *bootparts_genesis(const char *arch);

/*
 * The values of noderes.netboot that boot an osimage, "xnba,pxe,grub2", as
 * nodeset has them; NULL for an architecture that it does not know.
 */
const char *bootparts_methods(const char *arch, const char *osvers);
int bootparts_allows(const char *methods, const char *method);

/* One of them to begin with; virtual: a guest of KVM. */
const char *bootparts_choice(const char *arch, const char *osvers,
    int is_virtual);

/* A file that a method serves, whoever is booted. */
struct bootpart {
	const char *file;	/* below site.tftpdir */
	const char *package;	/* of xcat-dep that brings it; NULL: none */
	const char *efi;	/* the distribution's file it is a copy of */
};
#define BOOTPARTS_MAX 4
size_t bootparts_files(const char *method, const char *arch,
    const char *osvers, struct bootpart at[BOOTPARTS_MAX]);

/*
 * What stands in the configuration of DHCP, that of ISC or Kea, if it knows
 * clients of the method and architecture; NULL: nothing special.
 */
const char *bootparts_clause(const char *method, const char *arch, int kea);

#endif
