#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/cpu.h"
#include "restore/pump.h"
#include "restore/sendlane.h"
#include "restore/sendpass.h"
#include "restore/tarput.h"

#define LANES 2			/* where nothing is configured */
#define NAMES_BYTES ((size_t)4 << 20)
#define KINDS_MAX 64		/* owners and modes adjusted at once */

extern const char restore_keepold_sh[];

int
sendpass_each(struct sendpass *p, sendpass_fn *fn, void *arg, struct err *e)
{
	const struct survey *s = p->survey;
	struct wanted *w;
	struct entry ent;
	size_t number = 0;
	int rc = 0, above, more;

	w = wanted_new(s->opt->view, s->opt->sel, s->vol, e);
	if (w == NULL)
		return (-1);
	while (rc == 0 && number < s->n &&
	    (more = wanted_next(w, &ent, &above, e)) != 0) {
		if (more == -1) {
			rc = store_lost(s->opt->view->vault->store, e) ?
			    -1 : cancel_check(e);
			continue;
		}
		rc = fn(arg, &ent, number++, e);
	}
	wanted_free(w);
	return (rc);
}

static int
act_of(const struct sendpass *p, size_t number)
{
	return (p->survey->acts[number] & SURVEY_ACT);
}

static int
is_sent(const struct sendpass *p, size_t number)
{
	int act = act_of(p, number);

	return (act == SURVEY_CREATE || act == SURVEY_REPLACE);
}

int
sendpass_failed(struct sendpass *p)
{
	if (remote_lost(p->survey->opt->node->control))
		p->lost = 1;
	return (-1);
}

/* ----------------------------------------------------------- to begin with */

struct names {
	struct sendpass *pass;
	struct buf names;	/* raw, each with a NUL behind it */
	struct buf name;
};

/* What will be replaced, and is moved aside before. */
static int
add_replaced(void *arg, const struct entry *ent, size_t number,
    struct err *e)
{
	struct names *n = arg;

	if (act_of(n->pass, number) != SURVEY_REPLACE)
		return (0);
	if (survey_name(&n->name, &ent->path, e) == -1)
		return (-1);
	buf_append(&n->names, n->name.data, n->name.len + 1);
	return (buf_ok(&n->names, e));
}

/*
 * Second names of what is going to lose its first one: nothing is copied,
 * and a cut leaves all in its place.
 */
static int
keep_old(struct sendpass *p, struct err *e)
{
	const struct survey *s = p->survey;
	const char *args[] = { p->opt->old_name };
	struct names n = { p, BUF_INIT, BUF_INIT };
	int rc;

	rc = sendpass_each(p, add_replaced, &n, e);
	buf_append(&n.names, s->remove.data, s->remove.len);
	if (rc == 0 && (rc = buf_ok(&n.names, e)) == 0 && n.names.len > 0)
		p->survey->acts[0] |= SURVEY_TOUCHED;
	if (rc == 0 && pump_names(s->opt->node, s->root, restore_keepold_sh,
	    args, 1, &n.names, "what is there could not be kept, nothing was "
	    "changed", e) == -1)
		rc = sendpass_failed(p);
	p->totals->kept_old |= rc == 0 && n.names.len > 0;
	buf_fini(&n.names);
	buf_fini(&n.name);
	return (rc);
}

static int
make_root(struct sendpass *p, struct err *e)
{
	static const char script[] = "exec mkdir -p -- \"$1\"\n";
	const char *args[] = { p->survey->root };
	struct buf line = BUF_INIT;
	struct pump run = {
		.root = "/", .script = script, .args = args, .nargs = 1,
	};
	int rc;

	rc = pump_run(p->survey->opt->node, &run, e);
	if (rc == -1)
		(void)sendpass_failed(p);
	else if (run.status != 0)
		rc = err_set(e, ERR_FAILED, "%s: %.300s", p->survey->root,
		    pump_first_line(&line, &run.said));
	buf_fini(&line);
	pump_fini(&run);
	return (rc);
}

int
sendpass_prepare(struct sendpass *p, struct err *e)
{
	static const char script[] =
	    "exec xargs -0 -r rm -rf --one-file-system --\n";
	const struct survey *s = p->survey;

	if (!s->there && make_root(p, e) == -1)
		return (-1);
	if (s->opt->keep_old && s->there && keep_old(p, e) == -1)
		return (-1);
	if (pump_names(s->opt->node, s->root, script, NULL, 0, &s->remove,
	    "deleting", e) == -1)
		return (sendpass_failed(p));
	return (0);
}

/* ------------------------------------------------------------- by one tar */

struct single {
	struct sendpass *pass;
	struct tarput *tar;	/* made when there is something for it */
	struct buf name, link;
	int at_last;
};

static int
open_single(struct single *x, struct err *e)
{
	const struct survey *s = x->pass->survey;

	if (x->tar != NULL)
		return (0);
	if (node_wake(s->opt->node, e) == -1 ||
	    (x->tar = tarput_new(s->opt->node->control, s->root,
	    x->pass->opt->probe, s->plain, e)) == NULL)
		return (-1);
	return (0);
}

static int
run_single(struct single *x, sendpass_fn *fn, struct err *e)
{
	int rc;

	rc = sendpass_each(x->pass, fn, x, e);
	if (rc == 0 && x->tar != NULL)
		rc = tarput_finish(x->tar, e);
	if (x->tar != NULL)
		reasons_add(&x->pass->said, tarput_said(x->tar));
	tarput_free(x->tar);
	buf_fini(&x->name);
	buf_fini(&x->link);
	return (rc == -1 ? sendpass_failed(x->pass) : 0);
}

/*
 * Before they are filled, directories have no attributes, so that nothing
 * made in them inherits an ACL; and each file made changes their times.
 */
static int
add_dir(void *arg, const struct entry *entry, size_t number, struct err *e)
{
	struct single *x = arg;
	struct survey *s = x->pass->survey;
	uint8_t act = s->acts[number];
	struct entry ent = *entry;

	if (ent.type != ENTRY_DIR || ((act & SURVEY_ABOVE) != 0 &&
	    (act & SURVEY_ACT) != SURVEY_CREATE))
		return (0);
	if ((act & SURVEY_ACT) == SURVEY_BLOCKED ||
	    ((act & SURVEY_ACT) == SURVEY_KEEP &&
	    (act & SURVEY_TOUCHED) == 0) ||
	    ((act & SURVEY_ACT) == SURVEY_ADJUST && !x->at_last &&
	    (act & SURVEY_TOUCHED) == 0))
		return (0);
	if (!x->at_last)
		ent.xattrs.len = 0;
	else
		x->pass->totals->sent += (act & SURVEY_ACT) == SURVEY_CREATE;
	if (open_single(x, e) == -1 ||
	    survey_name(&x->name, &ent.path, e) == -1)
		return (-1);
	return (tarput_add(x->tar, &ent, buf_cstr(&x->name), NULL, e));
}

int
sendpass_dirs(struct sendpass *p, int at_last, struct err *e)
{
	struct single x = { .pass = p, .at_last = at_last };

	return (run_single(&x, add_dir, e));
}

/* Other names of files that are there by now. */
static int
add_link(void *arg, const struct entry *ent, size_t number, struct err *e)
{
	struct single *x = arg;
	struct linkset_item *set;
	struct span text;

	set = survey_link(x->pass->survey, ent, number, e);
	if (set == NULL)
		return (e->kind == ERR_NONE ? 0 : -1);
	if (set->number == number || !is_sent(x->pass, number))
		return (0);
	text.p = set->text;
	text.len = strlen(set->text);
	if (open_single(x, e) == -1 ||
	    survey_name(&x->name, &ent->path, e) == -1 ||
	    survey_name(&x->link, &text, e) == -1)
		return (-1);
	x->pass->totals->sent++;
	return (tarput_add(x->tar, ent, buf_cstr(&x->name),
	    buf_cstr(&x->link), e));
}

int
sendpass_links(struct sendpass *p, struct err *e)
{
	struct single x = { .pass = p };

	return (run_single(&x, add_link, e));
}

/* ---------------------------------------------------------------- files */

struct files {
	struct sendpass *pass;
	struct sendlanes *lanes;
};

static int
add_file(void *arg, const struct entry *ent, size_t number, struct err *e)
{
	struct files *f = arg;
	struct linkset_item *set;

	if (ent->type == ENTRY_DIR || !is_sent(f->pass, number) ||
	    (f->pass->survey->acts[number] & SURVEY_LOST) != 0)
		return (0);
	set = survey_link(f->pass->survey, ent, number, e);
	if (set == NULL ? e->kind != ERR_NONE : set->number != number)
		return (set == NULL ? -1 : 0);
	f->pass->totals->sent++;
	return (sendlanes_add(f->lanes, ent, number, e));
}

int
sendpass_files(struct sendpass *p, struct err *e)
{
	struct sendlane_options opt = {
		.survey = p->survey, .probe = p->opt->probe,
		.progress = p->opt->progress, .lanes = p->opt->lanes,
	};
	struct files f = { p, NULL };
	int rc;

	if (opt.lanes == 0)
		opt.lanes = cpu_count(LANES);
	if (node_wake(p->survey->opt->node, e) == -1)
		return (sendpass_failed(p));
	if ((f.lanes = sendlanes_new(&opt, e)) == NULL)
		return (-1);
	rc = sendpass_each(p, add_file, &f, e);
	if (rc == 0)
		rc = sendlanes_finish(f.lanes, e);
	p->totals->damaged += sendlanes_damaged(f.lanes);
	if (rc == -1 && sendlanes_lost(f.lanes))
		p->lost = 1;
	reasons_add(&p->said, sendlanes_said(f.lanes));
	sendlanes_free(f.lanes);
	return (rc);
}

static int
add_part(void *arg, const struct entry *ent, size_t number, struct err *e)
{
	const uint8_t flags = SURVEY_SENT | SURVEY_LOST;
	struct names *n = arg;
	uint8_t *act = &n->pass->survey->acts[number];

	if ((*act & flags) != flags)
		return (0);
	*act &= (uint8_t)~SURVEY_SENT;
	if (survey_name(&n->name, &ent->path, e) == -1)
		return (-1);
	buf_append(&n->names, n->name.data, n->name.len + 1);
	return (buf_ok(&n->names, e));
}

int
sendpass_clean(struct sendpass *p, struct err *e)
{
	static const char script[] = "exec xargs -0 -r rm -f --\n";
	struct names n = { p, BUF_INIT, BUF_INIT };
	int rc;

	if (p->totals->damaged == 0)
		return (0);
	rc = sendpass_each(p, add_part, &n, e);
	if (rc == 0 && pump_names(p->survey->opt->node, p->survey->root,
	    script, NULL, 0, &n.names, "deleting", e) == -1)
		rc = sendpass_failed(p);
	buf_fini(&n.names);
	buf_fini(&n.name);
	return (rc);
}

/* ------------------------------------------------------- owners and modes */

/* Names that get the same owner, or the same mode. */
struct kind {
	uint32_t a, b;
	int owner;
	struct buf names;
};

struct adjusting {
	struct sendpass *pass;
	struct kind kinds[KINDS_MAX];
	size_t n, bytes;
	struct buf name;
};

static int
adjust_now(struct adjusting *a, struct err *e)
{
	static const char chown[] = "exec xargs -0 -r chown -h \"$1\" --\n";
	static const char chmod[] = "exec xargs -0 -r chmod \"$1\" --\n";
	const struct survey *s = a->pass->survey;
	const char *args[1];
	struct kind *k;
	char text[32];
	int owner, rc = 0;

	/* A new owner takes set-id bits away, so modes come last. */
	for (owner = 1; owner >= 0 && rc == 0; owner--)
		for (k = a->kinds; k < a->kinds + a->n && rc == 0; k++) {
			if (k->owner != owner)
				continue;
			snprintf(text, sizeof(text), owner ? "%u:%u" : "%04o",
			    k->a, k->b);
			args[0] = text;
			rc = pump_names(s->opt->node, s->root, owner ?
			    chown : chmod, args, 1, &k->names, NULL, e);
			if (rc == -1)
				(void)sendpass_failed(a->pass);
		}
	for (k = a->kinds; k < a->kinds + a->n; k++)
		buf_fini(&k->names);
	a->n = a->bytes = 0;
	return (rc);
}

static int
add_kind(struct adjusting *a, int owner, uint32_t x, uint32_t y,
    struct err *e)
{
	struct kind *k;

	for (k = a->kinds; k < a->kinds + a->n; k++)
		if (k->owner == owner && k->a == x && k->b == y)
			break;
	if (k == a->kinds + a->n) {
		memset(k, 0, sizeof(*k));
		k->owner = owner;
		k->a = x;
		k->b = y;
		a->n++;
	}
	buf_append(&k->names, a->name.data, a->name.len + 1);
	a->bytes += a->name.len;
	return (buf_ok(&k->names, e));
}

static int
add_adjusted(void *arg, const struct entry *ent, size_t number,
    struct err *e)
{
	struct adjusting *a = arg;

	if (ent->type == ENTRY_DIR ||
	    act_of(a->pass, number) != SURVEY_ADJUST)
		return (0);
	if ((a->n + 2 > KINDS_MAX || a->bytes > NAMES_BYTES) &&
	    adjust_now(a, e) == -1)
		return (-1);
	if (survey_name(&a->name, &ent->path, e) == -1 ||
	    add_kind(a, 1, ent->uid, ent->gid, e) == -1 ||
	    (ent->type != ENTRY_LINK &&
	    add_kind(a, 0, ent->mode, 0, e) == -1))
		return (-1);
	a->pass->totals->sent++;
	return (0);
}

int
sendpass_adjust(struct sendpass *p, struct err *e)
{
	struct adjusting *a;
	int rc;

	if ((a = calloc(1, sizeof(*a))) == NULL)
		return (err_nomem(e));
	a->pass = p;
	rc = sendpass_each(p, add_adjusted, a, e);
	if (rc == 0)
		rc = adjust_now(a, e);
	while (a->n > 0)
		buf_fini(&a->kinds[--a->n].names);
	buf_fini(&a->name);
	free(a);
	return (rc);
}
