#include <stddef.h>
#include <stdio.h>

#include "base/human.h"

void
human_bytes(uint64_t bytes, char out[HUMAN_LEN])
{
	static const char *const units[] = {
		"B", "KB", "MB", "GB", "TB", "PB", "EB",
	};
	double v = (double)bytes;
	size_t u = 0;

	while (v >= 999.5 && u + 1 < sizeof(units) / sizeof(units[0])) {
		v /= 1000;
		u++;
	}
	snprintf(out, HUMAN_LEN, "%.*f %s", u > 0 && v < 99.95 ? 1 : 0, v,
	    units[u]);
}

void
human_seconds(uint64_t seconds, char out[HUMAN_LEN])
{
	unsigned long long h = seconds / 3600, m = seconds / 60 % 60;

	if (h > 0)
		snprintf(out, HUMAN_LEN, "%llu:%02llu:%02llu", h, m,
		    (unsigned long long)seconds % 60);
	else
		snprintf(out, HUMAN_LEN, "%llu:%02llu", m,
		    (unsigned long long)seconds % 60);
}
