#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/io.h"
#include "remote/internal.h"

/* One line, without its end.  Its length, or -1 for none. */
static ssize_t
read_line(int fd, char *line, size_t size)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct err ignored;
	size_t len = 0;
	ssize_t n;
	char c;

	for (;;) {
		if (cancel_check(&ignored) == -1)
			return (-1);
		if (poll(&p, 1, SESSION_TICK_MS) <= 0)
			continue;
		n = read(fd, &c, 1);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return (-1);
		if (c == '\n' || c == '\r')
			return ((ssize_t)len);
		if (len + 1 < size)
			line[len++] = c;
	}
}

char *
tty_ask(const char *prompt)
{
	struct termios old, quiet;
	char line[1024], *answer = NULL;
	ssize_t n;
	int fd;

	fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (fd == -1)
		return (NULL);
	if (tcgetattr(fd, &old) == -1) {
		close(fd);
		return (NULL);
	}
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	if (tcsetattr(fd, TCSAFLUSH, &quiet) == 0 &&
	    io_write(fd, prompt, strlen(prompt)) == 0 &&
	    (n = read_line(fd, line, sizeof(line))) > 0)
		answer = strndup(line, (size_t)n);
	(void)io_write(fd, "\n", 1);
	(void)tcsetattr(fd, TCSAFLUSH, &old);
	explicit_bzero(line, sizeof(line));
	close(fd);
	return (answer);
}
