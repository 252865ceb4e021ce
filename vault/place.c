#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "vault/place.h"

void
place_close(const struct place *p)
{
	int saved = errno;

	if (p->opened)
		close(p->fd);
	errno = saved;
}

int
place_open(int root, int beneath, const char *name, struct place *p,
    struct err *e)
{
	char part[NAME_MAX + 1];
	const char *end;
	size_t n;
	int fd;

	p->fd = root;
	p->opened = 0;
	p->leaf = name;
	while (beneath && (end = strchr(p->leaf, '/')) != NULL) {
		n = (size_t)(end - p->leaf);
		if (n > NAME_MAX)
			n = NAME_MAX;	/* which then is not there */
		memcpy(part, p->leaf, n);
		part[n] = '\0';
		fd = openat(p->fd, part, O_PATH | O_DIRECTORY | O_NOFOLLOW |
		    O_CLOEXEC);
		place_close(p);
		if (fd == -1)
			return (err_sys(e, "%s", name));
		p->fd = fd;
		p->opened = 1;
		p->leaf = end + 1;
	}
	return (0);
}
