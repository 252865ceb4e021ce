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
