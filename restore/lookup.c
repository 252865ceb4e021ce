#include <stdlib.h>
#include <string.h>

#include "formats/pathtext.h"
#include "remote/node/stand.h"
#include "restore/pump.h"
#include "restore/survey.h"

#define TOPS_BYTES ((size_t)64 << 10)	/* of names in one command */
#define BATCH_BYTES ((size_t)32 << 10)

static const struct walk_options everything;

/* find could not look at something; what is not there is no trouble. */
static void
trouble(void *arg, const char *kind, const struct span *path,
    const char *why)
{
	const struct survey *s = arg;

	if (strcmp(kind, "vanished") != 0)
		survey_report(s, "unreadable", path, why);
}

static struct listing *
nothing(struct err *e)
{
	struct listing *l;

	if ((l = listing_new(&everything, e)) != NULL &&
	    listing_finish(l, e) == 0)
		return (l);
	listing_free(l);
	return (NULL);
}

static struct listing *
list_tops(struct survey *s, const struct wanted *w, struct err *e)
{
	struct node_tree t = {
		.root = s->root, .walk = &everything, .trouble = trouble,
		.arg = s,
	};
	struct buf name = BUF_INIT;
	struct listing *l = NULL;
	char **only;
	size_t i, n = wanted_tops(w);

	if ((only = calloc(n + 1, sizeof(*only))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	for (i = 0; i < n; i++) {
		buf_clear(&name);
		if (wanted_top(w, i, &name, e) == -1)
			goto out;
		if ((only[i] = strdup(buf_cstr(&name))) == NULL) {
			err_nomem(e);
			goto out;
		}
	}
	if (!wanted_all(w)) {
		t.only = only;
		t.nonly = n;
	}
	l = node_list(s->opt->node, &t, e);
out:
	for (i = 0; i < n; i++)
		free(only[i]);
	free(only);
	buf_fini(&name);
	return (l);
}

/* Each entry by its name, and nothing else: where only some of it is ours. */
struct exactly {
	struct survey *survey;
	struct wanted *wanted;
	struct listing *listing;
	struct buf name;
};

static int
give_names(void *arg, struct buf *to, struct err *e)
{
	struct exactly *x = arg;
	struct entry ent;
	int rc = 1, above;

	while (to->len < BATCH_BYTES) {
		rc = wanted_next(x->wanted, &ent, &above, e);
		if (rc == 0)
			return (0);
		if (rc == -1)
			continue;	/* told by who decides */
		if (survey_name(&x->name, &ent.path, e) == -1)
			return (-1);
		buf_append(to, buf_cstr(&x->name), x->name.len + 1);
	}
	return (1);
}

static int
take_listing(void *arg, const void *p, size_t len, struct err *e)
{
	struct exactly *x = arg;

	return (listing_feed(x->listing, p, len, e));
}

static struct listing *
list_exactly(struct survey *s, struct wanted *w, struct err *e)
{
	struct exactly x = { s, w, NULL, BUF_INIT };
	struct buf line = BUF_INIT;
	struct pump p = {
		.root = s->root, .in = give_names, .out = take_listing,
		.arg = &x, .script = "exec xargs -0 -r -n 1000 sh -c 'exec "
		    "find \"$@\" -maxdepth 0 -printf \"" LISTING_FORMAT
		    "\"' find\n",
	};
	int rc = -1;

	if ((x.listing = listing_new(&everything, e)) == NULL)
		return (NULL);
	if (pump_run(s->opt->node, &p, e) == 0) {
		rc = listing_finish(x.listing, e);
		/* 123: some were not there. */
		if (rc == 0 && p.status != 0 && p.status != 123)
			rc = err_set(e, ERR_FAILED, "%s: %s: find ended with "
			    "status %d: %.300s",
			    remote_name(s->opt->node->control), s->root,
			    p.status, pump_first_line(&line, &p.said));
	}
	pump_fini(&p);
	buf_fini(&line);
	buf_fini(&x.name);
	if (rc == 0)
		return (x.listing);
	listing_free(x.listing);
	return (NULL);
}

static int
look_at_root(struct survey *s, struct err *e)
{
	enum stand is;

	if (node_wake(s->opt->node, e) == -1 ||
	    stand_ask(s->opt->node->control, &s->root, &is, 1, e) == -1)
		return (-1);
	if (is == STAND_OTHER)
		return (err_set(e, ERR_FAILED, "%s: %s is not a directory "
		    "there", remote_name(s->opt->node->control), s->root));
	s->there = is == STAND_DIR;
	return (0);
}

static size_t
bytes_of_tops(const struct wanted *w)
{
	struct buf b = BUF_INIT;
	struct err ignored;
	size_t i, n;

	for (i = 0; i < wanted_tops(w); i++)
		(void)wanted_top(w, i, &b, &ignored);
	n = b.len + 4 * wanted_tops(w);
	buf_fini(&b);
	return (n);
}

struct listing *
lookup_list(struct survey *s, struct err *e)
{
	struct listing *l;
	struct wanted *w;

	if (look_at_root(s, e) == -1)
		return (NULL);
	if (!s->there)
		return (nothing(e));
	w = wanted_new(s->opt->view, s->opt->sel, s->vol, e);
	if (w == NULL)
		return (NULL);
	/*
	 * Of a volume that is a selection of paths, the catalog alone knows
	 * which.
	 */
	if (s->vol->selected || bytes_of_tops(w) > TOPS_BYTES)
		l = list_exactly(s, w, e);
	else
		l = list_tops(s, w, e);
	wanted_free(w);
	return (l);
}
