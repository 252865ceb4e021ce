#include <stdlib.h>
#include <string.h>

#include "formats/osimages.h"
#include "formats/xcatcsv.h"

#define ROWS_MAX 100000		/* of one table */

/* Reading the tables. */

struct reading {
	const struct osimages_place *place;
	struct arena *arena;
	const char *const *columns;	/* wanted */
	size_t ncolumns;
	int *where;			/* they are in the file; -1: are not */
	struct osimages_rows *rows;
	struct xcatcsv *csv;
};

static int
take_header(void *arg, const struct xcatcsv *c, struct err *e)
{
	struct reading *r = arg;
	size_t i;

	(void)e;
	for (i = 0; i < r->ncolumns; i++)
		r->where[i] = xcatcsv_find(c, r->columns[i]);
	return (0);
}

static int
take_row(void *arg, const struct xcatcsv_row *row, struct err *e)
{
	struct reading *r = arg;
	struct osimages_rows *to = r->rows;
	const struct span **more, *from;
	struct span *v;
	size_t i, cap;

	if (to->n == ROWS_MAX)
		return (err_set(e, ERR_FAILED, "more than %d rows",
		    ROWS_MAX));
	if (to->n == to->cap) {
		cap = to->cap == 0 ? 32 : to->cap * 2;
		more = reallocarray(to->at, cap, sizeof(*more));
		if (more == NULL)
			return (err_nomem(e));
		to->at = more;
		to->cap = cap;
	}
	if ((v = arena_alloc(r->arena, r->ncolumns * sizeof(*v))) == NULL)
		return (err_nomem(e));
	for (i = 0; i < r->ncolumns; i++) {
		v[i].p = "";
		v[i].len = 0;
		if (r->where[i] == -1)
			continue;
		from = &row->values[r->where[i]];
		if (from->len > 0 && (v[i].p = arena_copy(r->arena, from->p,
		    from->len)) == NULL)
			return (err_nomem(e));
		v[i].len = from->len;
	}
	to->at[to->n++] = v;
	return (0);
}

static int
take_piece(void *arg, const void *p, size_t len, struct err *e)
{
	struct reading *r = arg;

	return (xcatcsv_feed(r->csv, p, len, e));
}

/* Read a table's columns; without it there are no rows. */
static int
read_table(struct reading *r, const char *name, int wanted,
    const char *const *columns, size_t n, struct osimages_rows *rows,
    struct err *e)
{
	const struct osimages_place *p = r->place;
	struct xcatcsv_user user = { NULL, take_header, take_row, r };
	int where[OSI_NCOLUMNS + LIN_NCOLUMNS], rc;

	r->columns = columns;
	r->ncolumns = n;
	r->where = where;
	r->rows = rows;
	if ((r->csv = xcatcsv_new(&user, e)) == NULL)
		return (-1);
	xcatcsv_begin(r->csv);
	rc = p->table(p->arg, name, take_piece, r, e);
	if (rc == 0 && wanted)
		rc = err_set(e, ERR_DAMAGED, "not in %s", p->tables);
	else if (rc == 1 && (rc = xcatcsv_end(r->csv, e)) == 0)
		rc = xcatcsv_worst(r->csv) < XCATCSV_BROKEN || !wanted ? 0 :
		    err_set(e, ERR_DAMAGED, "the table is not whole");
	if (rc == -1)
		err_wrap(e, "%s%s", name, p->suffix);
	xcatcsv_free(r->csv);
	return (rc);
}

static int
is_text(const struct span *s, const char *text)
{
	return (s->len == strlen(text) && memcmp(s->p, text, s->len) == 0);
}

static const struct span *
find_row(const struct osimages_rows *rows, const struct span *name)
{
	size_t i;

	for (i = 0; i < rows->n; i++)
		if (rows->at[i][0].len == name->len && (name->len == 0 ||
		    memcmp(rows->at[i][0].p, name->p, name->len) == 0))
			return (rows->at[i]);
	return (NULL);
}

/* site.installdir, whose default is xCAT's own. */
static int
find_installdir(struct reading *r, const char **dir, struct err *e)
{
	static const char *const columns[] = { "key", "value", "disable" };
	struct osimages_rows rows = { NULL, 0, 0 };
	struct span key = { "installdir", 10 };
	const struct span *row;
	char *copy;
	int rc;

	*dir = "/install";
	rc = read_table(r, "site", 0, columns, 3, &rows, e);
	row = rc == 0 ? find_row(&rows, &key) : NULL;
	if (row != NULL && row[1].len > 0 && row[1].p[0] == '/' &&
	    memchr(row[1].p, '\0', row[1].len) == NULL &&
	    !xcatcsv_disabled(&row[2])) {
		if ((copy = arena_alloc(r->arena, row[1].len + 1)) == NULL)
			rc = err_nomem(e);
		else {
			memcpy(copy, row[1].p, row[1].len);
			copy[row[1].len] = '\0';
			*dir = copy;
		}
	}
	free(rows.at);
	return (rc);
}

/* The osimages. */

struct found {
	struct osimages_rows os, lin, win, nim;
};

/* Why one is not looked into; NULL: it is. */
static const char *
not_checked(const struct found *f, const struct span *os)
{
	if (xcatcsv_disabled(&os[OSI_DISABLE]))
		return ("disabled");
	if (find_row(&f->win, &os[OSI_NAME]) != NULL ||
	    is_text(&os[OSI_TYPE], "windows"))
		return ("images of Windows are not looked into");
	if (find_row(&f->nim, &os[OSI_NAME]) != NULL ||
	    is_text(&os[OSI_TYPE], "NIM") || is_text(&os[OSI_TYPE], "AIX"))
		return ("images of AIX are not looked into");
	if (!osneeds_knows(&os[OSI_PROVMETHOD]))
		return ("this provmethod is not looked into");
	return (NULL);
}

static void
count(struct osimages *o, struct osimage *img)
{
	const struct osimages_finding *f;

	for (f = img->findings; f != NULL; f = f->next) {
		if (f->level == OSIMAGES_MISSING)
			img->state = OSIMAGES_INCOMPLETE;
		else
			img->warnings++;
	}
	o->complete += img->state == OSIMAGES_COMPLETE;
	o->incomplete += img->state == OSIMAGES_INCOMPLETE;
	o->unchecked += img->state == OSIMAGES_UNCHECKED;
	o->warned += img->state == OSIMAGES_COMPLETE && img->warnings > 0;
}

static struct osimage *
add_image(struct osimages *o, const struct span *name, const char *reason)
{
	struct osimage *img = &o->at[o->n++];

	memset(img, 0, sizeof(*img));
	img->name = *name;
	img->provmethod.p = img->osvers.p = img->osarch.p =
	    img->profile.p = img->osdistroname.p = "";
	img->last = &img->findings;
	img->state = reason != NULL ? OSIMAGES_UNCHECKED : OSIMAGES_COMPLETE;
	img->reason = reason;
	return (img);
}

static int
check_row(struct osimages_work *w, const struct found *f,
    const struct span *os, struct err *e)
{
	static const struct span none[LIN_NCOLUMNS] = {
		[0 ... LIN_NCOLUMNS - 1] = { "", 0 },
	};
	const struct span *lin = find_row(&f->lin, &os[OSI_NAME]);

	w->img = add_image(w->o, &os[OSI_NAME], not_checked(f, os));
	w->img->provmethod = os[OSI_PROVMETHOD];
	w->img->osvers = os[OSI_VERS];
	w->img->osarch = os[OSI_ARCH];
	w->img->profile = os[OSI_PROFILE];
	w->img->osdistroname = os[OSI_DISTRO];
	w->os = os;
	w->lin = lin != NULL && !xcatcsv_disabled(&lin[LIN_DISABLE]) ?
	    lin : none;
	if (w->img->reason == NULL && osneeds_check(w, e) == -1)
		return (-1);
	count(w->o, w->img);
	return (0);
}

/* Rows of other kinds of images that no osimage has. */
static void
add_others(struct osimages *o, const struct found *f,
    const struct osimages_rows *rows, const char *reason)
{
	size_t i;

	for (i = 0; i < rows->n; i++)
		if (find_row(&f->os, &rows->at[i][0]) == NULL)
			count(o, add_image(o, &rows->at[i][0], reason));
}

static int
read_all(struct reading *r, struct osimages_work *w, struct found *f,
    struct err *e)
{
	static const char *const os[] = { "imagename", "imagetype",
	    "provmethod", "rootfstype", "profile", "osvers", "osarch",
	    "synclists", "postscripts", "postbootscripts", "environvar",
	    "osdistroname", "disable" };
	static const char *const lin[] = { "imagename", "template",
	    "pkglist", "pkgdir", "otherpkglist", "otherpkgdir", "exlist",
	    "postinstall", "rootimgdir", "partitionfile", "driverupdatesrc",
	    "disable" };
	static const char *const name[] = { "imagename" };
	static const char *const post[] = { "node", "postscripts",
	    "postbootscripts", "disable" };

	_Static_assert(sizeof(os) / sizeof(os[0]) == OSI_NCOLUMNS, "os");
	_Static_assert(sizeof(lin) / sizeof(lin[0]) == LIN_NCOLUMNS, "lin");
	_Static_assert(sizeof(post) / sizeof(post[0]) == POST_NCOLUMNS, "p");
	if (read_table(r, "osimage", 1, os, OSI_NCOLUMNS, &f->os, e) == -1 ||
	    read_table(r, "linuximage", 1, lin, LIN_NCOLUMNS, &f->lin, e) ==
	    -1 || read_table(r, "winimage", 0, name, 1, &f->win, e) == -1 ||
	    read_table(r, "nimimage", 0, name, 1, &f->nim, e) == -1 ||
	    read_table(r, "postscripts", 0, post, POST_NCOLUMNS, &w->posts,
	    e) == -1)
		return (-1);
	return (find_installdir(r, &w->installdir, e));
}

static int
check_all(struct osimages_work *w, const struct found *f, struct err *e)
{
	struct osimages *o = w->o;
	size_t i;

	o->at = calloc(f->os.n + f->win.n + f->nim.n + 1, sizeof(*o->at));
	if (o->at == NULL)
		return (err_nomem(e));
	for (i = 0; i < f->os.n; i++)
		if ((w->only == NULL ||
		    is_text(&f->os.at[i][OSI_NAME], w->only)) &&
		    check_row(w, f, f->os.at[i], e) == -1)
			return (-1);
	if (w->only != NULL)
		return (0);
	add_others(o, f, &f->win, "images of Windows are not looked into");
	add_others(o, f, &f->nim, "images of AIX are not looked into");
	return (0);
}

static int
check(struct osimages_work *w, struct err *e)
{
	struct osimages *o = w->o;
	struct reading r = { .place = w->place, .arena = &o->arena };
	struct found f;
	int rc = -1;

	memset(o, 0, sizeof(*o));
	memset(&f, 0, sizeof(f));
	if (read_all(&r, w, &f, e) == 0)
		rc = check_all(w, &f, e);
	free(f.os.at);
	free(f.lin.at);
	free(f.win.at);
	free(f.nim.at);
	free(w->posts.at);
	return (rc);
}

int
osimages_check(struct osimages *o, const struct osimages_place *p,
    struct err *e)
{
	struct osimages_work w = { .o = o, .place = p };

	return (check(&w, e));
}

int
osimages_files(struct osimages *o, const struct osimages_place *p,
    const char *name, osimages_file *fn, void *arg, struct err *e)
{
	struct osimages_work w = {
		.o = o, .place = p, .only = name, .fn = fn, .arg = arg,
	};

	if (check(&w, e) == -1)
		return (-1);
	if (o->n == 0)
		return (err_set(e, ERR_USAGE, "%s: no such osimage %s",
		    name, p->name));
	if (o->at[0].reason != NULL)
		return (err_set(e, ERR_USAGE, "osimage %s: %s", name,
		    o->at[0].reason));
	return (0);
}

void
osimages_fini(struct osimages *o)
{
	free(o->at);
	arena_fini(&o->arena);
	memset(o, 0, sizeof(*o));
}

int
osimages_status(const struct osimages *o)
{
	return (o->incomplete > 0 ? STATUS_DAMAGED :
	    o->warned > 0 ? STATUS_REPORTED : STATUS_DONE);
}
