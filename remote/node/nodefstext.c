#include <limits.h>
#include <string.h>

#include "formats/scan.h"
#include "remote/node/nodefstext.h"

#define WHY_MAX 4096
#define PATH_BYTES_MAX ((size_t)1 << 20)

/* " N" */
static int
take_u64(struct scan *s, uint64_t *v)
{
	return (scan_char(s, ' ') && scan_u64(s, v));
}

static int
take_u32(struct scan *s, uint32_t *v)
{
	return (scan_char(s, ' ') && scan_u32(s, v));
}

static int
take_size(struct scan *s, size_t *v, size_t max)
{
	uint64_t n;

	if (!take_u64(s, &n) || n > max)
		return (0);
	*v = (size_t)n;
	return (1);
}

static int
take_flag(struct scan *s, int *v)
{
	uint32_t n;

	if (!take_u32(s, &n) || n > 1)
		return (0);
	*v = (int)n;
	return (1);
}

static int
take_time(struct scan *s, int64_t *v)
{
	return (scan_char(s, ' ') && scan_i64(s, v));
}

static int
take_what(struct scan *s, enum osfs_what *what)
{
	static const char letters[] = "fdomlx";
	static const enum osfs_what whats[] = { OSFS_FILE, OSFS_DIR,
	    OSFS_OTHER, OSFS_MISSING, OSFS_LOOP, OSFS_LOST };
	size_t i;

	if (!scan_char(s, ' '))
		return (0);
	for (i = 0; letters[i] != '\0'; i++)
		if (scan_char(s, letters[i])) {
			*what = whats[i];
			return (1);
		}
	return (0);
}

static int
take_stat(struct scan *s, struct nodefstext *t)
{
	struct nodefs_stat *st = &t->st;

	return (take_what(s, &st->what) && take_flag(s, &st->is_link) &&
	    take_u64(s, &st->size) && take_u64(s, &st->blocks) &&
	    take_u64(s, &st->dev) && take_u64(s, &st->ino) &&
	    take_u32(s, &st->mode) && take_u32(s, &st->uid) &&
	    take_u32(s, &st->gid) && take_u32(s, &st->nlink) &&
	    take_time(s, &st->mtime) && take_time(s, &st->ctime) &&
	    take_size(s, &t->bytes, PATH_BYTES_MAX) &&
	    take_size(s, &t->more, WHY_MAX));
}

static int
take_room(struct scan *s, struct nodefs_room *r)
{
	return (take_u64(s, &r->dev) && take_u64(s, &r->free_bytes) &&
	    take_u64(s, &r->total_bytes) && take_flag(s, &r->readonly));
}

int
nodefstext_decode(struct nodefstext *t, const char *line, size_t len,
    struct err *e)
{
	struct scan s = { line, line + len };
	size_t none;
	int ok = 0;

	memset(t, 0, sizeof(*t));
	if (scan_text(&s, "stat")) {
		t->kind = NODEFSTEXT_STAT;
		ok = take_stat(&s, t);
	} else if (scan_text(&s, "data")) {
		t->kind = NODEFSTEXT_DATA;
		ok = take_size(&s, &t->bytes, NODEFS_READ_MAX);
	} else if (scan_text(&s, "hash")) {
		t->kind = NODEFSTEXT_HASH;
		ok = take_u64(&s, &t->size) && scan_char(&s, ' ') &&
		    scan_digest(&s, t->digest);
	} else if (scan_text(&s, "room")) {
		t->kind = NODEFSTEXT_ROOM;
		ok = take_room(&s, &t->room);
	} else if (scan_text(&s, "none")) {
		t->kind = NODEFSTEXT_NONE;
		ok = take_size(&s, &t->bytes, WHY_MAX);
	} else if (scan_text(&s, "long")) {
		t->kind = NODEFSTEXT_LONG;
		ok = take_size(&s, &none, 0);
	} else if (scan_text(&s, "wait")) {
		t->kind = NODEFSTEXT_WAIT;
		ok = take_size(&s, &none, 0);
	}
	if (ok && s.p == s.end)
		return (0);
	return (err_set(e, ERR_FAILED, "the answer to a question for files "
	    "is none"));
}
