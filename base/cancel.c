#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/cancel.h"

#define MS_PER_S 1000

static atomic_int caught;	/* the signal; other threads look at it */
static atomic_llong first_ms;	/* when; 0: not yet */

/* Never 0.  Safe in a signal handler. */
static long long
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return ((long long)t.tv_sec * MS_PER_S + t.tv_nsec / 1000000 + 1);
}

static void
on_signal(int sig)
{
	long long now = now_ms(), first = 0;

	if (atomic_compare_exchange_strong(&first_ms, &first, now))
		caught = sig;
	else if (now - first >= CANCEL_ECHO_MS) {
		signal(sig, SIG_DFL);
		raise(sig);	/* comes when this returns */
	}
}

void
cancel_catch_signals(void)
{
	struct sigaction sa, was;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_signal;
	sa.sa_flags = SA_RESTART;
	sigemptyset(&sa.sa_mask);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	/* nohup(1) */
	if (sigaction(SIGHUP, NULL, &was) == -1 || was.sa_handler != SIG_IGN)
		sigaction(SIGHUP, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
}

int
cancel_check(struct err *e)
{
	int sig = caught;

	if (sig == 0)
		return (0);
	return (err_set(e, ERR_FAILED, "interrupted (%s)", strsignal(sig)));
}

int
cancel_pause(unsigned seconds, struct err *e)
{
	unsigned i;

	for (i = 0; i < 10 * seconds && !caught; i++)
		(void)poll(NULL, 0, 100);
	return (cancel_check(e));
}
