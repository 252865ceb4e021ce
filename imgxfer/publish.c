#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imgxfer/publish.h"

static int
commit(struct outfile **o, struct err *e)
{
	struct outfile *file = *o;

	*o = NULL;
	return (file != NULL ? outfile_commit(file, e) : 0);
}

static int
sync_file(struct outfile *o, struct err *e)
{
	return (o != NULL ? outfile_sync(o, e) : 0);
}

static int
clear(const struct publish *p, struct err *e)
{
	if (p->sidecar != NULL && outfile_clear(p->sidecar, e) == -1)
		return (-1);
	if (p->stale != NULL && unlink(p->stale) == -1 && errno != ENOENT)
		return (err_sys(e, "%s", p->stale));
	return (0);
}

int
publish_commit(struct publish *p, struct err *e)
{
	if (sync_file(p->bundle, e) == -1 || sync_file(p->extra, e) == -1 ||
	    sync_file(p->sidecar, e) == -1 || clear(p, e) == -1 ||
	    commit(&p->extra, e) == -1 || commit(&p->bundle, e) == -1)
		return (-1);
	return (commit(&p->sidecar, e));
}

void
publish_abort(struct publish *p)
{
	outfile_abort(p->bundle);
	outfile_abort(p->extra);
	outfile_abort(p->sidecar);
	free(p->stale);
	memset(p, 0, sizeof(*p));
}
