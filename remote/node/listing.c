#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/io.h"
#include "formats/pathtext.h"
#include "formats/scan.h"
#include "remote/node/listing.h"

#define RECORD_MAX 8192		/* longest that is taken: paths are shorter */
#define RUN_BUFFER ((size_t)256 << 10)

/* An entry at rest, with its path (no leading "./") and a NUL behind it. */
struct record {
	uint64_t ino, size, dev;
	int64_t mtime, ctime;
	uint32_t mtime_ns, ctime_ns;
	uint32_t mode, uid, gid, nlink;
	uint32_t path_len;
	char path[];
};

/* A sorted run in the temporary file. */
struct run {
	uint64_t off, left;	/* of it in the file, not yet in the buffer */
	struct buf buf;
	size_t used;
	const struct record *head;
};

struct listing {
	const struct walk_options *opt;
	struct buf partial;	/* a record of which the end is to come */
	struct buf excluded;	/* directory whose contents are left out */
	struct arena arena;
	struct record **records;
	size_t n, cap, next;
	size_t count;		/* entries taken */
	int fd;			/* temporary file, or -1 */
	uint64_t spilled;
	struct run *runs;	/* a heap by their heads once finished */
	size_t nruns;
	struct buf text, name, last;
	struct walk_stat st;
};

struct listing *
listing_new(const struct walk_options *opt, struct err *e)
{
	struct listing *l;

	if ((l = calloc(1, sizeof(*l))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	l->opt = opt;
	l->fd = -1;
	return (l);
}

void
listing_free(struct listing *l)
{
	size_t i;

	if (l == NULL)
		return;
	for (i = 0; i < l->nruns; i++)
		buf_fini(&l->runs[i].buf);
	free(l->runs);
	if (l->fd != -1)
		close(l->fd);
	arena_fini(&l->arena);
	free(l->records);
	buf_fini(&l->partial);
	buf_fini(&l->excluded);
	buf_fini(&l->text);
	buf_fini(&l->name);
	buf_fini(&l->last);
	free(l);
}

static int
type_mode(char type, uint32_t *mode)
{
	static const struct {
		char type;
		uint32_t mode;
	} types[] = {
		{ 'f', S_IFREG }, { 'd', S_IFDIR }, { 'l', S_IFLNK },
		{ 'c', S_IFCHR }, { 'b', S_IFBLK }, { 'p', S_IFIFO },
		{ 's', S_IFSOCK },
	};
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == type) {
			*mode = types[i].mode;
			return (1);
		}
	return (0);
}

/* "SEC.NNNNNNNNNN": find prints ten digits, of which nine mean something. */
static int
take_time(struct scan *s, int64_t *sec, uint32_t *ns)
{
	if (!scan_time(s, sec, ns))
		return (0);
	while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
		s->p++;
	return (1);
}

static int
take_octal(struct scan *s, uint32_t *v)
{
	uint32_t n = 0;
	int digits;

	for (digits = 0; s->p < s->end && *s->p >= '0' && *s->p <= '7';
	    s->p++, digits++)
		n = n << 3 | (uint32_t)(*s->p - '0');
	*v = n;
	return (digits >= 1 && digits <= 5);
}

/* Names, not empty, not "." or "..", between single slashes. */
static int
is_plain(const char *p, const char *end)
{
	const char *slash;
	size_t n;

	for (;; p = slash + 1) {
		if ((slash = memchr(p, '/', (size_t)(end - p))) == NULL)
			slash = end;
		n = (size_t)(slash - p);
		if (n == 0 || (p[0] == '.' && (n == 1 ||
		    (n == 2 && p[1] == '.'))))
			return (0);
		if (slash == end)
			return (1);
	}
}

/* "." is the root, with an empty path; else "./" goes. */
static int
take_path(struct scan *s, struct record *r)
{
	if (s->end - s->p == 1 && *s->p == '.')
		s->p++;
	else if (!scan_text(s, "./") || !is_plain(s->p, s->end))
		return (0);
	r->path_len = (uint32_t)(s->end - s->p);
	return (1);
}

static int
parse(struct scan *s, struct record *r)
{
	uint32_t type, mode;

	memset(r, 0, sizeof(*r));
	if (s->p == s->end || !type_mode(*s->p++, &type) ||
	    !scan_char(s, ' ') || !take_octal(s, &mode) ||
	    !scan_char(s, ' ') || !scan_u32(s, &r->uid) ||
	    !scan_char(s, ' ') || !scan_u32(s, &r->gid) ||
	    !scan_char(s, ' ') || !scan_u64(s, &r->ino) ||
	    !scan_char(s, ' ') || !scan_u32(s, &r->nlink) ||
	    !scan_char(s, ' ') || !scan_u64(s, &r->size) ||
	    !scan_char(s, ' ') || !scan_u64(s, &r->dev) ||
	    !scan_char(s, ' ') || !take_time(s, &r->mtime, &r->mtime_ns) ||
	    !scan_char(s, ' ') || !take_time(s, &r->ctime, &r->ctime_ns) ||
	    !scan_char(s, ' ') || !take_path(s, r))
		return (0);
	r->mode = type | (mode & 07777);
	return (1);
}

/* What lies below an excluded directory comes right behind it. */
static int
is_excluded(struct listing *l, const struct record *r, const char *path)
{
	size_t n = l->excluded.len;
	const char *slash;

	if ((l->opt->nexcludes == 0 && !l->opt->leave_aside) ||
	    r->path_len == 0)
		return (0);
	if (n > 0 && r->path_len > n && path[n] == '/' &&
	    memcmp(path, l->excluded.data, n) == 0)
		return (1);
	slash = strrchr(path, '/');
	if (!walk_excluded(l->opt, path) && (!l->opt->leave_aside ||
	    !walk_is_aside(slash != NULL ? slash + 1 : path)))
		return (0);
	if (S_ISDIR(r->mode)) {
		buf_clear(&l->excluded);
		buf_append(&l->excluded, path, r->path_len);
	}
	return (1);
}

static int
compare_records(const struct record *a, const struct record *b)
{
	return (pathtext_compare_raw(a->path, a->path_len, b->path,
	    b->path_len));
}

static int
compare_pointers(const void *a, const void *b)
{
	return (compare_records(*(struct record *const *)a,
	    *(struct record *const *)b));
}

static size_t
record_bytes(const struct record *r)
{
	return ((sizeof(*r) + r->path_len + 1 + 7) & ~(size_t)7);
}

static int
open_spill(struct listing *l, struct err *e)
{
	const char *dir = getenv("TMPDIR");
	char name[PATH_MAX];

	if (l->fd != -1)
		return (0);
	if (dir == NULL || dir[0] != '/' || strlen(dir) > PATH_MAX / 2)
		dir = "/tmp";
	(void)stpcpy(stpcpy(name, dir), "/xcatvault-XXXXXX");
	if ((l->fd = mkostemp(name, O_CLOEXEC)) == -1)
		return (err_sys(e, "%s", name));
	(void)unlink(name);
	return (0);
}

/* Sort what is in memory and write it out as a run. */
static int
spill(struct listing *l, struct err *e)
{
	struct buf out = BUF_INIT;
	struct run *runs;
	uint64_t start = l->spilled;
	size_t i;

	if (l->n == 0)
		return (0);
	runs = realloc(l->runs, (l->nruns + 1) * sizeof(*runs));
	if (runs == NULL)
		return (err_nomem(e));
	l->runs = runs;
	if (open_spill(l, e) == -1)
		return (-1);
	qsort(l->records, l->n, sizeof(*l->records), compare_pointers);
	for (i = 0; i < l->n; i++) {
		buf_append(&out, l->records[i],
		    record_bytes(l->records[i]));
		if (out.len < RUN_BUFFER && i + 1 < l->n)
			continue;
		if (buf_ok(&out, e) == -1 || io_pwrite(l->fd, out.data,
		    out.len, (off_t)l->spilled) == -1) {
			if (out.nomem == 0)
				err_sys(e, "temporary file");
			buf_fini(&out);
			return (-1);
		}
		l->spilled += out.len;
		buf_clear(&out);
	}
	buf_fini(&out);
	memset(&l->runs[l->nruns], 0, sizeof(*l->runs));
	l->runs[l->nruns].off = start;
	l->runs[l->nruns++].left = l->spilled - start;
	arena_reset(&l->arena);
	l->n = 0;
	return (0);
}

static int
keep(struct listing *l, const struct record *r, const char *path,
    struct err *e)
{
	struct record **records, *to;
	size_t cap;

	if (l->arena.total + l->n * sizeof(to) >= LISTING_BYTES &&
	    spill(l, e) == -1)
		return (-1);
	if (l->n == l->cap) {
		cap = l->cap > 0 ? 2 * l->cap : 4096;
		records = realloc(l->records, cap * sizeof(*records));
		if (records == NULL)
			return (err_nomem(e));
		l->records = records;
		l->cap = cap;
	}
	if ((to = arena_alloc(&l->arena, record_bytes(r))) == NULL)
		return (err_nomem(e));
	*to = *r;
	memcpy(to->path, path, r->path_len + 1);
	l->records[l->n++] = to;
	l->count++;
	return (0);
}

/* One record of find's, its NUL behind it. */
static int
take(struct listing *l, const char *p, size_t len, struct err *e)
{
	struct scan s = { p, p + len };
	struct record r;

	if (!parse(&s, &r))
		return (err_set(e, ERR_FAILED, "find on the node printed "
		    "something else than it was asked for (is it GNU find?)"));
	if (is_excluded(l, &r, s.p))
		return (0);
	return (keep(l, &r, s.p, e));
}

int
listing_feed(struct listing *l, const void *p, size_t len, struct err *e)
{
	const char *at = p, *end = at + len, *nul;

	while ((nul = memchr(at, '\0', (size_t)(end - at))) != NULL) {
		if (l->partial.len > 0) {
			buf_append(&l->partial, at, (size_t)(nul - at) + 1);
			if (buf_ok(&l->partial, e) == -1 ||
			    take(l, (const char *)l->partial.data,
			    l->partial.len - 1, e) == -1)
				return (-1);
			buf_clear(&l->partial);
		} else if (take(l, at, (size_t)(nul - at), e) == -1)
			return (-1);
		at = nul + 1;
	}
	if (l->partial.len + (size_t)(end - at) > RECORD_MAX)
		return (err_set(e, ERR_FAILED, "find on the node printed a "
		    "record of more than %d bytes", RECORD_MAX));
	buf_append(&l->partial, at, (size_t)(end - at));
	return (buf_ok(&l->partial, e));
}

/* Have the next record of a run at its head; NULL there at its end. */
static int
load_head(struct listing *l, struct run *r, struct err *e)
{
	const struct record *head;
	size_t have = r->buf.len - r->used, n;

	r->head = NULL;
	if (have < sizeof(*head) + RECORD_MAX + 8 && r->left > 0) {
		memmove(r->buf.data, r->buf.data + r->used, have);
		r->buf.len = have;
		r->used = 0;
		n = r->left < RUN_BUFFER ? (size_t)r->left : RUN_BUFFER;
		if (buf_reserve(&r->buf, n) == NULL)
			return (err_nomem(e));
		if (io_pread(l->fd, r->buf.data + have, n,
		    (off_t)r->off) != (ssize_t)n)
			return (err_sys(e, "temporary file"));
		buf_advance(&r->buf, n);
		r->off += n;
		r->left -= n;
		have += n;
	}
	if (have == 0)
		return (0);
	head = (const struct record *)(const void *)(r->buf.data + r->used);
	r->head = head;
	r->used += record_bytes(head);
	return (0);
}

static int
before(const struct run *a, const struct run *b)
{
	if (a->head == NULL || b->head == NULL)
		return (a->head != NULL);
	return (compare_records(a->head, b->head) < 0);
}

static void
sift_down(struct listing *l, size_t i)
{
	struct run tmp;
	size_t least;

	for (;;) {
		least = i;
		if (2 * i + 1 < l->nruns &&
		    before(&l->runs[2 * i + 1], &l->runs[least]))
			least = 2 * i + 1;
		if (2 * i + 2 < l->nruns &&
		    before(&l->runs[2 * i + 2], &l->runs[least]))
			least = 2 * i + 2;
		if (least == i)
			return;
		tmp = l->runs[i];
		l->runs[i] = l->runs[least];
		l->runs[least] = tmp;
		i = least;
	}
}

int
listing_finish(struct listing *l, struct err *e)
{
	size_t i;

	if (l->partial.len > 0)
		return (err_set(e, ERR_FAILED, "find on the node ended in "
		    "the middle of an entry"));
	if (l->nruns == 0) {
		if (l->n > 0)
			qsort(l->records, l->n, sizeof(*l->records),
			    compare_pointers);
		return (0);
	}
	if (spill(l, e) == -1)
		return (-1);
	arena_fini(&l->arena);
	free(l->records);
	l->records = NULL;
	l->cap = 0;
	for (i = 0; i < l->nruns; i++)
		if (load_head(l, &l->runs[i], e) == -1)
			return (-1);
	for (i = l->nruns; i-- > 0;)
		sift_down(l, i);
	return (0);
}

size_t
listing_count(const struct listing *l)
{
	return (l->count);
}

static void
fill_stat(struct walk_stat *st, const struct record *r)
{
	memset(st, 0, sizeof(*st));
	st->ino = r->ino;
	st->size = r->size;
	st->nlink = r->nlink;
	st->mtime = r->mtime;
	st->ctime = r->ctime;
	st->mtime_ns = r->mtime_ns;
	st->ctime_ns = r->ctime_ns;
	st->mode = r->mode;
	st->uid = r->uid;
	st->gid = r->gid;
	st->dev = (dev_t)r->dev;
}

static int
give(struct listing *l, const struct record *r, struct walk_entry *ent,
    struct err *e)
{
	fill_stat(&l->st, r);
	buf_clear(&l->name);
	buf_puts(&l->name, r->path_len > 0 ? "./" : ".");
	buf_append(&l->name, r->path, r->path_len);
	(void)buf_cstr(&l->name);
	buf_clear(&l->text);
	buf_puts(&l->text, r->path_len > 0 ? "./" : ".");
	pathtext_encode(&l->text, r->path, r->path_len);
	if (buf_ok(&l->name, e) == -1 || buf_ok(&l->text, e) == -1)
		return (-1);
	ent->name = (const char *)l->name.data;
	ent->path.p = (const char *)l->text.data;
	ent->path.len = l->text.len;
	ent->dir = NULL;
	ent->st = &l->st;
	return (1);
}

static int
next_record(struct listing *l, struct walk_entry *ent, struct err *e)
{
	int rc;

	if (l->nruns == 0) {
		if (l->next == l->n)
			return (0);
		return (give(l, l->records[l->next++], ent, e));
	}
	if (l->runs[0].head == NULL)
		return (0);
	rc = give(l, l->runs[0].head, ent, e);
	if (rc == 1 && load_head(l, &l->runs[0], e) == -1)
		return (-1);
	sift_down(l, 0);
	return (rc);
}

int
listing_next(struct listing *l, struct walk_entry *ent, struct err *e)
{
	int rc;

	/* A catalog has each path once, whatever a node prints. */
	do {
		buf_clear(&l->last);
		buf_append(&l->last, l->name.data, l->name.len);
		if (buf_ok(&l->last, e) == -1)
			return (-1);
		rc = next_record(l, ent, e);
	} while (rc == 1 && l->last.len == l->name.len &&
	    memcmp(l->last.data, l->name.data, l->name.len) == 0);
	return (rc);
}
