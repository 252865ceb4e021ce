#include <stdlib.h>
#include <string.h>

#include "formats/osimages.h"
#include "formats/xcatlist.h"

static int
is_text(const struct span *s, const char *text)
{
	return (s->len == strlen(text) && memcmp(s->p, text, s->len) == 0);
}

int
osneeds_knows(const struct span *provmethod)
{
	return (is_text(provmethod, "netboot") ||
	    is_text(provmethod, "statelite") ||
	    is_text(provmethod, "install"));
}

static int
need(struct osimages_work *w, const char *what, const char *path,
    enum oslists_want want, struct err *e)
{
	struct oslists_about about = { what, NULL, 0 };
	struct osfs_found f;

	return (oslists_need(w, &about, path, want, &f, e));
}

/* The same for what is booted: *at is its path if it is there. */
static int
need_boot(struct osimages_work *w, const char *what, const char *path,
    const char **at, struct err *e)
{
	struct oslists_about about = { what, NULL, 0 };
	struct osfs_found f;
	int rc;

	rc = oslists_need(w, &about, path, OSLISTS_FILE, &f, e);
	if (rc != 1)
		return (rc);
	w->img->boot_bytes += f.size;
	return ((*at = oslists_keep(w, path, e)) != NULL ? 1 : -1);
}

static int
note(struct osimages_work *w, enum osimages_level level, const char *what,
    const char *path, const char *why, struct err *e)
{
	struct oslists_about about = { what, NULL, 0 };

	return (oslists_note(w, level, &about, path, why, e));
}

/* Replaces out by "DIR/NAME". */
static const char *
join(struct buf *out, const char *dir, const char *name)
{
	size_t n = strlen(dir);

	buf_clear(out);
	buf_append(out, dir, n);
	if (n > 0 && dir[n - 1] != '/')
		buf_putc(out, '/');
	buf_puts(out, name);
	return (buf_cstr(out));
}

/* A directory that must have something in it: 1, 0 when noted, -1. */
static int
need_filled(struct osimages_work *w, const char *what, const char *path,
    struct err *e)
{
	struct oslists_about about = { what, NULL, 0 };
	struct osfs_found f;
	int rc;

	rc = oslists_need(w, &about, path, OSLISTS_DIR, &f, e);
	if (rc != 1 || (rc =
	    osfs_has_entries(w->place->fs, &f, e)) != 0)
		return (rc);
	return (oslists_note(w, OSIMAGES_MISSING, &about, path,
	    "an empty directory", e));
}

/* What xCAT puts together when the column is empty: DIR/OSVERS/ARCH... */
static void
default_dir(struct osimages_work *w, struct buf *out, const char *below,
    int profile)
{
	const struct span *os = w->os;

	buf_puts(out, w->installdir);
	buf_puts(out, below);
	buf_append(out, os[OSI_VERS].p, os[OSI_VERS].len);
	buf_putc(out, '/');
	buf_append(out, os[OSI_ARCH].p, os[OSI_ARCH].len);
	if (!profile)
		return;
	buf_putc(out, '/');
	buf_append(out, os[OSI_PROFILE].p, os[OSI_PROFILE].len);
}

/* Items of columns. */

struct items {
	struct osimages_work *w;
	const char *what;
	const char *dir;	/* where scripts lie */
	struct err *e;
	int (*need)(struct items *it, const char *path);
};

static int
take_item(void *arg, const struct span *item)
{
	struct items *it = arg;
	char *path = strndup(item->p, item->len);
	int rc;

	if (path == NULL)
		return (err_nomem(it->e));
	/* Served by another host. */
	rc = strstr(path, "://") != NULL ? 0 : it->need(it, path);
	free(path);
	return (rc == -1 ? -1 : 0);
}

static int
item_file(struct items *it, const char *path)
{
	return (need(it->w, it->what, path, OSLISTS_FILE, it->e));
}

static int
item_dir(struct items *it, const char *path)
{
	return (need_filled(it->w, it->what, path, it->e));
}

/* "dud:PATH" and "rpm:PATH". */
static int
item_driver(struct items *it, const char *path)
{
	if (strncmp(path, "dud:", 4) == 0 || strncmp(path, "rpm:", 4) == 0)
		path += 4;
	return (need(it->w, it->what, path, OSLISTS_ANY, it->e));
}

static int
item_script(struct items *it, const char *name)
{
	struct buf path = BUF_INIT;
	int rc = -1;

	join(&path, it->dir, name);
	if (buf_ok(&path, it->e) == 0)
		rc = need(it->w, it->what, buf_cstr(&path), OSLISTS_FILE,
		    it->e);
	buf_fini(&path);
	return (rc);
}

static int
each_item(struct osimages_work *w, const char *what, const struct span *value,
    enum xcatlist_item how, int (*fn)(struct items *, const char *),
    struct err *e)
{
	struct items it = { w, what, NULL, e, fn };

	return (xcatlist_items(value, how, take_item, &it));
}

/* Scripts of the osimage, of all nodes, and of a row with its name. */
static int
check_scripts(struct osimages_work *w, const char *what, int os_column,
    int post_column, struct err *e)
{
	struct buf dir = BUF_INIT;
	struct items it = { w, what, NULL, e, item_script };
	const struct span *row;
	size_t i;
	int rc;

	it.dir = join(&dir, w->installdir, "postscripts");
	if ((rc = buf_ok(&dir, e)) == 0)
		rc = xcatlist_items(&w->os[os_column], XCATLIST_WORD,
		    take_item, &it);
	for (i = 0; i < w->posts.n && rc == 0; i++) {
		row = w->posts.at[i];
		if (row[POST_DISABLE].len > 0 &&
		    !is_text(&row[POST_DISABLE], "0"))
			continue;
		if (!is_text(&row[POST_NODE], "xcatdefaults") &&
		    (row[POST_NODE].len != w->img->name.len ||
		    memcmp(row[POST_NODE].p, w->img->name.p,
		    w->img->name.len) != 0))
			continue;
		rc = xcatlist_items(&row[post_column], XCATLIST_WORD,
		    take_item, &it);
	}
	buf_fini(&dir);
	return (rc);
}

/* What is booted. */

/* xCAT's order: the first that is there is served. */
static const char *const rootimgs[] = { "rootimg.cpio.gz", "rootimg.cpio.xz",
    "rootimg.tar.gz", "rootimg.tar.xz", "rootimg.sfs", "rootimg.gz" };

static int
is_file(struct osimages_work *w, const char *path, struct osfs_found *f,
    struct err *e)
{
	if (w->place->fs->look(w->place->fs->arg, path, f, e) == -1)
		return (-1);
	return (f->what == OSFS_FILE);
}

/* One that has a form xCAT prefers beside it is never booted. */
static int
note_stale(struct osimages_work *w, const char *path, struct err *e)
{
	struct buf why = BUF_INIT;
	char *text = NULL;

	buf_printf(&why, "xCAT does not boot it: it prefers %s, which is "
	    "there, too", w->img->boots);
	if (buf_ok(&why, e) == 0)
		text = oslists_keep(w, buf_cstr(&why), e);
	buf_fini(&why);
	return (text == NULL ? -1 : note(w, OSIMAGES_WARNING,
	    "stale rootimg", path, text, e));
}

static int
check_rootimg(struct osimages_work *w, const char *dir, struct err *e)
{
	struct buf path = BUF_INIT;
	struct osfs_found f;
	const char *why;
	size_t i;
	int rc = 0;

	for (i = 0; i < sizeof(rootimgs) / sizeof(rootimgs[0]) && rc != -1;
	    i++) {
		rc = is_file(w, join(&path, dir, rootimgs[i]), &f, e);
		if (rc != 1)
			continue;
		if (w->img->boots != NULL) {
			rc = note_stale(w, buf_cstr(&path), e);
			continue;
		}
		w->img->boots = rootimgs[i];
		rc = f.size == 0 ? note(w, OSIMAGES_MISSING, "rootimg",
		    buf_cstr(&path), "an empty file", e) :
		    need_boot(w, "rootimg", buf_cstr(&path),
		    &w->img->rootimg, e);
	}
	if (rc != -1 && w->img->boots == NULL)
		rc = (why = oslists_here(w, "none of the forms that xCAT "
		    "boots is ", "", e)) == NULL ? -1 :
		    note(w, OSIMAGES_MISSING, "rootimg",
		    join(&path, dir, "rootimg.*"), why, e);
	buf_fini(&path);
	return (rc == -1 ? -1 : 0);
}

/* xCAT makes the one from the other where that alone is there. */
static int
check_initrd(struct osimages_work *w, const char *dir, const char *name,
    struct err *e)
{
	struct buf path = BUF_INIT;
	struct osfs_found f;
	int rc;

	rc = is_file(w, join(&path, dir, name), &f, e);
	if (rc == 0)
		rc = is_file(w, join(&path, dir, "initrd.gz"), &f, e);
	if (rc == 0)
		join(&path, dir, name);
	if (rc != -1)
		rc = need_boot(w, "initrd", buf_cstr(&path), &w->img->initrd,
		    e);
	buf_fini(&path);
	return (rc);
}

static int
check_statelite_root(struct osimages_work *w, const char *dir, struct err *e)
{
	struct buf path = BUF_INIT;
	const char *name = "rootimg";
	int rc;

	if (is_text(&w->os[OSI_ROOTFSTYPE], "ramdisk")) {
		name = "rootimg-statelite.gz";
		rc = need_boot(w, "rootimg", join(&path, dir, name),
		    &w->img->rootimg, e);
	} else
		rc = need_filled(w, "rootimg tree", join(&path, dir, name),
		    e);
	if (rc == 1)
		w->img->boots = name;
	buf_fini(&path);
	return (rc);
}

static int
check_diskless(struct osimages_work *w, int statelite, struct err *e)
{
	const struct span *given = &w->lin[LIN_ROOTIMGDIR];
	struct buf dir = BUF_INIT, kernel = BUF_INIT;
	int rc = -1;

	if (given->len > 0)
		buf_append(&dir, given->p, given->len);
	else
		default_dir(w, &dir, "/netboot/", 1);
	if (buf_ok(&dir, e) == -1)
		goto out;
	/* Without it there is no need to tell of each file. */
	rc = need(w, "rootimgdir", buf_cstr(&dir), OSLISTS_DIR, e);
	if (rc != 1)
		goto out;
	rc = need_boot(w, "kernel", join(&kernel, buf_cstr(&dir), "kernel"),
	    &w->img->kernel, e);
	if (rc != -1)
		rc = check_initrd(w, buf_cstr(&dir), statelite ?
		    "initrd-statelite.gz" : "initrd-stateless.gz", e);
	if (rc != -1)
		rc = statelite ? check_statelite_root(w, buf_cstr(&dir), e) :
		    check_rootimg(w, buf_cstr(&dir), e);
out:
	buf_fini(&dir);
	buf_fini(&kernel);
	return (rc == -1 ? -1 : 0);
}

static int
check_install(struct osimages_work *w, struct err *e)
{
	const struct span *lin = w->lin;
	struct buf dir = BUF_INIT;
	struct span value = lin[LIN_PKGDIR];
	int rc;

	if (lin[LIN_TEMPLATE].len == 0)
		rc = note(w, OSIMAGES_WARNING, "template", "", "not set: "
		    "xCAT takes the one that fits best of its own", e);
	else
		rc = oslists_lists(w, "template", &lin[LIN_TEMPLATE], 1, e);
	if (value.len == 0) {
		default_dir(w, &dir, "/", 0);
		if (rc == 0)
			rc = buf_ok(&dir, e);
		value.p = buf_cstr(&dir);
		value.len = dir.len;
	}
	if (rc == 0)
		rc = each_item(w, "pkgdir", &value, XCATLIST_WHOLE, item_dir,
		    e);
	if (rc == 0 && lin[LIN_OTHERPKGLIST].len > 0)
		rc = each_item(w, "otherpkgdir", &lin[LIN_OTHERPKGDIR],
		    XCATLIST_WHOLE, item_dir, e);
	if (rc == 0)
		rc = each_item(w, "driverupdatesrc", &lin[LIN_DRIVERS],
		    XCATLIST_WHOLE, item_driver, e);
	buf_fini(&dir);
	return (rc);
}

static int
check_lists(struct osimages_work *w, struct err *e)
{
	struct items part = { w, "partitionfile", NULL, e, item_file };
	const struct span *lin = w->lin;

	if (oslists_lists(w, "pkglist", &lin[LIN_PKGLIST], 0, e) == -1 ||
	    oslists_lists(w, "otherpkglist", &lin[LIN_OTHERPKGLIST], 0, e) ==
	    -1 || oslists_lists(w, "exlist", &lin[LIN_EXLIST], 1, e) == -1 ||
	    each_item(w, "postinstall", &lin[LIN_POSTINSTALL], XCATLIST_WORD,
	    item_file, e) == -1 ||
	    xcatlist_partition(&lin[LIN_PARTITION], take_item, &part) == -1)
		return (-1);
	return (oslists_synclists(w, &w->os[OSI_SYNCLISTS], e));
}

int
osneeds_check(struct osimages_work *w, struct err *e)
{
	const struct span *method = &w->os[OSI_PROVMETHOD];

	if ((is_text(method, "install") ? check_install(w, e) :
	    check_diskless(w, is_text(method, "statelite"), e)) == -1 ||
	    check_lists(w, e) == -1 ||
	    check_scripts(w, "postscript", OSI_POST, POST_SCRIPTS, e) == -1)
		return (-1);
	return (check_scripts(w, "postbootscript", OSI_POSTBOOT, POST_BOOT,
	    e));
}
