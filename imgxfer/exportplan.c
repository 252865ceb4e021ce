#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/human.h"
#include "formats/xcatcsv.h"
#include "formats/xcatlist.h"
#include "imgxfer/exportplan.h"
#include "imgxfer/inspect.h"
#include "remote/exec.h"
#include "remote/quote.h"

#define FILES_MAX 4096
#define TEXTS_MAX 1000
#define SLACK ((uint64_t)4 << 20)	/* for what is around the files */
#define DU_S 900

/* ---------------------------------------------------------------- helpers */

const char *
exportplan_keep(struct exportplan *p, const char *s, size_t len,
    struct err *e)
{
	char *copy = arena_alloc(&p->arena, len + 1);

	if (copy == NULL) {
		err_nomem(e);
		return (NULL);
	}
	memcpy(copy, s, len);
	copy[len] = '\0';
	return (copy);
}

static int add_text(struct exportplan *p, struct exportplan_text **list,
    size_t *n, struct err *e, const char *fmt, va_list ap)
    __attribute__((format(printf, 5, 0)));

static int
add_text(struct exportplan *p, struct exportplan_text **list, size_t *n,
    struct err *e, const char *fmt, va_list ap)
{
	char text[1024];

	if (*list == NULL && (*list = arena_alloc(&p->arena,
	    TEXTS_MAX * sizeof(**list))) == NULL)
		return (err_nomem(e));
	if (*n == TEXTS_MAX)
		return (0);
	vsnprintf(text, sizeof(text), fmt, ap);
	(*list)[*n].text = exportplan_keep(p, text, strlen(text), e);
	if ((*list)[*n].text == NULL)
		return (-1);
	(*n)++;
	return (0);
}

int
exportplan_problem(struct exportplan *p, struct err *e, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = add_text(p, &p->problems, &p->nproblems, e, fmt, ap);
	va_end(ap);
	return (rc);
}

int
exportplan_warn(struct exportplan *p, struct err *e, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = add_text(p, &p->warnings, &p->nwarnings, e, fmt, ap);
	va_end(ap);
	return (rc);
}

const char *
exportplan_value(const struct exportplan_row *row, const char *column)
{
	size_t i;

	for (i = 0; i < row->n; i++)
		if (strcmp(row->at[i].name, column) == 0)
			return (row->at[i].value);
	return ("");
}

/* ------------------------------------------------------------------- rows */

struct reading {
	struct exportplan *p;
	struct exportplan_row *row;
	const struct xcatcsv *csv;
	int key, disable;
};

static int
take_header(void *arg, const struct xcatcsv *c, struct err *e)
{
	struct reading *r = arg;

	(void)e;
	r->csv = c;
	r->key = xcatcsv_find(c, "imagename");
	r->disable = xcatcsv_find(c, "disable");
	return (0);
}

static int
is_text(const struct span *s, const char *text)
{
	return (s->len == strlen(text) && memcmp(s->p, text, s->len) == 0);
}

/* The reading stops behind the first one: rows have one key. */
static int
take_row(void *arg, const struct xcatcsv_row *row, struct err *e)
{
	struct reading *r = arg;
	struct exportplan_row *out = r->row;
	struct exportplan_column *c;
	const struct span *v;
	size_t i;

	if (r->key == -1 || out->found ||
	    !is_text(&row->values[r->key], r->p->image))
		return (0);
	out->found = 1;
	if (r->disable != -1) {
		v = &row->values[r->disable];
		out->disabled = v->len > 0 && !is_text(v, "0") &&
		    !is_text(v, "no");
	}
	out->at = arena_alloc(&r->p->arena, (row->n + 1) * sizeof(*out->at));
	if (out->at == NULL)
		return (err_nomem(e));
	for (i = 0; i < row->n; i++) {
		v = &row->values[i];
		if (v->len == 0)
			continue;
		c = &out->at[out->n];
		c->name = xcatcsv_column(r->csv, i);
		if ((c->name = exportplan_keep(r->p, c->name,
		    strlen(c->name), e)) == NULL ||
		    (c->value = exportplan_keep(r->p, v->p, v->len,
		    e)) == NULL)
			return (-1);
		out->n++;
	}
	return (0);
}

int
exportplan_row(struct exportplan *p, const struct tables *t,
    const char *table, struct exportplan_row *row, struct err *e)
{
	struct reading r = { .p = p, .row = row, .key = -1, .disable = -1 };
	const struct xcatcsv_user user = { NULL, take_header, take_row, &r };
	const struct buf *text = tables_text(t, table);
	struct xcatcsv *csv;
	int rc = -1;

	memset(row, 0, sizeof(*row));
	if (text == NULL)
		return (0);
	if ((csv = xcatcsv_new(&user, e)) == NULL)
		return (-1);
	xcatcsv_begin(csv);
	if (xcatcsv_feed(csv, text->data, text->len, e) == 0)
		rc = xcatcsv_end(csv, e);
	xcatcsv_free(csv);
	return (rc);
}

static int
read_rows(struct exportplan *p, const struct tables *t, struct err *e)
{
	char *installdir, *tmpdir;
	int rc = 0;

	if (exportplan_row(p, t, "osimage", &p->osimage, e) == -1 ||
	    exportplan_row(p, t, "linuximage", &p->linuximage, e) == -1)
		return (-1);
	installdir = tables_value(t, "site", "key", "installdir", "value");
	tmpdir = tables_value(t, "site", "key", "tmpdir", "value");
	if ((p->installdir = installdir == NULL ? "/install" :
	    exportplan_keep(p, installdir, strlen(installdir), e)) == NULL ||
	    (p->tmpdir = tmpdir == NULL ? "" :
	    exportplan_keep(p, tmpdir, strlen(tmpdir), e)) == NULL)
		rc = -1;
	free(installdir);
	free(tmpdir);
	p->provmethod = exportplan_value(&p->osimage, "provmethod");
	p->osvers = exportplan_value(&p->osimage, "osvers");
	p->osarch = exportplan_value(&p->osimage, "osarch");
	p->profile = exportplan_value(&p->osimage, "profile");
	p->rootimgdir = exportplan_value(&p->linuximage, "rootimgdir");
	return (rc);
}

/* ------------------------------------------------------------------ files */

/* Names of its own that imgexport puts into a bundle. */
static int
is_reserved(const char *name)
{
	return (strcmp(name, "manifest.xml") == 0 ||
	    strcmp(name, "litefile.csv") == 0 ||
	    strcmp(name, "rootimgtree.gz") == 0 ||
	    strcmp(name, "extra") == 0);
}

static int
check_collision(struct exportplan *p, const struct exportplan_file *f,
    struct err *e)
{
	size_t i;

	if (is_reserved(f->name))
		return (exportplan_problem(p, e, "%s %s: imgexport puts a "
		    "file of its own called %s into the bundle", f->role,
		    f->path, f->name));
	for (i = 0; i < p->nfiles; i++)
		if (strcmp(p->files[i].name, f->name) == 0 &&
		    strcmp(p->files[i].path, f->path) != 0)
			return (exportplan_problem(p, e, "%s %s: has the "
			    "same name as %s %s, and imgexport keeps one of "
			    "them only", f->role, f->path, p->files[i].role,
			    p->files[i].path));
	return (0);
}

static int
add_file(struct exportplan *p, struct nodefs *fs, const char *role,
    const char *path, struct err *e)
{
	struct exportplan_file *f;
	struct nodefs_stat st;
	const char *why;

	if (p->files == NULL && (p->files = arena_alloc(&p->arena,
	    FILES_MAX * sizeof(*p->files))) == NULL)
		return (err_nomem(e));
	if ((why = inspect_path(path, NULL)) != NULL)
		return (exportplan_problem(p, e, "%s \"%s\": imgexport "
		    "hands it to a shell: %s", role, path, why));
	if (p->nfiles == FILES_MAX)
		return (exportplan_problem(p, e, "more than %d files",
		    FILES_MAX));
	if (nodefs_stat(fs, path, &st, e) == -1)
		return (-1);
	if (st.what != OSFS_FILE)
		return (exportplan_problem(p, e, "%s %s: %s", role, path,
		    st.what == OSFS_MISSING ? "is not there" :
		    "is no file that can be read"));
	f = &p->files[p->nfiles];
	f->role = role;
	if ((f->path = exportplan_keep(p, path, strlen(path), e)) == NULL)
		return (-1);
	f->name = strrchr(f->path, '/') + 1;
	f->bytes = st.size;
	if (check_collision(p, f, e) == -1)
		return (-1);
	p->nfiles++;
	p->bytes += st.blocks > st.size ? st.blocks : st.size;
	return (0);
}

/* What is booted is never empty. */
static int
add_boot(struct exportplan *p, struct nodefs *fs, const char *role,
    const char *path, struct err *e)
{
	size_t before = p->nfiles;

	if (add_file(p, fs, role, path, e) == -1)
		return (-1);
	if (p->nfiles > before && p->files[before].bytes == 0)
		return (exportplan_problem(p, e, "%s %s: is empty", role,
		    path));
	return (0);
}

/* As xCAT splits it: at commas, blanks and all. */
static int
add_list(struct exportplan *p, struct nodefs *fs, const char *role,
    const char *value, struct err *e)
{
	const char *item, *end;
	char *path;
	int rc = 0;

	for (item = value; rc == 0 && *item != '\0';
	    item = *end == ',' ? end + 1 : end) {
		end = strchrnul(item, ',');
		if (end == item)
			continue;
		if ((path = strndup(item, (size_t)(end - item))) == NULL)
			return (err_nomem(e));
		rc = add_file(p, fs, role, path, e);
		free(path);
	}
	return (rc);
}

/* xCAT's orders; without linuximage.rootimgdir it is another one. */
static const char *const forms[] = { "cpio.gz", "cpio.xz", "tar.gz",
    "tar.xz", "sfs", "gz", NULL };
static const char *const default_forms[] = { "cpio.xz", "cpio.gz", "tar.xz",
    "tar.gz", "gz", NULL };

static int
add_rootimg(struct exportplan *p, struct nodefs *fs, const char *dir,
    const char *const *order, struct err *e)
{
	struct nodefs_stat st;
	const char *taken = NULL;
	char path[2048];

	for (; *order != NULL; order++) {
		snprintf(path, sizeof(path), "%s/rootimg.%s", dir, *order);
		if (nodefs_stat(fs, path, &st, e) == -1)
			return (-1);
		if (st.what != OSFS_FILE)
			continue;
		if (taken != NULL) {
			if (exportplan_warn(p, e, "%s: stays behind: xCAT "
			    "prefers rootimg.%s beside it", path,
			    taken) == -1)
				return (-1);
			continue;
		}
		taken = *order;
		if (add_boot(p, fs, "rootimg", path, e) == -1)
			return (-1);
	}
	return (taken != NULL ? 0 : exportplan_problem(p, e, "rootimg: there "
	    "is none in %s (packimage makes it)", dir));
}

/* statelite: imgexport packs rootimg/ itself. */
static int
measure_tree(struct exportplan *p, struct remote *r, const char *dir,
    struct err *e)
{
	static const char script[] =
	    "[ -n \"$(ls -A -- \"$1/rootimg\" 2>/dev/null)\" ] || exit 44\n"
	    "exec du -sxk -- \"$1/rootimg\"\n";
	const char *args[] = { dir };
	struct buf command = BUF_INIT, out = BUF_INIT;
	struct remote_io io = { .max = 65536, .out = &out, .limit_s = DU_S };
	struct scan s;
	int rc = -1;

	remote_command(&command, script, args, 1);
	if (buf_ok(&command, e) == 0)
		rc = remote_run(r, buf_cstr(&command), &io, e);
	s.p = (const char *)out.data;
	s.end = s.p + out.len;
	if (rc == 0 && io.status == 44)
		rc = exportplan_problem(p, e, "rootimg tree %s/rootimg: is "
		    "not there, or empty", dir);
	else if (rc == 0 && scan_u64(&s, &p->tree_bytes)) {
		p->tree_bytes *= 1024;
		p->bytes += p->tree_bytes;
	} else if (rc == 0)
		rc = err_set(e, ERR_FAILED, "%s: the size of %s/rootimg "
		    "cannot be told", remote_name(r), dir);
	buf_fini(&command);
	buf_fini(&out);
	return (rc);
}

static int
add_diskless(struct exportplan *p, struct remote *r, struct nodefs *fs,
    struct err *e)
{
	int statelite = strcmp(p->provmethod, "statelite") == 0;
	char dir[1024], path[2048];
	const char *why;

	snprintf(dir, sizeof(dir), "%s", p->rootimgdir);
	if (dir[0] == '\0' && statelite)
		return (exportplan_problem(p, e, "linuximage.rootimgdir: is "
		    "not set, and imgexport wants it"));
	if (dir[0] == '\0')
		snprintf(dir, sizeof(dir), "%s/netboot/%s/%s/%s",
		    p->installdir, p->osvers, p->osarch, p->profile);
	if ((why = inspect_path(dir, NULL)) != NULL)
		return (exportplan_problem(p, e, "rootimgdir \"%s\": "
		    "imgexport hands it to a shell: %s", dir, why));
	snprintf(path, sizeof(path), "%s/kernel", dir);
	if (add_boot(p, fs, "kernel", path, e) == -1)
		return (-1);
	snprintf(path, sizeof(path), "%s/initrd-%s.gz", dir,
	    statelite ? "statelite" : "stateless");
	if (add_boot(p, fs, "ramdisk", path, e) == -1)
		return (-1);
	if (statelite)
		return (measure_tree(p, r, dir, e));
	return (add_rootimg(p, fs, dir, p->rootimgdir[0] != '\0' ? forms :
	    default_forms, e));
}

static int
add_files(struct exportplan *p, struct remote *r, struct nodefs *fs,
    struct err *e)
{
	static const char *const lists[] = { "template", "pkglist",
	    "otherpkglist", "postinstall", "exlist" };
	const char *value;
	size_t i;

	if (strcmp(p->provmethod, "install") != 0 &&
	    add_diskless(p, r, fs, e) == -1)
		return (-1);
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		value = exportplan_value(&p->linuximage, lists[i]);
		if (add_list(p, fs, lists[i], value, e) == -1)
			return (-1);
	}
	if (strcmp(p->provmethod, "install") != 0 &&
	    exportplan_value(&p->linuximage, "pkglist")[0] == '\0' &&
	    exportplan_warn(p, e, "linuximage.pkglist: is not set: xCAT takes "
	    "the one that fits best of its own") == -1)
		return (-1);
	return (add_list(p, fs, "synclist",
	    exportplan_value(&p->osimage, "synclists"), e));
}

/* --------------------------------------------------------------- litefile */

struct litefile {
	const char *image, *whose;
	struct buf text;
};

static int
take_litefile(void *arg, const struct span *at, struct err *e)
{
	struct litefile *l = arg;
	const struct span *image = &at[0], *file = &at[1], *options = &at[2];

	(void)e;
	if (file->len == 0 || image->len != strlen(l->whose) ||
	    (image->len > 0 && memcmp(image->p, l->whose, image->len) != 0))
		return (0);
	buf_printf(&l->text, "\"%s\",\"%.*s\",\"%.*s\",,\n", l->image,
	    (int)file->len, file->p, options->len > 0 ? (int)options->len : 5,
	    options->len > 0 ? options->p : "tmpfs");
	return (0);
}

/* litefile.csv as imgexport writes it: rows of none, of all, of the image. */
static int
make_litefile(struct exportplan *p, const struct tables *t, struct err *e)
{
	static const char *const columns[] = { "image", "file", "options" };
	const char *group = exportplan_value(&p->osimage, "groups");
	const char *whose[] = { "", group[0] != '\0' ? group : "ALL",
	    p->image };
	struct litefile l = { .image = p->image };
	size_t i;
	int rc = 0;

	if (strcmp(p->provmethod, "statelite") != 0)
		return (0);
	for (i = 0; rc == 0 && i < 3; i++) {
		l.whose = whose[i];
		rc = tables_rows(t, "litefile", columns, 3, take_litefile, &l,
		    e);
	}
	if (rc == 0 && (rc = buf_ok(&l.text, e)) == 0 && (p->litefile =
	    exportplan_keep(p, buf_cstr(&l.text), l.text.len, e)) == NULL)
		rc = -1;
	buf_fini(&l.text);
	return (rc);
}

/* ------------------------------------------------------------------- room */

/* What is wanted where, with base as the place of the private directory. */
static int
ask_room(struct exportplan *p, struct nodefs *fs, const char *base,
    struct err *e)
{
	struct nodefs_room tmp, room;
	uint64_t each = p->bytes + SLACK;

	p->base = base;
	p->base_wants = each;
	p->tmp_wants = p->tmp_has = 0;
	if (nodefs_room(fs, base, &room, e) == -1)
		return (-1);
	p->base_has = room.readonly ? 0 : room.free_bytes;
	if (p->tmpdir[0] == '\0') {
		p->base_wants += each;
		return (0);
	}
	if (nodefs_room(fs, p->tmpdir, &tmp, e) == -1)
		return (-1);
	if (tmp.dev == room.dev) {
		p->base_wants += each;
		return (0);
	}
	p->tmp_wants = each;
	p->tmp_has = tmp.readonly ? 0 : tmp.free_bytes;
	return (0);
}

static int
is_room(const struct exportplan *p)
{
	return (p->base_has >= p->base_wants && p->tmp_has >= p->tmp_wants);
}

static int
tell_room(struct exportplan *p, struct err *e)
{
	char wants[HUMAN_LEN], has[HUMAN_LEN];

	if (p->tmp_has < p->tmp_wants) {
		human_bytes(p->tmp_wants, wants);
		human_bytes(p->tmp_has, has);
		return (exportplan_problem(p, e, "%s (site.tmpdir): imgexport "
		    "copies the image there and wants %s, and %s are free",
		    p->tmpdir, wants, has));
	}
	human_bytes(p->base_wants, wants);
	human_bytes(p->base_has, has);
	return (exportplan_problem(p, e, "%s: imgexport wants %s, and %s are "
	    "free", p->base, wants, has));
}

/* The first place with room, or else the one with most of it. */
static int
choose_base(struct exportplan *p, struct nodefs *fs, const char *work,
    struct err *e)
{
	const char *places[] = { p->tmpdir, "/var/tmp", "/tmp", "/root",
	    p->installdir };
	const char *best = NULL;
	struct nodefs_stat st;
	uint64_t most = 0;
	size_t i;

	if (p->tmpdir[0] != '\0') {
		if (nodefs_stat(fs, p->tmpdir, &st, e) == -1)
			return (-1);
		if (p->tmpdir[0] != '/' || st.what != OSFS_DIR)
			return (exportplan_problem(p, e, "%s (site.tmpdir): "
			    "is no directory, and imgexport works there",
			    p->tmpdir));
	}
	for (i = 0; work == NULL && i < sizeof(places) / sizeof(places[0]);
	    i++) {
		if (places[i][0] != '/')
			continue;
		if (nodefs_stat(fs, places[i], &st, e) == -1)
			return (-1);
		if (st.what != OSFS_DIR)
			continue;
		if (ask_room(p, fs, places[i], e) == -1)
			return (-1);
		if (is_room(p))
			return (0);
		if (best == NULL || p->base_has > most) {
			best = places[i];
			most = p->base_has;
		}
	}
	if (work != NULL) {
		if (nodefs_stat(fs, work, &st, e) == -1)
			return (-1);
		if (work[0] != '/' || st.what != OSFS_DIR)
			return (exportplan_problem(p, e, "%s (--work): is no "
			    "directory of the node", work));
		best = work;
	}
	if (best == NULL)
		return (exportplan_problem(p, e, "there is no directory to "
		    "work in"));
	if (ask_room(p, fs, best, e) == -1)
		return (-1);
	return (is_room(p) ? 0 : tell_room(p, e));
}

/* -------------------------------------------------------------------- all */

static int
check_node(const struct probe *probe, struct remote *r, struct err *e)
{
	static const enum probe_tool_id wanted[] = { PROBE_PERL, PROBE_TAR,
	    PROBE_SHA256SUM, PROBE_TABDUMP };
	const struct probe_tool *t;
	size_t i;

	if (probe->xcatd != PROBE_XCATD_UP)
		return (err_set(e, ERR_FAILED, "%s: xcatd does not answer, "
		    "and imgexport runs inside it%s%s", remote_name(r),
		    probe->xcatd_reason != NULL ? ": " : "",
		    probe->xcatd_reason != NULL ? probe->xcatd_reason : ""));
	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		t = &probe->tools[wanted[i]];
		if (t->trouble != NULL)
			return (err_set(e, ERR_FAILED, "%s: %s: %s",
			    remote_name(r), t->name, t->trouble));
	}
	return (0);
}

/* What no look at files would make good. */
static int
check_rows(struct exportplan *p, struct err *e)
{
	static const char *const needed[] = { "provmethod", "profile",
	    "osvers", "osarch" };
	size_t i;

	if (p->osimage.disabled || p->linuximage.disabled)
		return (exportplan_problem(p, e, "it is disabled (%s.disable "
		    "is set)", p->osimage.disabled ? "osimage" :
		    "linuximage"));
	if (!p->linuximage.found)
		return (exportplan_problem(p, e, "it is not in the table "
		    "linuximage"));
	for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (exportplan_value(&p->osimage, needed[i])[0] == '\0' &&
		    exportplan_problem(p, e, "osimage.%s: is not set",
		    needed[i]) == -1)
			return (-1);
	if (p->nproblems > 0)
		return (0);
	if (strcmp(p->provmethod, "netboot") != 0 &&
	    strcmp(p->provmethod, "statelite") != 0 &&
	    strcmp(p->provmethod, "install") != 0)
		return (exportplan_problem(p, e, "osimage.provmethod %s: only "
		    "netboot, statelite and install can be exported",
		    p->provmethod));
	if (strstr(p->osarch, "s390x") != NULL ||
	    strstr(p->osvers, "esx") != NULL)
		return (exportplan_problem(p, e, "osvers %s, osarch %s: "
		    "imgexport treats it in a way that cannot be proved",
		    p->osvers, p->osarch));
	if (exportplan_value(&p->osimage, "kitcomponents")[0] != '\0')
		return (exportplan_warn(p, e, "osimage.kitcomponents: the "
		    "files of kits travel, but are not proved"));
	return (0);
}

static int
look(struct exportplan *p, struct remote *r, struct nodefs *fs,
    const struct tables *t, const struct exportplan_options *opt,
    struct err *e)
{
	if (read_rows(p, t, e) == -1)
		return (-1);
	if (!p->osimage.found)
		return (err_set(e, ERR_USAGE, "%s: there is no osimage %s",
		    remote_name(r), opt->image));
	if (check_rows(p, e) == -1)
		return (-1);
	if (p->nproblems > 0)
		return (0);
	if (add_files(p, r, fs, e) == -1 || make_litefile(p, t, e) == -1 ||
	    (!opt->native && choose_base(p, fs, opt->work, e) == -1))
		return (-1);
	return (exportleft_find(p, r, fs, t, e));
}

int
exportplan_make(struct exportplan *p, struct remote *r, struct nodefs *fs,
    const struct exportplan_options *opt, struct err *e)
{
	static const char *const names[] = { "osimage", "linuximage", "site",
	    "litefile", "postscripts", "winimage", "nimimage" };
	const char *why;
	struct tables *t;
	int rc;

	memset(p, 0, sizeof(*p));
	p->installdir = p->tmpdir = p->base = "";
	if ((p->image = exportplan_keep(p, opt->image, strlen(opt->image),
	    e)) == NULL)
		return (-1);
	if ((why = inspect_name(opt->image)) != NULL)
		return (err_set(e, ERR_USAGE, "image \"%s\": %s", opt->image,
		    why));
	if (check_node(opt->probe, r, e) == -1 || (t = tables_read(r, names,
	    sizeof(names) / sizeof(names[0]), 0, e)) == NULL)
		return (-1);
	rc = look(p, r, fs, t, opt, e);
	tables_free(t);
	return (rc);
}

void
exportplan_fini(struct exportplan *p)
{
	arena_fini(&p->arena);
	memset(p, 0, sizeof(*p));
}
