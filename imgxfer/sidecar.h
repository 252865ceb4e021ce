#ifndef IMGXFER_SIDECAR_H_
#define IMGXFER_SIDECAR_H_

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"

/*
 * What lies beside a bundle: FILE.json, described in
 * xcatvault-image-export(1), "The sidecar".  It tells what the bundle was
 * when it was proved, where it came from, and what imgexport left out.
 *
 * Strings are NUL-terminated, never NULL unless said, and the sidecar's own
 * (in its arena) once decoded; a writer may point to what it likes.
 */
#define SIDECAR_MAX ((size_t)64 << 20)
#define SIDECAR_SUFFIX ".json"
#define SIDECAR_EXTRA ".extra.tar.zst"

/* A file beside the sidecar and the tar archive in it. */
struct sidecar_file {
	const char *file;	/* base name; NULL: there is none */
	uint64_t bytes, tar_bytes;
	uint8_t digest[DIGEST_LEN], tar_digest[DIGEST_LEN];
	const char *compression;	/* "gzip", "zstd", "none", "xz" */
};

struct sidecar_member {
	const char *name;	/* as in the bundle, without "./" */
	char type;		/* '0' file, '5' directory, ... */
	unsigned mode;
	uint64_t size;
	uint8_t digest[DIGEST_LEN];	/* of a file */
	const char *target;	/* where imgimport puts it; NULL: nowhere */
};

/* What the image needs and imgexport does not take along. */
struct sidecar_left {
	const char *what;	/* "pkglist", "synclist", "postscript", ... */
	const char *path;	/* on the node it came from; raw, absolute */
	char type;		/* '0' file, '5' directory */
	unsigned mode;
	uint64_t size;		/* of a directory: all in it */
	uint64_t files;		/* of a directory: how many in it */
	uint8_t digest[DIGEST_LEN];	/* of a file */
	int carried;		/* it is in the extra archive, as PATH without
				   its first "/" */
};

struct sidecar {
	const char *image;
	struct sidecar_file bundle, extra;
	struct sidecar_member *members;
	size_t nmembers;
	struct sidecar_left *left;
	size_t nleft;

	/* Where it came from; each may be "". */
	const char *site, *address, *hostname, *host_key, *xcat, *time,
	    *tool, *engine;

	/* The architecture: claimed, and what proved it; each may be "". */
	const char *osarch, *kernel_arch, *kernel_form, *rootimg_arch,
	    *rootimg_form, *proof;	/* "proved", "unproved", "mismatch" */
	const char *provmethod, *osvers, *profile;

	const char **warnings;
	size_t nwarnings;
	struct arena arena;
};

/* Append it as text. */
int sidecar_encode(struct buf *out, const struct sidecar *s, struct err *e);

/*
 * Read one.  -1 with ERR_DAMAGED and why; ERR_USAGE when it is of a later
 * version.  To be finished also on -1.
 */
int sidecar_decode(struct sidecar *s, const void *text, size_t len,
    struct err *e);
void sidecar_fini(struct sidecar *s);

/*
 * That of a bundle, BUNDLE.json.  1; 0 when there is none; -1.  To be
 * finished in all three cases.
 */
int sidecar_load(struct sidecar *s, const char *bundle, struct err *e);

/* The left-out file or directory of that path, or NULL. */
const struct sidecar_left *sidecar_find(const struct sidecar *s,
    const char *path);

#endif
