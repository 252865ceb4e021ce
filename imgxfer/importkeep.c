#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/version.h"
#include "imgxfer/importkeep.h"
#include "vault/deposit.h"

static int
describe(const struct importkeep *k, struct snapshot *s, struct err *e)
{
	struct buf site = BUF_INIT;
	char host[256] = "";
	int rc;

	(void)gethostname(host, sizeof(host) - 1);
	buf_printf(&site, "%s.image.undo", k->site);
	if ((rc = buf_ok(&site, e)) == 0)
		rc = snapshot_set(&s->site, buf_cstr(&site), e);
	buf_fini(&site);
	if (rc == 0 && !snapshot_valid_site(s->site))
		return (err_set(e, ERR_USAGE, "%s: no name for what is kept",
		    s->site));
	if (rc == -1 || snapshot_set(&s->host, host, e) == -1 ||
	    snapshot_set(&s->tool, "xcatvault " XCATVAULT_VERSION, e) == -1 ||
	    snapshot_set(&s->node.address, remote_name(k->remote), e) == -1)
		return (-1);
	return (snapshot_set(&s->node.fingerprint,
	    remote_fingerprint(k->remote), e));
}

static int
sink_write(void *arg, const void *p, size_t len, struct err *e)
{
	return (deposit_write(arg, p, len, e));
}

static int
put_file(const struct importkeep *k, struct deposit *d,
    const struct importnode_at *at, struct err *e)
{
	struct deposit_meta meta = { at->mode, at->uid, at->gid, at->mtime,
	    0 };
	struct sink to = { sink_write, d };
	struct deposit_sum sum = { 0 };
	struct buf name = BUF_INIT;
	int dir = at->kind == IMPORTNODE_DIR, rc;

	buf_printf(&name, "%s%s", at->path + 1, dir ? ".tar" : "");
	if (dir)
		meta.mode = 0600;
	if ((rc = buf_ok(&name, e)) == 0 && (rc = deposit_begin(d,
	    buf_cstr(&name), &meta, e)) == 0 && (rc = importnode_fetch(
	    k->remote, at->path, dir, &to, e)) == 0)
		rc = deposit_end(d, &sum, e);
	buf_fini(&name);
	if (rc == 0 && !dir && (sum.bytes != at->size || (at->has_digest &&
	    memcmp(sum.digest, at->digest, DIGEST_LEN) != 0)))
		return (err_set(e, ERR_FAILED, "%s: it changed while it was "
		    "read", at->path));
	return (rc);
}

static int
put_rows(const struct importkeep *k, struct deposit *d, struct err *e)
{
	const struct importkeep_rows *r;
	struct buf name = BUF_INIT;
	size_t i;
	int rc = 0;

	for (i = 0; i < k->nrows && rc == 0; i++) {
		r = k->rows + i;
		if (r->csv->len == 0)
			continue;
		buf_clear(&name);
		buf_printf(&name, "root/xcatvault.%s/%s.csv", k->image,
		    r->table);
		if ((rc = buf_ok(&name, e)) == 0 && (rc = deposit_begin(d,
		    buf_cstr(&name), NULL, e)) == 0 && (rc = deposit_write(d,
		    r->csv->data, r->csv->len, e)) == 0)
			rc = deposit_end(d, NULL, e);
	}
	buf_fini(&name);
	return (rc);
}

int
importkeep_store(const struct importkeep *k, char id[SNAPSHOT_ID_LEN + 1],
    struct err *e)
{
	struct snapshot s = { .site = NULL };
	struct deposit *d = NULL;
	size_t i;
	int rc = describe(k, &s, e);

	if (rc == 0 && (d = deposit_new(k->vault, &s, "/", e)) == NULL)
		rc = -1;
	if (rc == 0)
		deposit_selected(d);
	for (i = 0; rc == 0 && i < k->nfiles; i++)
		rc = put_file(k, d, k->files[i], e);
	if (rc == 0 && (rc = put_rows(k, d, e)) == 0)
		rc = deposit_commit(d, e);
	if (rc == 0)
		memcpy(id, s.id, sizeof(s.id));
	deposit_free(d);
	snapshot_fini(&s);
	return (rc);
}
