#ifndef BASE_CPU_H_
#define BASE_CPU_H_

/* How many threads of work to start: the cores given to us, 1 to max. */
unsigned cpu_count(unsigned max);

#endif
