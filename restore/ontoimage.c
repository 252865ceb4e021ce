#include <stdlib.h>
#include <string.h>

#include "formats/pathtext.h"
#include "restore/ontoimage.h"
#include "restore/ossnap.h"

static int
add(void *arg, const char *path, const char *what, const char *by,
    struct err *e)
{
	struct ontoimage *i = arg;
	size_t k, cap = i->cap == 0 ? 64 : 2 * i->cap;
	char **more;

	(void)what;
	(void)by;
	for (k = 0; k < i->n; k++)
		if (strcmp(i->paths[k], path) == 0)
			return (0);
	if (i->n == i->cap) {
		more = reallocarray(i->paths, cap, sizeof(*more));
		if (more == NULL)
			return (err_nomem(e));
		i->paths = more;
		i->cap = cap;
	}
	if ((i->paths[i->n] = strdup(path)) == NULL)
		return (err_nomem(e));
	i->n++;
	return (0);
}

static void
tell(const struct osimage *img, struct report *report)
{
	const struct osimages_finding *f;
	struct buf path = BUF_INIT;

	for (f = img->findings; f != NULL; f = f->next) {
		buf_clear(&path);
		pathtext_encode(&path, f->path, strlen(f->path));
		if (f->level == OSIMAGES_MISSING)
			report_add(report, "missing", buf_cstr(&path),
			    "%s: %s", f->what, f->why);
		else
			report_note(report, "note", buf_cstr(&path),
			    "%s: %s", f->what, f->why);
	}
	buf_fini(&path);
}

int
ontoimage_paths(struct ontoimage *i, struct view *v, const char *name,
    struct report *report, struct err *e)
{
	struct osimages o;
	int rc;

	memset(i, 0, sizeof(*i));
	memset(&o, 0, sizeof(o));
	rc = ossnap_files(&o, v, name, add, i, e);
	if (rc == 0)
		tell(&o.at[0], report);
	if (rc == 0 && i->n == 0)
		rc = err_set(e, ERR_USAGE, "osimage %s: the snapshot has "
		    "none of its files", name);
	osimages_fini(&o);
	return (rc);
}

void
ontoimage_fini(struct ontoimage *i)
{
	while (i->n > 0)
		free(i->paths[--i->n]);
	free(i->paths);
}
