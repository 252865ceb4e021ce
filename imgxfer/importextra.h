#ifndef IMGXFER_IMPORTEXTRA_H_
#define IMGXFER_IMPORTEXTRA_H_

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "imgxfer/import.h"
#include "imgxfer/source.h"

/*
 * The archive of files beside a bundle (sidecar.h): tar packed by zstd, names
 * relative to "/".  Only regular files are taken, and of these only those
 * with clean paths (inspect_path()), and of these only such are listed as lie
 * below the roots of opt, which may be NULL; the rest is passed over.  Sparse
 * files, too many members and what unpacks to far more than it was (unpack.h)
 * are ERR_DAMAGED.
 */
#define IMPORTEXTRA_MEMBERS_MAX ((size_t)200000)

/* A file's bytes are in from, and need not be read to their end; mode: 0777. */
typedef int importextra_fn(void *arg, const char *path, unsigned mode,
    const struct source *from, uint64_t bytes, struct err *e);

/*
 * Called now and then while none of the files' bytes are being read: long
 * runs of what is passed over let nothing else be heard of us.  Or NULL.
 */
typedef int importextra_heed(void *arg, struct err *e);
int importextra_each(const struct source *archive, importextra_fn *fn,
    importextra_heed *heed, void *arg, struct err *e);

/*
 * The files in it, with their digests, sorted by path; the whole archive has
 * the given digest, or that is ERR_DAMAGED.  Free *out with free(); its paths
 * are the arena's.  *skipped: how many were passed over.
 */
int importextra_list(const struct source *archive,
    const struct inspect_options *opt, const uint8_t digest[DIGEST_LEN],
    struct arena *arena, struct import_extra **out, size_t *n,
    size_t *skipped, struct err *e);

#endif
