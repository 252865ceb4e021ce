#include <stdlib.h>
#include <string.h>

/* Its own calls, for only they show the state: see digest_update_both(). */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include "base/digest.h"
#include "base/sha2pair.h"

struct digest {
	SHA256_CTX ctx;
};

struct digest *
digest_new(void)
{
	struct digest *d;

	if ((d = malloc(sizeof(*d))) != NULL)
		digest_reset(d);
	return (d);
}

void
digest_free(struct digest *d)
{
	free(d);
}

/*
 * Nothing below allocates: the library's own code for these calls cannot
 * fail.  A failure would mean a broken library, and a wrong digest must never
 * be returned.
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
	must(SHA256_Init(&d->ctx));
}

void
digest_update(struct digest *d, const void *p, size_t len)
{
	must(SHA256_Update(&d->ctx, p, len));
}

static void
count_bytes(SHA256_CTX *c, size_t len)
{
	uint64_t bits = (uint64_t)c->Nh << 32 | c->Nl;

	bits += (uint64_t)len << 3;
	c->Nl = (SHA_LONG)bits;
	c->Nh = (SHA_LONG)(bits >> 32);
}

void
digest_update_both(struct digest *a, struct digest *b, const void *from,
    size_t len)
{
	const uint8_t *p = from;
	size_t n = 0;

	if (a->ctx.num == b->ctx.num && sha2pair_can()) {
		n = -(size_t)a->ctx.num % SHA2PAIR_BLOCK;
		if (n > len)
			n = len;
		digest_update(a, p, n);
		digest_update(b, p, n);
		p += n;
		len -= n;
		n = len - len % SHA2PAIR_BLOCK;
	}
	if (n > 0) {
		sha2pair(a->ctx.h, b->ctx.h, p, n / SHA2PAIR_BLOCK);
		count_bytes(&a->ctx, n);
		count_bytes(&b->ctx, n);
	}
	digest_update(a, p + n, len - n);
	digest_update(b, p + n, len - n);
}

void
digest_final(struct digest *d, uint8_t out[DIGEST_LEN])
{
	must(SHA256_Final(out, &d->ctx));
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
