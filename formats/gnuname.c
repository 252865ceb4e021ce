#include <string.h>

#include "formats/gnuname.h"

size_t
gnuname_unescape(const char *p, size_t len, char *c)
{
	static const char from[] = "abfnrtv\\: \"'";
	static const char to[] = "\a\b\f\n\r\t\v\\: \"'";
	const char *at;

	if (len == 0 || *p == '\0')
		return (0);
	if ((at = strchr(from, *p)) != NULL) {
		*c = to[at - from];
		return (1);
	}
	if (len < 3 || p[0] < '0' || p[0] > '3' || p[1] < '0' ||
	    p[1] > '7' || p[2] < '0' || p[2] > '7')
		return (0);
	*c = (char)((p[0] - '0') << 6 | (p[1] - '0') << 3 | (p[2] - '0'));
	return (3);
}

size_t
gnuname_take(const char *p, size_t len, const char *end, struct buf *name)
{
	size_t i, n, tail = strlen(end);
	char c;

	for (i = 0; i + tail <= len; i++) {
		if (memcmp(p + i, end, tail) == 0)
			return (i > 0 ? i + tail : 0);
		c = p[i];
		if (c == '\\') {
			n = gnuname_unescape(p + i + 1, len - i - 1, &c);
			if (n == 0)
				return (0);
			i += n;
		}
		buf_putc(name, c);
	}
	return (0);
}
