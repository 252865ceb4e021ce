#include <string.h>

#include "formats/xcatcsv.h"
#include "formats/xcatloss.h"
#include "restore/dbcsv.h"

struct rewrite {
	const struct dbcsv_edit *edit;
	struct xcatcsv *csv;
	struct buf *out;
	struct buf value;
	const char *columns[XCATCSV_COLUMNS_MAX];
	unsigned char drop[XCATCSV_COLUMNS_MAX];
};

void
dbcsv_put(struct buf *out, const void *p, size_t len)
{
	const char *s = p, *quote;
	size_t n;

	if (len == 0)
		return;
	buf_putc(out, '"');
	while ((quote = memchr(s, '"', len)) != NULL) {
		n = (size_t)(quote - s) + 1;
		buf_append(out, s, n);
		buf_putc(out, '"');
		s += n;
		len -= n;
	}
	buf_append(out, s, len);
	buf_putc(out, '"');
}

static int
is_dropped(const struct dbcsv_edit *ed, const char *name)
{
	size_t i;

	for (i = 0; i < ed->ndrop; i++)
		if (strcmp(ed->drop[i], name) == 0)
			return (1);
	return (0);
}

static int
take_header(void *arg, const struct xcatcsv *c, struct err *e)
{
	struct rewrite *w = arg;
	size_t i, n = xcatcsv_columns(c);
	char sep = '#';

	for (i = 0; i < n; i++) {
		w->columns[i] = xcatcsv_column(c, i);
		w->drop[i] = (unsigned char)is_dropped(w->edit,
		    w->columns[i]);
		if (w->drop[i])
			continue;
		buf_putc(w->out, sep);
		buf_puts(w->out, w->columns[i]);
		sep = ',';
	}
	buf_putc(w->out, '\n');
	return (buf_ok(w->out, e));
}

static int
take_row(void *arg, const struct xcatcsv_row *r, struct err *e)
{
	struct rewrite *w = arg;
	struct dbcsv_cell c = { .row = r->row, .values = r->values,
	    .columns = w->columns, .n = r->n };
	size_t i;
	int any = 0;

	for (i = 0; i < r->n; i++) {
		if (w->drop[i])
			continue;
		if (any)
			buf_putc(w->out, ',');
		any = 1;
		c.column = w->columns[i];
		c.value = &r->values[i];
		buf_clear(&w->value);
		if (c.value->len > 0 && w->edit->value != NULL &&
		    w->edit->value(w->edit->arg, &c, &w->value) != 0)
			dbcsv_put(w->out, w->value.data, w->value.len);
		else
			dbcsv_put(w->out, c.value->p, c.value->len);
	}
	buf_putc(w->out, '\n');
	if (buf_ok(&w->value, e) == -1)
		return (-1);
	return (buf_ok(w->out, e));
}

int
dbcsv_rewrite(const void *p, size_t len, const struct dbcsv_edit *edit,
    struct buf *out, struct err *e)
{
	struct rewrite w = { .edit = edit, .out = out, .value = BUF_INIT };
	struct xcatcsv_user user = { NULL, take_header, take_row, &w };
	int rc = -1;

	if ((w.csv = xcatcsv_new(&user, e)) == NULL)
		return (-1);
	xcatcsv_begin(w.csv);
	if (xcatcsv_feed(w.csv, p, len, e) == 0)
		rc = xcatcsv_end(w.csv, e);
	xcatcsv_free(w.csv);
	buf_fini(&w.value);
	return (rc);
}

/* Values that no trip changes stay as they are, without a copy. */
static int
restored_value(void *arg, const struct dbcsv_cell *c, struct buf *out)
{
	size_t *changed = arg;

	if (memchr(c->value->p, '\r', c->value->len) == NULL &&
	    memchr(c->value->p, '\n', c->value->len) == NULL)
		return (0);
	if (xcatloss_settle(out, c->value) != 0)
		++*changed;
	return (1);
}

int
dbcsv_as_restored(const void *p, size_t len, uint64_t rows, struct buf *out,
    size_t *changed, struct err *e)
{
	struct dbcsv_edit edit = { .value = restored_value, .arg = changed };
	const char *s = p, *end = s + len, *nl;
	uint64_t lines = 0;

	*changed = 0;
	if (memchr(s, '\r', len) == NULL) {
		for (; (nl = memchr(s, '\n', (size_t)(end - s))) != NULL;
		    s = nl + 1)
			lines++;
		if (lines == rows + 1)
			return (0);
	}
	return (dbcsv_rewrite(p, len, &edit, out, e) == 0 ? 1 : -1);
}
