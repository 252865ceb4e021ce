#ifndef FORMATS_SCAN_H_
#define FORMATS_SCAN_H_

#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"

/*
 * A bounded reader of text from [p, end).  Each call takes what it names
 * and returns 1, or takes nothing and returns 0.
 */
struct scan {
	const char *p;
	const char *end;
};

/* A piece of text that somebody else owns. */
struct span {
	const char *p;
	size_t len;
};

int scan_text(struct scan *s, const char *text);
int scan_char(struct scan *s, char c);

/* Decimal without sign, leading zero or overflow. */
int scan_u64(struct scan *s, uint64_t *v);
int scan_u32(struct scan *s, uint32_t *v);
int scan_i64(struct scan *s, int64_t *v);	/* with an optional "-" */

/* Octal of exactly four digits. */
int scan_octal(struct scan *s, uint32_t *v);

/* "SEC.NNNNNNNNN", nine digits. */
int scan_time(struct scan *s, int64_t *sec, uint32_t *ns);

int scan_digest(struct scan *s, uint8_t out[DIGEST_LEN]);

/* One or more bytes up to (not including) any of two stops or the end. */
int scan_word(struct scan *s, char stop1, char stop2, struct span *w);

/* The rest of the line and its newline, which must be there. */
int scan_line(struct scan *s);

#endif
