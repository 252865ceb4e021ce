#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backup/hook.h"

static void
become(const char *command, const char *site, int status)
{
	char number[16];

	(void)signal(SIGPIPE, SIG_DFL);
	snprintf(number, sizeof(number), "%d", status);
	if (setenv("XCATVAULT_SITE", site, 1) == 0 &&
	    (status < 0 || setenv("XCATVAULT_STATUS", number, 1) == 0))
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

int
hook_run(const char *command, const char *site, int status, struct err *e)
{
	pid_t pid;
	int how = 0;

	if (command == NULL)
		return (0);
	(void)fflush(NULL);
	if ((pid = fork()) == -1)
		return (err_sys(e, "site %s: fork", site));
	if (pid == 0)
		become(command, site, status);
	while (waitpid(pid, &how, 0) == -1)
		if (errno != EINTR)
			return (err_sys(e, "site %s: wait", site));
	if (WIFEXITED(how) && WEXITSTATUS(how) == 0)
		return (0);
	return (err_set(e, ERR_FAILED, "site %s: \"%s\" ended with status %d",
	    site, command, WIFEXITED(how) ? WEXITSTATUS(how) :
	    128 + WTERMSIG(how)));
}
