#include "formats/wire.h"
#include "tests/fuzz/fuzz.h"

/*
 * What a client and a server hear.  The first byte says which: 0, a stream
 * of requests; 1 to 4, the body of an answer: hello, length, error, listing.
 * What is accepted is within its bounds and encodes to the same bytes.
 */
static void
check_request(const struct wire_request *r, const uint8_t *head, size_t len)
{
	struct buf again = BUF_INIT;

	MUST(strlen(r->name) <= (r->type == WIRE_HELLO ? WIRE_PATH_MAX :
	    WIRE_NAME_MAX));
	MUST(r->len <= WIRE_DATA_MAX && r->data_len <= WIRE_DATA_MAX);
	MUST(r->off <= INT64_MAX - WIRE_DATA_MAX);
	if (wire_object_ok(r->name) || wire_folder_ok(r->name)) {
		MUST(r->name[0] != '/' && r->name[0] != '.');
		MUST(strstr(r->name, "/.") == NULL);
		MUST(strstr(r->name, "//") == NULL);
	}
	wire_request_encode(&again, r);
	must_equal(&again, head, len);
	buf_fini(&again);
}

static void
requests(const uint8_t *p, size_t left)
{
	static struct wire_request r;
	struct wire_head h;
	struct err e = { 0 };

	while (left >= WIRE_HEAD_LEN) {
		if (wire_head_decode(p, 0, &h, &e) == -1) {
			must_explain(&e, ERR_FAILED);
			return;
		}
		MUST(h.len <= WIRE_BODY_MAX);
		if (h.len > left - WIRE_HEAD_LEN)
			return;
		if (wire_request_decode(&r, &h, p + WIRE_HEAD_LEN, &e) == 0)
			check_request(&r, p, WIRE_HEAD_LEN + h.len);
		else
			must_explain(&e, ERR_FAILED);
		p += WIRE_HEAD_LEN + h.len;
		left -= WIRE_HEAD_LEN + h.len;
	}
}

static void
listing(const uint8_t *p, size_t len)
{
	char name[WIRE_NAME_MAX + 1];
	struct buf again = BUF_INIT;
	struct err e = { 0 };
	uint64_t bytes;
	size_t off = 0;
	int rc;

	while ((rc = wire_entry_decode(p, len, &off, name, &bytes, &e)) ==
	    1) {
		MUST(wire_part_ok(name) && bytes <= INT64_MAX);
		wire_entry_encode(&again, name, bytes);
	}
	if (rc == -1)
		must_explain(&e, ERR_FAILED);
	must_equal(&again, p, off);
	MUST(rc == -1 || off == len);
	buf_fini(&again);
}

/* Body of an answer: decoded, and encoded again.  -1 when refused. */
static int
again(int what, const uint8_t *p, size_t len, struct buf *out, struct err *e)
{
	struct wire_hello h;
	uint64_t v;

	if (what == 1) {
		if (wire_hello_decode(&h, p, len, e) == -1)
			return (-1);
		wire_hello_encode(out, &h);
	} else {
		if (wire_length_decode(&v, p, len, e) == -1)
			return (-1);
		wire_length_encode(out, v);
	}
	return (0);
}

static void
answer(int what, const uint8_t *p, size_t len)
{
	struct buf out = BUF_INIT;
	struct err e = { 0 };

	if (again(what, p, len, &out, &e) == 0)
		must_equal(&out, p, len);
	else
		must_explain(&e, ERR_FAILED);
	buf_fini(&out);
}

static void
error(const uint8_t *p, size_t len)
{
	struct err e = { 0 }, why;

	if (wire_err_decode(&why, p, len, &e) == 0)
		must_explain(&why, why.kind);
	else
		must_explain(&e, ERR_FAILED);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0 || data[0] > 4)
		return (0);
	if (data[0] == 0)
		requests(data + 1, size - 1);
	else if (data[0] == 3)
		error(data + 1, size - 1);
	else if (data[0] == 4)
		listing(data + 1, size - 1);
	else
		answer(data[0], data + 1, size - 1);
	return (0);
}
