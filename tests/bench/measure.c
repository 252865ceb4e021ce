/*
 * measure: run one command and write down what it cost.
 *
 *	measure -r RESULT [-o STDOUT] [-e STDERR] COMMAND [ARG...]
 *
 * RESULT gets one line of seven columns, separated by tabs:
 *	wall_s user_s sys_s rss_kib read_bytes other_s status
 *
 * user_s and sys_s are summed over the command and all its children that were
 * waited for, so a shell running a pipeline counts in full.  rss_kib is the
 * peak of the largest single process among them, not a sum.  read_bytes is
 * what came from the disk: near 0 when the cache was warm.  other_s is the
 * CPU time the rest of the machine used meanwhile, to tell a disturbed sample.
 * status is the exit status, or 128 + signal.
 *
 * The command runs in a process group of its own; SIGINT, SIGTERM and SIGHUP
 * are passed on to the whole group.  Exits 0 when the command was run and
 * waited for, whatever its status, else 1.
 */
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct cost {
	double wall_s;
	double user_s;
	double sys_s;
	double other_s;
	long rss_kib;
	long long read_bytes;
	int status;
};

static volatile sig_atomic_t child_group;

static void
pass_on(int sig)
{
	if (child_group > 0)
		kill(-(pid_t)child_group, sig);
}

static void
catch_signals(void)
{
	static const int sigs[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction sa = {.sa_handler = pass_on, .sa_flags = SA_RESTART};

	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		sigaction(sigs[i], &sa, NULL);
}

static double
now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* CPU seconds the whole machine has worked since it started; 0 if unknown. */
static double
machine_busy_s(void)
{
	unsigned long long user, nice, sys, idle, iowait, irq, softirq, steal;
	FILE *f = fopen("/proc/stat", "re");
	int n;

	if (f == NULL)
		return 0;
	n = fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user,
	    &nice, &sys, &idle, &iowait, &irq, &softirq, &steal);
	fclose(f);
	if (n != 8)
		return 0;
	return (double)(user + nice + sys + irq + softirq + steal) /
	    (double)sysconf(_SC_CLK_TCK);
}

static void
redirect(const char *path, int flags, int to)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd < 0 || dup2(fd, to) < 0)
		err(127, "%s", path);
}

static void
child_run(char **argv, const char *out, const char *errs)
{
	const int flags = O_WRONLY | O_CREAT | O_TRUNC;

	setpgid(0, 0);
	/* A measure killed outright must not leave a backup running. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Shells start background commands with SIGINT and SIGQUIT ignored. */
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	redirect("/dev/null", O_RDONLY, STDIN_FILENO);
	if (out != NULL)
		redirect(out, flags, STDOUT_FILENO);
	if (errs != NULL)
		redirect(errs, flags, STDERR_FILENO);
	execvp(argv[0], argv);
	err(127, "%s", argv[0]);
}

static double
seconds(struct timeval tv)
{
	return (double)tv.tv_sec + (double)tv.tv_usec / 1e6;
}

/* Run argv and fill *c.  Returns 0, or -1 when it could not be started. */
static int
measure(char **argv, const char *out, const char *errs, struct cost *c)
{
	struct rusage ru;
	double busy, start;
	pid_t pid;
	int st;

	/* Orphans of the command come to us, and so into the sums. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	catch_signals();
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	busy = machine_busy_s();
	start = now_s();
	pid = fork();
	if (pid < 0)
		return -1;
	if (pid == 0)
		child_run(argv, out, errs);
	setpgid(pid, pid);
	child_group = pid;
	while (waitpid(pid, &st, 0) < 0) {
		if (errno != EINTR)
			return -1;
	}
	c->wall_s = now_s() - start;
	child_group = 0;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	if (getrusage(RUSAGE_CHILDREN, &ru) < 0)
		return -1;
	c->user_s = seconds(ru.ru_utime);
	c->sys_s = seconds(ru.ru_stime);
	c->other_s = machine_busy_s() - busy - c->user_s - c->sys_s;
	if (c->other_s < 0)
		c->other_s = 0;
	c->rss_kib = ru.ru_maxrss;
	c->read_bytes = (long long)ru.ru_inblock * 512;
	c->status = WIFSIGNALED(st) ? 128 + WTERMSIG(st) : WEXITSTATUS(st);
	return 0;
}

int
main(int argc, char **argv)
{
	const char *result = NULL, *out = NULL, *errs = NULL;
	struct cost c = {0};
	FILE *f;
	int opt;

	while ((opt = getopt(argc, argv, "+r:o:e:")) != -1) {
		switch (opt) {
		case 'r':
			result = optarg;
			break;
		case 'o':
			out = optarg;
			break;
		case 'e':
			errs = optarg;
			break;
		default:
			return 1;
		}
	}
	if (result == NULL || optind == argc)
		errx(1, "usage: measure -r RESULT [-o STDOUT] [-e STDERR] "
		    "COMMAND [ARG...]");
	if (measure(argv + optind, out, errs, &c) < 0)
		err(1, "%s", argv[optind]);
	f = fopen(result, "we");
	if (f == NULL)
		err(1, "%s", result);
	fprintf(f, "%.4f\t%.3f\t%.3f\t%ld\t%lld\t%.2f\t%d\n", c.wall_s,
	    c.user_s, c.sys_s, c.rss_kib, c.read_bytes, c.other_s, c.status);
	if (fclose(f) != 0)
		err(1, "%s", result);
	return 0;
}
