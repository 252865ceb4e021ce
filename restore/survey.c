#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cancel.h"
#include "formats/pathtext.h"
#include "restore/closer.h"
#include "restore/dbfiles.h"

void
survey_init(struct survey *s, const struct survey_options *opt,
    const struct snapshot_volume *vol, const char *root)
{
	memset(s, 0, sizeof(*s));
	s->opt = opt;
	s->vol = vol;
	s->root = root;
}

void
survey_fini(struct survey *s)
{
	size_t i;

	free(s->acts);
	linkset_fini(&s->links);
	buf_fini(&s->remove);
	for (i = 0; i < 3; i++)
		free(s->newer[i]);
}

void
survey_report(const struct survey *s, const char *kind,
    const struct span *text, const char *why)
{
	struct buf path = BUF_INIT;

	view_full_path(&path, s->vol, text);
	report_add(s->opt->report, kind, buf_cstr(&path), "%s", why);
	buf_fini(&path);
}

void
survey_add_newer(struct survey *s, const char *path, uint64_t size)
{
	if (s->totals.newer < 3)
		s->newer[s->totals.newer] = strdup(path);
	s->totals.newer++;
	s->totals.newer_bytes += size;
}

int
survey_name(struct buf *out, const struct span *text, struct err *e)
{
	buf_clear(out);
	if (pathtext_decode(out, text->p, text->len) == -1)
		return (err_nomem(e));	/* decoding has proved the text */
	(void)buf_cstr(out);
	return (buf_ok(out, e));
}

struct linkset_item *
survey_link(struct survey *s, const struct entry *ent, size_t number,
    struct err *e)
{
	return (linkset_of(&s->links, ent, number, e));
}

int
survey_all_attrs(const struct survey *s)
{
	return (s->opt->exact || s->opt->checksum);
}

/* ------------------------------------------------------------- comparison */

static int
same_time(const struct entry *ent, const struct walk_stat *st)
{
	return (ent->mtime == st->mtime && ent->mtime_ns == st->mtime_ns);
}

static int
same_type(const struct entry *ent, const struct walk_stat *st)
{
	static const mode_t types[] = {
		[ENTRY_DIR] = S_IFDIR, [ENTRY_FILE] = S_IFREG,
		[ENTRY_LINK] = S_IFLNK, [ENTRY_CHAR] = S_IFCHR,
		[ENTRY_BLOCK] = S_IFBLK, [ENTRY_FIFO] = S_IFIFO,
	};

	return ((st->mode & S_IFMT) == types[ent->type]);
}

/* As long as the target of the link in the snapshot. */
static int
same_length(struct join *j, const struct entry *ent,
    const struct walk_stat *st)
{
	buf_clear(&j->name);
	return (pathtext_decode(&j->name, ent->link.p, ent->link.len) == 0 &&
	    j->name.len == st->size);
}

static int
same_owner(const struct entry *ent, const struct walk_stat *st)
{
	return (ent->uid == st->uid && ent->gid == st->gid);
}

static int
same_mode(const struct entry *ent, const struct walk_stat *st)
{
	return (ent->type == ENTRY_LINK ||
	    ent->mode == (st->mode & 07777));
}

/* What is to be done with an entry of which the node has one of its kind. */
static int
compare(struct join *j, const struct entry *ent, const struct walk_stat *st)
{
	if (ent->type == ENTRY_FILE && st->size != ent->size) {
		j->why = "it has another size";
		return (SURVEY_REPLACE);
	}
	if (ent->type == ENTRY_LINK && !same_length(j, ent, st)) {
		j->why = "the link leads elsewhere";
		return (SURVEY_REPLACE);
	}
	if (!same_time(ent, st)) {
		j->why = "it has another modification time";
		/* Its contents are looked at, and may be right. */
		return (ent->type == ENTRY_DIR || (ent->type == ENTRY_FILE &&
		    j->s->opt->checksum && j->s->opt->no_attrs == NULL) ?
		    SURVEY_ADJUST : SURVEY_REPLACE);
	}
	if (!same_owner(ent, st) || !same_mode(ent, st)) {
		j->why = same_mode(ent, st) ? "it has another owner" :
		    "it has another mode";
		return (SURVEY_ADJUST);
	}
	return (SURVEY_KEEP);
}

/* ------------------------------------------------------------------- acts */

static int
set_act(struct join *j, size_t number, int act, struct err *e)
{
	struct survey *s = j->s;
	size_t cap = s->cap == 0 ? 65536 : 2 * s->cap;
	uint8_t *acts;

	if (number >= s->cap) {
		if ((acts = realloc(s->acts, cap)) == NULL)
			return (err_nomem(e));
		memset(acts + s->cap, 0, cap - s->cap);
		s->acts = acts;
		s->cap = cap;
	}
	s->acts[number] = (uint8_t)((s->acts[number] & (SURVEY_SENT |
	    SURVEY_LOST)) | act | (j->above ? SURVEY_ABOVE : 0));
	return (0);
}

static void
add_newer(void *arg, const struct span *text, uint64_t size)
{
	join_add_newer(arg, text, size);
}

static int
is_newer(const struct join *j, const struct walk_stat *st)
{
	const struct timespec *start = &j->s->opt->view->snap.start;

	return (S_ISREG(st->mode) && (st->mtime > start->tv_sec ||
	    (st->mtime == start->tv_sec &&
	    st->mtime_ns > (uint32_t)start->tv_nsec)));
}

/* What is replaced may have been left by a restore that was cut off. */
static int
count_replaced(struct join *j, const struct walk_stat *st, struct err *e)
{
	int rc;

	if (S_ISREG(st->mode) && st->nlink == 1)
		j->s->totals.freed += st->size;
	if (!is_newer(j, st))
		return (0);
	if ((rc = partial_add(&j->partial, &j->ent, st->size, e)) == 0)
		join_add_newer(j, &j->ent.path, st->size);
	return (rc == -1 ? -1 : 0);
}

/* What a look at its contents may replace: its place in the totals then. */
static int
remember(struct join *j, size_t number, const struct walk_stat *st,
    struct err *e)
{
	size_t cap = j->later_cap == 0 ? 256 : 2 * j->later_cap;
	struct join_later *l;

	if (j->pass != SURVEY_FIRST || !j->s->opt->checksum ||
	    !S_ISREG(st->mode) || (!is_newer(j, st) && st->nlink == 1))
		return (0);
	if (j->nlater == j->later_cap) {
		if ((l = realloc(j->later, cap * sizeof(*l))) == NULL)
			return (err_nomem(e));
		j->later = l;
		j->later_cap = cap;
	}
	l = &j->later[j->nlater++];
	l->number = number;
	l->size = st->size;
	l->newer = is_newer(j, st);
	l->alone = st->nlink == 1;
	return (0);
}

/* Count what becomes of the entry at hand, and tell. */
static int
count(struct join *j, int act, const struct walk_stat *st, int link,
    struct err *e)
{
	static const char *const words[] = {
		[SURVEY_CREATE] = "create", [SURVEY_REPLACE] = "replace",
		[SURVEY_ADJUST] = "adjust",
	};
	struct survey_totals *t = &j->s->totals;
	uint64_t *counts[] = {
		[SURVEY_KEEP] = &t->plan.kept,
		[SURVEY_CREATE] = &t->plan.created,
		[SURVEY_REPLACE] = &t->plan.replaced,
		[SURVEY_ADJUST] = &t->plan.adjusted,
	};

	j->s->work += act != SURVEY_KEEP;
	if (j->pass != SURVEY_FIRST)
		return (0);
	++*counts[act];
	if (act == SURVEY_KEEP)
		return (0);
	join_tell(j, words[act], &j->ent.path);
	if (act == SURVEY_ADJUST)
		return (0);
	join_count_made(j, link);
	if (act == SURVEY_REPLACE && st != NULL)
		return (count_replaced(j, st, e));
	return (0);
}

/* -------------------------------------------------------- what is too much */

/* The entry of the node at hand goes away, with all below it. */
static int
remove_got(struct join *j, struct err *e)
{
	buf_append(&j->s->remove, j->got.name, strlen(j->got.name) + 1);
	buf_clear(&j->gone);
	buf_append(&j->gone, j->got.path.p, j->got.path.len);
	j->removing = 1;
	j->s->work++;
	return (buf_ok(&j->s->remove, e) == -1 ? -1 : buf_ok(&j->gone, e));
}

static void
count_removed(struct join *j)
{
	struct survey_totals *t = &j->s->totals;

	if (j->pass != SURVEY_FIRST)
		return;
	t->plan.deleted++;
	if (S_ISREG(j->got.st->mode) && j->got.st->nlink == 1)
		t->freed += j->got.st->size;
	if (is_newer(j, j->got.st))
		join_add_newer(j, &j->got.path, j->got.st->size);
	join_tell(j, "delete", &j->got.path);
}

static int
is_gone(const struct join *j)
{
	struct span top = { (const char *)j->gone.data, j->gone.len };

	return (j->removing && view_is_below(&j->got.path, &top));
}

/* An entry of the node that the snapshot does not have. */
static int
extra(struct join *j, struct err *e)
{
	const struct survey_options *opt = j->s->opt;
	const struct level *l;

	if (is_gone(j)) {
		count_removed(j);
		return (0);
	}
	join_climb(j, &j->got.path);
	l = j->nlevels > 0 ? &j->levels[j->nlevels - 1] : NULL;
	if (!opt->exact || j->s->vol->selected || l == NULL ||
	    l->act == SURVEY_BLOCKED ||
	    (j->s->acts[l->number] & SURVEY_ABOVE) != 0 ||
	    strncmp(j->got.name, "./" WALK_ASIDE,
	    sizeof("./" WALK_ASIDE) - 1) == 0 ||
	    (opt->database && S_ISREG(j->got.st->mode) &&
	    dbfiles_match(j->s->vol->path, &j->got.path)))
		return (0);
	if (j->got.st->dev != j->dev) {
		/* What is mounted there is not the volume's to lose. */
		if (S_ISDIR(j->got.st->mode) && j->pass == SURVEY_FIRST)
			survey_report(j->s, "not deleted", &j->got.path,
			    "another file system is mounted there");
		return (0);
	}
	if (j->pass == SURVEY_PROOF)
		survey_report(j->s, "not deleted", &j->got.path,
		    "it is there again");
	count_removed(j);
	join_touch(j);
	return (remove_got(j, e));
}

/* --------------------------------------------------------------- decisions */

/*
 * Something of another kind is where the entry goes.  What is no directory
 * gives way to what is none either.
 */
static int
make_way(struct join *j, int *act, struct err *e)
{
	const struct survey_options *opt = j->s->opt;
	int dir = S_ISDIR(j->got.st->mode);

	*act = SURVEY_REPLACE;
	if (!dir && j->ent.type != ENTRY_DIR)
		return (0);
	if ((opt->exact || opt->keep_old) && j->got.st->dev == j->dev) {
		count_removed(j);
		*act = SURVEY_CREATE;
		return (remove_got(j, e));
	}
	*act = SURVEY_BLOCKED;
	j->why = dir ? "a directory stands in its way (remove it, or use "
	    "--exact or --keep-old)" : "a file stands in the way of a "
	    "directory; what lies below is not restored (remove it, or use "
	    "--exact or --keep-old)";
	if (j->pass == SURVEY_FIRST)
		survey_report(j->s, "not restored", &j->ent.path, j->why);
	return (0);
}

/* Another name of what the set's carrier brings. */
static int
decide_link(struct join *j, const struct linkset_item *set)
{
	const struct walk_stat *st = j->got.st;
	int act;

	if (set->number == LINKSET_FIRST)
		return (st->nlink > 1 && compare(j, &j->ent, st) ==
		    SURVEY_KEEP ? SURVEY_KEEP : SURVEY_REPLACE);
	act = j->s->acts[set->number] & SURVEY_ACT;

	if (act == SURVEY_KEEP || act == SURVEY_ADJUST)
		return (set->ino == st->ino && set->dev == st->dev ?
		    SURVEY_KEEP : SURVEY_REPLACE);
	return (SURVEY_REPLACE);
}

static int
decide(struct join *j, size_t number, struct linkset_item *set, int *act,
    struct err *e)
{
	const struct walk_stat *st = j->got.st;

	if (!same_type(&j->ent, st)) {
		j->why = "something else is there";
		return (make_way(j, act, e));
	}
	if (set != NULL && set->number != number) {
		*act = decide_link(j, set);
		j->why = "it is not the same file as its other names";
		return (0);
	}
	*act = j->above ? SURVEY_KEEP : compare(j, &j->ent, st);
	if (set != NULL) {
		set->ino = st->ino;
		set->dev = st->dev;
	}
	if (*act == SURVEY_ADJUST && j->ent.xattrs.len > 0 &&
	    j->ent.type != ENTRY_DIR && j->s->opt->no_attrs != NULL)
		*act = SURVEY_REPLACE;
	if (*act == SURVEY_KEEP || *act == SURVEY_ADJUST) {
		j->devices += j->ent.type == ENTRY_CHAR ||
		    j->ent.type == ENTRY_BLOCK;
		j->files += j->ent.type == ENTRY_FILE;
		j->attrs += !j->above && (j->ent.xattrs.len > 0 ||
		    survey_all_attrs(j->s));
	}
	return (0);
}

/* In the proof: this should have been done. */
static void
blame(struct join *j, size_t number, int act)
{
	if (j->pass != SURVEY_PROOF || act == SURVEY_KEEP ||
	    act == SURVEY_BLOCKED ||
	    (j->s->acts[number] & SURVEY_LOST) != 0)
		return;
	survey_report(j->s, act == SURVEY_ADJUST ? "not all restored" :
	    "not restored", &j->ent.path, act == SURVEY_CREATE ?
	    "it is not there" : j->why);
	j->s->acts[number] |= SURVEY_LOST;
}

/* xcatd has it open. */
static int
is_database(const struct join *j, const struct entry *ent)
{
	return (ent->type == ENTRY_FILE &&
	    dbfiles_match(j->s->vol->path, &ent->path));
}

/* A wanted entry; there: the node has something of that name, at hand. */
static int
wanted_entry(struct join *j, size_t number, int there, struct err *e)
{
	struct linkset_item *set;
	int act = SURVEY_CREATE, db = is_database(j, &j->ent);

	join_climb(j, &j->ent.path);
	j->marked |= j->ent.xattrs.len > 0;
	if (j->pass == SURVEY_FIRST)
		j->s->totals.plan.entries++;
	set = survey_link(j->s, &j->ent, number, e);
	if (set == NULL && e->kind != ERR_NONE)
		return (-1);
	if (j->nlevels > 0 &&
	    j->levels[j->nlevels - 1].act == SURVEY_BLOCKED)
		act = SURVEY_BLOCKED;
	else if (db && j->s->opt->database)
		act = SURVEY_BLOCKED;
	else if (there && !is_gone(j) &&
	    decide(j, number, set, &act, e) == -1)
		return (-1);
	else if (there && is_gone(j))
		count_removed(j);
	if (set_act(j, number, act, e) == -1)
		return (-1);
	if (act != SURVEY_BLOCKED) {
		if (linkset_note(&j->s->links, &j->ent, e) == -1)
			return (-1);
	} else if (set != NULL && set->number == number) {
		linkset_pass_on(set);
	}
	if ((act == SURVEY_KEEP || act == SURVEY_ADJUST) &&
	    remember(j, number, j->got.st, e) == -1)
		return (-1);
	blame(j, number, act);
	if (db && j->pass == SURVEY_FIRST && (j->s->opt->database ||
	    act == SURVEY_CREATE || act == SURVEY_REPLACE))
		j->s->totals.plan.database++;
	if (act != SURVEY_BLOCKED && count(j, act, there ? j->got.st : NULL,
	    set != NULL && set->number != number, e) == -1)
		return (-1);
	if (act == SURVEY_CREATE || act == SURVEY_REPLACE)
		join_touch(j);
	if (j->ent.type == ENTRY_DIR)
		return (join_push(j, number, act, e));
	return (0);
}

/* -------------------------------------------------------------- the join */

static int
next_wanted(struct join *j, struct err *e)
{
	while ((j->have_ent = wanted_next(j->wanted, &j->ent, &j->above,
	    e)) == -1) {
		if (store_lost(j->s->opt->view->vault->store, e) ||
		    cancel_check(e) == -1)
			return (-1);
		if (j->pass == SURVEY_FIRST)
			view_trouble(j->s->opt->view, e);
		j->lost = 1;
	}
	return (0);
}

static int
next_got(struct join *j, struct err *e)
{
	j->have_got = listing_next(j->listing, &j->got, e);
	if (j->have_got == 1 && j->got.path.len == 1)
		j->dev = j->got.st->dev;
	return (j->have_got == -1 ? -1 : 0);
}

static int
join_all(struct join *j, struct err *e)
{
	size_t number = 0;
	int order;

	if (next_wanted(j, e) == -1 || next_got(j, e) == -1)
		return (-1);
	while (j->have_ent || j->have_got) {
		order = !j->have_ent ? 1 : !j->have_got ? -1 :
		    pathtext_compare(j->ent.path.p, j->ent.path.len,
		    j->got.path.p, j->got.path.len);
		if (cancel_check(e) == -1)
			return (-1);
		if (order > 0) {
			if (extra(j, e) == -1 || next_got(j, e) == -1)
				return (-1);
			continue;
		}
		if (wanted_entry(j, number++, order == 0, e) == -1 ||
		    next_wanted(j, e) == -1 ||
		    (order == 0 && next_got(j, e) == -1))
			return (-1);
	}
	j->s->n = number;
	return (0);
}

/*
 * With parts of the catalog lost, nobody knows what the snapshot lacks: then
 * nothing is deleted for that.
 */
static void
spare_extras(struct join *j)
{
	struct span top = { ".", 1 };

	if (!j->lost || j->s->remove.len == 0)
		return;
	buf_clear(&j->s->remove);
	if (j->pass == SURVEY_FIRST)
		survey_report(j->s, "not deleted", &top, "a part of the "
		    "snapshot's catalog is lost, so nothing here is deleted");
}

static void
note_selected(const struct survey *s)
{
	struct buf text = BUF_INIT;

	pathtext_encode(&text, s->vol->path, strlen(s->vol->path));
	report_note(s->opt->report, "not deleted", buf_cstr(&text), "the "
	    "snapshot has only some paths of it; nothing else there is "
	    "deleted");
	buf_fini(&text);
}

int
survey_run(struct survey *s, enum survey_pass pass, struct err *e)
{
	struct join j = { .s = s, .pass = pass };
	int rc = -1;

	if (pass == SURVEY_FIRST && s->opt->exact && s->vol->selected)
		note_selected(s);
	linkset_fini(&s->links);
	buf_clear(&s->remove);
	s->work = 0;
	j.wanted = wanted_new(s->opt->view, s->opt->sel, s->vol, e);
	if (j.wanted != NULL &&
	    (j.listing = lookup_list(s, e)) != NULL)
		rc = join_all(&j, e);
	if (rc == 0 && j.devices > 0)
		rc = closer_look(&j, ASK_DEVICE, 0, e);
	if (rc == 0 && j.files > 0 && s->opt->checksum &&
	    pass != SURVEY_PROOF)
		rc = closer_look(&j, ASK_DIGEST, 0, e) == -1 ? -1 :
		    closer_look(&j, ASK_ODD_DIGEST, 0, e);
	if (rc == 0 && j.attrs > 0)
		rc = closer_attrs(&j, e);
	if (rc == 0)
		rc = closer_heirs(&j, e);
	if (rc == 0)
		rc = partial_ask(&j.partial, s, add_newer, &j, e);
	if (rc == 0)
		spare_extras(&j);
	listing_free(j.listing);
	wanted_free(j.wanted);
	partial_fini(&j.partial);
	free(j.later);
	free(j.levels);
	buf_fini(&j.path);
	buf_fini(&j.gone);
	buf_fini(&j.name);
	return (rc);
}
