#include <stdlib.h>
#include <string.h>

#include "formats/osimages.h"
#include "formats/xcatlist.h"

#define LIST_MAX ((size_t)4 << 20)	/* bytes of a list */
#define DEPTH_MAX 32			/* of includes */
#define INCLUDES_MAX 1000		/* files of one list */
#define FINDINGS_MAX 10000		/* of one osimage */

char *
oslists_keep(struct osimages_work *w, const char *s, struct err *e)
{
	char *p = arena_copy(&w->o->arena, s, strlen(s) + 1);

	if (p == NULL)
		err_nomem(e);
	return (p);
}

const char *
oslists_here(struct osimages_work *w, const char *before, const char *behind,
    struct err *e)
{
	struct buf b = BUF_INIT;
	const char *text = NULL;

	buf_printf(&b, "%s%s%s", before, w->place->fs->at, behind);
	if (buf_ok(&b, e) == 0)
		text = oslists_keep(w, buf_cstr(&b), e);
	buf_fini(&b);
	return (text);
}

static int
is_noted(const struct osimage *img, const char *what, const char *path,
    const char *why)
{
	const struct osimages_finding *f;
	size_t n = 0;

	for (f = img->findings; f != NULL; f = f->next)
		if (++n == FINDINGS_MAX || (strcmp(f->what, what) == 0 &&
		    strcmp(f->path, path) == 0 && strcmp(f->why, why) == 0))
			return (1);
	return (0);
}

int
oslists_note(struct osimages_work *w, enum osimages_level level,
    const struct oslists_about *about, const char *path, const char *why,
    struct err *e)
{
	struct osimages_finding *f;

	if (is_noted(w->img, about->what, path, why))
		return (0);
	if ((f = arena_alloc(&w->o->arena, sizeof(*f))) == NULL)
		return (err_nomem(e));
	if ((f->path = oslists_keep(w, path, e)) == NULL || (f->by =
	    oslists_keep(w, about->by != NULL ? about->by : "", e)) == NULL)
		return (-1);
	f->level = level;
	f->what = about->what;
	f->why = why;
	f->line = about->line;
	f->next = NULL;
	*w->img->last = f;
	w->img->last = &f->next;
	return (0);
}

/* Why something found is not good; "": it is; NULL and e. */
static const char *
fault(struct osimages_work *w, const struct osfs_found *f,
    enum oslists_want want, struct err *e)
{
	switch (f->what) {
	case OSFS_MISSING:
		return (oslists_here(w, "not ", "", e));
	case OSFS_OUTSIDE:
		return ("outside the snapshot: no volume holds it");
	case OSFS_LOOP:
		return ("its symbolic links have no end");
	case OSFS_LOST:
		return (w->place->fs->lost);
	case OSFS_DIR:
		return (want == OSLISTS_FILE ? "a directory, not a file" :
		    "");
	case OSFS_OTHER:
		return (want == OSLISTS_ANY ? "" : "not a regular file");
	default:
		return (want == OSLISTS_DIR ? "a file, not a directory" :
		    "");
	}
}

/* What is outside and belongs to xCAT's own packages comes with them. */
static int
is_packaged(const struct osfs_found *f, const char *path)
{
	return (f->what == OSFS_OUTSIDE &&
	    strncmp(path, "/opt/xcat/", 10) == 0);
}

int
oslists_need(struct osimages_work *w, const struct oslists_about *about,
    const char *path, enum oslists_want want, struct osfs_found *f,
    struct err *e)
{
	const struct osfs *fs = w->place->fs;
	enum osimages_level level = OSIMAGES_MISSING;
	const char *why;
	int rc;

	if (path[0] != '/')
		return (oslists_note(w, OSIMAGES_WARNING, about, path,
		    "not checked: a relative path, which depends on where "
		    "xCAT is run", e));
	if (fs->look(fs->arg, path, f, e) == -1 ||
	    (why = fault(w, f, want, e)) == NULL)
		return (-1);
	if (why[0] == '\0') {
		if ((rc = fs->whole(fs->arg, f, e)) == -1)
			return (-1);
		if (rc == 0)
			why = "its contents are lost";
	} else if (is_packaged(f, path)) {
		level = OSIMAGES_WARNING;
		why = "outside the snapshot; comes with xCAT's packages";
	}
	if (why[0] != '\0')
		return (oslists_note(w, level, about, path, why, e));
	w->img->files++;
	return (w->fn != NULL && w->fn(w->arg, f->path, about->what,
	    about->by, e) == -1 ? -1 : 1);
}

/* A span of the database or a list as a string to free. */
static char *
string_of(const struct span *s, struct err *e)
{
	char *p;

	/* xCAT is no better with such a byte. */
	if ((p = strndup(s->p, s->len)) == NULL)
		err_nomem(e);
	return (p);
}

static int
read_list(struct osimages_work *w, const struct oslists_about *about,
    const char *path, const struct osfs_found *f, struct buf *out,
    struct err *e)
{
	const struct osfs *fs = w->place->fs;
	struct err why;
	int rc;

	rc = fs->read(fs->arg, f, LIST_MAX, out, &why);
	if (rc == 1)
		return (1);
	if (rc == -1 && why.kind != ERR_DAMAGED) {
		*e = why;
		return (-1);
	}
	return (oslists_note(w, OSIMAGES_MISSING, about, path,
	    rc == -1 ? "its contents are damaged" :
	    "cannot be looked into: longer than 4 MiB", e));
}

/* Lists and what they include. */

struct include {
	char *path;
	int open;		/* it is being read */
};

struct closure {
	struct osimages_work *w;
	const char *what;
	enum xcatlist_form form;
	char *base;		/* directory of the first file */
	struct include *seen;
	size_t n;
	const char *now;	/* the file being read */
	unsigned depth;
	struct err *e;
};

static int include_file(struct closure *c, const char *path, const char *by);

/* The name in an include: variables, then the directory of the first list. */
static int
take_include(void *arg, const struct span *name)
{
	struct closure *c = arg;
	struct oslists_about about = { c->what, c->now, 0 };
	struct buf path = BUF_INIT, full = BUF_INIT;
	const char *now = c->now;
	int rc, all;

	all = xcatlist_expand(&path, name, &c->w->os[OSI_ENVIRON]);
	if (buf_cstr(&path)[0] != '/')
		buf_printf(&full, "%s/", c->base);
	buf_puts(&full, buf_cstr(&path));
	if ((rc = buf_ok(&full, c->e)) == 0)
		rc = all ? include_file(c, buf_cstr(&full), now) :
		    oslists_note(c->w, OSIMAGES_WARNING, &about,
		    buf_cstr(&path), "not checked: a variable that "
		    "osimage.environvar does not set", c->e);
	c->now = now;
	buf_fini(&path);
	buf_fini(&full);
	return (rc);
}

static int
read_includes(struct closure *c, const struct oslists_about *about,
    const char *path, const struct osfs_found *f)
{
	struct buf text = BUF_INIT;
	struct span s;
	int rc;

	rc = read_list(c->w, about, path, f, &text, c->e);
	if (rc == 1) {
		s.p = (const char *)text.data;
		s.len = text.len;
		c->now = path;
		c->depth++;
		rc = s.len == 0 ? 0 : xcatlist_includes(&s, c->form,
		    take_include, c);
		c->depth--;
	}
	buf_fini(&text);
	return (rc);
}

static int
include_file(struct closure *c, const char *path, const char *by)
{
	struct oslists_about about = { c->what, by, 0 };
	struct osfs_found f;
	struct include *in;
	size_t i;
	int rc;

	for (i = 0; i < c->n; i++)
		if (strcmp(c->seen[i].path, path) == 0)
			return (!c->seen[i].open ? 0 : oslists_note(c->w,
			    OSIMAGES_WARNING, &about, path, "includes "
			    "itself: xCAT would not come to an end", c->e));
	if (c->depth == DEPTH_MAX || c->n == INCLUDES_MAX)
		return (oslists_note(c->w, OSIMAGES_WARNING, &about, path,
		    "not checked: too many includes, or too deep", c->e));
	in = &c->seen[c->n];
	if ((in->path = strdup(path)) == NULL)
		return (err_nomem(c->e));
	in->open = 1;
	c->n++;
	rc = oslists_need(c->w, &about, path, OSLISTS_FILE, &f, c->e);
	if (rc == 1)
		rc = read_includes(c, &about, in->path, &f);
	in->open = 0;
	return (rc);
}

static int
take_list(void *arg, const struct span *item)
{
	struct closure *c = arg;
	char *path, *slash;
	int rc = -1;

	if ((path = string_of(item, c->e)) == NULL)
		return (-1);
	c->n = 0;
	c->seen = calloc(INCLUDES_MAX, sizeof(*c->seen));
	if (c->seen == NULL || (c->base = strdup(path)) == NULL)
		err_nomem(c->e);
	else {
		if ((slash = strrchr(c->base, '/')) != NULL)
			*slash = '\0';
		rc = include_file(c, path, NULL);
	}
	while (c->n > 0)
		free(c->seen[--c->n].path);
	free(c->seen);
	free(c->base);
	c->base = NULL;
	free(path);
	return (rc);
}

int
oslists_lists(struct osimages_work *w, const char *what,
    const struct span *value, int text, struct err *e)
{
	struct closure c = {
		.w = w, .what = what, .e = e,
		.form = text ? XCATLIST_TEXT : XCATLIST_PACKAGES,
	};

	return (xcatlist_items(value, XCATLIST_WHOLE, take_list, &c));
}

/* Synclists. */

struct sync {
	struct osimages_work *w;
	const char *list;
	struct err *e;
};

static int
need_source(struct osimages_work *w, const struct oslists_about *about,
    const char *path, struct err *e)
{
	const struct osfs *fs = w->place->fs;
	struct osfs_found f;
	struct err why;
	const char *text;
	int rc;

	/* A name may have such characters: then it is meant. */
	if (path[0] != '/' || strpbrk(path, "*?[") == NULL ||
	    fs->look(fs->arg, path, &f, e) == -1 || f.what <= OSFS_OTHER)
		return (oslists_need(w, about, path, OSLISTS_ANY, &f, e));
	if ((rc = osfs_glob(fs, path, &why)) == 1) {
		w->img->files++;
		/* As a pattern, which restore takes, too. */
		return (w->fn != NULL ? w->fn(w->arg, path, about->what,
		    about->by, e) : 0);
	}
	if (rc == -1 && why.kind != ERR_DAMAGED) {
		*e = why;
		return (-1);
	}
	if ((text = oslists_here(w, "nothing ", " matches", e)) == NULL)
		return (-1);
	return (oslists_note(w, OSIMAGES_MISSING, about, path, text, e));
}

static int
take_source(void *arg, enum xcatlist_clause clause, size_t line,
    const struct span *source)
{
	static const char *const words[] = {
		[XCATLIST_COPY] = "synclist source",
		[XCATLIST_APPEND] = "synclist APPEND source",
		[XCATLIST_MERGE] = "synclist MERGE source",
		[XCATLIST_EXECUTE] = "synclist EXECUTE script",
		[XCATLIST_EXECUTEALWAYS] = "synclist EXECUTEALWAYS script",
	};
	struct sync *s = arg;
	struct oslists_about about = { words[clause], s->list, line };
	struct buf path = BUF_INIT;
	int rc, all;

	all = xcatlist_expand(&path, source, &s->w->os[OSI_ENVIRON]);
	if ((rc = buf_ok(&path, s->e)) == 0)
		rc = all ? need_source(s->w, &about, buf_cstr(&path), s->e) :
		    oslists_note(s->w, OSIMAGES_WARNING, &about,
		    buf_cstr(&path), "not checked: a variable that "
		    "osimage.environvar does not set", s->e);
	buf_fini(&path);
	return (rc == -1 ? -1 : 0);
}

static int
take_synclist(void *arg, const struct span *item)
{
	struct sync *s = arg;
	struct oslists_about about = { "synclist", NULL, 0 };
	struct osfs_found f;
	struct buf text = BUF_INIT;
	struct span all;
	char *path;
	int rc;

	if ((path = string_of(item, s->e)) == NULL)
		return (-1);
	rc = oslists_need(s->w, &about, path, OSLISTS_FILE, &f, s->e);
	if (rc == 1)
		rc = read_list(s->w, &about, path, &f, &text, s->e);
	if (rc == 1) {
		all.p = (const char *)text.data;
		all.len = text.len;
		s->list = path;
		rc = all.len == 0 ? 0 : xcatlist_sync(&all, take_source, s);
	}
	buf_fini(&text);
	free(path);
	return (rc);
}

int
oslists_synclists(struct osimages_work *w, const struct span *value,
    struct err *e)
{
	struct sync s = { w, NULL, e };

	return (xcatlist_items(value, XCATLIST_WHOLE, take_synclist, &s));
}
