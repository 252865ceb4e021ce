#include <errno.h>
#include <string.h>

#include "formats/wire.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define PART_CHARS LETTERS "0123456789._-"

/* What is left of a message that is being taken apart. */
struct in {
	const uint8_t *p;
	size_t left;
	int bad;		/* it ended early */
};

static void
put(uint8_t *p, uint64_t v, size_t n)
{
	while (n-- > 0) {
		p[n] = (uint8_t)v;
		v >>= 8;
	}
}

static void
append(struct buf *b, uint64_t v, size_t n)
{
	uint8_t p[8];

	put(p, v, n);
	buf_append(b, p, n);
}

static uint64_t
take(struct in *in, size_t n)
{
	uint64_t v = 0;

	if (in->left < n) {
		in->bad = 1;
		return (0);
	}
	in->left -= n;
	while (n-- > 0)
		v = v << 8 | *in->p++;
	return (v);
}

/* A name behind its length, without NUL in it. */
static void
take_name(struct in *in, char *name, size_t max)
{
	size_t n = (size_t)take(in, 2);

	if (n > max || n > in->left || memchr(in->p, '\0', n) != NULL) {
		in->bad = 1;
		return;
	}
	memcpy(name, in->p, n);
	name[n] = '\0';
	in->p += n;
	in->left -= n;
}

static void
append_name(struct buf *b, const char *name)
{
	size_t n = strlen(name);

	append(b, n, 2);
	buf_append(b, name, n);
}

static int
malformed(const char *what, struct err *e)
{
	return (err_set(e, ERR_FAILED, "malformed message (%s)", what));
}

/* All of it has been taken, and nothing was missing. */
static int
check_end(const struct in *in, const char *what, struct err *e)
{
	if (in->bad || in->left > 0)
		return (malformed(what, e));
	return (0);
}

void
wire_head_encode(uint8_t out[WIRE_HEAD_LEN], const struct wire_head *h)
{
	put(out, h->len, 4);
	out[4] = h->type;
	put(out + 5, h->id, 4);
}

int
wire_head_decode(const uint8_t in[WIRE_HEAD_LEN], int from_server,
    struct wire_head *h, struct err *e)
{
	struct in i = { in, WIRE_HEAD_LEN, 0 };
	int first = from_server ? WIRE_OK : WIRE_HELLO;
	int last = from_server ? WIRE_ERR : WIRE_PING;

	h->len = (uint32_t)take(&i, 4);
	h->type = (uint8_t)take(&i, 1);
	h->id = (uint32_t)take(&i, 4);
	if (h->len > WIRE_BODY_MAX || h->type < first || h->type > last)
		return (malformed("head", e));
	return (0);
}

static void
encode_body(struct buf *b, const struct wire_request *r)
{
	switch (r->type) {
	case WIRE_HELLO:
		append(b, r->version, 4);
		append(b, r->flag != 0, 1);
		append_name(b, r->name);
		break;
	case WIRE_GET:
		append(b, r->off, 8);
		append_name(b, r->name);
		break;
	case WIRE_LIST:
	case WIRE_LOCK:
		append(b, r->flag != 0, 1);
		append_name(b, r->name);
		break;
	case WIRE_OPEN:
	case WIRE_MKDIR:
	case WIRE_REMOVE:
		append_name(b, r->name);
		break;
	case WIRE_READ:
		append(b, r->handle, 4);
		append(b, r->off, 8);
		append(b, r->len, 4);
		break;
	case WIRE_CLOSE:
		append(b, r->handle, 4);
		break;
	case WIRE_WRITE:
		append(b, r->handle, 4);
		buf_append(b, r->data, r->data_len);
		break;
	case WIRE_COMMIT:
		append(b, r->handle, 4);
		append(b, r->flag != 0, 1);
		append_name(b, r->name);
		break;
	default:
		break;
	}
}

void
wire_request_encode(struct buf *out, const struct wire_request *r)
{
	struct wire_head h = { (uint8_t)r->type, r->id, 0 };
	size_t at = out->len;

	/* The length is known only when the body is there. */
	if (buf_reserve(out, WIRE_HEAD_LEN + 64 + r->data_len) == NULL)
		return;
	buf_advance(out, WIRE_HEAD_LEN);
	encode_body(out, r);
	if (out->nomem)
		return;
	h.len = (uint32_t)(out->len - at - WIRE_HEAD_LEN);
	wire_head_encode(out->data + at, &h);
}

static void
decode_body(struct wire_request *r, struct in *in)
{
	switch (r->type) {
	case WIRE_HELLO:
		r->version = (uint32_t)take(in, 4);
		r->flag = (int)take(in, 1);
		take_name(in, r->name, WIRE_PATH_MAX);
		break;
	case WIRE_GET:
		r->off = take(in, 8);
		take_name(in, r->name, WIRE_NAME_MAX);
		break;
	case WIRE_LIST:
	case WIRE_LOCK:
		r->flag = (int)take(in, 1);
		take_name(in, r->name, WIRE_NAME_MAX);
		break;
	case WIRE_OPEN:
	case WIRE_MKDIR:
	case WIRE_REMOVE:
		take_name(in, r->name, WIRE_NAME_MAX);
		break;
	case WIRE_READ:
		r->handle = (uint32_t)take(in, 4);
		r->off = take(in, 8);
		r->len = (uint32_t)take(in, 4);
		break;
	case WIRE_CLOSE:
		r->handle = (uint32_t)take(in, 4);
		break;
	case WIRE_WRITE:
		r->handle = (uint32_t)take(in, 4);
		r->data = in->p;
		r->data_len = in->left;
		in->left = 0;
		break;
	case WIRE_COMMIT:
		r->handle = (uint32_t)take(in, 4);
		r->flag = (int)take(in, 1);
		take_name(in, r->name, WIRE_NAME_MAX);
		break;
	default:
		break;
	}
}

int
wire_request_decode(struct wire_request *r, const struct wire_head *h,
    const uint8_t *body, struct err *e)
{
	struct in in = { body, h->len, 0 };

	r->type = h->type;
	r->id = h->id;
	r->version = r->handle = r->len = 0;
	r->off = 0;
	r->flag = 0;
	r->name[0] = '\0';
	r->data = NULL;
	r->data_len = 0;
	decode_body(r, &in);
	if (r->len > WIRE_DATA_MAX || r->data_len > WIRE_DATA_MAX ||
	    r->flag > 1 || r->off > INT64_MAX - WIRE_DATA_MAX)
		return (malformed("numbers", e));
	return (check_end(&in, "request", e));
}

void
wire_answer_encode(struct buf *out, enum wire_type type, uint32_t id,
    const void *body, size_t len)
{
	struct wire_head h = { (uint8_t)type, id, (uint32_t)len };
	uint8_t head[WIRE_HEAD_LEN];

	wire_head_encode(head, &h);
	buf_append(out, head, sizeof(head));
	buf_append(out, body, len);
}

void
wire_hello_encode(struct buf *body, const struct wire_hello *h)
{
	append(body, h->version, 4);
	append(body, h->append_only != 0, 1);
}

int
wire_hello_decode(struct wire_hello *h, const uint8_t *body, size_t len,
    struct err *e)
{
	struct in in = { body, len, 0 };

	h->version = (uint32_t)take(&in, 4);
	h->append_only = (int)take(&in, 1);
	if (h->append_only > 1)
		return (malformed("hello", e));
	return (check_end(&in, "hello", e));
}

void
wire_length_encode(struct buf *body, uint64_t bytes)
{
	append(body, bytes, 8);
}

int
wire_length_decode(uint64_t *bytes, const uint8_t *body, size_t len,
    struct err *e)
{
	struct in in = { body, len, 0 };

	*bytes = take(&in, 8);
	if (*bytes > INT64_MAX)
		return (malformed("length", e));
	return (check_end(&in, "length", e));
}

void
wire_err_encode(struct buf *body, const struct err *why)
{
	size_t n = strlen(why->msg);

	append(body, why->kind, 1);
	append(body, why->errnum == ENOENT, 1);
	buf_append(body, why->msg, n < WIRE_TEXT_MAX ? n : WIRE_TEXT_MAX);
}

int
wire_err_decode(struct err *why, const uint8_t *body, size_t len,
    struct err *e)
{
	struct in in = { body, len, 0 };
	uint64_t kind = take(&in, 1), missing = take(&in, 1);

	if (in.bad || in.left == 0 || *in.p == '\0' ||
	    in.left > WIRE_TEXT_MAX ||
	    kind < ERR_FAILED || kind > ERR_DAMAGED || missing > 1)
		return (malformed("error", e));
	err_set(why, (enum err_kind)kind, "%.*s", (int)in.left,
	    (const char *)in.p);
	why->errnum = missing ? ENOENT : 0;
	return (0);
}

void
wire_entry_encode(struct buf *body, const char *name, uint64_t bytes)
{
	append(body, bytes, 8);
	append_name(body, name);
}

int
wire_entry_decode(const uint8_t *body, size_t len, size_t *off,
    char name[WIRE_NAME_MAX + 1], uint64_t *bytes, struct err *e)
{
	struct in in = { body, 0, 0 };

	/* An empty list may be no memory at all. */
	if (*off == len)
		return (0);
	in.p += *off;
	in.left = len - *off;
	*bytes = take(&in, 8);
	take_name(&in, name, WIRE_NAME_MAX);
	if (in.bad || *bytes > INT64_MAX || !wire_part_ok(name))
		return (malformed("list", e));
	*off = len - in.left;
	return (1);
}

static int
part_ok(const char *s, size_t n)
{
	return (n > 0 && s[0] != '.' && strspn(s, PART_CHARS) >= n);
}

int
wire_part_ok(const char *name)
{
	size_t n = strlen(name);

	return (n <= WIRE_NAME_MAX && part_ok(name, n));
}

/* Whether the components below the first are good; how many they are. */
static int
parts_below(const char *name, size_t *n)
{
	const char *end;

	for (*n = 0; *name == '/'; name = end, (*n)++) {
		end = strchrnul(++name, '/');
		if (!part_ok(name, (size_t)(end - name)))
			return (0);
	}
	return (*name == '\0');
}

static int
begins(const char *name, const char *folder, size_t *n)
{
	size_t len = strlen(folder);

	return (strncmp(name, folder, len) == 0 &&
	    parts_below(name + len, n));
}

int
wire_object_ok(const char *name)
{
	size_t n;

	if (strlen(name) > WIRE_NAME_MAX)
		return (0);
	if (strcmp(name, "vault.json") == 0 ||
	    strcmp(name, "README.txt") == 0 ||
	    strcmp(name, "recover.sh") == 0)
		return (1);
	if (begins(name, "damaged", &n))
		return (n == 1);
	return ((begins(name, "packs", &n) || begins(name, "snapshots",
	    &n)) && n == 2);
}

int
wire_folder_ok(const char *name)
{
	size_t n;

	if (strlen(name) > WIRE_NAME_MAX)
		return (0);
	if (begins(name, "damaged", &n) || begins(name, "tmp", &n) ||
	    begins(name, "locks", &n))
		return (n == 0);
	return ((begins(name, "packs", &n) || begins(name, "snapshots",
	    &n)) && n <= 1);
}
