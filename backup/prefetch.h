#ifndef BACKUP_PREFETCH_H_
#define BACKUP_PREFETCH_H_

#include "backup/pool.h"

/*
 * Threads that only open files ahead of the workers and have the kernel
 * read them: with a cold cache the disk wants many requests at once, which
 * as many workers as cores cannot make.  They run only while it is cold.
 */
#define PREFETCH_SLOW_NS 60000	/* opening and reading a small file */

/*
 * A worker tells how many of the small files that it opened were slow; the
 * prefetchers are woken, and started at the first need.
 */
void prefetch_judge(struct pool *p, unsigned slow, unsigned opened);

#endif
