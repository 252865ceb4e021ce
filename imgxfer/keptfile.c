#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/outfile.h"
#include "imgxfer/imgkeep.h"
#include "imgxfer/kept.h"
#include "imgxfer/publish.h"

struct file {
	struct outfile *out;
	const char *path;
};

static int
file_write(void *arg, const void *p, size_t len, struct err *e)
{
	struct file *f = arg;

	if (io_write(outfile_fd(f->out), p, len) == -1)
		return (err_sys(e, "%s", f->path));
	return (0);
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return (slash != NULL ? slash + 1 : path);
}

static int
write_extra(struct kept *k, const char *path, struct publish *files,
    struct err *e)
{
	struct file f = { NULL, path };
	struct sink to = { file_write, &f };

	if ((f.out = files->extra = outfile_new(path, e)) == NULL)
		return (-1);
	return (kept_write_extra(k, &to, e));
}

/* The sidecar of the bundle as it is now: the archive in it is the same. */
static int
write_sidecar(const struct kept *k, const char *path, const char *extra,
    const struct kept_sum *sum, struct publish *files, struct err *e)
{
	struct sidecar s = k->sidecar;
	struct buf name = BUF_INIT, text = BUF_INIT;
	int rc;

	s.bundle.file = base_name(path);
	s.bundle.bytes = sum->bytes;
	memcpy(s.bundle.digest, sum->digest, DIGEST_LEN);
	s.bundle.compression = "gzip";
	if (k->has_extra)
		s.extra.file = base_name(extra);
	buf_printf(&name, "%s%s", path, SIDECAR_SUFFIX);
	(void)buf_cstr(&name);
	rc = buf_ok(&name, e) == -1 || sidecar_encode(&text, &s, e) == -1 ||
	    (files->sidecar = outfile_new(buf_cstr(&name), e)) == NULL ? -1 :
	    0;
	if (rc == 0 && io_write(outfile_fd(files->sidecar), text.data,
	    text.len) == -1)
		rc = err_sys(e, "%s", buf_cstr(&name));
	buf_fini(&name);
	buf_fini(&text);
	return (rc);
}

/* What is there of an earlier bundle of that name tells nothing of this. */
static int
set_stale(const char *path, struct publish *files, struct err *e)
{
	struct buf name = BUF_INIT;
	int rc;

	buf_printf(&name, "%s%s", path, SIDECAR_SUFFIX);
	if ((rc = buf_ok(&name, e)) == 0 &&
	    (files->stale = strdup(buf_cstr(&name))) == NULL)
		rc = err_nomem(e);
	buf_fini(&name);
	return (rc);
}

/* What lies beside the bundle. */
static int
write_others(struct kept *k, const char *path, const struct kept_sum *sum,
    struct publish *files, struct err *e)
{
	struct buf extra = BUF_INIT;
	int rc;

	buf_printf(&extra, "%s%s", path, SIDECAR_EXTRA);
	(void)buf_cstr(&extra);
	rc = buf_ok(&extra, e);
	if (rc == 0 && k->has_extra)
		rc = write_extra(k, buf_cstr(&extra), files, e);
	if (rc == 0 && k->sidecar.image != NULL)
		rc = write_sidecar(k, path, buf_cstr(&extra), sum, files,
		    e);
	else if (rc == 0)
		rc = set_stale(path, files, e);
	buf_fini(&extra);
	return (rc);
}

int
kept_export(struct kept *k, const char *path, struct kept_sum *sum,
    struct err *e)
{
	struct file f = { NULL, path };
	struct sink to = { file_write, &f };
	struct publish files = { 0 };
	int rc = -1;

	if ((f.out = files.bundle = outfile_new(path, e)) == NULL)
		return (-1);
	if (kept_write(k, &to, sum, e) == 0 && (strcmp(path, "-") == 0 ||
	    write_others(k, path, sum, &files, e) == 0))
		rc = publish_commit(&files, e);
	publish_abort(&files);
	return (rc);
}
