#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/io.h"
#include "vault/vault.h"

/* Made from vault/recover.sh and vault/README.txt by the build. */
extern const char vault_recover_sh[];
extern const char vault_readme_txt[];

static int
write_files(struct store *s, struct err *e)
{
	struct vaultmeta meta;
	struct buf b = BUF_INIT;
	int rc = -1;

	vaultmeta_defaults(&meta);
	if (getrandom(meta.id, sizeof(meta.id), 0) != sizeof(meta.id))
		return (err_sys(e, "getrandom"));
	if (vaultmeta_encode(&b, &meta, e) == -1)
		goto out;
	/* vault.json comes last: before it the directory is no vault. */
	if (store_put(s, "recover.sh", vault_recover_sh,
	    strlen(vault_recover_sh), e) == -1 ||
	    store_put(s, "README.txt", vault_readme_txt,
	    strlen(vault_readme_txt), e) == -1 ||
	    store_put(s, "vault.json", b.data, b.len, e) == -1)
		goto out;
	rc = 0;
out:
	buf_fini(&b);
	return (rc);
}

int
vault_init(const char *path, struct err *e)
{
	struct store *s;
	int rc;

	if ((s = store_create(path, e)) == NULL)
		return (-1);
	rc = write_files(s, e);
	store_close(s);
	return (rc);
}

/*
 * $XCATVAULT_CACHE, else /var/cache/xcatvault for root, else the user's
 * cache folder; below it one folder a vault.
 */
static char *
cache_folder(const uint8_t id[16])
{
	const char *dir, *home;
	char path[PATH_MAX], hex[33];
	struct err ignored;
	size_t i;
	int n;

	for (i = 0; i < 16; i++)
		snprintf(hex + 2 * i, 3, "%02x", id[i]);
	if ((dir = getenv("XCATVAULT_CACHE")) != NULL && *dir != '\0')
		n = snprintf(path, sizeof(path), "%s/%s", dir, hex);
	else if (geteuid() == 0)
		n = snprintf(path, sizeof(path), "/var/cache/xcatvault/%s",
		    hex);
	else if ((dir = getenv("XDG_CACHE_HOME")) != NULL && *dir == '/')
		n = snprintf(path, sizeof(path), "%s/xcatvault/%s", dir, hex);
	else if ((home = getenv("HOME")) != NULL && *home == '/')
		n = snprintf(path, sizeof(path), "%s/.cache/xcatvault/%s",
		    home, hex);
	else
		return (NULL);
	if (n < 0 || (size_t)n >= sizeof(path) ||
	    io_mkdir_path(path, &ignored) == -1)
		return (NULL);
	return (strdup(path));
}

struct vault *
vault_open(const char *path, struct err *e)
{
	struct buf b = BUF_INIT;
	struct vault *v;

	if ((v = calloc(1, sizeof(*v))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	if ((v->store = store_open(path, e)) == NULL)
		goto fail;
	if (store_get(v->store, "vault.json", VAULTMETA_MAX, &b, e) == -1) {
		if (e->errnum == ENOENT)
			err_set(e, ERR_USAGE, "%s: not a vault (no "
			    "vault.json); \"xcatvault init\" makes one", path);
		goto fail;
	}
	if (vaultmeta_decode(&v->meta, b.data, b.len, e) == -1) {
		err_wrap(e, "%s/vault.json", path);
		goto fail;
	}
	v->cache = cache_folder(v->meta.id);
	buf_fini(&b);
	return (v);
fail:
	buf_fini(&b);
	vault_close(v);
	return (NULL);
}

void
vault_close(struct vault *v)
{
	if (v == NULL)
		return;
	store_close(v->store);
	free(v->cache);
	free(v);
}
