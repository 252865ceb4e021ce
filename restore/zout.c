#include <stdlib.h>
#include <unistd.h>

#include <zstd.h>

#include "base/io.h"
#include "restore/zout.h"

struct zout {
	ZSTD_CCtx *ctx;
	uint8_t *buf;
	size_t cap;
	uint64_t written;
	int fd;
};

struct zout *
zout_new(int fd, int level, struct err *e)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	struct zout *z;

	if ((z = calloc(1, sizeof(*z))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	z->fd = fd;
	z->cap = ZSTD_CStreamOutSize();
	z->buf = malloc(z->cap);
	z->ctx = ZSTD_createCCtx();
	if (z->buf == NULL || z->ctx == NULL) {
		zout_free(z);
		err_nomem(e);
		return (NULL);
	}
	/* A library built without threads refuses these, and does one. */
	(void)ZSTD_CCtx_setParameter(z->ctx, ZSTD_c_nbWorkers,
	    cores > 1 ? (int)cores : 1);
	(void)ZSTD_CCtx_setParameter(z->ctx, ZSTD_c_compressionLevel, level);
	(void)ZSTD_CCtx_setParameter(z->ctx, ZSTD_c_checksumFlag, 1);
	return (z);
}

void
zout_free(struct zout *z)
{
	if (z == NULL)
		return;
	ZSTD_freeCCtx(z->ctx);
	free(z->buf);
	free(z);
}

/* One step; *left is 0 when all that was asked for is done. */
static int
step(struct zout *z, ZSTD_inBuffer *in, ZSTD_EndDirective how, size_t *left,
    struct err *e)
{
	ZSTD_outBuffer out = { z->buf, z->cap, 0 };

	*left = ZSTD_compressStream2(z->ctx, &out, in, how);
	if (ZSTD_isError(*left))
		return (err_set(e, ERR_FAILED, "zstd: %s",
		    ZSTD_getErrorName(*left)));
	if (out.pos > 0 && io_write(z->fd, z->buf, out.pos) == -1)
		return (err_sys(e, "writing the archive"));
	z->written += out.pos;
	return (0);
}

uint64_t
zout_bytes(const struct zout *z)
{
	return (z->written);
}

int
zout_write(struct zout *z, const void *p, size_t len, struct err *e)
{
	ZSTD_inBuffer in = { p, len, 0 };
	size_t left;

	while (in.pos < in.size)
		if (step(z, &in, ZSTD_e_continue, &left, e) == -1)
			return (-1);
	return (0);
}

int
zout_commit(struct zout *z, struct err *e)
{
	ZSTD_inBuffer in = { NULL, 0, 0 };
	size_t left;

	do
		if (step(z, &in, ZSTD_e_end, &left, e) == -1)
			return (-1);
	while (left > 0);
	return (0);
}
