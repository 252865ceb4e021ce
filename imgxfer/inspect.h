#ifndef IMGXFER_INSPECT_H_
#define IMGXFER_INSPECT_H_

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/err.h"
#include "formats/imgmanifest.h"
#include "formats/osarch.h"
#include "imgxfer/source.h"

/*
 * What a bundle holds, judged without any node, in one pass over its bytes
 * and in bounded memory; nothing of it is written anywhere.
 */
enum inspect_level {
	INSPECT_NOTE,		/* worth knowing */
	INSPECT_WARNING,	/* may be meant: status 1 */
	INSPECT_UNPROVED,	/* the architecture: status 1, import asks */
	INSPECT_BAD,		/* it must not be imported: status 5 */
};

struct inspect_finding {
	enum inspect_level level;
	const char *member;	/* or the manifest's "<element>"; "" for none */
	const char *reason;
};

enum inspect_role {
	INSPECT_OTHER,		/* surplus: nothing in the manifest wants it */
	INSPECT_DIR,
	INSPECT_MANIFEST,
	INSPECT_KERNEL,
	INSPECT_RAMDISK,
	INSPECT_ROOTIMG,
	INSPECT_ROOTIMGTREE,
	INSPECT_LITEFILE,
	INSPECT_LIST,		/* template, pkglist, synclist, ... */
	INSPECT_EXTRA,
	INSPECT_KIT,
	INSPECT_RAW,		/* an image file of s390x */
};

struct inspect_member {
	const char *name;	/* as in the bundle, without "./" before and
				   "/" behind it */
	char type;		/* '0' file, '5' directory, other tar types */
	unsigned mode;
	const char *owner;	/* "USER:GROUP"; NULL: root's, in both */
	uint64_t size;
	uint8_t digest[DIGEST_LEN];	/* of a file */
	enum inspect_role role;
	const char *target;	/* where imgimport puts it; NULL: nowhere */
};

enum inspect_proof {
	INSPECT_ARCH_UNPROVED,
	INSPECT_ARCH_PROVED,
	INSPECT_ARCH_MISMATCH,
	INSPECT_ARCH_NONE,	/* install: nothing in it is of one */
};

struct inspect {
	struct imgmanifest manifest;
	int has_manifest;	/* and it could be read */
	const char *image;	/* the top-level directory's name, or NULL */
	struct inspect_member *members;	/* in the bundle's order */
	size_t nmembers;
	struct inspect_finding *findings;	/* worst first */
	size_t nfindings, lost;	/* lost: beyond what is kept */

	/* The architecture: claimed (osarch), and what proves it. */
	const char *arch_claimed;	/* "" when the manifest has none */
	enum osarch kernel_arch, rootimg_arch, ramdisk_arch;
	const char *kernel_form;	/* "bzImage", ...; NULL: not known */
	enum inspect_proof arch;

	/* The root image (of a statelite image: its tree), opened. */
	const char *rootimg_form;	/* "cpio.gz", "squashfs"; NULL: none */
	uint64_t rootimg_entries, rootimg_bytes;	/* unpacked */
	size_t programs;		/* ELF files looked at */

	/* The bytes: of the bundle, and of the tar archive within. */
	const char *compression;	/* "gzip", "none", "xz", "zstd" */
	uint64_t bundle_bytes, tar_bytes;
	uint8_t bundle_digest[DIGEST_LEN], tar_digest[DIGEST_LEN];

	int status;		/* STATUS_DONE, _REPORTED or _DAMAGED */
	struct arena arena;
};

struct inspect_options {
	/*
	 * Directories below which targets may lie; none: /install and
	 * /opt/xcat/share.
	 */
	const char *const *roots;
	size_t nroots;
	int quick;	/* the root image is not opened: for a bundle that was
			   inspected before, digest by digest */
};

/*
 * Inspect all of src, which is read to its end.  0 when a verdict was
 * reached, however bad (a cut or garbled archive is a finding); -1 when src
 * cannot be read, a signal came, or memory is short.  To be finished also on
 * -1.  opt may be NULL.
 */
int inspect_run(struct inspect *in, const struct source *src,
    const struct inspect_options *opt, struct err *e);
void inspect_fini(struct inspect *in);

/* The first bad finding, as one line; "" when there is none. */
void inspect_worst(const struct inspect *in, struct buf *out);

/* For people; for programs, a new object or NULL. */
void inspect_print(const struct inspect *in, const char *name, int verbose,
    FILE *f);
json_t *inspect_json(const struct inspect *in, const char *name);

/*
 * Whether a path may be given to xCAT as a target: absolute, clean (no "..",
 * "//" or "." parts, no "/" at its end), only letters, digits and
 * "._+-@:=%/" (not ",", at which xCAT cuts), no longer than 1024, below one
 * of the roots.  NULL, or why not.  opt may be NULL.
 */
const char *inspect_path(const char *path,
    const struct inspect_options *opt);

/*
 * Where images may be put on a node: the directories given, or the default
 * ones when none are, and its site.installdir, unless that is NULL or no
 * clean path.  Strings stay the caller's; r->opt lives as long as r.
 */
#define INSPECT_ROOTS_MAX 64
struct inspect_roots {
	const char *at[INSPECT_ROOTS_MAX + 1];
	struct inspect_options opt;
};
void inspect_roots(struct inspect_roots *r, const char *const *given,
    size_t ngiven, const char *installdir);

/*
 * As inspect_path(), for the name of an osimage, a profile, an OS or an architecture:
 * letters, digits and "._+-", not "." or "-" first, no longer than 128.
 */
const char *inspect_name(const char *name);

#endif
