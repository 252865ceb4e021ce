#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imgxfer/exportplan.h"
#include "remote/exec.h"
#include "remote/quote.h"

#define FILES_MAX 4096
#define DU_S 900

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
	if ((why = inspect_path(path, &p->roots.opt)) != NULL)
		return (exportplan_problem(p, e, "%s \"%s\": %s", role, path,
		    why));
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

/* As xCAT splits it: at commas, blanks and all; the last ones are nothing. */
static int
add_list(struct exportplan *p, struct nodefs *fs, const char *role,
    const char *value, struct err *e)
{
	const char *item, *end;
	char *path;
	int rc = 0;

	for (item = value; rc == 0 && item[strspn(item, ",")] != '\0';
	    item = *end == ',' ? end + 1 : end) {
		end = strchrnul(item, ',');
		if (end == item) {
			rc = exportplan_problem(p, e, "%s \"%s\": names "
			    "nothing between two commas: imgexport would "
			    "miss a file", role, value);
			continue;
		}
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
	if ((why = inspect_path(dir, &p->roots.opt)) != NULL)
		return (exportplan_problem(p, e, "rootimgdir \"%s\": %s", dir,
		    why));
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

int
exportfiles_add(struct exportplan *p, struct remote *r, struct nodefs *fs,
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
	return (add_list(p, fs, "synclist",
	    exportplan_value(&p->osimage, "synclists"), e));
}
