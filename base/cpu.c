#include <sched.h>

#include "base/cpu.h"

unsigned
cpu_count(unsigned max)
{
	cpu_set_t set;
	int n = 1;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = CPU_COUNT(&set);
	return (n < 1 ? 1 : (unsigned)n < max ? (unsigned)n : max);
}
