#ifndef BASE_PROGRESS_H_
#define BASE_PROGRESS_H_

#include <stdint.h>

/*
 * A line on a terminal that tells how far a run is: bytes, files, rate and
 * time left.  Any thread may add; a thread of its own prints.  A NULL
 * progress is silent, so callers need not ask.
 */
struct progress;

/*
 * verb: "backed up", say.  Returns NULL, which is fine, when standard error
 * is no terminal or "wanted" is 0.
 */
struct progress *progress_new(const char *verb, int wanted);

/* What there will be in all; 0 when not known. */
void progress_expect(struct progress *p, uint64_t files, uint64_t bytes);
void progress_add(struct progress *p, uint64_t files, uint64_t bytes);

/* Take the line away. */
void progress_free(struct progress *p);

#endif
