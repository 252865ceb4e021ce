#include <stdlib.h>
#include <string.h>

#include "formats/imgmanifest.h"
#include "imgxfer/native.h"

static int
compare_columns(const void *a, const void *b)
{
	const struct imgmanifest_pair *x = a, *y = b;

	return (strcmp(x->name, y->name));
}

static int
take_row(struct imgmanifest *m, const char *name,
    const struct exportplan_row *row, struct err *e)
{
	struct imgmanifest_table *t = &m->tables[m->ntables++];
	size_t i;

	t->name = name;
	t->n = row->n;
	t->columns = arena_alloc(&m->arena,
	    (row->n + 1) * sizeof(*t->columns));
	if (t->columns == NULL)
		return (err_nomem(e));
	for (i = 0; i < row->n; i++) {
		t->columns[i].name = row->at[i].name;
		t->columns[i].value = row->at[i].value;
	}
	qsort(t->columns, t->n, sizeof(*t->columns), compare_columns);
	return (0);
}

/* A file that imgexport makes, under the name it would have. */
static const char *
below(struct imgmanifest *m, const char *dir, const char *name)
{
	size_t n = strlen(dir);
	char *s = arena_alloc(&m->arena, n + strlen(name) + 2);

	if (s == NULL)
		return (NULL);
	memcpy(s, dir, n);
	s[n] = '/';
	memcpy(s + n + 1, name, strlen(name) + 1);
	return (s);
}

static int
fill(struct imgmanifest *m, const struct exportplan *p, struct err *e)
{
	m->tables = arena_alloc(&m->arena, 2 * sizeof(*m->tables));
	if (m->tables == NULL)
		return (err_nomem(e));
	if (take_row(m, "linuximage", &p->linuximage, e) == -1 ||
	    take_row(m, "osimage", &p->osimage, e) == -1)
		return (-1);
	m->kernel = exportplan_path(p, "kernel");
	m->ramdisk = exportplan_path(p, "ramdisk");
	m->rootimg = exportplan_path(p, "rootimg");
	if (strstr(p->provmethod, "install") != NULL)
		m->media = "required";
	if (strcmp(p->provmethod, "statelite") != 0)
		return (0);
	m->rootimgtree = below(m, p->rootimgdir, "rootimgtree.gz");
	m->litefile = below(m, p->rootimgdir, "litefile.csv");
	if (m->rootimgtree == NULL || m->litefile == NULL)
		return (err_nomem(e));
	return (0);
}

int
native_manifest(const struct exportplan *plan, struct buf *out,
    struct err *e)
{
	struct imgmanifest m = { .kernel = NULL };
	int rc;

	if ((rc = fill(&m, plan, e)) == 0)
		rc = imgmanifest_write(&m, out, e);
	imgmanifest_fini(&m);
	return (rc);
}
