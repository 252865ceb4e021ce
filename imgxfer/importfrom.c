#include <stdlib.h>
#include <string.h>

#include "imgxfer/importfrom.h"

static int
open_kept(struct importfrom *f, const struct cli *cli, struct err *e)
{
	const char *path;

	if ((path = cli_vault(cli, e)) == NULL ||
	    (f->vault = vault_open(path, e)) == NULL ||
	    kept_open(&f->image, f->vault, f->name, e) == -1)
		return (-1);
	if (f->image.sidecar.image != NULL)
		f->sidecar = &f->image.sidecar;
	return (0);
}

int
importfrom_open(struct importfrom *f, const char *name, int kept,
    const struct cli *cli, struct err *e)
{
	int rc;

	memset(f, 0, sizeof(*f));
	f->file.fd = f->extra_file.fd = -1;
	f->name = name;
	f->kept = kept;
	if (kept)
		return (open_kept(f, cli, e));
	if (strcmp(name, "-") == 0)
		return (err_set(e, ERR_USAGE, "FILE is read twice, so it "
		    "cannot be standard input"));
	if ((rc = sidecar_load(&f->beside, name, e)) == 1)
		f->sidecar = &f->beside;
	return (rc == -1 ? -1 : 0);
}

void
importfrom_close(struct importfrom *f)
{
	kept_stream_free(f->stream);
	kept_stream_free(f->extra_stream);
	source_file_close(&f->file);
	source_file_close(&f->extra_file);
	kept_close(&f->image);
	vault_close(f->vault);
	sidecar_fini(&f->beside);
}

int
importfrom_bundle(struct importfrom *f, struct source *out, struct err *e)
{
	if (!f->kept) {
		source_file_close(&f->file);
		return (source_file_open(&f->file, f->name, out, e));
	}
	kept_stream_free(f->stream);
	if ((f->stream = kept_stream_new(&f->image, 0, e)) == NULL)
		return (-1);
	*out = kept_stream_source(f->stream);
	return (0);
}

/* The path of what lies beside the bundle. */
static char *
beside(const char *path, const char *name, struct err *e)
{
	const char *slash = strrchr(path, '/');
	struct buf b = BUF_INIT;
	char *out = NULL;

	if (slash != NULL)
		buf_append(&b, path, (size_t)(slash - path) + 1);
	buf_puts(&b, name);
	if (buf_ok(&b, e) == 0 && (out = strdup(buf_cstr(&b))) == NULL)
		err_nomem(e);
	buf_fini(&b);
	return (out);
}

static int
open_extra_file(struct importfrom *f, struct source *out, struct err *e)
{
	const char *name = f->sidecar->extra.file;
	char *path;
	int rc;

	if (strchr(name, '/') != NULL)
		return (err_set(e, ERR_DAMAGED, "%s" SIDECAR_SUFFIX ": %s is "
		    "no name of a file beside it", f->name, name));
	if ((path = beside(f->name, name, e)) == NULL)
		return (-1);
	source_file_close(&f->extra_file);
	rc = source_file_open(&f->extra_file, path, out, e);
	/* The path is for messages, and the sidecar's name says as much. */
	f->extra_file.path = out->name = name;
	free(path);
	return (rc);
}

int
importfrom_extra(struct importfrom *f, struct source *out, struct err *e)
{
	if (!f->kept)
		return (open_extra_file(f, out, e));
	kept_stream_free(f->extra_stream);
	if ((f->extra_stream = kept_stream_new(&f->image, 1, e)) == NULL)
		return (-1);
	*out = kept_stream_source(f->extra_stream);
	return (0);
}

int
importfrom_check(const struct importfrom *f, const struct inspect *in,
    struct err *e)
{
	const struct sidecar_file *s;

	if (f->kept) {
		if (in->tar_bytes == f->image.about.tar_bytes &&
		    memcmp(in->tar_digest, f->image.about.tar_digest,
		    DIGEST_LEN) == 0)
			return (0);
		return (err_set(e, ERR_DAMAGED, "%s: what came out of the "
		    "vault is not what went in", f->name));
	}
	if (f->sidecar == NULL)
		return (0);
	s = &f->sidecar->bundle;
	if (s->bytes == in->bundle_bytes &&
	    memcmp(s->digest, in->bundle_digest, DIGEST_LEN) == 0)
		return (0);
	return (err_set(e, ERR_DAMAGED, "%s: it is not the bundle that %s"
	    SIDECAR_SUFFIX " tells of", f->name, f->name));
}
