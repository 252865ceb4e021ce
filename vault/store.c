#include "vault/store_dir.h"
#include "vault/store_ops.h"
#include "vault/store_ssh.h"
#include "vault/store_wire.h"

struct store *
store_open(const char *path, struct err *e)
{
	if (store_ssh_is_name(path))
		return (store_ssh_open(path, 0, e));
	return (store_dir_open(path, 0, e));
}

struct store *
store_create(const char *path, struct err *e)
{
	if (store_ssh_is_name(path))
		return (store_ssh_open(path, 1, e));
	return (store_dir_create(path, 0, e));
}

void
store_close(struct store *s)
{
	if (s != NULL)
		s->ops->close(s);
}

const char *
store_path(const struct store *s)
{
	return (s->path);
}

const char *
store_local_path(const struct store *s)
{
	return (store_ssh_is_name(s->path) ? NULL : s->path);
}

int
store_lost(struct store *s, struct err *e)
{
	return (store_wire_lost(s, e));
}

int
store_is(const struct store *s, dev_t dev, ino_t ino)
{
	return (store_dir_is(s, dev, ino));
}

int
store_get(struct store *s, const char *name, size_t max, struct buf *out,
    struct err *e)
{
	return (s->ops->get(s, name, max, out, e));
}

int
store_put(struct store *s, const char *name, const void *p, size_t len,
    struct err *e)
{
	return (s->ops->put(s, name, p, len, e));
}

int
store_remove(struct store *s, const char *name, struct err *e)
{
	return (s->ops->remove(s, name, e));
}

int
store_mkdir(struct store *s, const char *name, struct err *e)
{
	return (s->ops->mkdir(s, name, e));
}

int
store_list(struct store *s, const char *folder, int dirs, store_list_fn *fn,
    void *arg, struct err *e)
{
	return (s->ops->list(s, folder, dirs, fn, arg, e));
}

int
store_list_below(struct store *s, const char *folder, store_list_fn *fn,
    void *arg, struct err *e)
{
	return (s->ops->list_below(s, folder, fn, arg, e));
}

struct store_in *
store_in_open(struct store *s, const char *name, struct err *e)
{
	return (s->ops->in_open(s, name, e));
}

void
store_in_close(struct store_in *in)
{
	if (in != NULL)
		in->ops->in_close(in);
}

uint64_t
store_in_bytes(const struct store_in *in)
{
	return (in->bytes);
}

int
store_in_read(struct store_in *in, void *p, size_t len, uint64_t off,
    struct err *e)
{
	return (in->ops->in_read(in, p, len, off, e));
}

struct store_out *
store_out_new(struct store *s, struct err *e)
{
	return (s->ops->out_new(s, e));
}

int
store_out_write(struct store_out *o, const void *p, size_t len,
    struct err *e)
{
	return (o->ops->out_write(o, p, len, e));
}

uint64_t
store_out_bytes(const struct store_out *o)
{
	return (o->bytes);
}

int
store_out_commit(struct store_out *o, const char *name, struct err *e)
{
	return (o->ops->out_commit(o, name, e));
}

void
store_out_abort(struct store_out *o)
{
	if (o != NULL)
		o->ops->out_abort(o);
}

int
store_sync(struct store *s, struct err *e)
{
	return (s->ops->sync(s, e));
}

struct store_lock *
store_lock(struct store *s, const char *name, int exclusive, struct err *e)
{
	return (s->ops->lock(s, name, exclusive, e));
}

void
store_unlock(struct store_lock *l)
{
	if (l != NULL)
		l->ops->unlock(l);
}

void
store_clean(struct store *s)
{
	s->ops->clean(s);
}
