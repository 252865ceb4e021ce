#include "formats/pathtext.h"
#include "remote/node/listing.h"
#include "tests/fuzz/fuzz.h"

/*
 * What a node's find prints, in pieces as long as the first byte says: what
 * comes out is in catalog order, each path proper and once.
 */
static void
check_entries(struct listing *l)
{
	struct buf last = BUF_INIT;
	struct walk_entry we;
	struct err e = { 0 };
	size_t n = 0;
	int rc;

	while ((rc = listing_next(l, &we, &e)) == 1) {
		MUST(pathtext_is_path(we.path.p, we.path.len));
		MUST(n == 0 || pathtext_compare((const char *)last.data,
		    last.len, we.path.p, we.path.len) < 0);
		MUST(we.st->mtime_ns < 1000000000 &&
		    we.st->ctime_ns < 1000000000 && we.st->errnum == 0);
		buf_clear(&last);
		buf_append(&last, we.path.p, we.path.len);
		n++;
	}
	MUST(rc == 0 && n <= listing_count(l));
	buf_fini(&last);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const excludes[] = { "*.tmp", "/x/y" };
	const struct walk_options opt = { .excludes = excludes,
	    .nexcludes = 2 };
	size_t at = 1, n, piece;
	struct err e = { 0 };
	struct listing *l;
	int rc = 0;

	if (size == 0)
		return (0);
	piece = (size_t)data[0] + 1;
	l = listing_new(&opt, &e);
	MUST(l != NULL);
	for (; rc == 0 && at < size; at += n) {
		n = size - at < piece ? size - at : piece;
		rc = listing_feed(l, data + at, n, &e);
	}
	if (rc == 0)
		rc = listing_finish(l, &e);
	if (rc == 0)
		check_entries(l);
	else
		must_explain(&e, ERR_FAILED);
	listing_free(l);
	return (0);
}
