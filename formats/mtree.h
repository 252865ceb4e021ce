#ifndef FORMATS_MTREE_H_
#define FORMATS_MTREE_H_

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "formats/packindex.h"
#include "formats/scan.h"

/*
 * One entry of a catalog: an mtree(5) line in full-path form behind comment
 * lines for what mtree has no keyword for; xcatvault-vault(5), "Catalog".
 */
enum entry_type {
	ENTRY_DIR, ENTRY_FILE, ENTRY_LINK, ENTRY_CHAR, ENTRY_BLOCK, ENTRY_FIFO,
};

#define ENTRY_INLINE_BLOBS 32	/* more blobs than this go into a list tree */

/*
 * Spans point into the decoded text (or, for encoding, wherever the caller
 * keeps them) and hold catalog text, not raw bytes.
 */
struct entry {
	enum entry_type type;
	uint32_t mode;		/* permission bits, 07777 */
	uint32_t uid, gid;
	uint32_t mtime_ns, ctime_ns;
	int64_t mtime, ctime;	/* seconds, floored */
	uint64_t ino;
	uint64_t nlink;		/* files */
	uint64_t size;		/* files, bytes */
	uint32_t major, minor;	/* devices */
	uint32_t list_depth;	/* 0: no list tree */
	uint8_t digest[DIGEST_LEN];	/* files: of the whole content */
	uint8_t list[DIGEST_LEN];	/* root of the list tree */
	struct span path;	/* "." or "./..." */
	struct span link;	/* symbolic link's target */
	struct span hardlink;	/* first name of the set; len 0: none */
	struct span blobs;	/* "HEX HEX ...": 2 to 32 ids */
	struct span holes;	/* "OFF LEN OFF LEN ..." */
	struct span xattrs;	/* whole "#x NAME BASE64\n" lines */
	struct span text;	/* set by decoding: the whole entry */
};

/* Append the entry's lines. */
void mtree_encode(struct buf *out, const struct entry *ent);

/*
 * Take one entry from the text.  1; 0 at its end; -1 with ERR_DAMAGED.  All
 * fields and their order are checked, paths included.
 */
int mtree_decode(struct scan *s, struct entry *ent, struct err *e);

/*
 * Take one entry without looking at more than where it ends and what its
 * path is; for text that has been decoded before.  1, or 0 at the end.
 */
int mtree_skip(struct scan *s, struct span *text, struct span *path);

/* Take the next id of ent->blobs, starting with a scan of that span. */
int mtree_next_blob(struct scan *s, uint8_t id[DIGEST_LEN]);

/* Take the next hole. */
int mtree_next_hole(struct scan *s, uint64_t *off, uint64_t *len);

/*
 * Take the next extended attribute: its raw name (NUL-terminated) and value
 * replace the buffers' contents.  1, 0 at the end, -1 out of memory.
 */
int mtree_next_xattr(struct scan *s, struct buf *name, struct buf *value,
    struct err *e);

/* Append one "#x" line. */
void mtree_encode_xattr(struct buf *out, const char *name, const void *value,
    size_t len);

/* A scan over a span. */
struct scan mtree_scan(const struct span *sp);

/* Lower-case word for a type: "dir", "file", ... as in mtree(5). */
const char *mtree_type_name(enum entry_type type);

#endif
