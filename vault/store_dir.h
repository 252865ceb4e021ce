#ifndef VAULT_STORE_DIR_H_
#define VAULT_STORE_DIR_H_

#include "vault/store.h"

/*
 * A store in a directory of this host.  The first two are store_open() and
 * store_create() of it.
 */
struct store *store_dir_open(const char *path, struct err *e);
struct store *store_dir_create(const char *path, struct err *e);

/* Whether the directory of dev and ino is the root of this store. */
int store_dir_is(const struct store *s, dev_t dev, ino_t ino);

#endif
