#include <string.h>

#include "restore/dbtables.h"
#include "restore/ossnap.h"
#include "restore/snapfs.h"
#include "vault/content.h"

struct ossnap {
	struct content *content;
	struct dbtables tables;
	struct snapfs *fs;
	struct osimages_place place;
	struct buf name;
};

static int
give_table(void *arg, const char *name, osimages_piece *fn, void *fn_arg,
    struct err *e)
{
	struct ossnap *s = arg;
	const struct dbtable *t = dbtables_find(&s->tables, name);

	if (t == NULL)
		return (0);
	return (content_read(s->content, &t->ent, fn, fn_arg, e) == -1 ?
	    -1 : 1);
}

static int
begin(struct ossnap *s, struct view *v, struct err *e)
{
	memset(s, 0, sizeof(*s));
	if (dbtables_list(&s->tables, v, &v->snap, e) == -1 ||
	    (s->content = content_new(v->vault, v->index, e)) == NULL ||
	    (s->fs = snapfs_new(v, e)) == NULL)
		return (-1);
	buf_printf(&s->name, "in snapshot %s", v->snap.id);
	s->place = (struct osimages_place){
		.fs = snapfs_osfs(s->fs), .table = give_table, .arg = s,
		.suffix = ".csv", .tables = "the dump of the database",
		.name = buf_cstr(&s->name),
	};
	return (buf_ok(&s->name, e));
}

static void
end(struct ossnap *s)
{
	snapfs_free(s->fs);
	content_free(s->content);
	dbtables_fini(&s->tables);
	buf_fini(&s->name);
}

int
ossnap_check(struct osimages *o, struct view *v, struct err *e)
{
	struct ossnap s;
	int rc;

	memset(o, 0, sizeof(*o));
	if ((rc = begin(&s, v, e)) == 0)
		rc = osimages_check(o, &s.place, e);
	end(&s);
	return (rc);
}

int
ossnap_files(struct osimages *o, struct view *v, const char *name,
    osimages_file *fn, void *arg, struct err *e)
{
	struct ossnap s;
	int rc;

	memset(o, 0, sizeof(*o));
	if ((rc = begin(&s, v, e)) == 0)
		rc = osimages_files(o, &s.place, name, fn, arg, e);
	if (rc == 0)
		rc = snapfs_links(s.fs, fn, arg, e);
	end(&s);
	return (rc);
}
