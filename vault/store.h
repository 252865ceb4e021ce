#ifndef VAULT_STORE_H_
#define VAULT_STORE_H_

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * Where a vault's files lie: named objects below one root, written once.
 * Names are relative, "packs/ab/...".  All calls may be made from any
 * thread; one struct store_in or store_out belongs to one thread at a time.
 *
 * The root is a directory: of this host, or, named "ssh://...", of another
 * one (vault/store_ssh.h), which takes only names that vaults have.
 */
struct store;

/* An existing vault's directory.  ERR_USAGE when there is none. */
struct store *store_open(const char *path, struct err *e);

/*
 * Make the directory (mode 0700) and the folders of a vault in it.
 * ERR_USAGE when it is there and not empty.
 */
struct store *store_create(const char *path, struct err *e);
void store_close(struct store *s);

/* As named by the user; the store's own. */
const char *store_path(const struct store *s);

/* The same if it is a directory of this host, else NULL. */
const char *store_local_path(const struct store *s);

/*
 * Whether the store is beyond reach, as when the connection to its host is
 * lost: then nothing that fails says anything of what is stored.  *e: why,
 * which all calls give from then on.
 */
int store_lost(struct store *s, struct err *e);

/* Whether the directory of dev and ino is the store's root. */
int store_is(const struct store *s, dev_t dev, ino_t ino);

/* A whole small object, appended to out.  max: longest accepted. */
int store_get(struct store *s, const char *name, size_t max, struct buf *out,
    struct err *e);

/* Write a small object: atomic, and durable on return. */
int store_put(struct store *s, const char *name, const void *p, size_t len,
    struct err *e);

/* Remove an object; one that is not there is no error. */
int store_remove(struct store *s, const char *name, struct err *e);

/* Make a folder below the root if it is not there; durable on return. */
int store_mkdir(struct store *s, const char *name, struct err *e);

/*
 * Call fn for each object of a folder (folders within it only if dirs), in
 * bytewise order; stops when fn returns -1.  A folder that is not there is
 * empty.
 */
typedef int store_list_fn(void *arg, const char *name, uint64_t bytes,
    struct err *e);
int store_list(struct store *s, const char *folder, int dirs,
    store_list_fn *fn, void *arg, struct err *e);

/*
 * store_list() of the objects in all folders of a folder, one after the
 * other; fn is given "FOLDER/NAME".  Folders with names that no vault has are
 * left out.  For a store far away this takes less
 * time than one call a folder.
 */
int store_list_below(struct store *s, const char *folder, store_list_fn *fn,
    void *arg, struct err *e);

/* Random reads. */
struct store_in;
struct store_in *store_in_open(struct store *s, const char *name,
    struct err *e);
void store_in_close(struct store_in *in);
uint64_t store_in_bytes(const struct store_in *in);

/* Exactly len bytes; ERR_DAMAGED when the object ends before. */
int store_in_read(struct store_in *in, void *p, size_t len, uint64_t off,
    struct err *e);

/*
 * A new large object, written in sequence under tmp/.  It appears under its
 * name by store_out_commit(), which returns with its bytes on disk; that
 * the name itself survives a crash is sure only after store_sync().
 */
struct store_out;
struct store_out *store_out_new(struct store *s, struct err *e);
int store_out_write(struct store_out *o, const void *p, size_t len,
    struct err *e);
uint64_t store_out_bytes(const struct store_out *o);
int store_out_commit(struct store_out *o, const char *name, struct err *e);
void store_out_abort(struct store_out *o);

/* Make the names of all committed objects durable. */
int store_sync(struct store *s, struct err *e);

/*
 * Take a lock that dies with its holder.  Returns a handle for
 * store_unlock(), or NULL with ERR_BUSY when a live process holds it.
 */
struct store_lock;
struct store_lock *store_lock(struct store *s, const char *name,
    int exclusive, struct err *e);
void store_unlock(struct store_lock *l);

/* Remove what dead writers left in tmp/; others may write meanwhile. */
void store_clean(struct store *s);

#endif
