#ifndef TESTS_FUZZ_FUZZ_H_
#define TESTS_FUZZ_FUZZ_H_

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * What the fuzz targets share.  A target feeds arbitrary bytes to one
 * decoder and checks what its header promises; libFuzzer calls it, or
 * replay.c for each file of a corpus.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Like assert, but never compiled out. */
#define MUST(x) do { \
	if (!(x)) { \
		fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x); \
		abort(); \
	} \
} while (0)

/* Put the checksum of a tar header right. */
static inline void
seal_header(uint8_t h[512])
{
	unsigned sum = 0;
	size_t i;

	memset(h + 148, ' ', 8);
	for (i = 0; i < 512; i++)
		sum += h[i];
	snprintf((char *)h + 148, 7, "%06o", sum);
}

/* The text is exactly these bytes. */
static inline void
must_equal(const struct buf *b, const void *p, size_t len)
{
	MUST(!b->nomem);
	MUST(b->len == len);
	MUST(len == 0 || memcmp(b->data, p, len) == 0);
}

/* A refusal has a kind and a reason. */
static inline void
must_explain(const struct err *e, enum err_kind kind)
{
	MUST(e->kind == kind);
	MUST(e->msg[0] != '\0' && strlen(e->msg) < sizeof(e->msg));
}

#endif
