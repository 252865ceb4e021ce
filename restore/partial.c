#include <stdlib.h>
#include <string.h>

#include "restore/ask.h"
#include "restore/partial.h"
#include "vault/content.h"

struct partial_file {
	char *text;		/* of the entry, in the catalog */
	size_t len;
	uint64_t size;		/* on the node */
};

struct asking {
	struct partial *partial;
	const struct survey *survey;
	struct content *content;
	struct digest *digest;
	partial_fn *fn;
	void *arg;
};

struct beginning {
	struct digest *digest;
	uint64_t left;
};

int
partial_add(struct partial *p, const struct entry *ent, uint64_t size,
    struct err *e)
{
	struct partial_file *f;

	if (ent->type != ENTRY_FILE || size > ent->size ||
	    p->n == PARTIAL_MAX)
		return (0);
	if (p->files == NULL && (p->files = calloc(PARTIAL_MAX,
	    sizeof(*p->files))) == NULL)
		return (err_nomem(e));
	f = &p->files[p->n];
	if ((f->text = malloc(ent->text.len + 1)) == NULL)
		return (err_nomem(e));
	memcpy(f->text, ent->text.p, ent->text.len);
	f->len = ent->text.len;
	f->size = size;
	p->n++;
	return (1);
}

void
partial_fini(struct partial *p)
{
	while (p->n > 0)
		free(p->files[--p->n].text);
	free(p->files);
	p->files = NULL;
}

static int
entry_of(const struct partial_file *f, struct entry *ent, struct err *e)
{
	struct scan s = { f->text, f->text + f->len };

	return (mtree_decode(&s, ent, e) == 1 ? 0 : -1);
}

/* Stops the reading behind the bytes that are wanted. */
static int
take_piece(void *arg, const void *p, size_t len, struct err *e)
{
	struct beginning *b = arg;
	size_t n = len < b->left ? len : (size_t)b->left;

	digest_update(b->digest, p, n);
	b->left -= n;
	if (b->left == 0)
		return (err_set(e, ERR_FAILED, "no more is wanted"));
	return (0);
}

static int
next_file(void *arg, size_t *number, struct buf *name, struct buf *want,
    struct err *e)
{
	struct asking *a = arg;
	struct err why = { .kind = ERR_NONE };
	struct beginning b = { a->digest, 0 };
	uint8_t got[DIGEST_LEN];
	struct entry ent;

	if (a->partial->next == a->partial->n)
		return (0);
	*number = a->partial->next++;
	if (entry_of(&a->partial->files[*number], &ent, e) == -1 ||
	    survey_name(name, &ent.path, e) == -1)
		return (-1);
	b.left = a->partial->files[*number].size;
	digest_reset(a->digest);
	if (b.left > 0)
		(void)content_read(a->content, &ent, take_piece, &b, &why);
	digest_final(a->digest, got);
	/* What the vault cannot give any more is nobody's beginning. */
	if (b.left == 0)
		digest_put(want, got);
	else
		buf_putc(want, '-');
	return (1);
}

static int
take_file(void *arg, size_t number, const char *name, int same,
    struct err *e)
{
	struct asking *a = arg;
	const struct partial_file *f = &a->partial->files[number];
	struct entry ent;

	(void)name;
	if (same == 1)
		return (0);
	if (entry_of(f, &ent, e) == -1)
		return (-1);
	a->fn(a->arg, &ent.path, f->size);
	return (0);
}

int
partial_ask(struct partial *p, const struct survey *s, partial_fn *fn,
    void *arg, struct err *e)
{
	struct asking a = {
		.partial = p, .survey = s, .fn = fn, .arg = arg,
	};
	struct ask ask = {
		.what = ASK_ODD_DIGEST, .root = s->root, .next = next_file,
		.answer = take_file, .arg = &a,
	};
	int rc = -1;

	if (p->n == 0)
		return (0);
	p->next = 0;
	a.content = content_new(s->opt->view->vault, s->opt->view->index, e);
	if (a.content != NULL && (a.digest = digest_new()) == NULL)
		err_nomem(e);
	if (a.digest != NULL)
		rc = ask_run(s->opt->node, &ask, e);
	digest_free(a.digest);
	content_free(a.content);
	return (rc);
}
