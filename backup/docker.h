#ifndef BACKUP_DOCKER_H_
#define BACKUP_DOCKER_H_

#include "base/err.h"
#include "base/report.h"

/*
 * The definition of the container that a management node is, as docker on
 * this host tells it: container, image and networks as JSON, and the files
 * of compose, written with mode 0600 into a directory of this host.
 * Environment variables, which may be secrets, are among it; nothing of it
 * is ever printed.
 *
 * container: as configured, or NULL for the one that publishes the ssh port
 * of address ("user@host:port", may be NULL) on this host; that there is no
 * such one, or no docker, is then no trouble.
 *
 * 1: written; 0: there is nothing; -1: it cannot be written, or the run is
 * cancelled.  Trouble with docker is reported.
 */
int docker_gather(const char *container, const char *address, int dirfd,
    struct report *report, struct err *e);

#endif
