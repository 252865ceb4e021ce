#include "formats/mtree.h"
#include "formats/pathtext.h"
#include "tests/fuzz/fuzz.h"

/*
 * A catalog's text.  Each entry accepted encodes to the bytes it was read
 * from, and what its parts promise holds.
 */
static void
check_within(const struct span *sp, const struct span *text)
{
	MUST(sp->len == 0 || (sp->p >= text->p &&
	    sp->p + sp->len <= text->p + text->len));
}

static void
check_blobs(const struct entry *ent)
{
	struct scan s = mtree_scan(&ent->blobs);
	uint8_t id[DIGEST_LEN];
	size_t n = 0;

	while (s.p < s.end) {
		MUST(mtree_next_blob(&s, id));
		n++;
	}
	MUST(n == 0 || (n >= 2 && n <= ENTRY_INLINE_BLOBS));
	MUST(n == 0 || ent->list_depth == 0);
}

static void
check_holes(const struct entry *ent)
{
	struct scan s = mtree_scan(&ent->holes);
	uint64_t off, len, end = 0;

	while (s.p < s.end) {
		MUST(mtree_next_hole(&s, &off, &len));
		MUST(off >= end && len > 0 && off <= ent->size &&
		    len <= ent->size - off);
		end = off + len;
	}
}

static void
check_xattrs(const struct entry *ent)
{
	struct scan s = mtree_scan(&ent->xattrs);
	struct buf name = BUF_INIT, value = BUF_INIT, again = BUF_INIT;
	struct err e = { 0 };
	int rc;

	while ((rc = mtree_next_xattr(&s, &name, &value, &e)) == 1) {
		MUST(name.len > 0 && name.data[name.len] == '\0');
		MUST(strlen((char *)name.data) == name.len);
		mtree_encode_xattr(&again, (char *)name.data, value.data,
		    value.len);
	}
	MUST(rc == 0);
	must_equal(&again, ent->xattrs.p, ent->xattrs.len);
	buf_fini(&name);
	buf_fini(&value);
	buf_fini(&again);
}

static void
check_entry(const struct entry *ent)
{
	struct buf again = BUF_INIT;

	mtree_encode(&again, ent);
	must_equal(&again, ent->text.p, ent->text.len);
	buf_fini(&again);
	MUST(pathtext_is_path(ent->path.p, ent->path.len));
	MUST(mtree_type_name(ent->type) != NULL);
	MUST(ent->mode <= 07777 && ent->mtime_ns < 1000000000 &&
	    ent->ctime_ns < 1000000000);
	check_within(&ent->path, &ent->text);
	check_within(&ent->link, &ent->text);
	check_within(&ent->hardlink, &ent->text);
	check_blobs(ent);
	check_holes(ent);
	check_xattrs(ent);
	if (ent->type == ENTRY_LINK)
		MUST(ent->link.len > 0 &&
		    pathtext_valid(ent->link.p, ent->link.len));
	/* Whatever is no directory may have several names. */
	MUST(ent->type != ENTRY_DIR || ent->hardlink.len == 0);
	MUST(ent->hardlink.len != 1);
	MUST(ent->path.len > 1 || ent->type == ENTRY_DIR);
	if (ent->type != ENTRY_FILE)
		MUST(ent->blobs.len + ent->holes.len + ent->list_depth == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scan s = { (const char *)data, (const char *)data + size };
	struct scan skip = s;
	struct entry ent;
	struct span text, path;
	struct err e = { 0 };
	const char *p = s.p;
	int rc;

	while ((rc = mtree_decode(&s, &ent, &e)) == 1) {
		MUST(mtree_skip(&skip, &text, &path) == 1 && skip.p == s.p);
		MUST(text.p == ent.text.p && text.len == ent.text.len);
		MUST(path.p == ent.path.p && path.len == ent.path.len);
		MUST(ent.text.p == p && s.p == p + ent.text.len && s.p > p);
		p = s.p;
		check_entry(&ent);
	}
	if (rc == -1)
		must_explain(&e, ERR_DAMAGED);
	else
		MUST(s.p == s.end && mtree_skip(&skip, &text, &path) == 0);
	while (mtree_skip(&skip, &text, &path) == 1)
		MUST(skip.p > text.p && skip.p <= skip.end);
	return (0);
}
