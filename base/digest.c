#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/digest.h"

struct digest {
	EVP_MD_CTX *ctx;
	EVP_MD *md;		/* fetched once: an implicit fetch is slow */
};

struct digest *
digest_new(void)
{
	struct digest *d;

	if ((d = calloc(1, sizeof(*d))) == NULL)
		return (NULL);
	d->ctx = EVP_MD_CTX_new();
	d->md = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (d->ctx == NULL || d->md == NULL ||
	    EVP_DigestInit_ex2(d->ctx, d->md, NULL) != 1) {
		digest_free(d);
		return (NULL);
	}
	return (d);
}

void
digest_free(struct digest *d)
{
	if (d == NULL)
		return;
	EVP_MD_CTX_free(d->ctx);
	EVP_MD_free(d->md);
	free(d);
}

/*
 * With the context made and the digest fetched, nothing below allocates:
 * the library's own code for these calls cannot fail.  A failure would
 * mean a broken library, and a wrong digest must never be returned.
 */
static void
must(int ok)
{
	if (ok != 1)
		abort();
}

void
digest_reset(struct digest *d)
{
	must(EVP_DigestInit_ex2(d->ctx, NULL, NULL));
}

void
digest_update(struct digest *d, const void *p, size_t len)
{
	must(EVP_DigestUpdate(d->ctx, p, len));
}

void
digest_final(struct digest *d, uint8_t out[DIGEST_LEN])
{
	must(EVP_DigestFinal_ex(d->ctx, out, NULL));
}

void
digest_bytes(struct digest *d, const void *p, size_t len,
    uint8_t out[DIGEST_LEN])
{
	digest_reset(d);
	digest_update(d, p, len);
	digest_final(d, out);
}

void
digest_hex(const uint8_t in[DIGEST_LEN], char hex[DIGEST_HEX])
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < DIGEST_LEN; i++) {
		hex[2 * i] = digits[in[i] >> 4];
		hex[2 * i + 1] = digits[in[i] & 15];
	}
}

void
digest_hexz(const uint8_t in[DIGEST_LEN], char hex[DIGEST_HEX + 1])
{
	digest_hex(in, hex);
	hex[DIGEST_HEX] = '\0';
}

void
digest_put(struct buf *out, const uint8_t in[DIGEST_LEN])
{
	uint8_t *p = buf_reserve(out, DIGEST_HEX);

	if (p == NULL)
		return;
	digest_hex(in, (char *)p);
	buf_advance(out, DIGEST_HEX);
}

static const uint8_t nibble[256] = {
	['0'] = 1, ['1'] = 2, ['2'] = 3, ['3'] = 4, ['4'] = 5, ['5'] = 6,
	['6'] = 7, ['7'] = 8, ['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12,
	['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

int
digest_parse(const char *hex, uint8_t out[DIGEST_LEN])
{
	size_t i;
	unsigned hi, lo;

	for (i = 0; i < DIGEST_LEN; i++) {
		hi = nibble[(uint8_t)hex[2 * i]];
		if (hi == 0)
			return (-1);
		lo = nibble[(uint8_t)hex[2 * i + 1]];
		if (lo == 0)
			return (-1);
		out[i] = (uint8_t)((hi - 1) << 4 | (lo - 1));
	}
	return (0);
}
