#ifndef BASE_CANCEL_H_
#define BASE_CANCEL_H_

#include "base/err.h"

/*
 * SIGINT, SIGTERM and SIGHUP only set a flag, so that a run ends the way an
 * error ends it: nothing published, temporary files removed.  A second
 * signal kills, but not within CANCEL_ECHO_MS: timeout(1) sends each one
 * twice, to the command and to its process group.  SIGPIPE is
 * ignored; so is SIGHUP where it was before, as nohup(1) has it.
 */
#define CANCEL_ECHO_MS 1000

void cancel_catch_signals(void);

/* 0, or -1 with the error to end with when a signal came. */
int cancel_check(struct err *e);

/* The same behind a pause, which a signal cuts short. */
int cancel_pause(unsigned seconds, struct err *e);

#endif
