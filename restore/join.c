#include <stdlib.h>
#include <string.h>

#include "restore/join.h"

#define BLOCK 4096

void
join_tell(struct join *j, const char *word, const struct span *text)
{
	struct buf path = BUF_INIT;

	if (j->pass != SURVEY_FIRST || (!j->s->opt->verbose &&
	    strcmp(word, "delete") != 0))
		return;
	view_full_path(&path, j->s->vol, text);
	fprintf(j->s->opt->out, "%s %s\n", word, buf_cstr(&path));
	buf_fini(&path);
}

/* Bytes of a file's contents, without its holes. */
static uint64_t
bytes_of(const struct entry *ent)
{
	struct scan s = mtree_scan(&ent->holes);
	uint64_t n = ent->size, off, len;

	while (s.p < s.end && mtree_next_hole(&s, &off, &len))
		n -= len;
	return (n);
}

void
join_count_made(struct join *j, int link)
{
	struct survey_totals *t = &j->s->totals;
	uint64_t bytes;

	if (link)
		return;
	t->inodes++;
	if (j->ent.type != ENTRY_FILE) {
		t->blocks += BLOCK;
		return;
	}
	bytes = bytes_of(&j->ent);
	t->plan.bytes += bytes;
	t->blocks += (bytes + BLOCK - 1) / BLOCK * BLOCK;
}

void
join_add_newer(struct join *j, const struct span *text, uint64_t size)
{
	struct buf path = BUF_INIT;

	/* Only the first ones are kept. */
	if (j->s->totals.newer < 3)
		view_full_path(&path, j->s->vol, text);
	survey_add_newer(j->s, buf_cstr(&path), size);
	buf_fini(&path);
}

/* Something in the deepest level changes. */
void
join_touch(struct join *j)
{
	if (j->nlevels > 0)
		j->s->acts[j->levels[j->nlevels - 1].number] |=
		    SURVEY_TOUCHED;
}

/* Leave directories that do not hold the path. */
void
join_climb(struct join *j, const struct span *path)
{
	struct span top;

	for (; j->nlevels > 0; j->nlevels--) {
		top.p = (const char *)j->path.data;
		top.len = j->path.len = j->levels[j->nlevels - 1].len;
		if (path->len > top.len && view_is_below(path, &top))
			return;
	}
}

int
join_push(struct join *j, size_t number, int act, struct err *e)
{
	struct level *l;
	size_t cap = j->levels_cap == 0 ? 64 : 2 * j->levels_cap;

	if (j->nlevels == j->levels_cap) {
		l = realloc(j->levels, cap * sizeof(*l));
		if (l == NULL)
			return (err_nomem(e));
		j->levels = l;
		j->levels_cap = cap;
	}
	l = &j->levels[j->nlevels++];
	l->number = number;
	l->act = act;
	l->len = j->ent.path.len;
	buf_clear(&j->path);
	buf_append(&j->path, j->ent.path.p, j->ent.path.len);
	return (buf_ok(&j->path, e));
}
