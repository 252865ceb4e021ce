#include <assert.h>

#include "base/sha2pair.h"

#ifdef __x86_64__

#include <cpuid.h>
#include <immintrin.h>

#define USES __attribute__((target("sha,sse4.1,ssse3")))

static const uint32_t constants[64] __attribute__((aligned(16))) = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
	0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
	0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
	0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
	0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
	0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
	0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* A state as the instructions want it: words F E B A and H G D C. */
struct state {
	__m128i abef, cdgh;
};

USES static struct state
load(const uint32_t h[8])
{
	__m128i abcd = _mm_loadu_si128((const __m128i *)(const void *)h);
	__m128i efgh = _mm_loadu_si128((const __m128i *)(const void *)(h + 4));
	struct state s;

	abcd = _mm_shuffle_epi32(abcd, 0xb1);
	efgh = _mm_shuffle_epi32(efgh, 0x1b);
	s.abef = _mm_alignr_epi8(abcd, efgh, 8);
	s.cdgh = _mm_blend_epi16(efgh, abcd, 0xf0);
	return (s);
}

USES static void
store(uint32_t h[8], const struct state *s)
{
	__m128i feba = _mm_shuffle_epi32(s->abef, 0x1b);
	__m128i dchg = _mm_shuffle_epi32(s->cdgh, 0xb1);

	_mm_storeu_si128((__m128i *)(void *)h,
	    _mm_blend_epi16(feba, dchg, 0xf0));
	_mm_storeu_si128((__m128i *)(void *)(h + 4),
	    _mm_alignr_epi8(dchg, feba, 8));
}

/* Four rounds of both. */
USES static inline void
rounds(struct state *a, struct state *b, __m128i words, size_t at)
{
	__m128i k = _mm_add_epi32(words, _mm_load_si128(
	    (const __m128i *)(const void *)(constants + at)));
	__m128i high = _mm_shuffle_epi32(k, 0x0e);

	a->cdgh = _mm_sha256rnds2_epu32(a->cdgh, a->abef, k);
	b->cdgh = _mm_sha256rnds2_epu32(b->cdgh, b->abef, k);
	a->abef = _mm_sha256rnds2_epu32(a->abef, a->cdgh, high);
	b->abef = _mm_sha256rnds2_epu32(b->abef, b->cdgh, high);
}

/* The next four words behind those sixteen. */
USES static inline __m128i
schedule(__m128i w0, __m128i w1, __m128i w2, __m128i w3)
{
	__m128i w = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1),
	    _mm_alignr_epi8(w3, w2, 4));

	return (_mm_sha256msg2_epu32(w, w3));
}

USES static inline __m128i
words(const uint8_t *p)
{
	const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b,
	    0x0405060700010203);

	return (_mm_shuffle_epi8(_mm_loadu_si128(
	    (const __m128i *)(const void *)p), big_endian));
}

USES static inline void
block(struct state *a, struct state *b, const uint8_t *p)
{
	__m128i w0 = words(p), w1 = words(p + 16), w2 = words(p + 32);
	__m128i w3 = words(p + 48);
	size_t at;

	for (at = 0; at < 48; at += 16) {
		rounds(a, b, w0, at);
		w0 = schedule(w0, w1, w2, w3);
		rounds(a, b, w1, at + 4);
		w1 = schedule(w1, w2, w3, w0);
		rounds(a, b, w2, at + 8);
		w2 = schedule(w2, w3, w0, w1);
		rounds(a, b, w3, at + 12);
		w3 = schedule(w3, w0, w1, w2);
	}
	rounds(a, b, w0, 48);
	rounds(a, b, w1, 52);
	rounds(a, b, w2, 56);
	rounds(a, b, w3, 60);
}

USES void
sha2pair(uint32_t a[8], uint32_t b[8], const uint8_t *p, size_t blocks)
{
	struct state sa = load(a), sb = load(b), olda, oldb;

	for (; blocks > 0; blocks--, p += SHA2PAIR_BLOCK) {
		olda = sa;
		oldb = sb;
		block(&sa, &sb, p);
		sa.abef = _mm_add_epi32(sa.abef, olda.abef);
		sa.cdgh = _mm_add_epi32(sa.cdgh, olda.cdgh);
		sb.abef = _mm_add_epi32(sb.abef, oldb.abef);
		sb.cdgh = _mm_add_epi32(sb.cdgh, oldb.cdgh);
	}
	store(a, &sa);
	store(b, &sb);
}

static int
look(void)
{
	unsigned a, b, c, d;

	if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_SSE4_1) == 0 ||
	    (c & bit_SSSE3) == 0)
		return (0);
	return (__get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 &&
	    (b & bit_SHA) != 0);
}

int
sha2pair_can(void)
{
	static int known;	/* atomic: 1 it can, -1 it cannot */
	int can = __atomic_load_n(&known, __ATOMIC_RELAXED);

	/* A virtual machine is long about the answer. */
	if (can == 0) {
		can = look() ? 1 : -1;
		__atomic_store_n(&known, can, __ATOMIC_RELAXED);
	}
	return (can == 1);
}

#else

int
sha2pair_can(void)
{
	return (0);
}

void
sha2pair(uint32_t a[8], uint32_t b[8], const uint8_t *p, size_t blocks)
{
	(void)a;
	(void)b;
	(void)p;
	(void)blocks;
	assert(0);
}

#endif
