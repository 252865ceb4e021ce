#ifndef BACKUP_SITESHOW_H_
#define BACKUP_SITESHOW_H_

#include "base/config.h"
#include "base/err.h"
#include "remote/node/probe.h"

/* What "site list" and "site probe" print on standard output. */
int siteshow_list(const struct config *c, int json, struct err *e);
int siteshow_probe(const char *name, const char *host, const struct probe *p,
    int json, struct err *e);

/*
 * Warn of what keeps a backup from being whole; how many lines that were.
 */
unsigned siteshow_warn(const char *name, const struct probe *p);

#endif
