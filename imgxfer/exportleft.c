#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/osimages.h"
#include "imgxfer/exportplan.h"
#include "remote/exec.h"
#include "remote/quote.h"

#define LEFT_MAX 20000
#define COUNT_S 900

struct finding {
	struct exportplan *p;
	struct remote *r;
	struct nodefs *fs;
	const struct tables *tables;
	const char *installdir;		/* links resolved */
};

/* ------------------------------------------------------------------ adding */

/* How many files a directory has, and how much is in them. */
static int
measure(struct finding *f, struct sidecar_left *l, struct err *e)
{
	static const char script[] =
	    "find -L \"$1/\" -type f -printf '%s\\n' 2>/dev/null | awk '"
	    "{ n++; s += $1 } END { printf \"%.0f %.0f\\n\", n, s }'\n";
	const char *args[] = { l->path };
	struct buf command = BUF_INIT, out = BUF_INIT;
	struct remote_io io = { .max = 256, .out = &out, .limit_s = COUNT_S };
	struct scan s;
	int rc = -1;

	remote_command(&command, script, args, 1);
	if (buf_ok(&command, e) == 0)
		rc = remote_run(f->r, buf_cstr(&command), &io, e);
	s.p = (const char *)out.data;
	s.end = s.p + out.len;
	if (rc == 0 && (!scan_u64(&s, &l->files) || !scan_char(&s, ' ') ||
	    !scan_u64(&s, &l->size)))
		rc = err_set(e, ERR_FAILED, "%s: the files in %s cannot be "
		    "counted", remote_name(f->r), l->path);
	buf_fini(&command);
	buf_fini(&out);
	return (rc);
}

static int
is_known(const struct exportplan *p, const char *path)
{
	size_t i;

	for (i = 0; i < p->nfiles; i++)
		if (strcmp(p->files[i].path, path) == 0)
			return (1);
	for (i = 0; i < p->nleft; i++)
		if (strcmp(p->left[i].path, path) == 0)
			return (1);
	return (0);
}

/* No "..", "//" or blank corner: it is to be unpacked below a root. */
static int
is_clean(const char *path)
{
	return (path[0] == '/' && path[1] != '\0' &&
	    strstr(path, "//") == NULL && strstr(path, "/./") == NULL &&
	    strstr(path, "/../") == NULL && path[strlen(path) - 1] != '/');
}

static int
add(struct finding *f, const char *what, const char *path, struct err *e)
{
	struct exportplan *p = f->p;
	struct sidecar_left *l;
	struct nodefs_stat st;

	if (!is_clean(path) || is_known(p, path))
		return (0);
	if (nodefs_stat(f->fs, path, &st, e) == -1)
		return (-1);
	if (st.what != OSFS_FILE && st.what != OSFS_DIR)
		return (0);
	if (p->left == NULL && (p->left = arena_alloc(&p->arena,
	    LEFT_MAX * sizeof(*p->left))) == NULL)
		return (err_nomem(e));
	if (p->nleft == LEFT_MAX)
		return (err_set(e, ERR_FAILED, "osimage %s needs more than "
		    "%d files that imgexport leaves out", p->image,
		    LEFT_MAX));
	l = &p->left[p->nleft];
	memset(l, 0, sizeof(*l));
	l->type = st.what == OSFS_DIR ? '5' : '0';
	l->mode = st.mode & 07777;
	l->size = st.what == OSFS_FILE ? st.size : 0;
	if ((l->what = exportplan_keep(p, what, strlen(what), e)) == NULL ||
	    (l->path = exportplan_keep(p, path, strlen(path), e)) == NULL ||
	    (l->type == '5' && measure(f, l, e) == -1))
		return (-1);
	p->nleft++;
	return (0);
}

/* ------------------------------------------------- what the rules ask for */

/* A path as the node calls it, not as its links come out. */
static const char *
as_named(const struct finding *f, const char *path, struct buf *out)
{
	size_t n = strlen(f->installdir);

	if (n <= 1 || strcmp(f->installdir, f->p->installdir) == 0 ||
	    strncmp(path, f->installdir, n) != 0 || path[n] != '/')
		return (path);
	buf_clear(out);
	buf_puts(out, f->p->installdir);
	buf_puts(out, path + n);
	return (buf_cstr(out));
}

/* What travels in the bundle, under whatever name. */
static int
travels(struct finding *f, const char *resolved, int *yes, struct err *e)
{
	struct nodefs_stat st;
	size_t i;

	*yes = 0;
	for (i = 0; i < f->p->nfiles && !*yes; i++) {
		if (nodefs_stat(f->fs, f->p->files[i].path, &st, e) == -1)
			return (-1);
		*yes = st.path != NULL && strcmp(st.path, resolved) == 0;
	}
	return (0);
}

static int
take(void *arg, const char *path, const char *what, const char *by,
    struct err *e)
{
	static const char *const own[] = { "kernel", "initrd", "rootimg",
	    "rootimgdir", "rootimg tree" };
	struct finding *f = arg;
	struct buf name = BUF_INIT;
	size_t i;
	int yes, rc;

	(void)by;
	for (i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (strcmp(what, own[i]) == 0)
			return (0);
	/* A pattern of a synclist: nobody can tell what it will match. */
	if (strpbrk(path, "*?[") != NULL)
		return (exportplan_warn(f->p, e, "%s %s: what it matches is "
		    "not listed", what, path));
	if (travels(f, path, &yes, e) == -1)
		return (-1);
	if (yes)
		return (0);
	rc = add(f, what, as_named(f, path, &name), e);
	buf_fini(&name);
	return (rc);
}

static int
give_table(void *arg, const char *name, osimages_piece *fn, void *fn_arg,
    struct err *e)
{
	const struct finding *f = arg;
	const struct buf *text = tables_text(f->tables, name);

	if (text == NULL)
		return (0);
	return (fn(fn_arg, text->data, text->len, e) == -1 ? -1 : 1);
}

/* The rules look at them for installed nodes only. */
static int
add_dirs(struct finding *f, const char *column, struct err *e)
{
	const char *item, *end;
	char *path;
	int rc = 0;

	item = exportplan_value(&f->p->linuximage, column);
	for (; rc == 0 && *item != '\0'; item = *end == ',' ? end + 1 : end) {
		end = strchrnul(item, ',');
		if (end == item || *item != '/')
			continue;
		if ((path = strndup(item, (size_t)(end - item))) == NULL)
			return (err_nomem(e));
		rc = add(f, column, path, e);
		free(path);
	}
	return (rc);
}

int
exportleft_find(struct exportplan *p, struct remote *r, struct nodefs *fs,
    const struct tables *t, struct err *e)
{
	struct finding f = { .p = p, .r = r, .fs = fs, .tables = t };
	struct osimages_place place = {
		.fs = nodefs_osfs(fs), .table = give_table, .arg = &f,
		.suffix = "", .tables = "the database",
		.name = remote_name(r),
	};
	struct osimages_finding *m;
	struct osimages o;
	struct nodefs_stat st;
	int rc;

	if (nodefs_stat(fs, p->installdir, &st, e) == -1)
		return (-1);
	f.installdir = exportplan_keep(p, st.path, strlen(st.path), e);
	if (f.installdir == NULL)
		return (-1);
	rc = osimages_files(&o, &place, p->image, take, &f, e);
	/* What it lacks there, it cannot bring along. */
	for (m = rc == 0 && o.n > 0 ? o.at[0].findings : NULL;
	    rc == 0 && m != NULL; m = m->next)
		if (m->level == OSIMAGES_MISSING && p->nproblems == 0)
			rc = exportplan_warn(p, e, "%s %s: %s", m->what,
			    m->path, m->why);
	osimages_fini(&o);
	if (rc == 0)
		rc = add_dirs(&f, "pkgdir", e) == -1 ? -1 :
		    add_dirs(&f, "otherpkgdir", e);
	return (rc);
}
