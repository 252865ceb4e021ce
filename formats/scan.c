#include <string.h>

#include "formats/scan.h"

int
scan_text(struct scan *s, const char *text)
{
	size_t n = strlen(text);

	if ((size_t)(s->end - s->p) < n || memcmp(s->p, text, n) != 0)
		return (0);
	s->p += n;
	return (1);
}

int
scan_char(struct scan *s, char c)
{
	if (s->p == s->end || *s->p != c)
		return (0);
	s->p++;
	return (1);
}

int
scan_u64(struct scan *s, uint64_t *v)
{
	const char *p = s->p;
	uint64_t n = 0;

	for (; p < s->end && *p >= '0' && *p <= '9'; p++) {
		if (p > s->p && n == 0)
			return (0);
		if (__builtin_mul_overflow(n, (uint64_t)10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*p - '0'), &n))
			return (0);
	}
	if (p == s->p)
		return (0);
	s->p = p;
	*v = n;
	return (1);
}

int
scan_u32(struct scan *s, uint32_t *v)
{
	const char *p = s->p;
	uint64_t n;

	if (!scan_u64(s, &n))
		return (0);
	if (n > UINT32_MAX) {
		s->p = p;
		return (0);
	}
	*v = (uint32_t)n;
	return (1);
}

int
scan_i64(struct scan *s, int64_t *v)
{
	const char *p = s->p;
	int negative = scan_char(s, '-');
	uint64_t n;

	if (!scan_u64(s, &n) ||
	    n > (uint64_t)INT64_MAX + (negative ? 1 : 0) ||
	    (negative && n == 0)) {
		s->p = p;
		return (0);
	}
	/* INT64_MIN is a time that file systems do store. */
	*v = negative ? -(int64_t)(n - 1) - 1 : (int64_t)n;
	return (1);
}

int
scan_octal(struct scan *s, uint32_t *v)
{
	const char *p = s->p;
	uint32_t n = 0;

	for (; p < s->end && *p >= '0' && *p <= '7' && p - s->p < 4; p++)
		n = n << 3 | (uint32_t)(*p - '0');
	if (p - s->p != 4)
		return (0);
	s->p = p;
	*v = n;
	return (1);
}

int
scan_time(struct scan *s, int64_t *sec, uint32_t *ns)
{
	const char *p = s->p;
	uint32_t n = 0;
	int i;

	if (!scan_i64(s, sec) || !scan_char(s, '.') || s->end - s->p < 9)
		goto no;
	for (i = 0; i < 9; i++) {
		if (s->p[i] < '0' || s->p[i] > '9')
			goto no;
		n = n * 10 + (uint32_t)(s->p[i] - '0');
	}
	s->p += 9;
	*ns = n;
	return (1);
no:
	s->p = p;
	return (0);
}

int
scan_digest(struct scan *s, uint8_t out[DIGEST_LEN])
{
	if (s->end - s->p < DIGEST_HEX || digest_parse(s->p, out) == -1)
		return (0);
	s->p += DIGEST_HEX;
	return (1);
}

int
scan_word(struct scan *s, char stop1, char stop2, struct span *w)
{
	const char *p = s->p;

	while (p < s->end && *p != stop1 && *p != stop2)
		p++;
	if (p == s->p)
		return (0);
	w->p = s->p;
	w->len = (size_t)(p - s->p);
	s->p = p;
	return (1);
}

int
scan_line(struct scan *s)
{
	const char *nl;

	if (s->p == s->end)
		return (0);
	if ((nl = memchr(s->p, '\n', (size_t)(s->end - s->p))) == NULL)
		return (0);
	s->p = nl + 1;
	return (1);
}
