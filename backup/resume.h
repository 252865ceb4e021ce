#ifndef BACKUP_RESUME_H_
#define BACKUP_RESUME_H_

#include "formats/snapshot.h"
#include "vault/vault.h"

/*
 * What a run that was cut off has stored, so that the next one of the site
 * need not ask for it again: a snapshot that was never published, in the
 * vault's cache folder of this host.  It is a hint only: losing it costs
 * time.
 */

/* 1 when there was one; otherwise s is empty. */
int resume_load(struct snapshot *s, struct vault *v, const char *site);

/* 0, or -1 when it could not be kept. */
int resume_save(struct snapshot *s, struct vault *v);
void resume_remove(struct vault *v, const char *site);

#endif
