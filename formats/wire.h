#ifndef FORMATS_WIRE_H_
#define FORMATS_WIRE_H_

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * What a vault's client and "xcatvault serve" say to each other; the
 * protocol is in xcatvault-serve(1).  The server greets first, then both
 * send messages: a head of fixed length and a body.  Each request has an id;
 * answers carry it, and those of several requests may come in any order.
 *
 * Decoders fail with ERR_FAILED and promise nothing about their output
 * then.
 */
#define WIRE_VERSION 1
#define WIRE_GREETING "xcatvault-serve\n"
#define WIRE_GREETING_LEN (sizeof(WIRE_GREETING) - 1)

#define WIRE_HEAD_LEN 9
#define WIRE_DATA_MAX ((size_t)1 << 20)	/* bytes of an object in a message */
#define WIRE_BODY_MAX (WIRE_DATA_MAX + 64)
#define WIRE_NAME_MAX 200
#define WIRE_PATH_MAX 4095
#define WIRE_TEXT_MAX 1000	/* of an error */

enum wire_type {
	/* Requests. */
	WIRE_HELLO = 1,		/* version, flag: create; name is the path */
	WIRE_GET,		/* name, off: longest accepted -> MORE, OK */
	WIRE_LIST,		/* name, flag: folders -> MORE, OK */
	WIRE_OPEN,		/* name -> OK: length.  id becomes a handle */
	WIRE_READ,		/* handle, off, len -> OK: the bytes */
	WIRE_CLOSE,		/* handle, of OPEN, NEW (abort) or LOCK */
	WIRE_NEW,		/* id becomes the handle of a new object */
	WIRE_WRITE,		/* handle, data */
	WIRE_COMMIT,		/* handle, name, flag: name durable at once */
	WIRE_SYNC,		/* names of all committed objects durable */
	WIRE_MKDIR,		/* name */
	WIRE_REMOVE,		/* name */
	WIRE_LOCK,		/* name, flag: exclusive.  id: a handle */
	WIRE_CLEAN,		/* take away what dead writers left */
	WIRE_PING,
	/* Answers. */
	WIRE_OK = 64,		/* the last one */
	WIRE_MORE,		/* a part; others follow */
	WIRE_ERR,		/* the last one: the request failed */
};

struct wire_head {
	uint8_t type;
	uint32_t id;
	uint32_t len;		/* of the body */
};

void wire_head_encode(uint8_t out[WIRE_HEAD_LEN], const struct wire_head *h);

/* Takes only heads of the side that is listened to. */
int wire_head_decode(const uint8_t in[WIRE_HEAD_LEN], int from_server,
    struct wire_head *h, struct err *e);

/* A request; which fields it has is said above, the rest are zero. */
struct wire_request {
	enum wire_type type;
	uint32_t id;
	uint32_t version;
	uint32_t handle;
	uint64_t off;
	uint32_t len;		/* of READ; at most WIRE_DATA_MAX */
	int flag;
	char name[WIRE_PATH_MAX + 1];
	const void *data;	/* of WRITE; points into what was decoded */
	size_t data_len;
};

/* Append head and body. */
void wire_request_encode(struct buf *out, const struct wire_request *r);

/* body has the length that the head says. */
int wire_request_decode(struct wire_request *r, const struct wire_head *h,
    const uint8_t *body, struct err *e);

/* Append an answer with a body of len bytes, at most WIRE_BODY_MAX. */
void wire_answer_encode(struct buf *out, enum wire_type type, uint32_t id,
    const void *body, size_t len);

/* Bodies of answers.  OK to HELLO: */
struct wire_hello {
	uint32_t version;
	int append_only;
};
void wire_hello_encode(struct buf *body, const struct wire_hello *h);
int wire_hello_decode(struct wire_hello *h, const uint8_t *body, size_t len,
    struct err *e);

/* OK to OPEN: */
void wire_length_encode(struct buf *body, uint64_t bytes);
int wire_length_decode(uint64_t *bytes, const uint8_t *body, size_t len,
    struct err *e);

/*
 * ERR: kind, whether the object is not there (err.errnum is ENOENT then and
 * else 0), and a line.  Decoding gives a text without control bytes.
 */
void wire_err_encode(struct buf *body, const struct err *why);
int wire_err_decode(struct err *why, const uint8_t *body, size_t len,
    struct err *e);

/*
 * MORE to LIST: entries, one after another.  Decoding takes the one at *off
 * and moves *off on: 1, 0 at the end, -1.
 */
void wire_entry_encode(struct buf *body, const char *name, uint64_t bytes);
int wire_entry_decode(const uint8_t *body, size_t len, size_t *off,
    char name[WIRE_NAME_MAX + 1], uint64_t *bytes, struct err *e);

/*
 * Names.  An object: vault.json, README.txt, recover.sh, packs/XX/NAME,
 * snapshots/SITE/NAME or damaged/NAME.  A folder: packs, snapshots, damaged,
 * tmp, locks, packs/XX or snapshots/SITE.  A part: one component of a name:
 * letters, digits, "." (not first), "_" and "-".
 */
int wire_object_ok(const char *name);
int wire_folder_ok(const char *name);
int wire_part_ok(const char *name);

#endif
