#ifndef BASE_BUF_H_
#define BASE_BUF_H_

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * A growing byte buffer.  Appends never fail at the call: when memory runs
 * out the buffer remembers it, ignores what follows, and buf_ok() tells, so
 * that a writer of many small pieces checks once, at the end.  The bytes
 * are not NUL-terminated unless buf_cstr() is asked.
 */
struct buf {
	uint8_t *data;
	size_t len;		/* bytes used */
	size_t cap;		/* bytes allocated */
	int nomem;		/* an append was dropped */
};

/* All zero is a valid empty buffer. */
#define BUF_INIT { NULL, 0, 0, 0 }

/* Free the storage; the buffer is empty and usable again. */
void buf_fini(struct buf *b);

/* Forget the contents and any failure, keep the storage. */
void buf_clear(struct buf *b);

/*
 * Make room for len more bytes and return where they go, or NULL.  The
 * caller writes them and calls buf_advance().
 */
uint8_t *buf_reserve(struct buf *b, size_t len);
void buf_advance(struct buf *b, size_t len);

void buf_append(struct buf *b, const void *data, size_t len);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);

/* Append a number in decimal. */
void buf_putu(struct buf *b, uint64_t v);
void buf_putd(struct buf *b, int64_t v);

/* Append foreign bytes for a message: what is not printable ASCII as "?". */
void buf_put_printable(struct buf *b, const void *p, size_t len);

void buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The contents as a string owned by the buffer; "" when memory ran out. */
const char *buf_cstr(struct buf *b);

/* 0, or -1 with "out of memory" if any append was dropped. */
int buf_ok(const struct buf *b, struct err *e);

#endif
