#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/human.h"
#include "imgxfer/kept.h"
#include "imgxfer/keptcmd.h"

/* -------------------------------------------------------------- the list */

/* A line's texts, kept until it is known how wide their columns must be. */
struct row {
	char *image, *arch, *os, *origin;
	char when[SNAPSHOT_TIME_LEN];
	char id[SNAPSHOT_ID_LEN + 1];
	uint64_t bytes, stored;
};

struct list {
	struct vault *vault;
	struct index *index;
	struct snapshot_list refs;
	struct row *rows;
	size_t nrows;
	json_t *json;		/* or NULL */
	int status;
};

static char *
text(const char *s)
{
	return (strdup(s[0] != '\0' ? s : "-"));
}

static int
add_row(struct list *l, const struct kept *k, struct err *e)
{
	struct row *r = &l->rows[l->nrows++];

	r->image = text(k->about.image);
	r->arch = text(k->about.osarch);
	r->os = text(k->about.osvers);
	r->origin = text(k->about.origin);
	snapshot_time_text(&k->snap.start, 0, r->when);
	memcpy(r->id, k->snap.id, sizeof(r->id));
	r->bytes = k->about.tar_bytes;
	r->stored = k->snap.stored_bytes;
	if (r->image == NULL || r->arch == NULL || r->os == NULL ||
	    r->origin == NULL)
		return (err_nomem(e));
	return (0);
}

static int
add_json(struct list *l, const struct kept *k, struct err *e)
{
	char when[SNAPSHOT_TIME_LEN];
	json_t *j;

	snapshot_time_text(&k->snap.start, 0, when);
	j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, "
	    "s:I}", "image", k->about.image, "snapshot", k->snap.id,
	    "time", when, "osarch", k->about.osarch, "osvers", k->about.osvers,
	    "provmethod", k->about.provmethod, "profile", k->about.profile,
	    "site", k->about.origin,
	    "bundle_bytes", (json_int_t)k->about.bundle_bytes,
	    "tar_bytes", (json_int_t)k->about.tar_bytes,
	    "stored_bytes", (json_int_t)k->snap.stored_bytes);
	if (j == NULL || json_array_append_new(l->json, j) == -1)
		return (err_nomem(e));
	return (0);
}

/* One that cannot be read is told, and the others are shown. */
static int
list_one(struct list *l, const struct snapshot_ref *ref, struct err *e)
{
	struct kept k;
	struct err why;
	int rc;

	if (kept_load(&k, l->vault, l->index, ref, &why) == -1) {
		if (store_lost(l->vault->store, e))
			return (-1);
		l->status = cli_fail(&why);
		return (0);
	}
	rc = l->json != NULL ? add_json(l, &k, e) : add_row(l, &k, e);
	kept_close(&k);
	return (rc);
}

static int
wider(int width, const char *s)
{
	return ((int)strlen(s) > width ? (int)strlen(s) : width);
}

static void
print_rows(const struct list *l)
{
	int image = 0, arch = 0, os = 0;
	char bytes[HUMAN_LEN], stored[HUMAN_LEN];
	const struct row *r;

	for (r = l->rows; r < l->rows + l->nrows; r++) {
		assert(r->image != NULL && r->arch != NULL && r->os != NULL);
		image = wider(image, r->image);
		arch = wider(arch, r->arch);
		os = wider(os, r->os);
	}
	for (r = l->rows; r < l->rows + l->nrows; r++) {
		human_bytes(r->bytes, bytes);
		human_bytes(r->stored, stored);
		/* Without milliseconds; IMAGE@TIME takes it all the same. */
		printf("%s  %.19sZ  %-*s  %-*s  %-*s  %7s  %7s stored  %s\n",
		    r->id, r->when, image, r->image, arch, r->arch, os, r->os,
		    bytes, stored, r->origin);
	}
}

static int
list_all(struct list *l, const struct cli *cli, struct err *e)
{
	const char *path;
	size_t i;

	if ((path = cli_vault(cli, e)) == NULL ||
	    (l->vault = vault_open(path, e)) == NULL ||
	    snapshot_list_load(&l->refs, l->vault, e) == -1 ||
	    (l->index = index_open(l->vault, INDEX_SALVAGE, e)) == NULL)
		return (-1);
	l->rows = calloc(l->refs.n + 1, sizeof(*l->rows));
	if (l->rows == NULL || (cli->json &&
	    (l->json = json_array()) == NULL))
		return (err_nomem(e));
	for (i = 0; i < l->refs.n; i++)
		if (kept_is(&l->refs.refs[i]) &&
		    list_one(l, &l->refs.refs[i], e) == -1)
			return (-1);
	if (l->json == NULL)
		print_rows(l);
	else if (cli_json(json_incref(l->json), e) == -1)
		return (-1);
	return (cli_flush(e));
}

int
keptcmd_list(struct cli *cli)
{
	struct list l;
	struct err e;
	size_t i;

	memset(&l, 0, sizeof(l));
	if (list_all(&l, cli, &e) == -1)
		l.status = cli_fail(&e);
	for (i = 0; i < l.nrows; i++) {
		free(l.rows[i].image);
		free(l.rows[i].arch);
		free(l.rows[i].os);
		free(l.rows[i].origin);
	}
	free(l.rows);
	json_decref(l.json);
	snapshot_list_fini(&l.refs);
	index_free(l.index);
	vault_close(l.vault);
	return (l.status);
}

/* -------------------------------------------------------------- the export */

static int
tell_export(const struct cli *cli, const struct kept *k,
    const char *output, const struct kept_sum *sum, struct err *e)
{
	char bytes[HUMAN_LEN], when[SNAPSHOT_TIME_LEN];
	char digest[DIGEST_HEX + 1], tar[DIGEST_HEX + 1];
	json_t *j;

	/* Nothing may be said where standard output is the bundle. */
	if (strcmp(output, "-") == 0)
		return (0);
	snapshot_time_text(&k->snap.start, 0, when);
	digest_hexz(sum->digest, digest);
	digest_hexz(k->about.tar_digest, tar);
	human_bytes(sum->bytes, bytes);
	if (cli->json) {
		j = json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:I, s:s, "
		    "s:b}", "image", k->about.image, "snapshot", k->snap.id,
		    "time", when, "file", output,
		    "bytes", (json_int_t)sum->bytes, "sha256", digest,
		    "tar_bytes", (json_int_t)k->about.tar_bytes,
		    "tar_sha256", tar,
		    "sidecar", k->sidecar.image != NULL);
		if (cli_json(j, e) == -1)
			return (-1);
	} else if (!cli->quiet)
		printf("%s of %.19sZ: %s in %s; its archive is the one that "
		    "was kept%s\n", k->about.image, when, bytes, output,
		    k->sidecar.image != NULL ? "" : "; there is no sidecar");
	return (cli_flush(e));
}

int
keptcmd_export(struct cli *cli, const char *image, const char *output)
{
	int status = STATUS_DONE;
	struct vault *v = NULL;
	struct kept_sum sum;
	struct kept k;
	const char *path;
	struct err e;

	memset(&k, 0, sizeof(k));
	cancel_catch_signals();
	if ((path = cli_vault(cli, &e)) == NULL ||
	    (v = vault_open(path, &e)) == NULL ||
	    kept_open(&k, v, image, &e) == -1) {
		vault_close(v);
		return (cli_fail(&e));
	}
	if (kept_export(&k, output, &sum, &e) == -1 ||
	    tell_export(cli, &k, output, &sum, &e) == -1)
		status = cli_fail(&e);
	kept_close(&k);
	vault_close(v);
	return (status);
}

/* -------------------------------------------------------------- the rest */

int
keptcmd_tell_kept(const struct cli *cli, const char *image,
    const struct imgkeep_result *r, struct err *e)
{
	char bytes[HUMAN_LEN], stored[HUMAN_LEN];
	char digest[DIGEST_HEX + 1], tar[DIGEST_HEX + 1];
	json_t *j;

	digest_hexz(r->bundle_digest, digest);
	digest_hexz(r->tar_digest, tar);
	if (cli->json) {
		j = json_pack("{s:s, s:s, s:s, s:s?, s:I, s:s, s:I, s:s, "
		    "s:I}", "image", image, "snapshot", r->snapshot,
		    "site", r->site, "previous",
		    r->previous[0] != '\0' ? r->previous : NULL,
		    "bundle_bytes", (json_int_t)r->bundle_bytes,
		    "sha256", digest, "tar_bytes", (json_int_t)r->tar_bytes,
		    "tar_sha256", tar,
		    "stored_bytes", (json_int_t)r->stored_bytes);
		if (cli_tell(cli, j, e) == -1)
			return (-1);
	} else if (!cli->quiet) {
		human_bytes(r->bundle_bytes, bytes);
		human_bytes(r->stored_bytes, stored);
		printf("%s is kept as snapshot %s: a bundle of %s, %s "
		    "stored\n", image, r->snapshot, bytes, stored);
	}
	return (cli_flush(e));
}
