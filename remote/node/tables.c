#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "remote/exec.h"
#include "remote/node/tables.h"
#include "remote/quote.h"

#define ANSWER_MAX ((size_t)256 << 20)
#define GRACE_S 30
#define COLUMNS_MAX 64		/* that somebody asks for at once */

extern const char remote_node_tables_pl[];

struct table {
	const char *name;	/* the asker's; they are constants */
	int asked;		/* it was answered */
	int there;
	struct buf text;
};

struct tables {
	struct table *at;
	size_t n;
};

void
tables_free(struct tables *t)
{
	size_t i;

	if (t == NULL)
		return;
	for (i = 0; i < t->n; i++)
		buf_fini(&t->at[i].text);
	free(t->at);
	free(t);
}

static struct table *
find(const struct tables *t, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (strlen(t->at[i].name) == len &&
		    memcmp(t->at[i].name, name, len) == 0)
			return (&t->at[i]);
	return (NULL);
}

/* A line that begins with some words; its bytes are printed as they may. */
static int
find_line(const struct span *words, const char *begin, struct buf *line)
{
	const char *p = words->p, *end = p + words->len, *nl;
	size_t n = strlen(begin);

	for (; p < end; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL)
			nl = end;
		if ((size_t)(nl - p) < n || memcmp(p, begin, n) != 0)
			continue;
		buf_put_printable(line, p, (size_t)(nl - p));
		return (1);
	}
	return (0);
}

/* xCAT says "Error: [HOST]: No such table: NAME", and nothing else. */
static int
is_absent(const struct span *words, uint32_t status)
{
	return (status == 1 && words->len > 0 && memmem(words->p, words->len,
	    "No such table", 13) != NULL);
}

static int
judge_run(const struct table *t, uint32_t status, const struct span *words,
    struct err *e)
{
	struct buf line = BUF_INIT;
	int rc = 0;

	if (status == 124)
		rc = err_set(e, ERR_FAILED, "tabdump %s did not end within "
		    "%d s", t->name, TABLES_LIMIT_S);
	else if (status == 125)
		rc = err_set(e, ERR_FAILED, "table %s is longer than %zu "
		    "bytes", t->name, TABLES_BYTES_MAX);
	else if (status != 0) {
		if (!find_line(words, "Error", &line))
			(void)find_line(words, "", &line);
		rc = err_set(e, ERR_FAILED, "tabdump %s ended with status "
		    "%u%s%s", t->name, (unsigned)status, line.len > 0 ?
		    ": " : "", buf_cstr(&line));
	} else if (find_line(words, "Error: [", &line))
		rc = err_set(e, ERR_FAILED, "tabdump %s: %s", t->name,
		    buf_cstr(&line));
	buf_fini(&line);
	return (rc);
}

static void
take_finding(void *arg, const struct xcatcsv_finding *f)
{
	struct buf *first = arg;

	if (f->level == XCATCSV_BROKEN && first->len == 0)
		buf_puts(first, f->text);
}

static int
feed(struct xcatcsv *csv, const struct buf *text, struct err *e)
{
	xcatcsv_begin(csv);
	if (xcatcsv_feed(csv, text->data, text->len, e) == -1)
		return (-1);
	return (xcatcsv_end(csv, e));
}

/* A cut or garbled table must not pass for a short one. */
static int
judge_text(const struct table *t, struct err *e)
{
	struct buf first = BUF_INIT;
	struct xcatcsv_user user = { take_finding, NULL, NULL, &first };
	struct xcatcsv *csv;
	int rc = -1;

	if ((csv = xcatcsv_new(&user, e)) == NULL)
		return (-1);
	if ((rc = feed(csv, &t->text, e)) == 0 &&
	    xcatcsv_worst(csv) == XCATCSV_BROKEN)
		rc = err_set(e, ERR_FAILED, "table %s is not whole as "
		    "tabdump printed it: %s", t->name, buf_cstr(&first));
	xcatcsv_free(csv);
	buf_fini(&first);
	return (rc);
}

static int
garbled(struct err *e)
{
	return (err_set(e, ERR_FAILED, "the answer to a question for tables "
	    "is none"));
}

/* "STATUS BYTES WORDS NAME\n", the text, the words. */
static int
take_table(struct tables *t, struct scan *s, struct err *e)
{
	struct table *to;
	struct span name, words;
	uint64_t bytes, said;
	uint32_t status;

	if (!scan_u32(s, &status) || !scan_char(s, ' ') ||
	    !scan_u64(s, &bytes) || !scan_char(s, ' ') ||
	    !scan_u64(s, &said) || !scan_char(s, ' ') ||
	    !scan_word(s, '\n', ' ', &name) || !scan_char(s, '\n') ||
	    (to = find(t, name.p, name.len)) == NULL || to->asked ||
	    bytes > (uint64_t)(s->end - s->p) ||
	    said > (uint64_t)(s->end - s->p) - bytes)
		return (garbled(e));
	to->asked = 1;
	words.p = s->p + bytes;
	words.len = (size_t)said;
	buf_append(&to->text, s->p, (size_t)bytes);
	s->p = words.p + said;
	if (buf_ok(&to->text, e) == -1)
		return (-1);
	if (is_absent(&words, status))
		return (0);
	to->there = 1;
	if (judge_run(to, status, &words, e) == -1)
		return (-1);
	return (judge_text(to, e));
}

struct tables *
tables_take(const void *answer, size_t len, const char *const *names,
    size_t n, struct err *e)
{
	struct scan s = { answer, (const char *)answer + len };
	struct tables *t = calloc(1, sizeof(*t));
	size_t i;
	int rc = 0;

	if (t == NULL || (t->at = calloc(n + 1, sizeof(*t->at))) == NULL) {
		free(t);
		err_nomem(e);
		return (NULL);
	}
	for (t->n = 0; t->n < n; t->n++)
		t->at[t->n].name = names[t->n];
	while (rc == 0 && scan_text(&s, "table "))
		rc = take_table(t, &s, e);
	if (rc == 0 && (!scan_text(&s, "end\n") || s.p != s.end))
		rc = garbled(e);
	for (i = 0; rc == 0 && i < n; i++)
		if (!t->at[i].asked)
			rc = garbled(e);
	if (rc == 0)
		return (t);
	tables_free(t);
	return (NULL);
}

/* The script itself failed: what it said. */
static int
failed(const struct buf *said, int status, struct err *e)
{
	struct span words = { (const char *)said->data, said->len };
	struct buf line = BUF_INIT;

	if (said->len > 0)
		(void)find_line(&words, "", &line);
	err_set(e, ERR_FAILED, "the tables of xCAT's database cannot be read "
	    "(status %d)%s%s", status, line.len > 0 ? ": " : "",
	    buf_cstr(&line));
	buf_fini(&line);
	return (-1);
}

struct tables *
tables_read(struct remote *r, const char *const *names, size_t n, int bypass,
    struct err *e)
{
	static const char script[] =
	    "p=$1; shift; exec perl -e \"$p\" -- \"$@\"\n";
	char limit[16], most[32];
	const char **args = calloc(n + 3, sizeof(*args));
	struct buf command = BUF_INIT, out = BUF_INIT, said = BUF_INIT;
	struct remote_io io = { .max = ANSWER_MAX, .out = &out,
	    .errors = &said, .limit_s = TABLES_LIMIT_S + GRACE_S };
	struct tables *t = NULL;

	if (args == NULL) {
		err_nomem(e);
		return (NULL);
	}
	snprintf(limit, sizeof(limit), "%d", TABLES_LIMIT_S);
	snprintf(most, sizeof(most), "%zu", TABLES_BYTES_MAX);
	args[0] = remote_node_tables_pl;
	args[1] = limit;
	args[2] = most;
	if (n > 0)
		memcpy(args + 3, names, n * sizeof(*names));
	remote_xcat_command(&command, script, bypass, args, n + 3);
	if (buf_ok(&command, e) == 0 &&
	    remote_run(r, buf_cstr(&command), &io, e) == 0) {
		if (io.status == 0)
			t = tables_take(out.data, out.len, names, n, e);
		else
			(void)failed(&said, io.status, e);
		if (t == NULL)
			err_wrap(e, "%s", remote_name(r));
	}
	buf_fini(&command);
	buf_fini(&out);
	buf_fini(&said);
	free(args);
	return (t);
}

const struct buf *
tables_text(const struct tables *t, const char *name)
{
	const struct table *x = find(t, name, strlen(name));

	return (x != NULL && x->there ? &x->text : NULL);
}

/* Rows. */

struct reading {
	const char *const *columns;
	size_t n;
	int where[COLUMNS_MAX + 1];	/* the last: disable */
	tables_row *fn;
	void *arg;
};

static int
take_header(void *arg, const struct xcatcsv *c, struct err *e)
{
	struct reading *r = arg;
	size_t i;

	(void)e;
	for (i = 0; i < r->n; i++)
		r->where[i] = xcatcsv_find(c, r->columns[i]);
	r->where[r->n] = xcatcsv_find(c, "disable");
	return (0);
}

static int
take_row(void *arg, const struct xcatcsv_row *row, struct err *e)
{
	struct reading *r = arg;
	struct span at[COLUMNS_MAX];
	size_t i;

	if (r->where[r->n] != -1 &&
	    xcatcsv_disabled(&row->values[r->where[r->n]]))
		return (0);
	for (i = 0; i < r->n; i++) {
		at[i].p = NULL;
		at[i].len = 0;
		if (r->where[i] != -1 && row->values[r->where[i]].len > 0)
			at[i] = row->values[r->where[i]];
	}
	return (r->fn(r->arg, at, e));
}

int
tables_rows(const struct tables *t, const char *name,
    const char *const *columns, size_t n, tables_row *fn, void *arg,
    struct err *e)
{
	struct reading r = { .columns = columns, .n = n, .fn = fn,
	    .arg = arg };
	struct xcatcsv_user user = { NULL, take_header, take_row, &r };
	const struct buf *text = tables_text(t, name);
	struct xcatcsv *csv;
	int rc;

	if (n > COLUMNS_MAX)
		return (err_set(e, ERR_FAILED, "more than %d columns",
		    COLUMNS_MAX));
	if (text == NULL)
		return (0);
	if ((csv = xcatcsv_new(&user, e)) == NULL)
		return (-1);
	rc = feed(csv, text, e);
	xcatcsv_free(csv);
	return (rc);
}

struct wanted {
	const char *value;
	char *found;
};

static int
take_value(void *arg, const struct span *at, struct err *e)
{
	struct wanted *w = arg;

	if (w->found != NULL || at[0].len != strlen(w->value) ||
	    (at[0].len > 0 && memcmp(at[0].p, w->value, at[0].len) != 0))
		return (0);
	w->found = strndup(at[1].p != NULL ? at[1].p : "", at[1].len);
	return (w->found != NULL ? 0 : err_nomem(e));
}

char *
tables_value(const struct tables *t, const char *name, const char *key,
    const char *value, const char *column)
{
	const char *columns[] = { key, column };
	struct wanted w = { value, NULL };
	struct err ignored;

	(void)tables_rows(t, name, columns, 2, take_value, &w, &ignored);
	return (w.found);
}
