#ifndef IMGXFER_IMPORTPLAN_H_
#define IMGXFER_IMPORTPLAN_H_

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "imgxfer/import.h"

/*
 * What imgimport will make of a bundle, foretold from its inspection alone:
 * xCAT-server/lib/xcat/plugins/imgport.pm, extract_bundle and what it calls.
 */
struct importplan_file {
	const char *path;	/* where it comes to stand */
	const char *role;	/* "kernel", "list", ... */
	const char *member;	/* its name in the bundle */
	uint64_t bytes;
	uint8_t digest[DIGEST_LEN];
	int passing;		/* read by imgimport, and removed again */
};

struct importplan {
	/* The manifest as it is in effect; its tables are the rows. */
	struct imgmanifest after;
	const char *image, *arch;
	struct importplan_file *files;	/* sorted by path, each once */
	size_t nfiles;
	const char **dirs;	/* those that must be there: parents first */
	size_t ndirs;
	const char *rootimg;	/* paths of some of the files, or NULL */
	const char *litefile, *treefile;
	const char *tree;	/* the directory that treefile unpacks to */
	const char *media;	/* a directory that must be there before */
	const char *manifest;	/* the member */
	const char *profile;	/* for imgimport -f, or NULL */
	int rewrite;		/* after is to be put into the bundle */
	int any;		/* no gzip: for imgimport -n */
	uint64_t unpacked;	/* bytes of all members */
	struct arena arena;
};

/*
 * installdir: the node's.  ERR_DAMAGED when the bundle must not be imported,
 * ERR_USAGE when an option is wrong, or would allow it; ERR_FAILED for what
 * this import cannot do.  To be finished also on -1.
 */
int importplan_make(struct importplan *p, const struct inspect *in,
    const char *installdir, const struct import_options *opt,
    struct err *e);
void importplan_fini(struct importplan *p);

/* "DIR/NAME" of the plan's, or NULL. */
const char *importplan_join(struct importplan *p, const char *dir,
    const char *name);

/*
 * The packed root images that xCAT looks for, the first that is there being
 * taken (SvrUtils.pm, searchcompressedrootimg).
 */
#define IMPORTPLAN_FORMS 6
extern const char *const importplan_forms[IMPORTPLAN_FORMS];

#endif
