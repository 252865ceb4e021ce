#ifndef BASE_CLOCK_H_
#define BASE_CLOCK_H_

/* Seconds of a clock that only goes on; for how long something took. */
double clock_now(void);

#endif
