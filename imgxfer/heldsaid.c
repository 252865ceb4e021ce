#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "formats/scan.h"
#include "imgxfer/heldsaid.h"

void
heldsaid_forget(struct heldsaid *h)
{
	size_t i;

	for (i = 0; i < h->export.nsaid; i++)
		free(h->export.said[i]);
	memset(&h->export, 0, sizeof(h->export));
	for (i = 0; i < h->nsums; i++)
		free(h->sums[i].why);
	if (h->nsums > 0)
		memset(h->sums, 0, h->nsums * sizeof(*h->sums));
	h->exported = h->no_digest = h->has_digest = h->summed = 0;
	buf_clear(&h->left);
}

char *
heldsaid_printable(const char *p, size_t len)
{
	struct buf b = BUF_INIT;
	char *copy;

	buf_put_printable(&b, p, len);
	copy = strdup(buf_cstr(&b));
	if (b.nomem) {
		free(copy);
		copy = NULL;
	}
	buf_fini(&b);
	return (copy);
}

static struct held_sum *
which(struct heldsaid *h, struct scan *s)
{
	uint64_t i;

	if (!scan_u64(s, &i) || i >= h->nsums)
		return (NULL);
	return (&h->sums[i]);
}

static void
take_said(struct heldsaid *h, const struct scan *s)
{
	if (h->export.nsaid == HELD_SAID_MAX || s->p == s->end)
		return;
	h->export.said[h->export.nsaid] = heldsaid_printable(s->p,
	    (size_t)(s->end - s->p));
	if (h->export.said[h->export.nsaid] != NULL)
		h->export.nsaid++;
}

static int
take_sum(struct heldsaid *h, struct scan *s)
{
	struct held_sum *sum = which(h, s);

	if (sum == NULL || !scan_char(s, ' ') ||
	    !scan_digest(s, sum->digest) || !scan_char(s, ' ') ||
	    !scan_u64(s, &sum->bytes))
		return (0);
	sum->known = 1;
	return (1);
}

static int
take_nosum(struct heldsaid *h, struct scan *s)
{
	struct held_sum *sum = which(h, s);

	if (sum == NULL || !scan_char(s, ' '))
		return (0);
	free(sum->why);
	sum->why = heldsaid_printable(s->p, (size_t)(s->end - s->p));
	return (1);
}

static int
take_dir(struct heldsaid *h, const struct scan *s, struct err *e)
{
	if (s->p == s->end || *s->p != '/')
		return (err_set(e, ERR_FAILED, "the node names no directory "
		    "of its own"));
	h->greeted = 1;
	if (h->dir != NULL)
		return (0);
	h->dir = strndup(s->p, (size_t)(s->end - s->p));
	return (h->dir != NULL ? 0 : err_nomem(e));
}

int
heldsaid_line(struct heldsaid *h, const char *p, size_t len, struct err *e)
{
	struct scan s = { p, p + len };
	struct held_sum *sum;
	uint64_t status;
	int ok = 1;

	if (scan_text(&s, "dir "))
		return (take_dir(h, &s, e));
	if (scan_text(&s, "said "))
		take_said(h, &s);
	else if (scan_text(&s, "exported ")) {
		ok = scan_u64(&s, &status);
		h->export.status = ok ? (int)(status & 255) : 0;
		h->export.late = ok && status == 124;
	} else if (scan_text(&s, "bundle ")) {
		ok = scan_u64(&s, &h->export.bytes);
		h->export.has_bundle = h->exported = 1;
	} else if (scan_text(&s, "nobundle"))
		h->exported = 1;
	else if (scan_text(&s, "digest "))
		ok = h->has_digest = scan_digest(&s, h->digest);
	else if (scan_text(&s, "nodigest"))
		h->no_digest = 1;
	else if (scan_text(&s, "sum "))
		ok = take_sum(h, &s);
	else if (scan_text(&s, "nosum "))
		ok = take_nosum(h, &s);
	else if (scan_text(&s, "changed ")) {
		if ((ok = (sum = which(h, &s)) != NULL))
			sum->changed = 1;
	} else if (scan_text(&s, "sums"))
		h->summed = 1;
	else if (scan_text(&s, "left "))
		buf_put_printable(&h->left, s.p, (size_t)(s.end - s.p));
	else
		ok = h->gone = scan_text(&s, "gone");
	return (ok ? 0 : err_set(e, ERR_FAILED, "cannot understand what the "
	    "node says"));
}

int
heldsaid_init(struct heldsaid *h, size_t nsums, struct err *e)
{
	if ((h->sums = calloc(nsums + 1, sizeof(*h->sums))) == NULL)
		return (err_nomem(e));
	h->nsums = nsums;
	return (0);
}

void
heldsaid_fini(struct heldsaid *h)
{
	heldsaid_forget(h);
	free(h->sums);
	free(h->dir);
	buf_fini(&h->left);
}
