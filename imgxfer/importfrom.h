#ifndef IMGXFER_IMPORTFROM_H_
#define IMGXFER_IMPORTFROM_H_

#include "base/cli.h"
#include "base/err.h"
#include "imgxfer/inspect.h"
#include "imgxfer/kept.h"
#include "imgxfer/sidecar.h"
#include "imgxfer/source.h"

/*
 * Where the bundle of an import comes from: a file and what lies beside it,
 * or an image that the vault keeps.  Either gives the same bytes each time.
 */
struct importfrom {
	const char *name;	/* the file's path, or the image's name */
	int kept;		/* it is in the vault */
	const struct sidecar *sidecar;	/* NULL: there is none */

	/* Its own. */
	struct sidecar beside;
	struct vault *vault;
	struct kept image;
	struct source_file file, extra_file;
	struct kept_stream *stream, *extra_stream;
};

/* To be closed also on -1. */
int importfrom_open(struct importfrom *f, const char *name, int kept,
    const struct cli *cli, struct err *e);
void importfrom_close(struct importfrom *f);

/* The bundle, from its first byte; what was given before is closed. */
int importfrom_bundle(struct importfrom *f, struct source *out,
    struct err *e);

/* The extra archive that the sidecar tells of, likewise. */
int importfrom_extra(struct importfrom *f, struct source *out,
    struct err *e);

/* What has been inspected must be what the sidecar or the vault tells of. */
int importfrom_check(const struct importfrom *f, const struct inspect *in,
    struct err *e);

#endif
