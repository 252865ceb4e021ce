#include <string.h>

#include "formats/pathtext.h"
#include "restore/attrs.h"
#include "restore/closer.h"

/* Kept devices, or files, are asked about: what differs is replaced. */
struct closer {
	struct join *join;
	enum ask_what what;
	int heirs;		/* directories there that get something: for
				   attributes that it would inherit */
	size_t number;
	size_t found;		/* that differ */
	struct entry ent;
};

/* Whether a file's contents are its own affair, not that of another name. */
static int
is_carrier(const struct closer *c, const struct entry *ent, size_t number)
{
	struct linkset_item *set;
	struct err ignored;

	set = survey_link(c->join->s, ent, number, &ignored);
	return (set == NULL || set->number == number ||
	    set->number == LINKSET_FIRST);
}

static int
is_for(const struct closer *c, const struct entry *ent, size_t number,
    int above)
{
	uint8_t flags = c->join->s->acts[number];
	int act = flags & SURVEY_ACT;

	if (c->heirs)
		return (ent->type == ENTRY_DIR &&
		    (flags & SURVEY_TOUCHED) != 0 &&
		    (act == SURVEY_KEEP || act == SURVEY_ADJUST));
	/* What is adjusted gets its attributes anyway. */
	if (c->what == ASK_ATTRS)
		return (act == SURVEY_KEEP && !above &&
		    (ent->xattrs.len > 0 || survey_all_attrs(c->join->s)));
	if (act != SURVEY_KEEP && act != SURVEY_ADJUST)
		return (0);
	return (c->what == ASK_DEVICE ? ent->type == ENTRY_CHAR ||
	    ent->type == ENTRY_BLOCK : ent->type == ENTRY_FILE &&
	    is_carrier(c, ent, number));
}

static int
next_closer(void *arg, size_t *number, struct buf *name, struct buf *want,
    struct err *e)
{
	struct closer *c = arg;
	struct join *j = c->join;
	int rc, above;

	while ((rc = wanted_next(j->wanted, &c->ent, &above, e)) != 0) {
		if (rc == -1)
			continue;
		*number = c->number++;
		if (*number >= j->s->n)
			return (0);
		if (!is_for(c, &c->ent, *number, above))
			continue;
		if (survey_name(name, &c->ent.path, e) == -1)
			return (-1);
		if (c->what == ASK_DEVICE)
			buf_printf(want, "%x %x", c->ent.major, c->ent.minor);
		else if (c->what == ASK_ATTRS) {
			if (attrs_text(want, &c->ent.xattrs, e) == -1)
				return (-1);
		} else if (ask_is_odd(buf_cstr(name)) !=
		    (c->what == ASK_ODD_DIGEST))
			continue;
		else
			digest_put(want, c->ent.digest);
		return (1);
	}
	return (0);
}

/* The proof: what is not as it should be, and why, if the node said so. */
static void
blame_closer(const struct closer *c, const struct span *path,
    const char *name, int same)
{
	const struct survey *s = c->join->s;
	struct buf why = BUF_INIT;
	const char *said = NULL;

	if (s->said != NULL)
		said = reasons_of(s->said, name, &why);
	survey_report(s, c->what == ASK_ATTRS ? "not all restored" :
	    "not restored", path, said != NULL ? said : same == -1 ?
	    "it cannot be read" : c->what == ASK_DEVICE ?
	    "it is another device" : c->what == ASK_ATTRS ?
	    "it has other extended attributes (or ACLs)" :
	    "it has other contents");
	buf_fini(&why);
}

static int
take_closer(void *arg, size_t number, const char *name, int same,
    struct err *e)
{
	struct closer *c = arg;
	struct join *j = c->join;
	struct plan_totals *t = &j->s->totals.plan;
	struct buf text = BUF_INIT;
	struct span path;
	uint8_t *act = &j->s->acts[number];
	int rc, attrs = c->what == ASK_ATTRS;

	if (same == 1)
		return (0);
	if (c->heirs) {
		j->s->plain = 0;
		return (0);
	}
	if ((*act & SURVEY_ACT) == SURVEY_KEEP)
		j->s->work++;
	if (j->pass == SURVEY_FIRST) {
		--*((*act & SURVEY_ACT) == SURVEY_KEEP ? &t->kept :
		    &t->adjusted);
		++*(attrs ? &t->adjusted : &t->replaced);
	}
	*act = (uint8_t)((*act & ~SURVEY_ACT) | (attrs ? SURVEY_ADJUST :
	    SURVEY_REPLACE | SURVEY_CLOSER));
	c->found += !attrs;
	pathtext_encode(&text, name, strlen(name));
	path.p = buf_cstr(&text);
	path.len = text.len;
	join_tell(j, attrs ? "adjust" : "replace", &path);
	if (j->pass == SURVEY_PROOF && (*act & SURVEY_LOST) == 0) {
		blame_closer(c, &path, name, same);
		*act |= SURVEY_LOST;
	}
	rc = buf_ok(&text, e);
	buf_fini(&text);
	return (rc);
}

/* What a restore would lose of the entry at hand; from: how far it got. */
static void
count_lost(struct join *j, size_t number, size_t *from)
{
	const struct join_later *l;

	while (*from < j->nlater && j->later[*from].number < number)
		++*from;
	l = *from < j->nlater && j->later[*from].number == number ?
	    &j->later[*from] : NULL;
	if (j->ent.type == ENTRY_FILE && (l == NULL || l->alone))
		j->s->totals.freed += j->ent.size;
	if (l != NULL && l->newer)
		join_add_newer(j, &j->ent.path, l->size);
}

/* Another name of a file that is replaced would stay one of the old file. */
static int
follow_carrier(struct join *j, size_t number, struct err *e)
{
	struct plan_totals *t = &j->s->totals.plan;
	uint8_t *act = &j->s->acts[number];
	int was = *act & SURVEY_ACT;
	struct linkset_item *set;

	if (j->ent.type != ENTRY_FILE || (was != SURVEY_KEEP &&
	    was != SURVEY_ADJUST))
		return (0);
	if ((set = survey_link(j->s, &j->ent, number, e)) == NULL)
		return (e->kind == ERR_NONE ? 0 : -1);
	if (set->number >= number ||
	    (j->s->acts[set->number] & SURVEY_ACT) != SURVEY_REPLACE)
		return (0);
	*act = (uint8_t)((*act & ~SURVEY_ACT) | SURVEY_REPLACE |
	    SURVEY_CLOSER);
	j->s->work += was == SURVEY_KEEP;
	if (j->pass == SURVEY_FIRST) {
		--*(was == SURVEY_KEEP ? &t->kept : &t->adjusted);
		t->replaced++;
	}
	join_tell(j, "replace", &j->ent.path);
	return (1);
}

/* What a closer look has decided: count it, and the directories it is in. */
static int
touch_parents(struct join *j, struct err *e)
{
	size_t number = 0, later = 0;
	uint8_t *act;
	int rc, link;

	wanted_free(j->wanted);
	j->wanted = wanted_new(j->s->opt->view, j->s->opt->sel, j->s->vol,
	    e);
	if (j->wanted == NULL)
		return (-1);
	j->nlevels = 0;
	while ((rc = wanted_next(j->wanted, &j->ent, &j->above, e)) != 0) {
		if (rc == -1)
			continue;
		act = &j->s->acts[number];
		join_climb(j, &j->ent.path);
		if ((link = follow_carrier(j, number, e)) == -1)
			return (-1);
		if ((*act & SURVEY_CLOSER) != 0) {
			*act &= (uint8_t)~SURVEY_CLOSER;
			join_touch(j);
			if (j->pass == SURVEY_FIRST) {
				join_count_made(j, link);
				count_lost(j, number, &later);
			}
		}
		if (j->ent.type == ENTRY_DIR &&
		    join_push(j, number, SURVEY_KEEP, e) == -1)
			return (-1);
		if (++number == j->s->n)
			break;
	}
	return (0);
}

int
closer_look(struct join *j, enum ask_what what, int heirs, struct err *e)
{
	struct closer c = { .join = j, .what = what, .heirs = heirs };
	struct ask a = {
		.what = what, .root = j->s->root,
		.next = next_closer, .answer = take_closer, .arg = &c,
	};

	wanted_free(j->wanted);
	j->wanted = wanted_new(j->s->opt->view, j->s->opt->sel, j->s->vol,
	    e);
	if (j->wanted == NULL || ask_run(j->s->opt->node, &a, e) == -1)
		return (-1);
	return (c.found > 0 ? touch_parents(j, e) : 0);
}

/* Attributes, where the node can tell them. */
int
closer_attrs(struct join *j, struct err *e)
{
	const struct survey_options *opt = j->s->opt;
	struct span top = { ".", 1 };
	struct buf why = BUF_INIT;

	if (opt->no_attrs == NULL)
		return (closer_look(j, ASK_ATTRS, 0, e));
	if (j->pass == SURVEY_FIRST) {
		buf_printf(&why, "extended attributes and ACLs of what is "
		    "there already: %s", opt->no_attrs);
		survey_report(j->s, "not compared", &top, buf_cstr(&why));
		buf_fini(&why);
	}
	return (0);
}

/* tar need not look after attributes, which is half of its work, if not. */
int
closer_heirs(struct join *j, struct err *e)
{
	struct survey *s = j->s;

	s->plain = s->there && s->opt->no_attrs == NULL && !j->marked;
	if (!s->plain || s->work == 0 || j->pass == SURVEY_PROOF)
		return (0);
	return (closer_look(j, ASK_ATTRS, 1, e));
}
