#ifndef VAULT_STORE_OPS_H_
#define VAULT_STORE_OPS_H_

#include "vault/store.h"

/*
 * What the kinds of store have in common.  Only vault/store*.c and the
 * server's side include this; each kind puts these structs first in its own.
 * Functions of struct store_ops do what vault/store.h says of those of the
 * same name.
 */
struct store_ops {
	void (*close)(struct store *s);
	int (*get)(struct store *s, const char *name, size_t max,
	    struct buf *out, struct err *e);
	int (*put)(struct store *s, const char *name, const void *p,
	    size_t len, struct err *e);
	int (*remove)(struct store *s, const char *name, struct err *e);
	int (*mkdir)(struct store *s, const char *name, struct err *e);
	int (*list)(struct store *s, const char *folder, int dirs,
	    store_list_fn *fn, void *arg, struct err *e);
	int (*list_below)(struct store *s, const char *folder,
	    store_list_fn *fn, void *arg, struct err *e);
	struct store_in *(*in_open)(struct store *s, const char *name,
	    struct err *e);
	void (*in_close)(struct store_in *in);
	int (*in_read)(struct store_in *in, void *p, size_t len, uint64_t off,
	    struct err *e);
	struct store_out *(*out_new)(struct store *s, struct err *e);
	int (*out_write)(struct store_out *o, const void *p, size_t len,
	    struct err *e);
	int (*out_commit)(struct store_out *o, const char *name,
	    struct err *e);
	void (*out_abort)(struct store_out *o);
	int (*sync)(struct store *s, struct err *e);
	struct store_lock *(*lock)(struct store *s, const char *name,
	    int exclusive, struct err *e);
	void (*unlock)(struct store_lock *l);
	void (*clean)(struct store *s);
};

struct store {
	const struct store_ops *ops;
	char *path;		/* as named by the user; the kind frees it */
};

struct store_in {
	const struct store_ops *ops;
	uint64_t bytes;
};

struct store_out {
	const struct store_ops *ops;
	uint64_t bytes;
};

struct store_lock {
	const struct store_ops *ops;
};

#endif
