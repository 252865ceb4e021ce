#ifndef IMGXFER_IMGKEEP_H_
#define IMGXFER_IMGKEEP_H_

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "formats/snapshot.h"
#include "imgxfer/inspect.h"
#include "imgxfer/sidecar.h"
#include "imgxfer/source.h"
#include "vault/deposit.h"
#include "vault/vault.h"

/*
 * An osimage's bundle kept in a vault, as a snapshot of the site
 * "IMAGE.osimage", which nothing takes for a backup of a node.  Its volume
 * KEEP_VOLUME holds
 *
 *	bundle.tar	the archive, its outer compression undone, so that
 *			versions of an image and images with the same kernel
 *			share their blobs, also with backups of /install
 *	image.json	what is told of it below
 *	sidecar.json	as it lay beside the bundle, if it did
 *	extra.tar.zst	likewise
 *
 * image.json: format "xcatvault-kept-image", version 1, image; bundle: bytes
 * and sha256 as it came in, compression, effort (of gzip), tar_bytes and
 * tar_sha256; origin: site, hostname, xcat, time; osimage: provmethod,
 * osvers, osarch, profile; inspection: what it found, null when there was
 * none.  Texts may be "".
 */
#define KEEP_VOLUME "/osimage"
#define KEEP_TAR "bundle.tar"
#define KEEP_ABOUT "image.json"
#define KEEP_SIDECAR "sidecar.json"
#define KEEP_EXTRA "extra.tar.zst"
#define KEEP_FORMAT "xcatvault-kept-image"
#define KEEP_ABOUT_MAX ((size_t)1 << 20)
#define KEEP_SITE_SUFFIX ".osimage"
#define KEEP_SITE_MAX 65

/*
 * The site of an image: its name and ".osimage" where that is a site's name,
 * else what can be taken of the name and a digest of all of it.
 */
void imgkeep_site(const char *image, char out[KEEP_SITE_MAX]);

/*
 * Putting one in.  One thread calls; the sink takes the bundle's bytes, from
 * the first to the last, as they come.  Compression is undone and blobs are
 * stored by other threads meanwhile.
 */
struct imgkeep;

struct imgkeep *imgkeep_new(struct vault *v, const char *image, struct err *e);
struct sink imgkeep_sink(struct imgkeep *k);

/* What is known of the bundle; each may be NULL. */
struct imgkeep_about {
	const struct inspect *in;
	const struct sidecar *sidecar;
	const char *extra;	/* path of a file of this host, as sidecar's */
	const char *site;	/* where it came from */
};

struct imgkeep_result {
	char site[KEEP_SITE_MAX];
	char snapshot[SNAPSHOT_ID_LEN + 1];
	char previous[SNAPSHOT_ID_LEN + 1];	/* "": it is the first */
	uint64_t bundle_bytes, tar_bytes;
	uint8_t bundle_digest[DIGEST_LEN], tar_digest[DIGEST_LEN];
	uint64_t stored_bytes;	/* the vault has grown by */
};

/*
 * All of it has been written: the snapshot, durable on return.  ERR_DAMAGED
 * when the bundle cannot be unpacked to its end, or is not the one that was
 * inspected, or that the sidecar tells of; then nothing is kept.
 */
int imgkeep_commit(struct imgkeep *k, const struct imgkeep_about *about,
    struct imgkeep_result *r, struct err *e);

/* Without imgkeep_commit() nothing is kept. */
void imgkeep_free(struct imgkeep *k);

#endif
