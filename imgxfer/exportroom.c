#include <string.h>

#include "base/human.h"
#include "imgxfer/exportplan.h"

#define SLACK ((uint64_t)4 << 20)	/* for what is around the files */

/* What is wanted where, with base as the place of the private directory. */
static int
ask_room(struct exportplan *p, struct nodefs *fs, const char *base,
    struct err *e)
{
	struct nodefs_room tmp, room;
	uint64_t each = p->bytes + SLACK;

	p->base = base;
	p->base_wants = each;
	p->tmp_wants = p->tmp_has = 0;
	if (nodefs_room(fs, base, &room, e) == -1)
		return (-1);
	p->base_has = room.readonly ? 0 : room.free_bytes;
	if (p->tmpdir[0] == '\0') {
		p->base_wants += each;
		return (0);
	}
	if (nodefs_room(fs, p->tmpdir, &tmp, e) == -1)
		return (-1);
	if (tmp.dev == room.dev) {
		p->base_wants += each;
		return (0);
	}
	p->tmp_wants = each;
	p->tmp_has = tmp.readonly ? 0 : tmp.free_bytes;
	return (0);
}

static int
is_room(const struct exportplan *p)
{
	return (p->base_has >= p->base_wants && p->tmp_has >= p->tmp_wants);
}

static int
tell_room(struct exportplan *p, struct err *e)
{
	char wants[HUMAN_LEN], has[HUMAN_LEN];

	if (p->tmp_has < p->tmp_wants) {
		human_bytes(p->tmp_wants, wants);
		human_bytes(p->tmp_has, has);
		return (exportplan_problem(p, e, "%s (site.tmpdir): imgexport "
		    "copies the image there and wants %s, and %s are free",
		    p->tmpdir, wants, has));
	}
	human_bytes(p->base_wants, wants);
	human_bytes(p->base_has, has);
	return (exportplan_problem(p, e, "%s: imgexport wants %s, and %s are "
	    "free", p->base, wants, has));
}

/* The first place with room, or else the one with most of it. */
int
exportroom_choose(struct exportplan *p, struct nodefs *fs, const char *work,
    struct err *e)
{
	const char *places[] = { p->tmpdir, "/var/tmp", "/tmp", "/root",
	    p->installdir };
	const char *best = NULL;
	struct nodefs_stat st;
	uint64_t most = 0;
	size_t i;

	if (p->tmpdir[0] != '\0') {
		if (nodefs_stat(fs, p->tmpdir, &st, e) == -1)
			return (-1);
		if (p->tmpdir[0] != '/' || st.what != OSFS_DIR)
			return (exportplan_problem(p, e, "%s (site.tmpdir): "
			    "is no directory, and imgexport works there",
			    p->tmpdir));
	}
	for (i = 0; work == NULL && i < sizeof(places) / sizeof(places[0]);
	    i++) {
		if (places[i][0] != '/')
			continue;
		if (nodefs_stat(fs, places[i], &st, e) == -1)
			return (-1);
		if (st.what != OSFS_DIR)
			continue;
		if (ask_room(p, fs, places[i], e) == -1)
			return (-1);
		if (is_room(p))
			return (0);
		if (best == NULL || p->base_has > most) {
			best = places[i];
			most = p->base_has;
		}
	}
	if (work != NULL) {
		if (nodefs_stat(fs, work, &st, e) == -1)
			return (-1);
		if (work[0] != '/' || st.what != OSFS_DIR)
			return (exportplan_problem(p, e, "%s (--work): is no "
			    "directory of the node", work));
		best = work;
	}
	if (best == NULL)
		return (exportplan_problem(p, e, "there is no directory to "
		    "work in"));
	if (ask_room(p, fs, best, e) == -1)
		return (-1);
	return (is_room(p) ? 0 : tell_room(p, e));
}
