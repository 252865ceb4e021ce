#include <stdlib.h>
#include <string.h>

#include "imgxfer/importsend.h"
#include "imgxfer/recent.h"

#define PIECE_BYTES ((size_t)256 << 10)
#define RECENT_BYTES ((size_t)16 << 20)	/* more than is on its way */

static int
read_again(void *arg, uint64_t off, void *p, size_t len, struct err *e)
{
	return (recent_get(arg, off, p, len, e));
}

static int
put_all(struct held *h, const struct import_bundle *b, struct progress *p,
    struct err *e)
{
	struct recent recent;
	const struct held_again again = { read_again, &recent };
	uint64_t left = b->in->bundle_bytes;
	uint8_t *piece;
	ssize_t n = 0;
	int rc = -1;

	if (recent_init(&recent, RECENT_BYTES, e) == -1)
		return (-1);
	if ((piece = malloc(PIECE_BYTES)) == NULL) {
		err_nomem(e);
		goto out;
	}
	while (left > 0) {
		n = b->source->read(b->source->arg, piece,
		    left < PIECE_BYTES ? (size_t)left : PIECE_BYTES, e);
		if (n == 0)
			err_set(e, ERR_FAILED, "%s: it is shorter than it "
			    "was", b->source->name);
		if (n <= 0 || held_put(h, piece, (size_t)n, &again, e) == -1)
			goto out;
		recent_put(&recent, piece, (size_t)n);
		left -= (uint64_t)n;
		progress_add(p, 0, (uint64_t)n);
	}
	rc = held_put_end(h, &again, e);
out:
	free(piece);
	recent_fini(&recent);
	return (rc);
}

static int
check(struct held *h, const struct import_bundle *b, struct err *e)
{
	uint8_t digest[DIGEST_LEN];

	if (held_digest(h, digest, e) == -1)
		return (-1);
	return (memcmp(digest, b->in->bundle_digest, DIGEST_LEN) == 0 ? 0 :
	    err_set(e, ERR_FAILED, "%s did not arrive there as it was "
	    "inspected (has it changed since?)", b->source->name));
}

struct held *
importsend_lay(const struct importrun *r, struct err *e)
{
	const struct held_options how = { .base = r->work,
	    .grace_s = r->opt->grace_s };
	struct held *h;

	progress_expect(r->opt->progress, 0, r->bundle->in->bundle_bytes);
	if ((h = held_new(r->node->control, &how, e)) == NULL)
		return (NULL);
	if (put_all(h, r->bundle, r->opt->progress, e) == 0 &&
	    check(h, r->bundle, e) == 0)
		return (h);
	held_free(h);
	return (NULL);
}
