#include <stdlib.h>
#include <string.h>

#include "imgxfer/exportplan.h"

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

/* Kits, and a list that xCAT chooses by itself. */
static int
check_engine(struct exportplan *p, int native, struct err *e)
{
	if (exportplan_value(&p->osimage, "kitcomponents")[0] != '\0' &&
	    (native ? exportplan_problem(p, e, "osimage.kitcomponents: the "
	    "rows and directories of kits travel with --engine imgexport "
	    "only") : exportplan_warn(p, e, "osimage.kitcomponents: the "
	    "files of kits travel, but are not proved")) == -1)
		return (-1);
	if (strcmp(p->provmethod, "install") == 0 ||
	    exportplan_value(&p->linuximage, "pkglist")[0] != '\0')
		return (0);
	return (native ? exportplan_problem(p, e, "linuximage.pkglist: is "
	    "not set, and only --engine imgexport has xCAT choose one: set "
	    "it, or use that") : exportplan_warn(p, e, "linuximage.pkglist: "
	    "is not set: xCAT takes the one that fits best of its own"));
}

/* What no look at files would make good. */
static int
check_rows(struct exportplan *p, int native, struct err *e)
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
	return (check_engine(p, native, e));
}

static int
read_rows(struct exportplan *p, const struct tables *t,
    const struct exportplan_options *opt, struct err *e)
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
	if (rc == 0)
		inspect_roots(&p->roots, opt->roots, opt->nroots,
		    p->installdir);
	return (rc);
}

static int
look(struct exportplan *p, struct remote *r, struct nodefs *fs,
    const struct tables *t, const struct exportplan_options *opt,
    struct err *e)
{
	if (read_rows(p, t, opt, e) == -1)
		return (-1);
	if (!p->osimage.found)
		return (err_set(e, ERR_USAGE, "%s: there is no osimage %s",
		    remote_name(r), opt->image));
	if (check_rows(p, opt->native, e) == -1)
		return (-1);
	if (p->nproblems > 0)
		return (0);
	if (exportfiles_add(p, r, fs, e) == -1 ||
	    make_litefile(p, t, e) == -1 ||
	    (!opt->native && exportroom_choose(p, fs, opt->work, e) == -1))
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

const char *
exportplan_path(const struct exportplan *p, const char *role)
{
	size_t i;

	for (i = 0; i < p->nfiles; i++)
		if (strcmp(p->files[i].role, role) == 0)
			return (p->files[i].path);
	return (NULL);
}
