#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/docker.h"
#include "backup/program.h"
#include "base/cancel.h"
#include "base/io.h"
#include "formats/dockerdef.h"
#include "remote/session.h"

#define DOCKER_S 30
#define COMPOSE_MAX ((size_t)1 << 20)
#define RUNNING_MAX 256		/* containers looked at */
#define ID_LEN 64

/* Only addresses of this host can be bound to. */
static int
is_here(const char *host)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *all, *a;
	int fd, here = 0;

	if (getaddrinfo(host, NULL, &hints, &all) != 0)
		return (0);
	for (a = all; a != NULL && !here; a = a->ai_next) {
		fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd == -1)
			continue;
		here = bind(fd, a->ai_addr, a->ai_addrlen) == 0;
		close(fd);
	}
	freeaddrinfo(all);
	return (here);
}

/* The port of an address of this host, or 0. */
static unsigned
port_here(const char *address)
{
	char *user, *host, *path;
	struct err ignored;
	unsigned port;

	if (address == NULL || remote_parse(address, &user, &host, &port,
	    &path, &ignored) == -1)
		return (0);
	if (!is_here(host))
		port = 0;
	else if (port == 0)
		port = 22;
	free(user);
	free(host);
	free(path);
	return (port);
}

/* docker inspect of the n identifiers that "docker ps" printed a line each. */
static int
inspect_all(struct buf *ids, struct buf *out, struct err *e)
{
	const char *argv[RUNNING_MAX + 3] = { "docker", "inspect", NULL };
	char *at = (char *)ids->data, *end, *nl;
	size_t n = 2;

	if (at == NULL)
		return (0);
	for (end = at + ids->len; at < end && n < RUNNING_MAX + 2;
	    at = nl + 1) {
		if ((nl = memchr(at, '\n', (size_t)(end - at))) == NULL)
			break;
		*nl = '\0';
		if (dockerdef_is_name(at))
			argv[n++] = at;
	}
	if (n == 2)
		return (0);
	argv[n] = NULL;
	return (program_run(argv, out, DOCKERDEF_MAX, DOCKER_S, e) == 0 ? 1 :
	    -1);
}

/* The container that publishes the port: 1, 0, or -1. */
static int
find_container(struct buf *id, unsigned port, struct err *e)
{
	static const char *const argv[] = {
		"docker", "ps", "--quiet", "--no-trunc", NULL,
	};
	struct buf ids = BUF_INIT, all = BUF_INIT;
	int rc;

	rc = program_run(argv, &ids, RUNNING_MAX * (ID_LEN + 1), DOCKER_S, e);
	if (rc == 0 && (rc = inspect_all(&ids, &all, e)) == 1)
		rc = dockerdef_publisher(id, port, all.data, all.len, e);
	buf_fini(&ids);
	buf_fini(&all);
	return (rc);
}

/* Objects of docker's that argv asks for, as a file. */
static int
keep_objects(const char *const *argv, int dirfd, const char *name,
    struct report *report, struct err *e)
{
	struct buf said = BUF_INIT, clean = BUF_INIT;
	int rc = 0;

	if (program_run(argv, &said, DOCKERDEF_MAX, DOCKER_S, e) == -1 ||
	    dockerdef_clean(&clean, said.data, said.len, e) == -1) {
		report_add(report, "docker", name, "%s", e->msg);
		rc = cancel_check(e);
	} else
		rc = io_save(dirfd, name, clean.data, clean.len, e);
	buf_fini(&said);
	buf_fini(&clean);
	return (rc);
}

static int
keep_networks(const struct dockerdef *d, int dirfd, struct report *report,
    struct err *e)
{
	const char *argv[DOCKERDEF_LIST_MAX + 4] = {
		"docker", "network", "inspect",
	};
	size_t i;

	if (d->nnetworks == 0)
		return (0);
	for (i = 0; i < d->nnetworks; i++)
		argv[3 + i] = d->networks[i];
	return (keep_objects(argv, dirfd, "networks.json", report, e));
}

static int
keep_image(const struct dockerdef *d, int dirfd, struct report *report,
    struct err *e)
{
	const char *argv[] = { "docker", "image", "inspect", d->image, NULL };

	if (d->image == NULL)
		return (0);
	return (keep_objects(argv, dirfd, "image.json", report, e));
}

/* A regular file; it may be anywhere, and anybody's. */
static int
read_file(const char *path, struct buf *out, struct err *e)
{
	struct stat st;
	ssize_t n = -1;
	uint8_t *p;
	int fd;

	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1)
		return (err_sys(e, "cannot be read"));
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    st.st_size > (off_t)COMPOSE_MAX)
		err_set(e, ERR_FAILED, "is no file of at most 1 MiB");
	else if ((p = buf_reserve(out, COMPOSE_MAX)) == NULL)
		err_nomem(e);
	else if ((n = io_read(fd, p, COMPOSE_MAX)) == -1)
		err_sys(e, "cannot be read");
	else
		buf_advance(out, (size_t)n);
	close(fd);
	return (n == -1 ? -1 : 0);
}

static int
keep_compose(const struct dockerdef *d, int dirfd, struct report *report,
    struct err *e)
{
	struct buf text = BUF_INIT, paths = BUF_INIT;
	char name[32];
	size_t i;
	int rc = 0;

	for (i = 0; i < d->nfiles && rc == 0; i++) {
		buf_clear(&text);
		snprintf(name, sizeof(name), "compose.%zu", i + 1);
		if (read_file(d->files[i], &text, e) == -1) {
			report_note(report, "docker", name, "the file of "
			    "compose that docker names: %s", e->msg);
			continue;
		}
		buf_printf(&paths, "%s ", name);
		buf_puts(&paths, d->files[i]);
		buf_putc(&paths, '\n');
		rc = io_save(dirfd, name, text.data, text.len, e);
	}
	if (rc == 0 && paths.len > 0 && (rc = buf_ok(&paths, e)) == 0)
		rc = io_save(dirfd, "compose.txt", paths.data, paths.len, e);
	buf_fini(&text);
	buf_fini(&paths);
	return (rc);
}

/* *told: what went wrong has been docker's doing. */
static int
keep_container(const char *id, int dirfd, struct report *report, int *told,
    struct err *e)
{
	const char *argv[] = {
		"docker", "container", "inspect", id, NULL,
	};
	struct buf said = BUF_INIT, clean = BUF_INIT;
	struct dockerdef d = { NULL, NULL, NULL, 0, NULL, 0 };
	int rc = -1;

	*told = 1;
	if (program_run(argv, &said, DOCKERDEF_MAX, DOCKER_S, e) == 0 &&
	    dockerdef_decode(&d, &clean, said.data, said.len, e) == 0) {
		*told = 0;
		rc = io_save(dirfd, "container.json", clean.data, clean.len,
		    e);
	}
	if (rc == 0 && (keep_image(&d, dirfd, report, e) == -1 ||
	    keep_networks(&d, dirfd, report, e) == -1 ||
	    keep_compose(&d, dirfd, report, e) == -1))
		rc = -1;
	dockerdef_fini(&d);
	buf_fini(&said);
	buf_fini(&clean);
	return (rc);
}

int
docker_gather(const char *container, const char *address, int dirfd,
    struct report *report, struct err *e)
{
	struct buf id = BUF_INIT;
	unsigned port;
	int rc, told = 1;

	if (container == NULL) {
		if ((port = port_here(address)) == 0)
			return (0);
		rc = find_container(&id, port, e);
	} else {
		buf_puts(&id, container);
		rc = 1;
	}
	if (rc == 1 && (rc = keep_container(buf_cstr(&id), dirfd, report,
	    &told, e)) == 0)
		rc = 1;
	buf_fini(&id);
	if (rc == -1 && told && cancel_check(e) == 0) {
		if (container != NULL)
			report_add(report, "docker", container, "the "
			    "definition of the container is not stored: %s",
			    e->msg);
		rc = 0;
	}
	return (rc);
}
