#ifndef BACKUP_PRESENT_H_
#define BACKUP_PRESENT_H_

#include "base/err.h"
#include "formats/mtree.h"
#include "vault/index.h"

/*
 * Whether the vault still has every blob of a file: asked for each
 * unchanged file once the vault is known to have lost some, so that what is
 * missing is read and stored anew.
 */
struct present;

struct present *present_new(struct vault *v, struct index *ix,
    struct err *e);
void present_free(struct present *p);

/* 1, or 0 when any blob is missing (or that cannot be told). */
int present_file(struct present *p, const struct entry *ent);

#endif
