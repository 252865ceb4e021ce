#include <string.h>

#include "formats/pathtext.h"
#include "restore/view.h"
#include "vault/snapshots.h"

#define TROUBLES_TOLD 10

static void
tell_problems(const struct index *ix)
{
	const struct index_problem *p;
	size_t i;

	for (i = 0; i < index_problems(ix); i++) {
		p = index_get_problem(ix, i);
		if (p->salvaged > 0)
			cli_warn("warning: %s (%u of its blobs were found "
			    "all the same)", p->reason, p->salvaged);
		else
			cli_warn("warning: %s", p->reason);
	}
}

int
view_open(struct view *v, const struct cli *cli, const char *snap_name,
    struct err *e)
{
	const char *path;

	memset(v, 0, sizeof(*v));
	if ((path = cli_vault(cli, e)) == NULL ||
	    (v->vault = vault_open(path, e)) == NULL ||
	    snapshot_open(&v->snap, v->vault, snap_name, e) == -1 ||
	    (v->index = index_open(v->vault, INDEX_SALVAGE, e)) == NULL) {
		view_close(v);
		return (-1);
	}
	if (!cli->quiet)
		tell_problems(v->index);
	return (0);
}

void
view_close(struct view *v)
{
	if (v->troubles > TROUBLES_TOLD)
		cli_warn("%zu more parts of the catalog cannot be read",
		    v->troubles - TROUBLES_TOLD);
	snapshot_fini(&v->snap);
	index_free(v->index);
	vault_close(v->vault);
	memset(v, 0, sizeof(*v));
}

void
view_trouble(struct view *v, const struct err *e)
{
	if (v->troubles++ < TROUBLES_TOLD)
		cli_error(e);
	if (err_status(e) > v->status)
		v->status = err_status(e);
}

int
view_clean_path(struct buf *out, const char *path, struct err *e)
{
	const char *p = path;
	size_t n;

	buf_clear(out);
	if (*p == '\0')
		return (err_set(e, ERR_USAGE, "an empty path"));
	for (; *p != '\0'; p += n) {
		p += strspn(p, "/");
		n = strcspn(p, "/");
		if (n == 2 && memcmp(p, "..", 2) == 0)
			return (err_set(e, ERR_USAGE, "%s: no \"..\" in "
			    "paths of a snapshot", path));
		if (n == 0 || (n == 1 && *p == '.'))
			continue;
		buf_putc(out, '/');
		buf_append(out, p, n);
	}
	if (out->len == 0)
		buf_putc(out, '/');
	(void)buf_cstr(out);
	return (buf_ok(out, e));
}

/* Catalog text of what follows the volume's own path. */
static void
rest_text(struct buf *text, const char *rest)
{
	buf_clear(text);
	buf_putc(text, '.');
	if (rest[0] == '/' && rest[1] != '\0')
		pathtext_encode(text, rest, strlen(rest));
}

/* What follows the volume's path in a clean path that lies in it. */
static const char *
rest_of(const struct snapshot_volume *vol, const char *clean)
{
	size_t n = strlen(vol->path);

	if (n == 1)
		return (clean);		/* the volume is "/" */
	if (strncmp(clean, vol->path, n) != 0 ||
	    (clean[n] != '\0' && clean[n] != '/'))
		return (NULL);
	return (clean + n);
}

int
view_locate(const struct snapshot *s, const char *path,
    const struct snapshot_volume **vol, struct buf *text, struct err *e)
{
	struct buf clean = BUF_INIT;
	int rc = -1;

	if (view_clean_path(&clean, path, e) == -1)
		goto out;
	*vol = snapshot_volume_of(s, buf_cstr(&clean));
	if (*vol == NULL) {
		view_not_there(s, path, e);
		goto out;
	}
	rest_text(text, rest_of(*vol, buf_cstr(&clean)));
	rc = buf_ok(text, e);
out:
	buf_fini(&clean);
	return (rc);
}

int
view_scope(const struct snapshot_volume *vol, const char *clean,
    struct buf *text)
{
	const char *rest = rest_of(vol, clean);
	size_t n = strlen(clean);

	if (rest == NULL) {
		if (n > 1 && (strncmp(vol->path, clean, n) != 0 ||
		    vol->path[n] != '/'))
			return (0);
		rest = "";
	}
	rest_text(text, rest);
	return (1);
}

void
view_full_path(struct buf *out, const struct snapshot_volume *vol,
    const struct span *path)
{
	if (strcmp(vol->path, "/") != 0)
		pathtext_encode(out, vol->path, strlen(vol->path));
	else if (path->len == 1)
		buf_putc(out, '/');
	buf_append(out, path->p + 1, path->len - 1);
}

int
view_is_below(const struct span *path, const struct span *top)
{
	return (path->len >= top->len &&
	    memcmp(path->p, top->p, top->len) == 0 &&
	    (path->len == top->len || path->p[top->len] == '/'));
}

int
view_not_there(const struct snapshot *s, const char *path, struct err *e)
{
	return (err_set(e, ERR_USAGE, "%s: not in snapshot %s", path, s->id));
}
