#include <fnmatch.h>
#include <string.h>

#include "formats/walkent.h"

int
walk_is_aside(const char *base)
{
	return (strncmp(base, WALK_ASIDE, sizeof(WALK_ASIDE) - 1) == 0);
}

int
walk_excluded(const struct walk_options *opt, const char *path)
{
	const char *base = strrchr(path, '/');
	const char *pattern;
	size_t i;

	base = base == NULL ? path : base + 1;
	for (i = 0; i < opt->nexcludes; i++) {
		pattern = opt->excludes[i];
		if (strchr(pattern, '/') == NULL) {
			if (fnmatch(pattern, base, 0) == 0)
				return (1);
			continue;
		}
		while (*pattern == '/')
			pattern++;
		if (fnmatch(pattern, path, FNM_PATHNAME) == 0)
			return (1);
	}
	return (0);
}
