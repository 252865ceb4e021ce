#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/outfile.h"
#include "imgxfer/imgkeep.h"
#include "imgxfer/kept.h"

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
export_extra(struct kept *k, const char *path, struct err *e)
{
	struct file f = { NULL, path };
	struct sink to = { file_write, &f };

	if ((f.out = outfile_new(path, e)) == NULL)
		return (-1);
	if (kept_write_extra(k, &to, e) == 0)
		return (outfile_commit(f.out, e));
	outfile_abort(f.out);
	return (-1);
}

/* The sidecar of the bundle as it is now: the archive in it is the same. */
static int
export_sidecar(const struct kept *k, const char *path, const char *extra,
    const struct kept_sum *sum, struct err *e)
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
	if ((rc = buf_ok(&name, e)) == 0 &&
	    (rc = sidecar_encode(&text, &s, e)) == 0)
		rc = io_save(AT_FDCWD, buf_cstr(&name), text.data, text.len,
		    e);
	buf_fini(&name);
	buf_fini(&text);
	return (rc);
}

/* What lies beside the bundle comes first. */
static int
export_others(struct kept *k, const char *path, const struct kept_sum *sum,
    struct err *e)
{
	struct buf extra = BUF_INIT;
	int rc;

	buf_printf(&extra, "%s%s", path, SIDECAR_EXTRA);
	(void)buf_cstr(&extra);
	rc = buf_ok(&extra, e);
	if (rc == 0 && k->has_extra)
		rc = export_extra(k, buf_cstr(&extra), e);
	if (rc == 0 && k->sidecar.image != NULL)
		rc = export_sidecar(k, path, buf_cstr(&extra), sum, e);
	buf_fini(&extra);
	return (rc);
}

int
kept_export(struct kept *k, const char *path, struct kept_sum *sum,
    struct err *e)
{
	struct file f = { NULL, path };
	struct sink to = { file_write, &f };

	if ((f.out = outfile_new(path, e)) == NULL)
		return (-1);
	if (kept_write(k, &to, sum, e) == 0 && (strcmp(path, "-") == 0 ||
	    export_others(k, path, sum, e) == 0))
		return (outfile_commit(f.out, e));
	outfile_abort(f.out);
	return (-1);
}
