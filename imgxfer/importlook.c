#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/human.h"
#include "imgxfer/importrun.h"
#include "remote/exec.h"

#define SLACK_BYTES ((uint64_t)4 << 20)	/* directories, journal, rows */
#define FILE_SYSTEMS 16

const char *const importrun_tables[IMPORTRUN_TABLES] = { "osimage",
	"linuximage", "litefile" };
const char *const importrun_keys[IMPORTRUN_TABLES] = { "imagename",
	"imagename", "image" };

/* ---------------------------------------------------------- the result */

const char *
importrun_text(struct import_result *res, const char *s)
{
	return (arena_copy(&res->arena, s, strlen(s) + 1));
}

int
importrun_add(struct import_result *res, struct import_text **list,
    size_t *n, struct err *e, const char *fmt, ...)
{
	struct import_text *more;
	char line[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if ((more = reallocarray(*list, *n + 1, sizeof(*more))) == NULL)
		return (err_nomem(e));
	*list = more;
	if ((more[*n].text = importrun_text(res, line)) == NULL)
		return (err_nomem(e));
	(*n)++;
	return (0);
}

static int
conflict(struct importrun *r, struct err *e, const char *path,
    const char *what)
{
	return (importrun_add(r->res, &r->res->conflicts,
	    &r->res->nconflicts, e, "%s%s", path, what));
}

/* ----------------------------------------------------- what to look at */

static int
look_at(struct importrun *r, enum importrun_why why, size_t index,
    const char *path, uint64_t digest_if, struct err *e)
{
	struct importnode_at *at;
	struct importrun_look *look;

	if (path == NULL)
		return (err_nomem(e));
	if (r->nlooks == r->cap_looks) {
		at = reallocarray(r->before, r->cap_looks + 64, sizeof(*at));
		if (at == NULL)
			return (err_nomem(e));
		r->before = at;
		look = reallocarray(r->looks, r->cap_looks + 64,
		    sizeof(*look));
		if (look == NULL)
			return (err_nomem(e));
		r->looks = look;
		r->cap_looks += 64;
	}
	at = memset(r->before + r->nlooks, 0, sizeof(*at));
	at->path = path;
	at->digest_if = digest_if;
	look = memset(r->looks + r->nlooks, 0, sizeof(*look));
	look->why = why;
	look->index = index;
	r->nlooks++;
	return (0);
}

static int
at_path(const void *path, const void *file)
{
	const struct importplan_file *f = file;

	return (strcmp(path, f->path));
}

/* There may be a hundred thousand of them. */
static int
is_planned(const struct importrun *r, const char *path)
{
	return (r->plan.nfiles > 0 && bsearch(path, r->plan.files,
	    r->plan.nfiles, sizeof(*r->plan.files), at_path) != NULL);
}

/* What is replaced is to be called .ORIG, and goes into no vault. */
static int
wants_orig(const struct importrun *r)
{
	return (r->opt->vault == NULL && r->opt->replace && r->opt->force);
}

/* Also at its .ORIG, which comes next. */
static int
look_at_both(struct importrun *r, enum importrun_why why, size_t index,
    const char *path, uint64_t digest_if, struct err *e)
{
	char orig[2048];

	if (look_at(r, why, index, path, digest_if, e) == -1)
		return (-1);
	snprintf(orig, sizeof(orig), "%s.ORIG", path);
	if (is_planned(r, orig) || (why != IMPORTRUN_FILE && !wants_orig(r)))
		return (0);
	return (look_at(r, IMPORTRUN_ORIG, index, importrun_text(r->res,
	    orig), IMPORTNODE_ANY, e));
}

/* Root images of other forms, where they would be taken instead. */
static int
look_at_forms(struct importrun *r, struct err *e)
{
	const char *rootimg = r->plan.rootimg, *base;
	char path[2048];
	size_t i;

	if (rootimg == NULL)
		return (0);
	base = strrchr(rootimg, '/') + 1;
	for (i = 0; i < IMPORTPLAN_FORMS &&
	    strcmp(base, importplan_forms[i]) != 0; i++) {
		snprintf(path, sizeof(path), "%.*s%s", (int)(base - rootimg),
		    rootimg, importplan_forms[i]);
		if (look_at_both(r, IMPORTRUN_FORM, i,
		    importrun_text(r->res, path), IMPORTNODE_ANY, e) == -1)
			return (-1);
	}
	return (0);
}

static int
list_looks(struct importrun *r, struct err *e)
{
	struct importplan *p = &r->plan;
	size_t i;

	for (i = 0; i < p->ndirs; i++)
		if (look_at(r, IMPORTRUN_DIR, i, p->dirs[i], IMPORTNODE_NO,
		    e) == -1)
			return (-1);
	for (i = 0; i < p->nfiles; i++)
		if (look_at_both(r, IMPORTRUN_FILE, i, p->files[i].path,
		    IMPORTNODE_ANY, e) == -1)
			return (-1);
	free(r->extra_looks);
	r->extra_looks = calloc(r->opt->nextras + 1, sizeof(size_t));
	if (r->extra_looks == NULL)
		return (err_nomem(e));
	for (i = 0; i < r->opt->nextras; i++) {
		if (is_planned(r, r->opt->extras[i].path))
			continue;
		r->extra_looks[i] = r->nlooks + 1;
		if (look_at_both(r, IMPORTRUN_EXTRA, i,
		    r->opt->extras[i].path, IMPORTNODE_ANY, e) == -1)
			return (-1);
	}
	if ((p->tree != NULL && look_at_both(r, IMPORTRUN_TREE, 0, p->tree,
	    IMPORTNODE_NO, e) == -1) || (p->media != NULL && look_at(r,
	    IMPORTRUN_MEDIA, 0, p->media, IMPORTNODE_NO, e) == -1))
		return (-1);
	return (look_at_forms(r, e));
}

/* ------------------------------------------------------------- judging */

static int
judge_file(struct importrun *r, size_t i, uint64_t bytes,
    const uint8_t digest[DIGEST_LEN], struct err *e)
{
	const struct importnode_at *at = r->before + i;
	struct importrun_look *look = r->looks + i;

	if (at->kind == IMPORTNODE_NONE)
		return (0);
	if (at->kind != IMPORTNODE_FILE)
		return (err_set(e, ERR_FAILED, "%s: there is no regular file "
		    "there, but %s; nothing was changed", at->path,
		    at->kind == IMPORTNODE_DIR ? "a directory" :
		    at->kind == IMPORTNODE_LINK ? "a symbolic link" :
		    "something else"));
	look->aside = 1;
	if (at->size == bytes && at->has_digest &&
	    memcmp(at->digest, digest, DIGEST_LEN) == 0) {
		look->was = IMPORT_SAME;
		return (0);
	}
	look->was = IMPORT_OTHER;
	return (0);
}

/* What a sidecar brings never goes over something else by itself. */
static int
judge_extra(struct importrun *r, size_t i, struct err *e)
{
	const struct import_extra *x = r->opt->extras + r->looks[i].index;
	struct importrun_look *look = r->looks + i;

	if (judge_file(r, i, x->bytes, x->digest, e) == -1)
		return (-1);
	if (look->was == IMPORT_SAME) {
		look->aside = 0;
		look->skip = 1;
	} else if (look->was == IMPORT_OTHER && !r->opt->replace) {
		look->aside = 0;
		look->skip = 1;
		return (importrun_add(r->res, &r->res->warnings,
		    &r->res->nwarnings, e, "%s: another file is there, and "
		    "was left (--replace replaces it)", x->path));
	}
	return (0);
}

static int
judge_dir(struct importrun *r, const struct importnode_at *at,
    struct err *e)
{
	if (at->kind == IMPORTNODE_DIR)
		return (0);
	if (at->kind == IMPORTNODE_NONE)
		return (importrun_add(r->res, &r->res->dirs, &r->res->ndirs,
		    e, "%s", at->path));
	return (err_set(e, ERR_FAILED, "%s: a file is there where a directory "
	    "has to be; nothing was changed", at->path));
}

static int
judge_other(struct importrun *r, size_t i, struct err *e)
{
	const struct importnode_at *at = r->before + i;
	struct importrun_look *look = r->looks + i;

	if (look->why == IMPORTRUN_MEDIA)
		return (at->kind == IMPORTNODE_DIR ? 0 : err_set(e,
		    ERR_FAILED, "the image wants its installation media at "
		    "%s first (copycds); nothing was changed", at->path));
	if (at->kind == IMPORTNODE_NONE || look->why == IMPORTRUN_ORIG)
		return (0);
	if (look->why == IMPORTRUN_TREE && at->kind != IMPORTNODE_DIR)
		return (err_set(e, ERR_FAILED, "%s: a file is there where a "
		    "directory has to be; nothing was changed", at->path));
	if (look->why == IMPORTRUN_FORM && at->kind != IMPORTNODE_FILE)
		return (err_set(e, ERR_FAILED, "%s: xCAT would take that for "
		    "the root image, and it is no regular file; nothing was "
		    "changed", at->path));
	look->aside = 1;
	look->was = IMPORT_OTHER;
	if (look->why == IMPORTRUN_FORM && importrun_add(r->res,
	    &r->res->removed, &r->res->nremoved, e, "%s", at->path) == -1)
		return (-1);
	return (conflict(r, e, at->path, look->why == IMPORTRUN_FORM ?
	    ": an older root image, which xCAT would prefer" :
	    ": a root tree is there"));
}

static int
judge_look(struct importrun *r, size_t i, struct err *e)
{
	const struct importplan_file *f;
	struct importrun_look *look = r->looks + i;

	switch (look->why) {
	case IMPORTRUN_FILE:
		f = r->plan.files + look->index;
		if (judge_file(r, i, f->bytes, f->digest, e) == -1)
			return (-1);
		return (look->was != IMPORT_OTHER ? 0 : conflict(r, e,
		    f->path, ": another file is there"));
	case IMPORTRUN_EXTRA:
		return (judge_extra(r, i, e));
	case IMPORTRUN_DIR:
		return (judge_dir(r, r->before + i, e));
	default:
		return (judge_other(r, i, e));
	}
}

/* What is replaced may be another osimage's as well. */
static int
judge_shared(struct importrun *r, struct err *e)
{
	struct buf users = BUF_INIT;
	size_t i;
	int rc = 0;

	for (i = 0; i < r->nlooks && rc == 0; i++) {
		if (!r->looks[i].aside || r->looks[i].was != IMPORT_OTHER)
			continue;
		buf_clear(&users);
		rc = importrows_users(r->tables, r->plan.image,
		    r->before[i].path, &users, e);
		if (rc == 0 && users.len > 0)
			rc = importrun_add(r->res, &r->res->warnings,
			    &r->res->nwarnings, e, "%s: it belongs to the "
			    "osimage %s too", r->before[i].path,
			    buf_cstr(&users));
	}
	buf_fini(&users);
	return (rc);
}

/* Without a vault an old file becomes FILE.ORIG, which must be free. */
static int
judge_orig(struct importrun *r, struct err *e)
{
	size_t i;

	if (!wants_orig(r))
		return (0);
	for (i = 0; i < r->nlooks; i++)
		if (r->looks[i].why == IMPORTRUN_ORIG &&
		    r->looks[i - 1].aside &&
		    r->looks[i - 1].was == IMPORT_OTHER &&
		    r->before[i].kind != IMPORTNODE_NONE)
			return (err_set(e, ERR_FAILED, "%s: it is there "
			    "already, so what is replaced cannot be "
			    "kept under that name; give a vault (-V)",
			    r->before[i].path));
	return (0);
}

/* ---------------------------------------------------------------- rows */

int
importrun_read_tables(struct importrun *r, struct tables **out,
    int bypass, struct err *e)
{
	static const char *const names[] = { "osimage", "linuximage",
	    "litefile" };

	*out = tables_read(r->node->control, names, 3, bypass, e);
	return (*out != NULL ? 0 : -1);
}

static int
is_statelite(const struct importrun *r)
{
	return (r->plan.litefile != NULL);
}

static int
judge_rows(struct importrun *r, struct err *e)
{
	struct import_result *res = r->res;
	struct importrows *rows;
	size_t i;

	for (i = 0; i < IMPORTRUN_TABLES; i++) {
		if (i == IMPORTRUN_LITEFILE && !is_statelite(r))
			continue;
		rows = r->rows + i;
		if (importrows_read(r->tables, importrun_tables[i],
		    importrun_keys[i], r->plan.image, rows, e) == -1 ||
		    importrun_add(res, &res->rows, &res->nrows, e, "%s: %s",
		    importrun_tables[i], rows->n > 0 ? "replaced" : "new")
		    == -1)
			return (-1);
		if (rows->n > 0 && importrun_add(res, &res->conflicts,
		    &res->nconflicts, e, "%s: it is in the table %s",
		    r->plan.image, importrun_tables[i]) == -1)
			return (-1);
	}
	return (0);
}

static int
judge_columns(struct importrun *r, struct err *e)
{
	const struct imgmanifest *m = &r->plan.after;
	struct buf why = BUF_INIT;
	size_t i;
	int rc = 0;

	for (i = 0; i < m->ntables && rc == 0; i++)
		rc = importrows_unknown(r->tables, m->tables + i, &why, e);
	if (rc == 0 && why.len > 0)
		rc = err_set(e, ERR_FAILED, "the xCAT there does not know "
		    "columns of the manifest (is it of another version?): "
		    "%s; nothing was changed", buf_cstr(&why));
	buf_fini(&why);
	return (rc);
}

/* ----------------------------------------------------------- all of it */

static int
list_files(struct importrun *r, struct err *e)
{
	struct import_result *res = r->res;
	const struct importplan_file *from;
	const struct import_extra *x;
	struct import_file *to;
	size_t i;

	res->files = calloc(r->plan.nfiles + r->opt->nextras + 1,
	    sizeof(*res->files));
	if (res->files == NULL)
		return (err_nomem(e));
	for (i = 0; i < r->nlooks; i++) {
		to = res->files + res->nfiles;
		if (r->looks[i].why == IMPORTRUN_FILE) {
			from = r->plan.files + r->looks[i].index;
			if (from->passing)
				continue;
			to->bytes = from->bytes;
			to->role = from->role;
			memcpy(to->digest, from->digest, DIGEST_LEN);
		} else if (r->looks[i].why == IMPORTRUN_EXTRA) {
			x = r->opt->extras + r->looks[i].index;
			if (r->looks[i].skip)
				continue;
			to->bytes = x->bytes;
			to->role = "sidecar";
			memcpy(to->digest, x->digest, DIGEST_LEN);
		} else
			continue;
		to->was = r->looks[i].was;
		to->path = importrun_text(res, r->before[i].path);
		to->role = importrun_text(res, to->role);
		if (to->path == NULL || to->role == NULL)
			return (err_nomem(e));
		res->nfiles++;
	}
	res->planned = 1;
	return (0);
}

int
importrun_survey(struct importrun *r, struct err *e)
{
	size_t i;

	if (judge_columns(r, e) == -1 || judge_rows(r, e) == -1 ||
	    list_looks(r, e) == -1 ||
	    importnode_look(r->shell, r->before, r->nlooks, e) == -1)
		return (-1);
	for (i = 0; i < r->nlooks; i++)
		if (judge_look(r, i, e) == -1)
			return (-1);
	if (judge_shared(r, e) == -1 || judge_orig(r, e) == -1)
		return (-1);
	return (list_files(r, e));
}

/* ---------------------------------------------------------------- room */

struct room {
	uint64_t dev, free_bytes, want;
	const char *path;
};

/* here: bytes wanted in the work directory's file system; else elsewhere. */
static int
want_room(struct importrun *r, struct room *rooms, size_t *n,
    const char *path, uint64_t elsewhere, uint64_t here, struct err *e)
{
	uint64_t dev, free_bytes;
	size_t i;

	if (importnode_room(r->shell, path, &dev, &free_bytes, e) == -1)
		return (-1);
	for (i = 0; i < *n && rooms[i].dev != dev; i++)
		;
	if (i == FILE_SYSTEMS)
		return (0);
	if (i == *n) {
		rooms[i].dev = dev;
		rooms[i].free_bytes = free_bytes;
		rooms[i].want = SLACK_BYTES;
		rooms[i].path = path;
		(*n)++;
	}
	rooms[i].want += i == 0 ? here : elsewhere;
	return (0);
}

static int
same_dir(const char *a, const char *b)
{
	size_t n = (size_t)(strrchr(a, '/') - a);

	return (strncmp(a, b, n + 1) == 0 && strchr(b + n + 1, '/') == NULL);
}

/*
 * In the work directory: the bundle, it once more with another manifest, and
 * what is unpacked.  From there files are renamed into their places, or
 * copied where those are in another file system; extras are always copied.
 */
static int
list_rooms(struct importrun *r, struct room *rooms, size_t *n,
    struct err *e)
{
	const struct importplan *p = &r->plan;
	const struct importplan_file *f;
	const struct import_extra *x = r->opt->extras;
	uint64_t bytes = p->unpacked, copied, moved;
	size_t i;

	if (r->bundle->source != NULL && r->held == NULL)
		bytes += r->bundle->in->bundle_bytes;
	if (p->rewrite)
		bytes += r->bundle->in->tar_bytes;
	if (want_room(r, rooms, n, r->work, 0, bytes, e) == -1)
		return (-1);
	for (i = 0, copied = moved = 0; i < p->nfiles; i++) {
		f = p->files + i;
		moved += f->bytes;
		copied += strcmp(f->role, "extra") == 0 ? f->bytes : 0;
		if (i + 1 < p->nfiles && same_dir(f->path, f[1].path))
			continue;
		if (want_room(r, rooms, n, f->path, moved, copied, e) == -1)
			return (-1);
		copied = moved = 0;
	}
	if (p->tree != NULL && want_room(r, rooms, n, p->tree,
	    r->bundle->in->rootimg_bytes, r->bundle->in->rootimg_bytes,
	    e) == -1)
		return (-1);
	for (i = 0, copied = 0; i < r->opt->nextras; i++) {
		copied += x[i].bytes;
		if (i + 1 < r->opt->nextras && same_dir(x[i].path,
		    x[i + 1].path))
			continue;
		if (want_room(r, rooms, n, x[i].path, copied, copied,
		    e) == -1)
			return (-1);
		copied = 0;
	}
	return (0);
}

int
importrun_room(struct importrun *r, struct err *e)
{
	struct room rooms[FILE_SYSTEMS];
	char want[HUMAN_LEN], have[HUMAN_LEN];
	struct buf text = BUF_INIT;
	size_t i, n = 0;
	int rc;

	if (list_rooms(r, rooms, &n, e) == -1)
		return (-1);
	for (i = 0; i < n; i++) {
		human_bytes(rooms[i].want, want);
		human_bytes(rooms[i].free_bytes, have);
		buf_printf(&text, "%s%s at %s (%s free)", i > 0 ? ", " : "",
		    want, rooms[i].path, have);
	}
	if ((rc = buf_ok(&text, e)) == 0 &&
	    (r->res->room = importrun_text(r->res, buf_cstr(&text))) == NULL)
		rc = err_nomem(e);
	for (i = 0; rc == 0 && i < n; i++)
		if (rooms[i].want > rooms[i].free_bytes)
			rc = err_set(e, ERR_FAILED, "%s: too little room: "
			    "wanted %s; nothing was changed",
			    remote_name(r->node->control), buf_cstr(&text));
	buf_fini(&text);
	return (rc);
}

/* ------------------------------------------------------------- proving */

static void
differ(struct buf *why, const char *path, const char *what)
{
	buf_printf(why, "%s: %s\n", path, what);
}

/* What imgimport made must be nobody's who is not root to write to. */
static void
prove_mode(const struct importnode_at *at, unsigned bad, struct buf *why)
{
	if ((at->mode & bad) != 0)
		buf_printf(why, "%s: its mode is %04o\n", at->path, at->mode);
}

static void
prove_file(const struct importnode_at *at, uint64_t bytes,
    const uint8_t digest[DIGEST_LEN], struct buf *why)
{
	if (at->kind == IMPORTNODE_NONE)
		differ(why, at->path, "it is not there");
	else if (at->kind != IMPORTNODE_FILE)
		differ(why, at->path, "it is no regular file");
	else if (at->size != bytes)
		buf_printf(why, "%s: it has %" PRIu64 " bytes instead of %"
		    PRIu64 "\n", at->path, at->size, bytes);
	else if (!at->has_digest ||
	    memcmp(at->digest, digest, DIGEST_LEN) != 0)
		differ(why, at->path, "it has other contents");
	else
		prove_mode(at, 06002, why);
}

static int
same_owner(const struct importnode_at *a, const struct importnode_at *b)
{
	return (a->mode == b->mode && a->uid == b->uid && a->gid == b->gid);
}

static int
same_at(const struct importnode_at *a, const struct importnode_at *b)
{
	if (a->kind != b->kind)
		return (0);
	if (a->kind == IMPORTNODE_DIR)
		return (same_owner(a, b));
	return (a->kind != IMPORTNODE_FILE || (same_owner(a, b) &&
	    a->size == b->size && a->mtime == b->mtime && a->has_digest ==
	    b->has_digest && (!a->has_digest || memcmp(a->digest, b->digest,
	    DIGEST_LEN) == 0)));
}

static void
prove_dir(const struct importnode_at *before, const struct importnode_at *at,
    struct buf *why)
{
	if (at->kind != IMPORTNODE_DIR)
		differ(why, at->path, "it is no directory");
	else if (before->kind == IMPORTNODE_NONE)
		prove_mode(at, 0002, why);
	else if (!same_owner(before, at))
		buf_printf(why, "%s: its mode and owner are %04o %u:%u "
		    "instead of %04o %u:%u\n", at->path, at->mode, at->uid,
		    at->gid, before->mode, before->uid, before->gid);
}

static void
prove_look(struct importrun *r, size_t i, const struct importnode_at *at,
    struct buf *why)
{
	const struct importrun_look *look = r->looks + i;
	const struct importplan_file *f;
	const struct import_extra *x;

	switch (look->why) {
	case IMPORTRUN_FILE:
		f = r->plan.files + look->index;
		if (!f->passing)
			prove_file(at, f->bytes, f->digest, why);
		else if (at->kind != IMPORTNODE_NONE)
			differ(why, at->path, "it was not unpacked");
		break;
	case IMPORTRUN_EXTRA:
		x = r->opt->extras + look->index;
		if (!look->skip)
			prove_file(at, x->bytes, x->digest, why);
		break;
	case IMPORTRUN_ORIG:
		if (!same_at(r->before + i, at))
			differ(why, at->path, "it has changed");
		break;
	case IMPORTRUN_FORM:
		if (at->kind != IMPORTNODE_NONE)
			differ(why, at->path, "xCAT would prefer it");
		break;
	case IMPORTRUN_DIR:
		prove_dir(r->before + i, at, why);
		break;
	case IMPORTRUN_TREE:
	case IMPORTRUN_MEDIA:
		if (at->kind != IMPORTNODE_DIR)
			differ(why, at->path, "it is no directory");
		break;
	}
}

static struct importnode_at *
look_again(struct importrun *r, struct err *e)
{
	struct importnode_at *now;
	size_t i;

	if ((now = calloc(r->nlooks + 1, sizeof(*now))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	for (i = 0; i < r->nlooks; i++) {
		now[i].path = r->before[i].path;
		now[i].digest_if = r->before[i].digest_if;
	}
	if (importnode_look(r->shell, now, r->nlooks, e) == 0)
		return (now);
	free(now);
	return (NULL);
}

/* A bundle may bring owners; who they are there is not known. */
static int
tell_owners(struct importrun *r, const struct importnode_at *now,
    struct err *e)
{
	size_t i;

	for (i = 0; i < r->nlooks; i++) {
		if (now[i].kind == IMPORTNODE_NONE || now[i].uid == 0 ||
		    r->looks[i].skip || r->looks[i].was == IMPORT_SAME ||
		    (r->looks[i].why != IMPORTRUN_FILE &&
		    (r->looks[i].why != IMPORTRUN_DIR ||
		    r->before[i].kind != IMPORTNODE_NONE)))
			continue;
		if (importrun_add(r->res, &r->res->warnings,
		    &r->res->nwarnings, e, "%s: it belongs to the user %u, "
		    "as in the bundle", now[i].path, now[i].uid) == -1)
			return (-1);
	}
	return (0);
}

static int
prove_files(struct importrun *r, struct buf *why, struct err *e)
{
	struct importnode_at *now;
	struct import_file *file = r->res->files;
	const struct import_file *end = file + r->res->nfiles;
	size_t i, len;
	int rc;

	if ((now = look_again(r, e)) == NULL)
		return (-1);
	for (i = 0; i < r->nlooks; i++) {
		len = why->len;
		prove_look(r, i, now + i, why);
		/* They are in the order of the looks. */
		if (file < end && strcmp(file->path, now[i].path) == 0)
			file++->proved = why->len == len;
	}
	rc = why->len == 0 ? tell_owners(r, now, e) : 0;
	free(now);
	return (rc == 0 ? buf_ok(why, e) : -1);
}

static int
sink_buf(void *arg, const void *p, size_t len, struct err *e)
{
	struct buf *b = arg;

	buf_append(b, p, len);
	return (buf_ok(b, e));
}

static int
prove_rows(struct importrun *r, struct buf *why, struct err *e)
{
	const struct imgmanifest *m = &r->plan.after;
	struct buf csv = BUF_INIT;
	struct sink to = { sink_buf, &csv };
	struct tables *t;
	size_t i;
	int rc;

	if (importrun_read_tables(r, &t, 0, e) == -1)
		return (-1);
	for (i = 0, rc = 0; i < m->ntables && rc == 0; i++)
		rc = importrows_compare(t, "imagename", r->plan.image,
		    m->tables + i, why, e);
	if (rc == 0 && is_statelite(r) && why->len == 0 &&
	    (rc = importnode_fetch(r->node->control, r->plan.litefile, 0,
	    &to, e)) == 0)
		rc = importrows_litefile(t, r->plan.image, &csv, why, e);
	tables_free(t);
	buf_fini(&csv);
	return (rc);
}

int
importrun_prove(struct importrun *r, struct err *e)
{
	struct buf why = BUF_INIT;
	const char *p;
	size_t more = 0, n;
	int rc;

	if ((rc = prove_files(r, &why, e)) == 0)
		rc = prove_rows(r, &why, e);
	if (rc == 0 && why.len > 0) {
		p = buf_cstr(&why);
		n = strcspn(p, "\n");
		for (p += n; *p != '\0'; p++)
			more += *p == '\n' && p[1] != '\0';
		rc = err_set(e, ERR_DAMAGED, "what stands there is not the "
		    "image: %.*s", (int)(n < 600 ? n : 600), buf_cstr(&why));
		if (more > 0)
			snprintf(e->msg + strlen(e->msg), sizeof(e->msg) -
			    strlen(e->msg), "; and %zu more", more);
	}
	buf_fini(&why);
	return (rc);
}

static int
changed(struct importrun *r, const char *what, struct err *e)
{
	return (err_set(e, ERR_FAILED, "%s: %s: it has changed since it was "
	    "looked at; nothing was changed", remote_name(r->node->control),
	    what));
}

int
importrun_unchanged(struct importrun *r, struct err *e)
{
	struct importnode_at *now;
	struct importrows rows;
	struct tables *t = NULL;
	size_t i;
	int rc = 0, same;

	if ((now = look_again(r, e)) == NULL)
		return (-1);
	for (i = 0; i < r->nlooks && rc == 0; i++)
		if (!same_at(r->before + i, now + i))
			rc = changed(r, now[i].path, e);
	free(now);
	if (rc == 0)
		rc = importrun_read_tables(r, &t, 0, e);
	for (i = 0; i < IMPORTRUN_TABLES && rc == 0; i++) {
		if (i == IMPORTRUN_LITEFILE && !is_statelite(r))
			continue;
		rc = importrows_read(t, importrun_tables[i],
		    importrun_keys[i], r->plan.image, &rows, e);
		same = importrows_same(&rows, r->rows + i);
		importrows_fini(&rows);
		if (rc == 0 && !same)
			rc = changed(r, importrun_tables[i], e);
	}
	tables_free(t);
	return (rc);
}

/* ------------------------------------------------------------ put back */

static int
stands(struct importrun *r, const char *what, const char *how,
    struct err *e)
{
	return (importrun_add(r->res, &r->res->standing, &r->res->nstanding,
	    e, "%s%s", what, how));
}

static int
rows_as_before(struct importrun *r, struct err *e)
{
	struct importrows now;
	struct tables *t;
	char what[256];
	size_t i;
	int rc = 0, same;

	/* xcatd may have gone meanwhile. */
	if (importrun_read_tables(r, &t, 0, e) == -1 &&
	    (remote_lost(r->node->control) ||
	    importrun_read_tables(r, &t, 1, e) == -1))
		return (-1);
	for (i = 0; i < IMPORTRUN_TABLES && rc == 0; i++) {
		if (i == IMPORTRUN_LITEFILE && !is_statelite(r))
			continue;
		rc = importrows_read(t, importrun_tables[i],
		    importrun_keys[i], r->plan.image, &now, e);
		same = importrows_same(&now, r->rows + i);
		importrows_fini(&now);
		snprintf(what, sizeof(what), "the table %s",
		    importrun_tables[i]);
		if (rc == 0 && !same)
			rc = stands(r, what, ": its rows of the image are "
			    "others than before", e);
	}
	tables_free(t);
	return (rc);
}

int
importrun_as_before(struct importrun *r, struct err *e)
{
	struct importnode_at *now;
	size_t i, had = r->res->nstanding;
	int rc = 0;

	if ((now = look_again(r, e)) == NULL)
		return (-1);
	for (i = 0; i < r->nlooks && rc == 0; i++) {
		if (same_at(r->before + i, now + i))
			continue;
		rc = stands(r, now[i].path, r->before[i].kind ==
		    IMPORTNODE_NONE ? ": it was not there before" :
		    now[i].kind == IMPORTNODE_NONE ? ": it is missing" :
		    ": it is not what it was", e);
	}
	free(now);
	if (rc == 0)
		rc = rows_as_before(r, e);
	return (rc == -1 ? -1 : r->res->nstanding == had);
}
