#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "formats/pathtext.h"
#include "restore/sendlane.h"
#include "restore/tarput.h"

#define SAID_MAX ((size_t)256 << 10)
#define FRAMES 4		/* decoded, that a lane keeps */

struct item {
	const char *text;	/* of the entry, in the catalog */
	size_t len;
	size_t number;
	uint64_t size;
	uint64_t frame_off;
	uint32_t pack, off;	/* of a file of one blob */
	int big;		/* of several */
};

/* Items for one lane, one after the other. */
struct group {
	size_t first, n;
};

struct lane {
	struct sendlanes *s;
	struct remote *remote;
	struct tarput *tar;
	struct content *content;
	struct buf name;
	pthread_t thread;
	int running;
};

struct sendlanes {
	struct sendlane_options opt;
	struct arena arena;	/* texts of the window */
	struct item *items;
	struct group *groups;
	size_t n;
	struct lane lanes[SENDLANE_MAX];
	size_t nlanes;

	pthread_mutex_t lock;	/* of all below */
	pthread_cond_t work, idle;
	size_t next, ngroups;	/* group to be taken, and how many there are */
	size_t busy;		/* lanes that have one */
	int last;		/* no window follows */
	int failed, lost;
	struct err err;
	uint64_t damaged;
	struct buf said;
};

static void
fail(struct lane *l, const struct err *why)
{
	struct sendlanes *s = l->s;

	pthread_mutex_lock(&s->lock);
	if (!s->failed) {
		s->err = *why;
		if (l->remote != NULL && remote_lost(l->remote))
			s->lost = 1;
	}
	s->failed = 1;
	pthread_cond_broadcast(&s->work);
	pthread_cond_broadcast(&s->idle);
	pthread_mutex_unlock(&s->lock);
}

static void
lose(struct lane *l, const struct item *it, const struct entry *ent,
    const struct err *why)
{
	struct sendlanes *s = l->s;

	s->opt.survey->acts[it->number] |= SURVEY_LOST;
	survey_report(s->opt.survey, "damaged", &ent->path, why->msg);
	pthread_mutex_lock(&s->lock);
	s->damaged++;
	pthread_mutex_unlock(&s->lock);
}

static int
waste(void *arg, const void *p, size_t len, struct err *e)
{
	(void)arg;
	(void)p;
	(void)len;
	return (cancel_check(e));
}

/*
 * What is there already is not given up for a file that cannot be had whole:
 * of one blob that is known in time; of several, they are read twice.
 */
static int
have_contents(struct lane *l, const struct item *it,
    const struct entry *ent, struct err *why)
{
	int act = l->s->opt.survey->acts[it->number] & SURVEY_ACT;

	if (it->big && act != SURVEY_REPLACE)
		return (1);
	return (content_read(l->content, ent, waste, NULL, why) == 0);
}

static int
send_file(struct lane *l, const struct item *it, const struct entry *ent,
    struct err *e)
{
	struct err why = { .kind = ERR_NONE };
	struct store *store = l->s->opt.survey->opt->view->vault->store;
	int rc = 1;

	if (have_contents(l, it, ent, &why)) {
		rc = tarput_file(l->tar, ent, buf_cstr(&l->name), l->content,
		    &why, e);
		if (rc != -1)
			l->s->opt.survey->acts[it->number] |= SURVEY_SENT;
	}
	if (rc == -1 || cancel_check(e) == -1)
		return (-1);
	if (rc == 1 && store_lost(store, e))
		return (-1);
	if (rc == 1)
		lose(l, it, ent, &why);
	progress_add(l->s->opt.progress, 1, ent->size);
	return (0);
}

static int
send_item(struct lane *l, const struct item *it, struct err *e)
{
	struct scan scan = { it->text, it->text + it->len };
	struct entry ent;

	if (mtree_decode(&scan, &ent, e) != 1 ||
	    survey_name(&l->name, &ent.path, e) == -1)
		return (-1);
	if (ent.type == ENTRY_FILE)
		return (send_file(l, it, &ent, e));
	if (tarput_add(l->tar, &ent, buf_cstr(&l->name), NULL, e) == -1)
		return (-1);
	l->s->opt.survey->acts[it->number] |= SURVEY_SENT;
	return (0);
}

static int
send_group(struct lane *l, const struct group *g, struct err *e)
{
	size_t i;

	for (i = 0; i < g->n; i++)
		if (send_item(l, &l->s->items[g->first + i], e) == -1)
			return (-1);
	return (tarput_check(l->tar, e));
}

/* The next group: 1; 0 when all is done or has failed. */
static int
take_group(struct sendlanes *s, struct group *g)
{
	int rc = 0;

	pthread_mutex_lock(&s->lock);
	while (!s->failed && s->next == s->ngroups && !s->last)
		pthread_cond_wait(&s->work, &s->lock);
	if (!s->failed && s->next < s->ngroups) {
		*g = s->groups[s->next++];
		s->busy++;
		rc = 1;
	}
	pthread_mutex_unlock(&s->lock);
	return (rc);
}

static void
leave_group(struct sendlanes *s)
{
	pthread_mutex_lock(&s->lock);
	if (--s->busy == 0)
		pthread_cond_broadcast(&s->idle);
	pthread_mutex_unlock(&s->lock);
}

static int
lane_open(struct lane *l, struct err *e)
{
	const struct survey *v = l->s->opt.survey;

	l->content = content_new(v->opt->view->vault, v->opt->view->index,
	    e);
	if (l->content == NULL)
		return (-1);
	content_limit(l->content, FRAMES);
	l->remote = remote_sibling(v->opt->node->control, e);
	if (l->remote == NULL) {
		/* It was there a moment ago: let the run look again. */
		pthread_mutex_lock(&l->s->lock);
		l->s->lost = 1;
		pthread_mutex_unlock(&l->s->lock);
		return (-1);
	}
	l->tar = tarput_new(l->remote, v->root, l->s->opt.probe, v->plain, e);
	return (l->tar != NULL ? 0 : -1);
}

static int
has_failed(struct sendlanes *s)
{
	int failed;

	pthread_mutex_lock(&s->lock);
	failed = s->failed;
	pthread_mutex_unlock(&s->lock);
	return (failed);
}

static void *
lane_main(void *arg)
{
	struct lane *l = arg;
	struct sendlanes *s = l->s;
	struct err e = { .kind = ERR_NONE };
	const struct buf *said;
	struct group g;
	int rc = 0;

	while (rc == 0 && take_group(s, &g)) {
		/* Who has nothing to send needs no session. */
		if (l->tar == NULL)
			rc = lane_open(l, &e);
		if (rc == 0)
			rc = send_group(l, &g, &e);
		if (rc == -1)
			fail(l, &e);
		leave_group(s);
	}
	if (rc == 0 && l->tar != NULL && !has_failed(s) &&
	    tarput_finish(l->tar, &e) == -1)
		fail(l, &e);
	if (l->tar != NULL) {
		said = tarput_said(l->tar);
		pthread_mutex_lock(&s->lock);
		if (s->said.len < SAID_MAX)
			buf_append(&s->said, said->data, said->len);
		pthread_mutex_unlock(&s->lock);
	}
	return (NULL);
}

struct sendlanes *
sendlanes_new(const struct sendlane_options *opt, struct err *e)
{
	struct sendlanes *s;
	size_t i;

	if ((s = calloc(1, sizeof(*s))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	s->opt = *opt;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->work, NULL);
	pthread_cond_init(&s->idle, NULL);
	s->items = malloc(SENDLANE_WINDOW * sizeof(*s->items));
	s->groups = malloc(SENDLANE_WINDOW * sizeof(*s->groups));
	if (s->items == NULL || s->groups == NULL) {
		err_nomem(e);
		sendlanes_free(s);
		return (NULL);
	}
	s->nlanes = opt->lanes < 1 ? 1 : opt->lanes > SENDLANE_MAX ?
	    SENDLANE_MAX : opt->lanes;
	for (i = 0; i < s->nlanes; i++) {
		s->lanes[i].s = s;
		if (pthread_create(&s->lanes[i].thread, NULL, lane_main,
		    &s->lanes[i]) != 0) {
			err_set(e, ERR_FAILED, "no more threads");
			sendlanes_free(s);
			return (NULL);
		}
		s->lanes[i].running = 1;
	}
	return (s);
}

static void
join_lanes(struct sendlanes *s)
{
	size_t i;

	pthread_mutex_lock(&s->lock);
	s->last = 1;
	pthread_cond_broadcast(&s->work);
	pthread_mutex_unlock(&s->lock);
	for (i = 0; i < s->nlanes; i++)
		if (s->lanes[i].running) {
			pthread_join(s->lanes[i].thread, NULL);
			s->lanes[i].running = 0;
		}
}

void
sendlanes_free(struct sendlanes *s)
{
	struct lane *l;

	if (s == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	if (!s->last)
		s->failed = 1;
	pthread_mutex_unlock(&s->lock);
	join_lanes(s);
	for (l = s->lanes; l < s->lanes + SENDLANE_MAX; l++) {
		tarput_free(l->tar);
		content_free(l->content);
		remote_close(l->remote);
		buf_fini(&l->name);
	}
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->work);
	pthread_cond_destroy(&s->idle);
	arena_fini(&s->arena);
	buf_fini(&s->said);
	free(s->items);
	free(s->groups);
	free(s);
}

/* Large files first, so that no lane is left alone with one in the end. */
static int
compare_items(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->big != y->big)
		return (y->big - x->big);
	if (x->big && x->size != y->size)
		return (x->size > y->size ? -1 : 1);
	if (x->pack != y->pack)
		return (x->pack < y->pack ? -1 : 1);
	if (x->frame_off != y->frame_off)
		return (x->frame_off < y->frame_off ? -1 : 1);
	if (x->off != y->off)
		return (x->off < y->off ? -1 : 1);
	return (x->number < y->number ? -1 : x->number > y->number);
}

/* How many there are; the lanes do not know of them yet. */
static size_t
make_groups(struct sendlanes *s)
{
	const struct item *it, *before;
	size_t i, n = 0;

	qsort(s->items, s->n, sizeof(*s->items), compare_items);
	for (i = 0; i < s->n; i++) {
		it = &s->items[i];
		before = i > 0 ? it - 1 : NULL;
		if (before != NULL && !it->big && !before->big &&
		    it->pack == before->pack &&
		    it->frame_off == before->frame_off) {
			s->groups[n - 1].n++;
			continue;
		}
		s->groups[n].first = i;
		s->groups[n++].n = 1;
	}
	return (n);
}

/* Have the lanes send the window, and wait for them. */
static int
send_window(struct sendlanes *s, struct err *e)
{
	size_t n = make_groups(s);
	int failed;

	pthread_mutex_lock(&s->lock);
	s->next = 0;
	s->ngroups = n;
	pthread_cond_broadcast(&s->work);
	while (!s->failed && (s->next < s->ngroups || s->busy > 0))
		pthread_cond_wait(&s->idle, &s->lock);
	failed = s->failed;
	while (s->busy > 0)
		pthread_cond_wait(&s->idle, &s->lock);
	if (failed)
		*e = s->err;
	s->n = s->ngroups = s->next = 0;
	pthread_mutex_unlock(&s->lock);
	arena_reset(&s->arena);
	return (failed ? -1 : 0);
}

static int
locate(struct sendlanes *s, struct item *it, const struct entry *ent,
    struct err *e)
{
	struct blob_loc loc;
	int rc;

	it->big = ent->blobs.len > 0 || ent->list_depth > 0;
	if (ent->type != ENTRY_FILE || it->big || ent->size == 0)
		return (0);
	rc = index_find(s->opt.survey->opt->view->index, PACK_DATA,
	    ent->digest, &loc, e);
	if (rc == 1) {
		it->pack = loc.pack;
		it->frame_off = loc.frame_off;
		it->off = loc.off;
	}
	return (rc == -1 ? -1 : 0);
}

int
sendlanes_add(struct sendlanes *s, const struct entry *ent, size_t number,
    struct err *e)
{
	struct item *it;

	if (s->n == SENDLANE_WINDOW && send_window(s, e) == -1)
		return (-1);
	it = &s->items[s->n];
	memset(it, 0, sizeof(*it));
	it->number = number;
	it->size = ent->size;
	it->len = ent->text.len;
	if ((it->text = arena_copy(&s->arena, ent->text.p,
	    ent->text.len)) == NULL)
		return (err_nomem(e));
	if (locate(s, it, ent, e) == -1)
		return (-1);
	s->n++;
	return (0);
}

int
sendlanes_finish(struct sendlanes *s, struct err *e)
{
	if (s->n > 0 && send_window(s, e) == -1)
		return (-1);
	join_lanes(s);
	if (s->failed) {
		*e = s->err;
		return (-1);
	}
	return (0);
}

uint64_t
sendlanes_damaged(const struct sendlanes *s)
{
	return (s->damaged);
}

int
sendlanes_lost(const struct sendlanes *s)
{
	return (s->lost);
}

const struct buf *
sendlanes_said(const struct sendlanes *s)
{
	return (&s->said);
}
