#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "imgxfer/importplan.h"

const char *const importplan_forms[IMPORTPLAN_FORMS] = {
	"rootimg.cpio.gz", "rootimg.cpio.xz", "rootimg.tar.gz",
	"rootimg.tar.xz", "rootimg.sfs", "rootimg.gz",
};

/* imgimport's, of the row osimage or linuximage. */
static const struct {
	const char *table, *column;
} lists[] = {
	{ "linuximage", "template" }, { "linuximage", "pkglist" },
	{ "osimage", "synclists" }, { "linuximage", "otherpkglist" },
	{ "linuximage", "postinstall" }, { "linuximage", "exlist" },
};
#define NLISTS (sizeof(lists) / sizeof(*lists))

struct making {
	struct importplan *plan;
	const struct inspect *in;
	const char *installdir;
	const struct import_options *opt;
	size_t cap_files, cap_dirs;
};

/* ---------------------------------------------------------------- text */

static const char *
keep(struct importplan *p, const char *s, size_t len)
{
	char *q;

	if ((q = arena_alloc(&p->arena, len + 1)) == NULL)
		return (NULL);
	memcpy(q, s, len);
	q[len] = '\0';
	return (q);
}

static const char *
join(struct importplan *p, const char *a, const char *sep, const char *b)
{
	size_t n = strlen(a), m = strlen(sep), k = strlen(b);
	char *q;

	if ((q = arena_alloc(&p->arena, n + m + k + 1)) == NULL)
		return (NULL);
	memcpy(q, a, n);
	memcpy(q + n, sep, m);
	memcpy(q + n + m, b, k + 1);
	return (q);
}

const char *
importplan_join(struct importplan *p, const char *dir, const char *name)
{
	return (join(p, dir, "/", name));
}

static const char *
base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return (slash != NULL ? slash + 1 : path);
}

static const char *
dir_of(struct importplan *p, const char *path)
{
	const char *base = base_of(path);

	return (keep(p, path, base > path + 1 ? (size_t)(base - path) - 1 :
	    1));
}

static const char *
value(const struct making *m, const char *table, const char *column)
{
	return (imgmanifest_value(&m->plan->after, table, column));
}

/* ---------------------------------------------------------- the manifest */

/* Tables and their rows are the plan's own, with room for a column more. */
static int
copy_manifest(struct making *m, struct err *e)
{
	const struct imgmanifest *from = &m->in->manifest;
	struct imgmanifest *to = &m->plan->after;
	struct imgmanifest_table *t;
	size_t i;

	*to = *from;
	memset(&to->arena, 0, sizeof(to->arena));
	to->tables = arena_alloc(&m->plan->arena,
	    (from->ntables + 1) * sizeof(*t));
	if (to->tables == NULL)
		return (err_nomem(e));
	for (i = 0; i < from->ntables; i++) {
		t = to->tables + i;
		*t = from->tables[i];
		t->columns = arena_alloc(&m->plan->arena,
		    (t->n + 1) * sizeof(*t->columns));
		if (t->columns == NULL)
			return (err_nomem(e));
		memcpy(t->columns, from->tables[i].columns,
		    t->n * sizeof(*t->columns));
	}
	return (0);
}

/* The column must be there, or may be added (once a table). */
static int
set_column(struct making *m, const char *table, const char *column,
    const char *to, struct err *e)
{
	struct imgmanifest *a = &m->plan->after;
	struct imgmanifest_table *t;
	size_t i, k;

	if (to == NULL)
		return (err_nomem(e));
	for (i = 0; i < a->ntables; i++) {
		t = a->tables + i;
		if (strcmp(t->name, table) != 0)
			continue;
		for (k = 0; k < t->n &&
		    strcmp(t->columns[k].name, column) < 0; k++)
			;
		if (k == t->n || strcmp(t->columns[k].name, column) != 0) {
			memmove(t->columns + k + 1, t->columns + k,
			    (t->n - k) * sizeof(*t->columns));
			t->columns[k].name = column;
			t->n++;
		}
		t->columns[k].value = to;
		return (0);
	}
	return (err_set(e, ERR_DAMAGED, "the manifest has no <%s>", table));
}

static int
set_name(struct making *m, const char *name, struct err *e)
{
	m->plan->image = name;
	return (set_column(m, "osimage", "imagename", name, e) == 0 ?
	    set_column(m, "linuximage", "imagename", name, e) : -1);
}

/* Kernel and its like go to another directory. */
static int
move_boot(struct making *m, const char *dir, struct err *e)
{
	struct imgmanifest *a = &m->plan->after;
	const char **const boot[] = { &a->kernel, &a->ramdisk, &a->rootimg,
	    &a->rootimgtree, &a->litefile };
	size_t i;

	for (i = 0; i < sizeof(boot) / sizeof(*boot); i++) {
		if (*boot[i] == NULL)
			continue;
		*boot[i] = join(m->plan, dir, "/", base_of(*boot[i]));
		if (*boot[i] == NULL)
			return (err_nomem(e));
	}
	return (set_column(m, "linuximage", "rootimgdir", dir, e));
}

static const char *
profile_dir(struct making *m)
{
	struct importplan *p = m->plan;
	const char *s;

	if ((s = join(p, m->installdir, "/netboot/",
	    value(m, "osimage", "osvers"))) == NULL ||
	    (s = join(p, s, "/", value(m, "osimage", "osarch"))) == NULL)
		return (NULL);
	return (join(p, s, "/", m->opt->profile));
}

/* Where imgimport -f puts lists that are xCAT's own. */
static const char *
custom_dir(struct making *m)
{
	static const struct {
		const char *in, *platform;
	} known[] = {
		{ "rh", "rh" }, { "centos", "centos" }, { "alma", "alma" },
		{ "rocky", "rocky" }, { "fedora", "fedora" },
		{ "sles", "sles" }, { "SL", "SL" }, { "win", "windows" },
		{ "ubunt", "ubuntu" },
	};
	const char *os = value(m, "osimage", "osvers"), *s;
	size_t i, n = sizeof(known) / sizeof(*known);

	for (i = 0; i < n && strstr(os, known[i].in) == NULL; i++)
		;
	s = join(m->plan, m->installdir, "/custom/",
	    strcmp(value(m, "osimage", "provmethod"), "install") == 0 ?
	    "install/" : "netboot/");
	return (s != NULL ? join(m->plan, s, "", i < n ?
	    known[i].platform : "") : NULL);
}

/* A list's path with another profile in its name. */
static int
rename_list(struct making *m, struct buf *out, const char *path,
    const char *old, struct err *e)
{
	const char *base = base_of(path), *at = strstr(base, old), *dir;

	if ((dir = dir_of(m->plan, path)) == NULL)
		return (err_nomem(e));
	if (strstr(dir, "/opt/xcat/share/xcat") != NULL &&
	    (dir = custom_dir(m)) == NULL)
		return (err_nomem(e));
	buf_printf(out, "%s%s/", out->len > 0 ? "," : "", dir);
	if (at != NULL)
		buf_printf(out, "%.*s%s%s", (int)(at - base), base,
		    m->opt->profile, at + strlen(old));
	else
		buf_printf(out, "%s.%s", m->opt->profile, base);
	return (buf_ok(out, e));
}

static int
rename_lists(struct making *m, const char *old, struct err *e)
{
	struct buf out = BUF_INIT;
	const char *v, *path;
	size_t i, n;
	int rc = 0;

	for (i = 0; i < NLISTS && rc == 0; i++) {
		if ((v = value(m, lists[i].table, lists[i].column)) == NULL)
			continue;
		buf_clear(&out);
		for (; *v != '\0' && rc == 0; v += n + (v[n] == ',')) {
			n = strcspn(v, ",");
			if ((path = keep(m->plan, v, n)) == NULL)
				rc = err_nomem(e);
			else if (n > 0)
				rc = rename_list(m, &out, path, old, e);
		}
		if (rc == 0)
			rc = set_column(m, lists[i].table, lists[i].column,
			    keep(m->plan, buf_cstr(&out), out.len), e);
	}
	buf_fini(&out);
	return (rc);
}

/* As imgimport -f does it: change_profile. */
static int
with_profile(struct making *m, struct err *e)
{
	const char *old = value(m, "osimage", "profile");
	const char *profile = m->opt->profile, *name;
	struct importplan *p = m->plan;

	if (strcmp(old, profile) == 0)
		return (0);
	/* The old one is a regular expression there. */
	if (old[strspn(old, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRS"
	    "TUVWXYZ0123456789-_")] != '\0')
		return (err_set(e, ERR_USAGE, "--profile %s: what imgimport "
		    "makes of the old profile \"%s\" cannot be foretold; "
		    "give --as NAME as well", profile, old));
	p->profile = profile;
	if (set_column(m, "osimage", "profile", profile, e) == -1 ||
	    (value(m, "linuximage", "rootimgdir") != NULL &&
	    move_boot(m, profile_dir(m), e) == -1) ||
	    rename_lists(m, old, e) == -1)
		return (-1);
	name = join(p, value(m, "osimage", "osvers"), "-",
	    value(m, "osimage", "osarch"));
	if (name != NULL)
		name = join(p, name, "-", value(m, "osimage", "provmethod"));
	if (name != NULL)
		name = join(p, name, "-", profile);
	return (name != NULL ? set_name(m, name, e) : err_nomem(e));
}

/* Another name, and a directory of its own, by another manifest. */
static int
with_name(struct making *m, struct err *e)
{
	struct importplan *p = m->plan;
	const char *dir = NULL, *old;

	p->rewrite = 1;
	if (set_name(m, m->opt->as, e) == -1)
		return (-1);
	if (m->opt->profile != NULL) {
		if (set_column(m, "osimage", "profile", m->opt->profile,
		    e) == -1)
			return (-1);
		dir = profile_dir(m);
	} else if (p->after.kernel != NULL) {
		old = value(m, "linuximage", "rootimgdir");
		if (old == NULL)
			old = dir_of(p, p->after.kernel);
		if (old != NULL && (dir = dir_of(p, old)) != NULL)
			dir = join(p, dir, "/", m->opt->as);
	}
	if (p->after.kernel == NULL)
		return (0);
	return (dir != NULL ? move_boot(m, dir, e) : err_nomem(e));
}

/* ------------------------------------------------------- files, places */

/* The member of that name, "IMAGE/REST". */
static const struct inspect_member *
member(const struct making *m, const char *rest)
{
	size_t i, n = strlen(m->in->image);
	const char *name;

	for (i = 0; i < m->in->nmembers; i++) {
		name = m->in->members[i].name;
		if (strncmp(name, m->in->image, n) == 0 && name[n] == '/' &&
		    strcmp(name + n + 1, rest) == 0)
			return (m->in->members + i);
	}
	return (NULL);
}

static int
add_dir(struct making *m, const char *path, struct err *e)
{
	struct importplan *p = m->plan;
	const char **more;
	size_t i;

	if (path == NULL)
		return (err_nomem(e));
	if (strcmp(path, "/") == 0)
		return (0);
	for (i = 0; i < p->ndirs; i++)
		if (strcmp(p->dirs[i], path) == 0)
			return (0);
	if (add_dir(m, dir_of(p, path), e) == -1)
		return (-1);
	if (p->ndirs == m->cap_dirs) {
		more = reallocarray(p->dirs, m->cap_dirs + 64,
		    sizeof(*more));
		if (more == NULL)
			return (err_nomem(e));
		p->dirs = more;
		m->cap_dirs += 64;
	}
	p->dirs[p->ndirs++] = path;
	return (0);
}

/* The node may have another install directory than the usual one. */
static const char *
bad_path(const struct making *m, const char *path)
{
	const char *const root[] = { m->installdir };
	const struct inspect_options own = { .roots = root, .nroots = 1 };

	if (inspect_path(path, &own) == NULL)
		return (NULL);
	return (inspect_path(path, m->opt->inspect));
}

static int
add_file(struct making *m, const char *path, const char *role,
    const struct inspect_member *is, struct err *e)
{
	struct importplan *p = m->plan;
	struct importplan_file *more, *f;
	const char *why;

	if (path == NULL)
		return (err_nomem(e));
	if ((why = bad_path(m, path)) != NULL)
		return (err_set(e, ERR_DAMAGED, "%s: %s", path, why));
	if (add_dir(m, dir_of(p, path), e) == -1)
		return (-1);
	if (p->nfiles == m->cap_files) {
		more = reallocarray(p->files, m->cap_files + 64,
		    sizeof(*more));
		if (more == NULL)
			return (err_nomem(e));
		p->files = more;
		m->cap_files += 64;
	}
	f = p->files + p->nfiles++;
	memset(f, 0, sizeof(*f));
	f->path = path;
	f->role = role;
	f->member = is->name;
	f->bytes = is->size;
	memcpy(f->digest, is->digest, DIGEST_LEN);
	return (0);
}

/* Comma-separated paths, whose members have their last names. */
static int
add_paths(struct making *m, const char *paths, const char *role,
    const char *was, struct err *e)
{
	const struct inspect_member *is;
	const char *path, *old;
	size_t n, k;

	for (; *paths != '\0'; paths += n + (paths[n] == ','),
	    was += k + (was[k] == ',')) {
		n = strcspn(paths, ",");
		k = strcspn(was, ",");
		if (n == 0)
			continue;
		if ((path = keep(m->plan, paths, n)) == NULL ||
		    (old = keep(m->plan, was, k)) == NULL)
			return (err_nomem(e));
		if ((is = member(m, base_of(old))) == NULL)
			return (err_set(e, ERR_DAMAGED, "%s is not in the "
			    "bundle", base_of(old)));
		if (add_file(m, path, role, is, e) == -1)
			return (-1);
	}
	return (0);
}

static int
add_boot(struct making *m, struct err *e)
{
	struct imgmanifest *a = &m->plan->after;
	const struct imgmanifest *old = &m->in->manifest;
	const struct {
		const char *path, *role, *was;
	} boot[] = {
		{ a->kernel, "kernel", old->kernel },
		{ a->ramdisk, "ramdisk", old->ramdisk },
		{ a->rootimg, "rootimg", old->rootimg },
		{ a->rootimgtree, "rootimgtree", old->rootimgtree },
		{ a->litefile, "litefile", old->litefile },
	};
	size_t i;

	for (i = 0; i < sizeof(boot) / sizeof(*boot); i++)
		if (boot[i].path != NULL && add_paths(m, boot[i].path,
		    boot[i].role, boot[i].was, e) == -1)
			return (-1);
	m->plan->rootimg = a->rootimg;
	m->plan->litefile = a->litefile;
	if ((m->plan->treefile = a->rootimgtree) == NULL)
		return (0);
	m->plan->tree = join(m->plan, dir_of(m->plan, a->rootimgtree), "/",
	    "rootimg");
	return (m->plan->tree != NULL ? 0 : err_nomem(e));
}

static int
add_lists(struct making *m, struct err *e)
{
	const char *v;
	size_t i;

	for (i = 0; i < NLISTS; i++) {
		v = value(m, lists[i].table, lists[i].column);
		if (v != NULL && add_paths(m, v, lists[i].column,
		    m->plan->profile != NULL ? imgmanifest_value(
		    &m->in->manifest, lists[i].table, lists[i].column) : v,
		    e) == -1)
			return (-1);
	}
	return (0);
}

/* "extra/install/x/...": a directory's, to dest/... */
static int
add_extra_dir(struct making *m, const char *prefix, const char *dest,
    struct err *e)
{
	size_t i, n = strlen(prefix);
	const struct inspect_member *is;
	const char *path;

	if (add_dir(m, dest, e) == -1)
		return (-1);
	for (i = 0; i < m->in->nmembers; i++) {
		is = m->in->members + i;
		if (strncmp(is->name, prefix, n) != 0 || is->name[n] != '/' ||
		    is->name[n + 1] == '\0')
			continue;
		path = join(m->plan, dest, "/", is->name + n + 1);
		if (is->type == '5' ? add_dir(m, path, e) == -1 :
		    add_file(m, path, "extra", is, e) == -1)
			return (-1);
	}
	return (0);
}

static int
add_extras(struct making *m, struct err *e)
{
	const struct imgmanifest_extra *x = m->plan->after.extras;
	const struct inspect_member *is;
	struct importplan *p = m->plan;
	size_t i, n = p->after.nextras;
	const char *rest, *dest, *why, *src;

	for (i = 0; i < n; i++) {
		if ((why = bad_path(m, x[i].dest)) != NULL)
			return (err_set(e, ERR_DAMAGED, "<dest>%s: %s",
			    x[i].dest, why));
		src = x[i].src + strspn(x[i].src, "/");
		dest = x[i].dest;
		if ((rest = join(p, "extra", "/", src)) == NULL)
			return (err_nomem(e));
		if ((is = member(m, rest)) != NULL && is->type == '5') {
			rest = join(p, m->in->image, "/", rest);
			if (rest == NULL)
				return (err_nomem(e));
			if (add_extra_dir(m, rest, dest, e) == -1)
				return (-1);
			continue;
		}
		rest = join(p, "extra", "/", base_of(src));
		if (rest == NULL)
			return (err_nomem(e));
		if ((is = member(m, rest)) == NULL || is->type == '5')
			return (err_set(e, ERR_DAMAGED, "%s is not in the "
			    "bundle", rest));
		if (add_dir(m, dest, e) == -1 || add_file(m, join(p, dest,
		    "/", base_of(src)), "extra", is, e) == -1)
			return (-1);
	}
	return (0);
}

static int
by_path(const void *a, const void *b)
{
	const struct importplan_file *x = a, *y = b;

	return (strcmp(x->path, y->path));
}

/* One file may be named twice (as a list of two kinds), if it is one. */
static int
sort_files(struct making *m, struct err *e)
{
	struct importplan *p = m->plan;
	size_t i, n = 0;

	if (p->nfiles == 0)
		return (0);
	qsort(p->files, p->nfiles, sizeof(*p->files), by_path);
	for (i = 1; i < p->nfiles; i++) {
		if (strcmp(p->files[i].path, p->files[n].path) != 0)
			p->files[++n] = p->files[i];
		else if (strcmp(p->files[i].member, p->files[n].member) != 0)
			return (err_set(e, ERR_DAMAGED, "two members of the "
			    "bundle would become %s", p->files[n].path));
	}
	p->nfiles = n + 1;
	for (i = 0; i < p->nfiles; i++)
		p->files[i].passing = p->treefile != NULL &&
		    strcmp(p->files[i].path, p->treefile) == 0;
	return (0);
}

/* -------------------------------------------------------------- whether */

/*
 * imgimport installs the plugins and scripts of kits beyond the paths that
 * the manifest names, over what is there, and starts xcatd anew amidst it.
 */
static int
judge_kits(const struct inspect *in, struct err *e)
{
	const struct imgmanifest *m = &in->manifest;
	const char *with = imgmanifest_value(m, "osimage", "kitcomponents");
	int kits = 0;
	size_t i;

	for (i = 0; i < in->nmembers && !kits; i++)
		kits = in->members[i].role == INSPECT_KIT;
	for (i = 0; i < m->ntables && !kits; i++)
		kits = strncmp(m->tables[i].name, "kit", 3) == 0;
	return (!kits ? 0 : err_set(e, ERR_FAILED, "%s: bundles with kits are "
	    "not imported: imgimport would have xcatd run what they bring, "
	    "which nothing could put back; nothing was sent.  Export the "
	    "image without them (chdef -t osimage %s kitcomponents=, and back "
	    "again afterwards), import that, and bring the kits with addkit "
	    "(then chdef -t osimage IMAGE kitcomponents=%s)", in->image,
	    in->image, with != NULL && with[0] != '\0' ? with : "NAMES"));
}

static int
judge(const struct inspect *in, const struct import_options *opt,
    struct err *e)
{
	struct buf worst = BUF_INIT;

	if (in->status == STATUS_DAMAGED) {
		inspect_worst(in, &worst);
		err_set(e, ERR_DAMAGED, "must not be imported: %s",
		    buf_cstr(&worst));
		buf_fini(&worst);
		return (-1);
	}
	if (!in->has_manifest || in->image == NULL)
		return (err_set(e, ERR_DAMAGED, "there is no manifest.xml in "
		    "it"));
	if (judge_kits(in, e) == -1)
		return (-1);
	if (in->arch != INSPECT_ARCH_PROVED && !opt->allow_unproved_arch &&
	    in->manifest.kernel != NULL)
		return (err_set(e, ERR_USAGE, "nothing in it proves that it "
		    "is of %s; --allow-unproved-arch imports it all the same",
		    in->arch_claimed[0] != '\0' ? in->arch_claimed :
		    "any architecture"));
	return (0);
}

static int
judge_manifest(struct making *m, struct err *e)
{
	static const char *const wanted[] = { "imagename", "provmethod",
	    "profile", "osvers", "osarch" };
	const struct imgmanifest *a = &m->plan->after;
	const char *v, *why;
	size_t i;

	for (i = 0; i < a->ntables; i++)
		if (strcmp(a->tables[i].name, "osimage") != 0 &&
		    strcmp(a->tables[i].name, "linuximage") != 0)
			return (err_set(e, ERR_FAILED, "the manifest has "
			    "<%s>, which is not imported here",
			    a->tables[i].name));
	for (i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		if ((v = value(m, "osimage", wanted[i])) == NULL)
			return (err_set(e, ERR_DAMAGED, "the manifest has no "
			    "<%s> in <osimage>", wanted[i]));
		if ((why = inspect_name(v)) != NULL)
			return (err_set(e, ERR_DAMAGED, "<%s>: %s",
			    wanted[i], why));
	}
	if (strstr(value(m, "osimage", "osarch"), "s390") != NULL)
		return (err_set(e, ERR_FAILED, "images of s390x are not "
		    "imported here"));
	return (0);
}

/* chtab takes its key apart at these. */
static int
judge_name(const char *option, const char *name, struct err *e)
{
	const char *why = inspect_name(name);

	if (why == NULL && strpbrk(name, "=,/") != NULL)
		why = "\"=\", \",\" and \"/\" are of no use in it";
	return (why == NULL ? 0 : err_set(e, option[0] == '-' ? ERR_USAGE :
	    ERR_DAMAGED, "%s %s: %s", option, name, why));
}

static int
find_media(struct making *m, struct err *e)
{
	struct importplan *p = m->plan;
	const char *s;

	if (p->after.media == NULL || strcmp(p->after.media, "required") != 0)
		return (0);
	s = join(p, m->installdir, "/", value(m, "osimage", "osvers"));
	if (s == NULL || (p->media = join(p, s, "/",
	    value(m, "osimage", "osarch"))) == NULL)
		return (err_nomem(e));
	return (0);
}

int
importplan_make(struct importplan *p, const struct inspect *in,
    const char *installdir, const struct import_options *opt, struct err *e)
{
	struct making m = { p, in, installdir, opt, 0, 0 };
	size_t i;

	memset(p, 0, sizeof(*p));
	if (judge(in, opt, e) == -1)
		return (-1);
	if ((opt->as != NULL && judge_name("--as", opt->as, e) == -1) ||
	    (opt->profile != NULL && judge_name("--profile", opt->profile,
	    e) == -1))
		return (-1);
	if (copy_manifest(&m, e) == -1 || judge_manifest(&m, e) == -1)
		return (-1);
	p->image = value(&m, "osimage", "imagename");
	p->any = strcmp(in->compression, "gzip") != 0;
	if ((opt->as != NULL && with_name(&m, e) == -1) ||
	    (opt->as == NULL && opt->profile != NULL &&
	    with_profile(&m, e) == -1))
		return (-1);
	if (judge_name("the name", p->image, e) == -1)
		return (-1);
	p->arch = value(&m, "osimage", "osarch");
	if ((p->manifest = join(p, in->image, "/", "manifest.xml")) == NULL)
		return (err_nomem(e));
	for (i = 0; i < in->nmembers; i++)
		p->unpacked += in->members[i].size;
	if (add_boot(&m, e) == -1 || add_lists(&m, e) == -1 ||
	    add_extras(&m, e) == -1 || find_media(&m, e) == -1)
		return (-1);
	for (i = 0; i < opt->nextras; i++)
		if (add_dir(&m, dir_of(p, opt->extras[i].path), e) == -1)
			return (-1);
	return (sort_files(&m, e));
}

void
importplan_fini(struct importplan *p)
{
	free(p->files);
	free(p->dirs);
	arena_fini(&p->arena);
	memset(p, 0, sizeof(*p));
}
