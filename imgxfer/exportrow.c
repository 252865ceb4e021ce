#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "formats/xcatcsv.h"
#include "imgxfer/exportplan.h"

#define TEXTS_MAX 1000

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
	out->disabled = r->disable != -1 &&
	    xcatcsv_disabled(&row->values[r->disable]);
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
