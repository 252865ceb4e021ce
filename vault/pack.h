#ifndef VAULT_PACK_H_
#define VAULT_PACK_H_

#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "formats/frame.h"
#include "formats/packindex.h"
#include "vault/commit.h"
#include "vault/vault.h"

/* Packs, written and read; xcatvault-vault(5), "Packs". */

/*
 * Writing: blobs are put one behind another into a frame; full frames are
 * compressed and written, full packs go to the committer.  One thread a
 * writer.
 */
struct pack_writer;

struct pack_writer *pack_writer_new(struct vault *v, enum pack_kind kind,
    struct committer *c, struct err *e);

/*
 * Where a blob of up to len bytes (<= BLOB_MAX) may be built in place; NULL
 * on failure.  pack_writer_add() takes the first len bytes of it in; without
 * that call nothing is stored and the room is used again.
 */
uint8_t *pack_writer_reserve(struct pack_writer *w, size_t len,
    struct err *e);
int pack_writer_add(struct pack_writer *w, const uint8_t id[DIGEST_LEN],
    size_t len, struct err *e);

/* Close the last pack, if one is open, and hand it over. */
int pack_writer_commit(struct pack_writer *w, struct err *e);
void pack_writer_free(struct pack_writer *w);

/* Reading. */
struct pack_reader;

struct pack_reader *pack_reader_open(struct vault *v,
    const uint8_t id[DIGEST_LEN], struct err *e);
/* The same of an object already open, which is the reader's from here on. */
struct pack_reader *pack_reader_adopt(struct store_in *in,
    const uint8_t id[DIGEST_LEN], struct err *e);
void pack_reader_close(struct pack_reader *r);
uint64_t pack_reader_bytes(const struct pack_reader *r);

/*
 * Read the pack's INDEX and prove it by the pack's name.  ERR_DAMAGED names
 * the pack and what is wrong.
 */
int pack_reader_index(struct pack_reader *r, struct packindex *x,
    struct err *e);

/*
 * Read the frame of stored bytes at off and decompress it to raw (rawlen
 * bytes), with scratch for the stored form.
 */
int pack_reader_frame(struct pack_reader *r, struct frame_codec *codec,
    uint64_t off, size_t stored, void *raw, size_t rawlen,
    struct buf *scratch, struct err *e);

/* Read all of it: INDEX, frames and each blob are what their names say. */
int pack_reader_prove(struct pack_reader *r, struct err *e);

/*
 * When the INDEX is lost: find frames and blobs by reading the pack from
 * its start up to the first damage.  x holds what was found, each blob with
 * the id its bytes have.  -1 only when memory runs out.
 */
int pack_reader_salvage(struct pack_reader *r, struct packindex *x,
    struct err *e);

#endif
