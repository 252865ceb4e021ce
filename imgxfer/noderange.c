#include <stdlib.h>
#include <string.h>

#include "imgxfer/noderange.h"

#define DIGITS_MAX 9		/* of a number that is counted with */
#define RUN_MIN 3

static int
compare(const void *a, const void *b)
{
	return (strverscmp(*(const char *const *)a,
	    *(const char *const *)b));
}

/* Where the number at a name's end begins; its end: there is none. */
static size_t
stem(const char *name)
{
	size_t n = strlen(name), at = n;

	while (at > 0 && name[at - 1] >= '0' && name[at - 1] <= '9')
		at--;
	return (n - at <= DIGITS_MAX ? at : n);
}

/* A "-" within a name would be taken for that of a range. */
static int
follows(const char *a, const char *b)
{
	size_t n = strlen(a), at = stem(a);

	return (at < n && strlen(b) == n && stem(b) == at &&
	    memcmp(a, b, at) == 0 && memchr(a, '-', at) == NULL &&
	    strtoul(a + at, NULL, 10) + 1 == strtoul(b + at, NULL, 10));
}

void
noderange_put(struct buf *out, const char **names, size_t n)
{
	size_t i, last, k;

	if (n > 1)
		qsort(names, n, sizeof(*names), compare);
	for (i = 0; i < n; i = last + 1) {
		for (last = i; last + 1 < n; last++)
			if (!follows(names[last], names[last + 1]))
				break;
		if (last - i + 1 >= RUN_MIN)
			buf_printf(out, "%s%s-%s", i > 0 ? "," : "", names[i],
			    names[last]);
		else
			for (k = i; k <= last; k++)
				buf_printf(out, "%s%s", k > 0 ? "," : "",
				    names[k]);
	}
}
