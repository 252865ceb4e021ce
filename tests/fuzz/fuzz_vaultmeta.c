#include "formats/vaultmeta.h"
#include "tests/fuzz/fuzz.h"

/* A vault.json: what is accepted is usable, and the same when read again. */
static void
check_usable(const struct vaultmeta *m)
{
	MUST(m->cut_min > 0 && m->cut_min <= m->cut_avg);
	MUST(m->cut_avg <= m->cut_max && m->cut_max <= 8 << 20);
	MUST((m->cut_avg & (m->cut_avg - 1)) == 0 && m->cut_avg >= 1024);
	MUST(m->frame_bytes > 0 && m->frame_bytes <= 64 << 20);
	MUST(m->catalog_frame_bytes > 0 && m->pack_blobs > 0);
	MUST(m->pack_bytes > 0 && m->level >= 1 && m->level <= 19);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vaultmeta m, again;
	struct buf text = BUF_INIT;
	struct err e = { 0 };

	if (vaultmeta_decode(&m, data, size, &e) == -1) {
		must_explain(&e, e.kind == ERR_USAGE ? ERR_USAGE :
		    ERR_DAMAGED);
		return (0);
	}
	check_usable(&m);
	MUST(vaultmeta_encode(&text, &m, &e) == 0);
	MUST(vaultmeta_decode(&again, text.data, text.len, &e) == 0);
	MUST(memcmp(&m, &again, sizeof(m)) == 0);
	buf_fini(&text);
	return (0);
}
