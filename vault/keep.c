#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vault/keep.h"
#include "vault/pack.h"
#include "vault/packname.h"
#include "vault/store_dir.h"

#define PIECE ((size_t)256 << 10)

/* 1 when an object of that name is there, 0, -1. */
static int
is_there(struct store *s, const char *name, struct err *e)
{
	struct store_in *in;

	if ((in = store_in_open(s, name, e)) == NULL)
		return (e->errnum == ENOENT ? 0 : -1);
	store_in_close(in);
	return (1);
}

static int
refuse(const struct store *s, const char *what, const char *name,
    struct err *e)
{
	return (err_set(e, ERR_FAILED, "%s: may not %s %s: the vault is "
	    "append-only from there", store_path(s), what, name));
}

int
keep_remove(struct store *s, const char *name, struct err *e)
{
	int rc = is_there(s, name, e);

	return (rc == 1 ? refuse(s, "remove", name, e) : rc);
}

/* 1 when the two hold the same, 0, -1. */
static int
compare(struct store_in *a, struct store_in *b, struct err *e)
{
	uint64_t off, left = store_in_bytes(a);
	uint8_t *p;
	size_t n;
	int rc = 1;

	if (left != store_in_bytes(b))
		return (0);
	if ((p = malloc(2 * PIECE)) == NULL)
		return (err_nomem(e));
	for (off = 0; left > 0 && rc == 1; off += n, left -= n) {
		n = left < PIECE ? (size_t)left : PIECE;
		if (store_in_read(a, p, n, off, e) == -1 ||
		    store_in_read(b, p + PIECE, n, off, e) == -1)
			rc = -1;
		else
			rc = memcmp(p, p + PIECE, n) == 0;
	}
	free(p);
	return (rc);
}

/* 1 when what lies under the name is what o holds, 0, -1. */
static int
is_same(struct store *s, struct store_out *o, const char *name,
    struct err *e)
{
	struct store_in *old, *new;
	int rc = -1;

	if ((old = store_in_open(s, name, e)) == NULL)
		return (-1);
	if ((new = store_dir_reread(o, e)) != NULL)
		rc = compare(old, new, e);
	store_in_close(old);
	store_in_close(new);
	return (rc);
}

/* Takes in over.  1 when it is the pack of that id, 0, -1. */
static int
proves(struct store_in *in, const uint8_t id[DIGEST_LEN], struct err *e)
{
	struct pack_reader *r;
	int rc;

	if (in == NULL || (r = pack_reader_adopt(in, id, e)) == NULL)
		return (-1);
	rc = pack_reader_prove(r, e);
	pack_reader_close(r);
	return (rc == 0 ? 1 : e->kind == ERR_DAMAGED ? 0 : -1);
}

/* "packs/ab/<id>.pack" */
static int
parse_pack(const char *name, uint8_t id[DIGEST_LEN])
{
	char right[PACK_NAME_LEN];
	const char *file = strrchr(name, '/');

	if (file == NULL || pack_parse_name(file + 1, id) == -1)
		return (-1);
	pack_name(id, right);
	return (strcmp(name, right) == 0 ? 0 : -1);
}

/*
 * A pack whose name is taken, or that damage was noted of.  A name says what
 * all of a pack's blobs are: so one that is proved to be right may take the
 * place of one that is not, and nothing is lost by it.
 */
static int
heal(struct store *s, struct store_out *o, const char *name,
    const uint8_t id[DIGEST_LEN], int taken, struct err *e)
{
	char mark[PACK_NAME_LEN];
	int old = 0;

	if (taken)
		old = proves(store_in_open(s, name, e), id, e);
	if (old == -1) {
		store_out_abort(o);
		return (refuse(s, "replace", name, e));
	}
	if (old == 1)
		store_out_abort(o);
	else if (store_dir_commit(o, name, 0, e) == -1)
		return (-1);
	pack_damage_name(id, mark);
	return (store_remove(s, mark, e));
}

/*
 * Whoever stores the same later leans on a pack that says to have it: one
 * that lies would cost the vault what is to come.
 */
static int
prove_new(struct store *s, struct store_out *o, const char *name,
    uint8_t id[DIGEST_LEN], struct err *e)
{
	if (parse_pack(name, id) == -1)
		return (err_set(e, ERR_FAILED, "%s: not a pack's name",
		    name));
	switch (proves(store_dir_reread(o, e), id, e)) {
	case 1:
		return (0);
	case 0:
		return (err_set(e, ERR_FAILED, "%s: may not store %s: what "
		    "was sent is not what the name says", store_path(s),
		    name));
	default:
		return (-1);
	}
}

static int
commit_pack(struct store *s, struct store_out *o, const char *name,
    struct err *e)
{
	uint8_t id[DIGEST_LEN];
	char mark[PACK_NAME_LEN];
	int taken, marked;

	if (prove_new(s, o, name, id, e) == -1)
		goto fail;
	pack_damage_name(id, mark);
	if ((taken = is_there(s, name, e)) == -1 ||
	    (marked = is_there(s, mark, e)) == -1)
		goto fail;
	if (taken || marked)
		return (heal(s, o, name, id, taken, e));
	return (store_dir_commit(o, name, STORE_DIR_NEW, e));
fail:
	store_out_abort(o);
	return (-1);
}

int
keep_commit(struct store *s, struct store_out *o, const char *name,
    int durable, struct err *e)
{
	int rc;

	if (!durable || strncmp(name, "packs/", 6) == 0)
		return (commit_pack(s, o, name, e));
	if (strncmp(name, "damaged/", 8) == 0)
		rc = refuse(s, "mark", name, e);
	else if ((rc = is_there(s, name, e)) == 1 &&
	    (rc = is_same(s, o, name, e)) == 0)
		rc = refuse(s, "replace", name, e);
	else if (rc == 0)
		return (store_dir_commit(o, name, STORE_DIR_DURABLE |
		    STORE_DIR_NEW, e));
	store_out_abort(o);
	return (rc == 1 ? 0 : -1);
}
