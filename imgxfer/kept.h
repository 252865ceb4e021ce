#ifndef IMGXFER_KEPT_H_
#define IMGXFER_KEPT_H_

#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "formats/mtree.h"
#include "formats/snapshot.h"
#include "imgxfer/keptabout.h"
#include "imgxfer/sidecar.h"
#include "imgxfer/source.h"
#include "vault/index.h"
#include "vault/snapshots.h"
#include "vault/vault.h"

/*
 * A bundle that is kept in a vault (imgxfer/imgkeep.h), taken out again: the
 * same archive, byte for byte, compressed anew with gzip.
 */
struct kept {
	struct vault *vault;	/* the caller's */
	struct index *index;	/* likewise, but kept_open()'s own */
	int own_index;
	struct snapshot snap;
	struct keptabout about;
	int has_extra;
	struct sidecar sidecar;	/* image == NULL: there is none */
};

/*
 * Find one: "IMAGE" (its newest), "IMAGE@TIME" (the newest at or before), or
 * the beginning of a snapshot's id.  ERR_USAGE when there is none.
 */
int kept_open(struct kept *k, struct vault *v, const char *name,
    struct err *e);

/*
 * The same of a snapshot at hand, for whoever looks at many; without the
 * sidecar.
 */
int kept_load(struct kept *k, struct vault *v, struct index *ix,
    const struct snapshot_ref *ref, struct err *e);
void kept_close(struct kept *k);

/* Whether a snapshot is one of these, by its site. */
int kept_is(const struct snapshot_ref *ref);

/* What came out. */
struct kept_sum {
	uint64_t bytes;
	uint8_t digest[DIGEST_LEN];
};

/*
 * Write the bundle to a sink.  Each piece is proved before it is written,
 * but only after 0 is it known that the archive as a whole has the digest
 * that it had when it came in.  ERR_DAMAGED says what is lost.
 */
int kept_write(struct kept *k, const struct sink *to, struct kept_sum *sum,
    struct err *e);

/* The extra archive, as it lay beside the bundle. */
int kept_write_extra(struct kept *k, const struct sink *to, struct err *e);

/*
 * The same bundle, or with extra that archive, as a source, which another
 * thread fills.  The end of the source is only reached when all of it is
 * proved.  The same kept may have one of each at a time.
 */
struct kept_stream;
struct kept_stream *kept_stream_new(struct kept *k, int extra,
    struct err *e);
struct source kept_stream_source(struct kept_stream *s);
void kept_stream_free(struct kept_stream *s);

/*
 * The bundle as the file "path", its sidecar and extra archive beside it, if
 * there are: each appears whole, and the bundle last.
 */
int kept_export(struct kept *k, const char *path, struct kept_sum *sum,
    struct err *e);

#endif
