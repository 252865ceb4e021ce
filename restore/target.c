#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/io.h"
#include "restore/target.h"

/* <linux/openat2.h> is not on every host that has the system call. */
struct how {
	uint64_t flags, mode, resolve;
};
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#define NO_MAGICLINKS 0x02
#define NO_SYMLINKS 0x04
#define BENEATH 0x08

#define DIR_FLAGS (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

int
target_open_root(const char *path, int create, struct err *e)
{
	int fd;

	if (create && io_mkdir_path(path, e) == -1)
		return (-1);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return (err_sys(e, "%s", path));
	return (fd);
}

/* One component after the other, for old kernels and very long paths. */
static int
walk_down(int root, const char *path)
{
	char name[NAME_MAX + 1];
	const char *end;
	int fd, next, saved;
	size_t n;

	if ((fd = openat(root, ".", DIR_FLAGS)) == -1)
		return (-1);
	for (; *path != '\0'; path = end + (*end == '/')) {
		end = strchrnul(path, '/');
		n = (size_t)(end - path);
		if (n > NAME_MAX) {
			close(fd);
			errno = ENAMETOOLONG;
			return (-1);
		}
		memcpy(name, path, n);
		name[n] = '\0';
		next = openat(fd, name, DIR_FLAGS);
		saved = errno;
		close(fd);
		errno = saved;
		if (next == -1)
			return (-1);
		fd = next;
	}
	return (fd);
}

int
target_open_dir(int root, const char *path)
{
	struct how how = {
		.flags = DIR_FLAGS,
		.resolve = NO_MAGICLINKS | NO_SYMLINKS | BENEATH,
	};
	static int missing;	/* once known, not asked again */
	long fd;

	if (path[0] == '\0' || strlen(path) >= PATH_MAX ||
	    __atomic_load_n(&missing, __ATOMIC_RELAXED))
		return (walk_down(root, path));
	do
		fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
	while (fd == -1 && (errno == EINTR || errno == EAGAIN));
	if (fd == -1 && (errno == ENOSYS || errno == EPERM)) {
		/* EPERM: a container's filter that does not know the call. */
		__atomic_store_n(&missing, 1, __ATOMIC_RELAXED);
		return (walk_down(root, path));
	}
	return ((int)fd);
}
