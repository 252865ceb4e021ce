#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "formats/vaultmeta.h"

void
vaultmeta_defaults(struct vaultmeta *m)
{
	memset(m, 0, sizeof(*m));
	m->cut_min = 64 << 10;
	m->cut_avg = 256 << 10;
	m->cut_max = 1 << 20;
	m->frame_bytes = 4 << 20;
	m->catalog_frame_bytes = 256 << 10;
	m->pack_bytes = 128 << 20;
	m->pack_blobs = 65536;
	m->level = 3;
}

int
vaultmeta_encode(struct buf *out, const struct vaultmeta *m, struct err *e)
{
	char id[33];
	json_t *j;
	char *text;
	size_t i;

	for (i = 0; i < sizeof(m->id); i++)
		snprintf(id + 2 * i, 3, "%02x", m->id[i]);
	j = json_pack("{s:i, s:s, s:{s:i, s:i, s:i}, s:i, s:i, s:i, s:i, s:i}",
	    "format", VAULTMETA_FORMAT, "id", id, "cutter",
	    "min", (int)m->cut_min, "average", (int)m->cut_avg,
	    "max", (int)m->cut_max, "frame", (int)m->frame_bytes,
	    "catalog_frame", (int)m->catalog_frame_bytes,
	    "pack_bytes", (int)m->pack_bytes,
	    "pack_blobs", (int)m->pack_blobs, "level", m->level);
	text = j != NULL ? json_dumps(j, JSON_INDENT(1)) : NULL;
	json_decref(j);
	if (text == NULL)
		return (err_nomem(e));
	buf_puts(out, text);
	buf_putc(out, '\n');
	free(text);
	return (buf_ok(out, e));
}

/* 32 hexadecimal digits. */
static int
parse_id(uint8_t id[16], const char *hex)
{
	size_t i, n = strlen(hex);
	unsigned v;

	if (n != 32 || strspn(hex, "0123456789abcdef") != 32)
		return (-1);
	for (i = 0; i < 16; i++) {
		if (sscanf(hex + 2 * i, "%2x", &v) != 1)
			return (-1);
		id[i] = (uint8_t)v;
	}
	return (0);
}

struct limit {
	json_int_t value, low, high;
};

static int
in_bounds(const struct limit *l, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (l[i].value < l[i].low || l[i].value > l[i].high)
			return (0);
	return (1);
}

static int
decode_fields(struct vaultmeta *m, json_t *j)
{
	const char *id;
	json_int_t min, avg, max, frame, cframe, bytes, blobs, level;

	if (json_unpack(j, "{s:s, s:{s:I, s:I, s:I}, s:I, s:I, s:I, s:I, s:I}",
	    "id", &id, "cutter", "min", &min, "average", &avg, "max", &max,
	    "frame", &frame, "catalog_frame", &cframe, "pack_bytes", &bytes,
	    "pack_blobs", &blobs, "level", &level) == -1 ||
	    parse_id(m->id, id) == -1)
		return (-1);
	const struct limit limits[] = {
		{ avg, 4096, 4 << 20 }, { min, 64, avg },
		{ max, avg, 8 << 20 }, { frame, 65536, 64 << 20 },
		{ cframe, 16384, 64 << 20 }, { bytes, 1 << 20, 1 << 30 },
		{ blobs, 16, 1 << 19 }, { level, 1, 19 },
	};
	if (!in_bounds(limits, sizeof(limits) / sizeof(limits[0])) ||
	    (avg & (avg - 1)) != 0)
		return (-1);
	m->cut_min = (uint32_t)min;
	m->cut_avg = (uint32_t)avg;
	m->cut_max = (uint32_t)max;
	m->frame_bytes = (uint32_t)frame;
	m->catalog_frame_bytes = (uint32_t)cframe;
	m->pack_bytes = (uint32_t)bytes;
	m->pack_blobs = (uint32_t)blobs;
	m->level = (int)level;
	return (0);
}

int
vaultmeta_decode(struct vaultmeta *m, const void *text, size_t len,
    struct err *e)
{
	json_int_t format = 0;
	json_error_t je;
	json_t *j;
	int rc = -1;

	memset(m, 0, sizeof(*m));
	j = json_loadb(text, len, JSON_REJECT_DUPLICATES, &je);
	if (j == NULL || json_unpack(j, "{s:I}", "format", &format) == -1)
		err_set(e, ERR_USAGE, "not a vault's description");
	else if (format > VAULTMETA_FORMAT)
		err_set(e, ERR_USAGE, "vault format %lld is newer than this "
		    "xcatvault knows (%d): use a newer xcatvault",
		    (long long)format, VAULTMETA_FORMAT);
	else if (format != VAULTMETA_FORMAT || decode_fields(m, j) == -1)
		err_set(e, ERR_DAMAGED, "fields missing or out of bounds");
	else
		rc = 0;
	json_decref(j);
	return (rc);
}
