#ifndef VAULT_STORE_DIR_H_
#define VAULT_STORE_DIR_H_

#include "vault/store.h"

/*
 * A store in a directory of this host.  The first two are store_open() and
 * store_create() of it; beneath: refuse names that lead through a symbolic
 * link within the directory.
 */
struct store *store_dir_open(const char *path, int beneath, struct err *e);
struct store *store_dir_create(const char *path, int beneath, struct err *e);

/* store_is(): 0 also for a store of another kind. */
int store_dir_is(const struct store *s, dev_t dev, ino_t ino);

/*
 * store_out_commit() with choices.  Durable: under any name whose folder is
 * there, and on return the name is durable too.  New: fails with EEXIST when
 * the name is taken.
 */
#define STORE_DIR_DURABLE 1
#define STORE_DIR_NEW 2
int store_dir_commit(struct store_out *o, const char *name, int flags,
    struct err *e);

/* What has been written so far, for reading; closed before the commit. */
struct store_in *store_dir_reread(struct store_out *o, struct err *e);

#endif
